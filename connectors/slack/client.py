"""Slack's Web API: one call at a time through the vendor's client, paced, with errors of ours.

The client retries nothing by itself: after a broken connection it would send a message again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from countersign.approvals.backoff import retry_after
from countersign.approvals.errors import (
    CountersignError,
    MisdirectedError,
    NoRecipientError,
    NotFoundError,
    UnansweredError,
    UnavailableError,
    UnreachableError,
)
from countersign.approvals.forms.wording import cut, visible
from countersign.approvals.models import JsonObject
from countersign.approvals.outages import named
from countersign.connectors.pacing import Pacing
from countersign.connectors.slack.proxies import heed_no_proxy
from countersign.connectors.slack.settings import SlackSettings

POSTS = ((5, 5.0),)
"""One message a second in each channel, and short bursts beyond it. Source: docs.slack.dev/apis/
web-api/rate-limits, as known in 2026-11; other methods are held back by what a 429 says."""
BUSY = "As much as Slack allows was sent there."
SAID_LIMIT = 200
_POSTS = frozenset({"chat.postMessage", "chat.postEphemeral"})
_TOO_MANY = 429
GONE = frozenset(
    {"message_not_found", "channel_not_found", "cant_update_message", "thread_not_found"}
)
CLOSED: Mapping[str, str] = {
    "is_archived": "the channel is archived",
    "not_in_channel": "the app is not in the channel; invite it there",
    "restricted_action": "the app may not write in the channel",
}
NOBODY = frozenset(
    {"user_not_found", "user_disabled", "user_not_visible", "cannot_dm_bot", "users_not_found"}
)
REFUSED = frozenset(
    {"invalid_blocks", "invalid_blocks_format", "msg_too_long", "msg_blocks_too_long", "no_text"}
)
Call = Callable[[AsyncWebClient], Awaitable[Any]]


class SlackClient:
    """Calls of the API, each of a method and perhaps for a place."""

    def __init__(self, web: AsyncWebClient, timeout_s: float) -> None:
        self._web, self._timeout_s = web, timeout_s
        self._posts = Pacing(POSTS, _held, busy=BUSY)
        self._others = Pacing((), _held, busy=BUSY)

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: SlackSettings) -> AsyncIterator[SlackClient]:
        """For as long as the block takes."""
        timeout = aiohttp.ClientTimeout(total=settings.timeout)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            web = AsyncWebClient(
                token=settings.token.get_secret_value(),
                base_url=settings.api_url,
                session=session,
                retry_handlers=[],
            )
            heed_no_proxy(web, settings.api_url)
            yield cls(web, settings.timeout)

    def busy_s(self, channel: str) -> float:
        """Seconds until a message may be sent there; 0 for now."""
        return self._posts.busy_s(f"chat.postMessage {channel}")

    async def call(self, method: str, call: Call, *, channel: str = "") -> JsonObject:
        """What Slack answered to `call`, which is of this method.

        Raises UnavailableError (UnansweredError where it may have been done), of which BusyError,
        UnreachableError, NoRecipientError and MisdirectedError are kinds; NotFoundError.
        """
        pacing = self._posts if method in _POSTS else self._others
        key = f"{method} {channel}" if method in _POSTS else method

        async def once() -> Any:
            async with asyncio.timeout(self._timeout_s):
                return await call(self._web)

        try:
            answer = await pacing.send(key, once)
        except SlackApiError as exc:
            raise translated(method, exc) from exc
        except SlackClientError as exc:
            raise UnavailableError(f"{method}: Slack's library failed ({named(exc)})") from exc
        except (aiohttp.ClientConnectorError, ConnectionRefusedError) as exc:
            raise UnavailableError(f"{method}: Slack cannot be reached ({named(exc)})") from exc
        except (aiohttp.ClientError, TimeoutError, OSError) as exc:
            raise UnansweredError(f"{method}: Slack did not answer ({named(exc)})") from exc
        found: JsonObject = dict(answer.data)
        found["headers"] = {str(k).lower(): v for k, v in answer.headers.items()}
        return found


def translated(method: str, exc: SlackApiError) -> CountersignError:
    """The error of ours that an answer of Slack stands for."""
    status, body, headers = _answer(exc)
    code = str(body.get("error") or f"HTTP {status}")
    text = f"{method}: Slack says {cut(visible(code), SAID_LIMIT)}"
    if status == _TOO_MANY or code in ("ratelimited", "rate_limited"):
        return UnavailableError(text, retry_after_s=retry_after(headers))
    if code in GONE:
        return NotFoundError(text)
    if code in CLOSED:
        return UnreachableError(f"{text}: {CLOSED[code]}", reason=CLOSED[code])
    if code in NOBODY:
        return NoRecipientError(f"{text}: nobody can be written to there")
    if code in REFUSED:
        return MisdirectedError(f"{text}{_messages(body)}")
    if code == "missing_scope":
        return UnavailableError(f"{text}; it needs {visible(str(body.get('needed')))}")
    return UnavailableError(text)


def _answer(exc: SlackApiError) -> tuple[int, Mapping[str, Any], Mapping[str, str]]:
    """The response is the client's own, or aiohttp's if its body could not be read."""
    response: Any = exc.response
    body = getattr(response, "data", None)
    status: Any = getattr(response, "status_code", None) or getattr(response, "status", 0)
    headers = getattr(response, "headers", None) or {}
    return int(status), body if isinstance(body, dict) else {}, headers


def _messages(body: Mapping[str, Any]) -> str:
    said = (body.get("response_metadata") or {}).get("messages") or ()
    return f" ({cut(visible('; '.join(map(str, said))), SAID_LIMIT)})" if said else ""


def _held(error: Exception) -> float | None:
    if not isinstance(error, SlackApiError):
        return None
    status, _, headers = _answer(error)
    return (retry_after(headers) or 0.0) if status == _TOO_MANY else None
