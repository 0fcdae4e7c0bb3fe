"""To which hosts the bot may send: its bearer token goes with every message."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from bot.teams.settings import LOOPBACK

CONNECTOR_HOSTS = ("smba.trafficmanager.net", "botframework.com", "teams.microsoft.com")
"""Public cloud; a host below one of these counts too.

Source: Microsoft 365 Agents SDK for Python, `outbound_host_validator.py` (read 2026-11-22).
"""
GOVERNMENT_HOSTS = (
    "botframework.azure.us",
    "teams.microsoft.us",
    "gov.teams.microsoft.us",
    "dod.teams.microsoft.us",
)


def service_url_allowed(url: str, *, local: bool, extra: Collection[str] = ()) -> bool:
    """Whether `url` is a connector of the channel: https and a known host.

    Loopback (also by http) and `extra` hosts count in local mode only.
    """
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        _ = parts.port  # raises ValueError if it is not a number
    except ValueError:
        return False
    if parts.username or parts.password or "\\" in url or not host:
        return False
    if local and (host in LOOPBACK or host in extra):
        return parts.scheme in {"http", "https"}
    known = (*CONNECTOR_HOSTS, *GOVERNMENT_HOSTS)
    return parts.scheme == "https" and any(
        host == name or host.endswith(f".{name}") for name in known
    )
