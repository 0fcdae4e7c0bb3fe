"""OAuth 2.0 client credentials: a token for every call, a new one when it has run out.

pysnow's own OAuth client knows the password grant only. Source: ServiceNow KB2058936 (client
credentials; no refresh token; calls run as the OAuth Application User) and docs "OAuth API request
parameters" (form-encoded body to /oauth_token.do), read 2026-11-25.
"""

from __future__ import annotations

import threading
import time
from typing import Any

import requests
from requests.auth import AuthBase

from countersign.approvals.backoff import retry_after
from countersign.approvals.errors import UnavailableError
from countersign.approvals.outages import named
from countersign.connectors.blocking import RETRY_AFTER_MAX_S, bounded
from countersign.connectors.servicenow.refusals import detail
from countersign.connectors.servicenow.settings import OAuthClient

EARLY_S = 30.0
"""A token is replaced this long before it runs out."""


class ClientCredentials(AuthBase):
    """Signs requests of one session. Safe for threads: they wait for one new token.

    Without a token the call raises UnavailableError: nothing was sent.
    """

    def __init__(self, base_url: str, client: OAuthClient, timeout_s: float):
        self._url = f"{base_url}/oauth_token.do"
        self._client, self._timeout_s = client, timeout_s
        self._lock = threading.Lock()
        self._token, self._good_until = "", 0.0

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Put the token on the request, and answer one 401 with a new token."""
        request.headers["Authorization"] = f"Bearer {self._current(refused='')}"
        request.hooks["response"].append(self._again)
        return request

    def _again(self, answer: requests.Response, **kwargs: Any) -> requests.Response:
        """Send a request that was turned away once more: with 401 nothing was done."""
        if answer.status_code != 401:
            return answer
        answer.content  # noqa: B018 (reads it, so that the connection can be used again)
        answer.close()
        again = answer.request.copy()
        old = str(again.headers.get("Authorization", "")).removeprefix("Bearer ")
        again.headers["Authorization"] = f"Bearer {self._current(refused=old)}"
        repeated: requests.Response = answer.connection.send(again, **kwargs)
        repeated.history.append(answer)
        repeated.request = again
        return repeated

    def _current(self, *, refused: str) -> str:
        with self._lock:
            if not self._token or self._token == refused or time.monotonic() >= self._good_until:
                self._token, lifetime_s = self._fetch()
                self._good_until = time.monotonic() + lifetime_s - EARLY_S
            return self._token

    def _fetch(self) -> tuple[str, float]:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._client.client_id,
            "client_secret": self._client.client_secret.get_secret_value(),
        }
        try:
            with bounded(requests.Session(), self._url) as session:
                answer = session.post(
                    self._url, data=form, timeout=self._timeout_s, allow_redirects=False
                )
                body = answer.json() if answer.ok else None
        except Exception as exc:  # requests has more under it than it names
            raise UnavailableError(f"ServiceNow gave no token ({named(exc)}).") from exc
        if not isinstance(body, dict) or not isinstance(body.get("access_token"), str):
            raise UnavailableError(
                f"ServiceNow gave no token ({answer.status_code}: {detail(answer)}); check "
                "client_id and client_secret, and that client credentials are switched on "
                "(glide.oauth.inbound.client.credential.grant_type.enabled).",
                retry_after_s=retry_after(answer.headers, longest_s=RETRY_AFTER_MAX_S),
            )
        lifetime = body.get("expires_in")
        return body["access_token"], float(lifetime) if isinstance(lifetime, int) else 0.0
