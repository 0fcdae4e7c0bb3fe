"""The HTTP session that is given to a client that is built on `requests`.

Such a client waits for ever unless each call says otherwise, follows redirects with what it
writes, and keeps the cookies of one session for the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from typing_extensions import override
from urllib3.exceptions import MaxRetryError, NewConnectionError

CONNECT_TIMEOUT_S, READ_TIMEOUT_S = 5.0, 10.0
"""Of one request; two of them are less than a check may take."""
_HERE = frozenset({"127.0.0.1", "::1", "localhost"})


class Wire(HTTPAdapter):
    """Bounds every request, repeats none; `instead` leads to a stand-in on this machine."""

    def __init__(self, instead: str | None = None) -> None:
        super().__init__(max_retries=0)
        self._instead = instead

    @override
    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        if self._instead is not None:
            parts = urlsplit(request.url or "")
            query = f"?{parts.query}" if parts.query else ""
            request.url = f"{self._instead}{parts.path}{query}"
            proxies = {}
        limit = timeout or (CONNECT_TIMEOUT_S, READ_TIMEOUT_S)
        return super().send(request, stream, limit, verify, cert, proxies)


def session(stand_in: str | None = None) -> requests.Session:
    """A session as the clients get it. Raises ValueError if the stand-in is not on this machine."""
    if stand_in is not None and urlsplit(stand_in).hostname not in _HERE:
        raise ValueError(f"{stand_in} is no stand-in: these are on this machine.")
    made = requests.Session()
    made.max_redirects = 0
    made.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for scheme in ("https://", "http://"):
        made.mount(scheme, Wire(stand_in and stand_in.rstrip("/")))
    return made


def never_sent(error: requests.RequestException) -> bool:
    """Whether there was no connection through which anything could have been sent."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else None
    return isinstance(reason, NewConnectionError)
