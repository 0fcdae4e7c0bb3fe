"""The way out to the channel: one client per service url, over aiohttp, with cached tokens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import aiohttp
from botframework.connector import BotFrameworkConnectorConfiguration
from botframework.connector.aio import ConnectorClient
from botframework.connector.auth import ConnectorFactory, ServiceClientCredentialsFactory
from botframework.connector.auth.app_credentials import AppCredentials
from msrest.pipeline import Request, Response
from msrest.pipeline.async_abc import AsyncHTTPPolicy, AsyncHTTPSender, AsyncPipeline
from msrest.pipeline.universal import RawDeserializer

from countersign.approvals.backoff import retry_after
from countersign.approvals.errors import UnavailableError
from countersign.approvals.outages import named
from countersign.bot.teams.connector_error import ConnectorError

CALL_TIMEOUT_S = 15.0
TOKEN_REUSE_S = 240.0
"""MSAL hands out tokens with at least five minutes to live; within these it need not be asked."""
LOGIN_URL = "https://login.microsoftonline.com/"
OAUTH_SCOPE = "https://api.botframework.com"
CLIENTS_KEPT = 64


class ConnectorClients(ConnectorFactory):  # type: ignore[misc]
    """The vendor's connector clients, kept.

    The vendor builds two per turn (3.6 ms each, 130 turns a second at most), fetches a token for
    every turn, and sends through `requests` in the default thread pool.
    """

    def __init__(
        self,
        app_id: str,
        credentials: ServiceClientCredentialsFactory,
        session: aiohttp.ClientSession,
        monotonic: Callable[[], float],
    ) -> None:
        self._app_id, self._credentials_factory = app_id, credentials
        self._session, self._monotonic = session, monotonic
        self._clients: dict[str, ConnectorClient] = {}
        self._tokens: Tokens | None = None

    async def create(self, service_url: str, audience: str | None = None) -> ConnectorClient:
        """The client for `service_url`; the audience is always that of the channel."""
        client = self._clients.get(service_url)
        if client is None:
            if len(self._clients) >= CLIENTS_KEPT:
                self._clients.clear()
            client = self._clients[service_url] = await self._build(service_url)
        return client

    async def token(self) -> str:
        """A bearer token for the channel, or "" without an app id. Raises as `Tokens.get`."""
        return await (await self._shared_tokens()).get()

    async def _shared_tokens(self) -> Tokens:
        if self._tokens is None:
            credentials = await self._credentials_factory.create_credentials(
                self._app_id, OAUTH_SCOPE, LOGIN_URL, True
            )
            self._tokens = Tokens(credentials if self._app_id else None, self._monotonic)
        return self._tokens

    async def _build(self, service_url: str) -> ConnectorClient:
        tokens = await self._shared_tokens()
        configuration = BotFrameworkConnectorConfiguration(
            "credentials are added by the pipeline",
            service_url,
            pipeline_type=lambda _configuration: AsyncPipeline(
                [RawDeserializer(), _Bearer(tokens)], _Transport(self._session)
            ),
        )
        return ConnectorClient(None, custom_configuration=configuration)


class Tokens:
    """The bot's own access token, fetched in a thread and kept for a while."""

    def __init__(self, credentials: AppCredentials | None, monotonic: Callable[[], float]) -> None:
        self._credentials, self._monotonic = credentials, monotonic
        self._token, self._good_until = "", float("-inf")
        self._lock = asyncio.Lock()

    async def get(self) -> str:
        """The token, or "" if there are no credentials (local clients).

        Raises PermissionError if the credentials are wrong, UnavailableError for all else.
        """
        if self._credentials is None:
            return ""
        async with self._lock:
            if self._monotonic() >= self._good_until:
                try:
                    self._token = await asyncio.to_thread(self._credentials.get_access_token)
                except (PermissionError, KeyError, ValueError) as error:
                    # A managed identity without a token, or a tenant that does not exist.
                    raise PermissionError("Microsoft gave no access token") from error
                except Exception as error:
                    # MSAL 1.39 raises classes of its own, for an outage of Entra at least one.
                    raise UnavailableError(
                        f"Microsoft Entra cannot give an access token now ({named(error)})"
                    ) from error
                self._good_until = self._monotonic() + TOKEN_REUSE_S
            return self._token

    def forget(self) -> None:
        """Ask anew next time: the channel has refused the token."""
        self._good_until = float("-inf")


class _Bearer(AsyncHTTPPolicy[Any, Any]):
    """Adds the token; a refused one is not used again."""

    def __init__(self, tokens: Tokens) -> None:
        super().__init__()
        self._tokens = tokens

    async def send(self, request: Request[Any], **options: Any) -> Response[Any, Any]:
        token = await self._tokens.get()
        if token:
            request.http_request.headers["Authorization"] = f"Bearer {token}"
        try:
            return await self.next.send(request, **options)  # type: ignore[union-attr]
        except ConnectorError as error:
            if error.status == 401:
                self._tokens.forget()
            raise


class _Answer:
    """An answer in the shape that msrest reads."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status_code, self._body = status, body
        self.headers = {"content-type": "application/json"}

    def body(self) -> bytes:
        return self._body

    def text(self, encoding: str | None = None) -> str:
        return self._body.decode(encoding or "utf-8")


class _Transport(AsyncHTTPSender[Any, Any]):
    """Sends by aiohttp. An error status is a ConnectorError before msrest tries to parse it."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def __aexit__(self, *details: object) -> None:
        """Nothing: the session belongs to the adapter."""

    async def send(self, request: Request[Any], **_options: Any) -> Response[Any, Any]:
        outgoing = request.http_request
        async with asyncio.timeout(CALL_TIMEOUT_S):
            async with self._session.request(
                outgoing.method,
                outgoing.url,
                data=outgoing.data,
                headers=outgoing.headers,
                allow_redirects=False,  # the token must not travel on
            ) as answer:
                body = await answer.read()
        if not 200 <= answer.status < 300:
            raise ConnectorError(answer.status, _error_code(body), retry_after(answer.headers))
        # Local clients answer an update with nothing, or with text that msrest chokes on.
        content = body if body.startswith(b"{") else b"{}"
        return Response(request, _Answer(answer.status, content))


def _error_code(body: bytes) -> str:
    """The connector's error code, for operators; never the body.

    It comes as `{"error": {"code": …}}`, or, where the chat service itself refuses, as JSON in the
    message: `{"errorCode": 209, "message": "{\\"subCode\\": …}"}`. Source: learn.microsoft.com,
    "Messages in bot conversations", and answers/questions/5858588, read 2026-11-29.
    """
    for read in (_own_code, _chat_code):
        with suppress(ValueError, KeyError, TypeError):
            code = read(body)
            if isinstance(code, str):
                return code[:80]
    return ""


def _own_code(body: bytes) -> Any:
    return json.loads(body)["error"]["code"]


def _chat_code(body: bytes) -> Any:
    return json.loads(json.loads(body)["message"])["subCode"]
