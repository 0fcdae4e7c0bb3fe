"""Which proxy of the environment Slack is called through.

slack-sdk 3.48 takes HTTPS_PROXY and HTTP_PROXY, and does not read NO_PROXY (its
`proxy_env_variable_loader`); here what NO_PROXY names, and this machine, is called directly.
"""

from __future__ import annotations

from typing import Protocol
from urllib.parse import urlsplit
from urllib.request import proxy_bypass

from countersign.connectors.addresses import LOOPBACK


class Proxied(Protocol):
    """A client of the vendor's."""

    proxy: str | None


def heed_no_proxy(client: Proxied, url: str) -> None:
    """Let it call this address without a proxy where NO_PROXY says so."""
    host = urlsplit(url).hostname or ""
    if host in LOOPBACK or proxy_bypass(host):
        client.proxy = None
