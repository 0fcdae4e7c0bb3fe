"""Plain HTTP: a token goes over it to this machine only."""

from __future__ import annotations

from urllib.parse import urlsplit

from countersign.approvals.errors import InvalidError
from countersign.connectors.addresses import LOOPBACK


def require_encrypted(url: str, token: str | None) -> None:
    """Raise InvalidError for a URL to which a token would travel so that anybody on the way reads
    it."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError as exc:
        raise InvalidError(f"{url}: is no URL: {exc}.") from exc
    if token and parts.scheme == "http" and host not in LOOPBACK:
        raise InvalidError(
            f"{url}: anybody on the way would read the token: use https, or leave the token out."
        )
