"""Access tokens for Graph, by MSAL's client credentials flow.

MSAL 1.39 blocks, so it works in a thread. It answers 400, 401 and 429 with a dict and raises
MsalServiceError for 5xx, and in both cases gives the same answer from memory for a while. It
refuses addresses without https, so a stand-in on this machine is reached by way of the session.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msal
import requests

from countersign.approvals.errors import UnavailableError
from countersign.approvals.outages import named
from countersign.connectors.entra.settings import EntraDirectorySettings

MICROSOFT = "https://login.microsoftonline.com"


class GraphTokens:
    """The application's own token; MSAL keeps it until it is nearly over."""

    def __init__(self, settings: EntraDirectorySettings):
        self._settings = settings
        self._app: msal.ConfidentialClientApplication | None = None
        self._session = _Session(settings)
        self._lock = asyncio.Lock()

    async def get(self) -> str:
        """A token. Raises UnavailableError, which says what to change if it is the settings."""
        async with self._lock:
            try:
                answer = await asyncio.to_thread(self._acquire)
            except Exception as exc:  # MSAL's, requests' and, for an unknown tenant, ValueError
                self._app = None
                raise UnavailableError(
                    f"Microsoft Entra gives no access token now ({named(exc)}); if that lasts, "
                    "check directory.entra.tenant_id."
                ) from exc
        token = answer.get("access_token")
        if not isinstance(token, str):
            self._app = None  # which would refuse from memory, also what has been put right
            raise UnavailableError(
                f"Microsoft Entra refuses the application ({answer.get('error')}); check "
                "directory.entra.client_id and client_secret_env, and whether the secret is over."
            )
        return token

    def forget(self) -> None:
        """Ask anew next time: Graph has refused the token."""
        self._app = None

    def close(self) -> None:
        """Let go of the connections."""
        self._session.close()

    def _acquire(self) -> dict[str, Any]:
        if self._app is None:
            https = self._settings.login_url.startswith("https:")
            login = self._settings.login_url if https else MICROSOFT
            self._app = msal.ConfidentialClientApplication(
                self._settings.client_id,
                client_credential=self._settings.client_secret.get_secret_value(),
                authority=f"{login}/{self._settings.tenant_id}",
                http_client=self._session,
                instance_discovery=False,
            )
        scopes = [f"{self._settings.graph_url}/.default"]
        found: dict[str, Any] = self._app.acquire_token_for_client(scopes=scopes) or {}
        return found


class _Session:
    """What MSAL asks of an HTTP client, with a time limit."""

    def __init__(self, settings: EntraDirectorySettings):
        self._settings, self._session = settings, requests.Session()

    def get(self, url: str, **how: Any) -> requests.Response:
        return self._session.get(self._there(url), **self._bounded(how))

    def post(self, url: str, **how: Any) -> requests.Response:
        return self._session.post(self._there(url), **self._bounded(how))

    def close(self) -> None:
        self._session.close()

    def _bounded(self, how: dict[str, Any]) -> dict[str, Any]:
        return {**how, "timeout": self._settings.timeout, "allow_redirects": False}

    def _there(self, url: str) -> str:
        login = self._settings.login_url
        return url if login.startswith("https:") else url.replace(MICROSOFT, login, 1)
