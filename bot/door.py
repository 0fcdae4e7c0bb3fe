"""The door: how many requests have begun, from where, and how often strangers have knocked.

It stands before everything that reads a body or looks at a credential. What gets past it is
ordered by `bot.limits`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from http import HTTPStatus
from ipaddress import IPv4Network, IPv6Network, ip_address

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from approvals.errors import BusyError
from bot.api.problems import of_error
from bot.rates import Rates
from bot.settings_limits import LimitsSettings

log = structlog.get_logger(__name__)

RETRY_AFTER_S = 2.0
ALWAYS_OPEN = frozenset({"/healthz", "/readyz", "/metrics"})
"""Whoever looks after the server has to see how it is, then most of all."""
LONGEST_CHAIN = 20
"""Addresses in `X-Forwarded-For` that are looked at, from the right."""


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
    """The address that a request comes from: the last one that no proxy of ours has."""
    where = request.remote or "unknown"
    if not _is_in(where, trusted):
        return where
    chain = ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")
    for hop in reversed(chain[-LONGEST_CHAIN:]):
        address = hop.strip()
        if not _is_address(address):
            return where
        where = address
        if not _is_in(where, trusted):
            break
    return where


def _refused(why: str, wait_s: float) -> web.Response:
    text = f"{why} Nothing was done; come again in {math.ceil(wait_s)} s."
    response = of_error(BusyError(text, retry_after_s=wait_s))
    # The body is not read, so nothing that follows on this connection could be understood.
    response.force_close()
    return response


def _is_in(where: str, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    return _is_address(where) and any(ip_address(where) in network for network in networks)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
