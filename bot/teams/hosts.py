"""To which hosts the bot may send: its bearer token goes with every message."""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import urlsplit

from countersign.connectors.addresses import LOOPBACK

CONNECTOR_HOSTS = ("botframework.com", "teams.microsoft.com")
"""Public cloud; a host below one of these counts too.

Source: Microsoft 365 Agents SDK for Python, `outbound_host_validator.py` (read 2026-11-22).
"""
EXACT_HOSTS = ("smba.trafficmanager.net",)
"""From the same list; but whose customers may name hosts below it is not ours to know."""
GOVERNMENT_HOSTS = (
    "botframework.azure.us",
    "teams.microsoft.us",
    "gov.teams.microsoft.us",
    "dod.teams.microsoft.us",
)

_PLAIN = re.compile(r"[A-Za-z0-9:/._~%+-]+|[a-z]+://\[::1\][A-Za-z0-9:/._~%+-]*")
"""Nothing that ends or splits an address (`@`, `?`, `#`, a backslash); no such host has others."""


def service_url_allowed(url: str, *, local: bool, extra: Collection[str] = ()) -> bool:
    """Whether `url` is a connector of the channel: https and a known host.

    Loopback (also by http) and `extra` hosts count in local mode only. What two parsers could read
    in two ways is refused: `urlsplit` looks here, another library sends.
    """
    if not _PLAIN.fullmatch(url):
        return False
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return False
    if local and (host in LOOPBACK or host in extra):
        return parts.scheme in {"http", "https"}
    known = (*CONNECTOR_HOSTS, *GOVERNMENT_HOSTS)
    is_known = host in EXACT_HOSTS or any(
        host == name or host.endswith(f".{name}") for name in known
    )
    return is_known and parts.scheme == "https" and port in {None, 443}
