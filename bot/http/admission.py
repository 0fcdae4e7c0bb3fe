"""The door: how many requests have begun, from where, and how often strangers have knocked.

It stands before everything that reads a body or looks at a credential. What gets past it is
ordered by `bot.http.lanes`.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from http import HTTPStatus
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TypeAlias

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from countersign.approvals.errors import BusyError
from countersign.bot.http.problems import of_error
from countersign.bot.http.rates import Rates
from countersign.bot.http.settings import LimitsSettings

log = structlog.get_logger(__name__)

RETRY_AFTER_S = 2.0
ALWAYS_OPEN = frozenset({"/healthz", "/readyz", "/metrics"})
"""Whoever looks after the server has to see how it is, then most of all."""
LONGEST_CHAIN = 20
"""Addresses in `X-Forwarded-For` that are looked at, from the right."""
Address: TypeAlias = IPv4Address | IPv6Address
_WITH_PORT = re.compile(r"(?:([0-9.]+)|\[([0-9A-Fa-f:.]+)\]):[0-9]{1,5}", re.ASCII)
"""As Azure's Application Gateway writes an address. Source: azure.microsoft.com/blog/
rewrite-http-headers-with-azure-application-gateway (read 2026-11-25)."""


class Door:
    """Counts for one application."""

    def __init__(self, settings: LimitsSettings, strangers: Rates | None = None):
        self._settings = settings
        self._strangers = strangers or Rates(settings.strangers)
        self._inside: Counter[str] = Counter()
        self._total = 0

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let the request in, or answer 429 unread.

        A 401 is charged to the address, and becomes a 429 when there are too many of them. Valid
        credentials are never refused for what others do at the same address.
        """
        if request.path in ALWAYS_OPEN:
            return await handler(request)
        where = source(request, self._settings.trusted_proxies)
        if self._is_full(where):
            return _refused("This server has as many requests as it takes.", RETRY_AFTER_S)
        self._inside[where] += 1
        self._total += 1
        try:
            response = await handler(request)
        finally:
            self._total -= 1
            self._inside[where] -= 1
            if not self._inside[where]:
                del self._inside[where]
        return self._charged(response, where)

    def _is_full(self, where: str) -> bool:
        full = self._total >= self._settings.connections
        return full or self._inside[where] >= self._settings.connections_per_source

    def _charged(self, response: web.StreamResponse, where: str) -> web.StreamResponse:
        if response.status != HTTPStatus.UNAUTHORIZED:
            return response
        wait_s = self._strangers.take(where)
        if not wait_s:
            return response
        return _refused("There were too many requests without valid credentials.", wait_s)


def source(request: web.Request, trusted: Sequence[IPv4Network | IPv6Network]) -> str:
    """Where a request comes from: the last address that no proxy of ours has.

    Of IPv6 it is the network of 64 bits: whoever has an address of it has them all.
    """
    where = _address(request.remote or "")
    if where is None:
        return request.remote or "unknown"
    if not _is_in(where, trusted):
        return _name(where)
    chain = ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")
    for hop in reversed(chain[-LONGEST_CHAIN:]):
        address = _address(_without_port(hop.strip()))
        if address is None:
            break
        where = address
        if not _is_in(where, trusted):
            break
    return _name(where)


def _refused(why: str, wait_s: float) -> web.Response:
    text = f"{why} Nothing was done; come again in {math.ceil(wait_s)} s."
    response = of_error(BusyError(text, retry_after_s=wait_s))
    # The body is not read, so nothing that follows on this connection could be understood.
    response.force_close()
    return response


def _is_in(where: Address, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    return any(where in network for network in networks)


def _name(where: Address) -> str:
    return str(where if where.version == 4 else IPv6Network((where, 64), strict=False))


def _address(text: str) -> Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    # How a socket for both kinds shows an IPv4 address.
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


def _without_port(hop: str) -> str:
    match = _WITH_PORT.fullmatch(hop)
    return hop if match is None else match[1] or match[2]
