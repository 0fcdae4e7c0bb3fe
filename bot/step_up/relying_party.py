"""The relying party of passkeys: for which name browsers keep them, and where they may be used.

Source: W3C Web Authentication Level 3, sections 5.1.2 and 13.4.9 (the RP ID is a domain, never an
address; browsers offer passkeys over https and on localhost), read 2026-11-30.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

NAME = "Countersign"
_LOCALHOST = "localhost"


@dataclass(frozen=True)
class RelyingParty:
    """The server, as passkeys know it."""

    id: str
    """A host name."""
    origin: str

    @classmethod
    def of(cls, public_url: str) -> RelyingParty:
        """That of a server which people reach at `public_url`; on one's own machine by the name
        localhost, for an address has no passkeys."""
        parts = urlsplit(public_url)
        host = parts.hostname or ""
        if _is_loopback(host):
            host = _LOCALHOST
        port = "" if parts.port in (None, _DEFAULT.get(parts.scheme)) else f":{parts.port}"
        return cls(id=host, origin=f"{parts.scheme}://{host}{port}")

    @property
    def works(self) -> bool:
        """Whether browsers offer passkeys there."""
        if _is_address(self.id):
            return False
        return self.origin.startswith("https:") or self.id == _LOCALHOST

    def is_here(self, host: str | None) -> bool:
        """Whether a browser that reaches us by this host can use its passkeys."""
        return self.works and host == self.id


_DEFAULT = {"https": 443, "http": 80}


def _is_loopback(host: str) -> bool:
    return _is_address(host) and ipaddress.ip_address(host).is_loopback


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
