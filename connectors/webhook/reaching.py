"""Where a name leads: addresses of private networks are refused, and what was looked at is used.

An endpoint's name is resolved here, once for each attempt. If any of its addresses is of a network
that strangers cannot reach, nothing is sent; otherwise it is sent to one of these very addresses,
so that a name which leads elsewhere a moment later leads nowhere. The certificate has to be of the
name, not of the address.

Sources: RFC 6890 and the IANA registries of special-purpose addresses (by `ipaddress.is_global`);
RFC 6052 (NAT64), RFC 3056 (6to4), RFC 4380 (Teredo) and RFC 4291 2.5.5 (IPv4-mapped and
IPv4-compatible) for addresses that carry another one.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from countersign.approvals.errors import UnavailableError
from countersign.approvals.forms.wording import visible
from countersign.connectors.webhook.settings import Network

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
LOOPBACKS: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
_CARRYING = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"), IPv6Network("::/96"))
"""NAT64 and IPv4-compatible: the last 32 bits are the address of IPv4."""


async def resolved(name: str, port: int) -> Sequence[str]:
    """The addresses of a name, as the system's resolver orders them. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(name, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


class Reach:
    """Which addresses may be told: those of the whole world, and those of `networks`."""

    def __init__(self, networks: Sequence[Network], resolve: Resolve = resolved) -> None:
        self._networks, self._resolve = tuple(networks), resolve

    async def addresses(self, name: str, port: int) -> Sequence[str]:
        """Where the name leads, to be connected to as they stand. Raises UnavailableError if any of
        them may not be told, or if there are none."""
        try:
            found = await self._resolve(name, port)
        except OSError as exc:
            raise UnavailableError(f"The name {visible(name)} leads nowhere ({exc}).") from exc
        if not found:
            raise UnavailableError(f"The name {visible(name)} leads nowhere.")
        for each in found:
            if (why := self.refused(each)) is not None:
                raise UnavailableError(
                    f"{visible(name)} leads to {visible(each)}, {why}. Nothing was sent. If it is "
                    "meant, add its network to `connectors.webhook.private_networks`."
                )
        return found

    def refused(self, address: str) -> str | None:
        """Why an address may not be told; None if it may."""
        try:
            at = ip_address(address.partition("%")[0])
        except ValueError:
            return "which is no address"
        seen = (at, *carried(at))
        if all(self._is_allowed(each) for each in seen):
            return None
        if any(each.is_link_local for each in seen):
            return "which is link-local, where clouds keep credentials of their machines"
        return "which is of a private network"

    def _is_allowed(self, at: Address) -> bool:
        if any(at.version == each.version and at in each for each in self._networks):
            return True
        if isinstance(at, IPv4Address):
            return at.is_global and not at.is_multicast
        is_known = at.is_global or bool(carried(at))
        return is_known and not at.is_multicast and not at.is_site_local


def carried(at: Address) -> Sequence[Address]:
    """The addresses of IPv4 that one of IPv6 leads to."""
    if isinstance(at, IPv4Address):
        return ()
    if at.ipv4_mapped is not None:
        return (at.ipv4_mapped,)
    if at.sixtofour is not None:
        return (at.sixtofour,)
    if at.teredo is not None:
        return at.teredo
    if int(at) > 1 and any(at in each for each in _CARRYING):
        return (IPv4Address(int(at) & 0xFFFFFFFF),)
    return ()
