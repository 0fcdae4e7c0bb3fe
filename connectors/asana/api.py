"""Calls of Asana's REST API: bounded, never repeated, with errors of ours.

Not the vendor's client: docs/adr says why. Sources, read 2026-11-30: developers.asana.com,
"Errors", "Rate limits", "Pagination", "Batch requests", "Get events on a resource".
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import httpx

from countersign.approvals.backoff import retry_after
from countersign.approvals.errors import (
    CountersignError,
    InvalidError,
    NotFoundError,
    UnansweredError,
    UnavailableError,
)
from countersign.approvals.forms.wording import cut, visible
from countersign.approvals.models import Value

PATH = "/api/1.0"
PAGE = 100
"""The most that one page holds. Source: "Pagination"."""
BATCH = 10
"""The most actions of one batch. Source: "Batch requests"."""
PAGES_MOST = 200
MAX_ANSWER_BYTES = 32 * 1024 * 1024
SAID_LIMIT = 300
_TURNED_AWAY = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_REFUSED = (HTTPStatus.BAD_REQUEST, HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.FORBIDDEN)
_GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN, HTTPStatus.GONE)
"""Of one thing that is read: hidden from us is as good as not there."""
_BROKEN = "gave an answer that cannot be read"


class Ask(Value):
    """One thing to be read, with others in one call."""

    path: str
    fields: tuple[str, ...]
    is_list: bool = False


class Events(Value):
    """What a project tells since a token."""

    tasks: tuple[str, ...]
    """Whose task or whose story changed, each once."""
    sync: str
    expired: bool = False
    """The token was too old, or there was none: nothing is told, and everything has to be read."""


class AsanaApi:
    """Asana as one account. Every method raises UnavailableError; those that write raise
    UnansweredError if it may have been done, InvalidError and NotFoundError."""

    def __init__(self, url: str, token: str, *, timeout_s: float):
        self._http = httpx.AsyncClient(
            base_url=f"{url}{PATH}",
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
            timeout=timeout_s,
            trust_env=False,
        )

    async def read(self, path: str, fields: Sequence[str] = ()) -> Any:
        """One thing. Raises NotFoundError if it is gone or hidden from us."""
        query = {"opt_fields": ",".join(fields)} if fields else {}
        return (await self._call("GET", path, query=query))["data"]

    async def pages(self, path: str, fields: Sequence[str], **query: str) -> list[Any]:
        """All that a list holds, however many pages that takes."""
        found: list[Any] = []
        more = {"opt_fields": ",".join(fields), "limit": str(PAGE), **query}
        for _ in range(PAGES_MOST):
            page = await self._call("GET", path, query=more)
            found += page["data"]
            after = page.get("next_page")
            if not after:
                return found
            more["offset"] = str(after["offset"])
        raise UnavailableError(f"Asana: {path} has more than {PAGES_MOST * PAGE:,} entries.")

    async def batch(self, asked: Sequence[Ask]) -> list[Any]:
        """The answer to each, in their order, with `BATCH` of them in a call; None for what is gone
        or hidden from us. A list that fills its page is read on."""
        found: list[Any] = []
        for at in range(0, len(asked), BATCH):
            some = asked[at : at + BATCH]
            body = {"data": {"actions": [_action(each) for each in some]}}
            results = (await self._call("POST", "/batch", body=body, reads=True))["data"]
            if not isinstance(results, list) or len(results) != len(some):
                raise UnavailableError(f"Asana: /batch {_BROKEN}.")
            found += [await self._result(*pair) for pair in zip(some, results, strict=True)]
        return found

    async def events(self, project: str, sync: str) -> Events:
        """What has happened in a project since `sync`; without one, and with one that has expired,
        Asana answers 412 with a fresh one. Source: "Get events on a resource"."""
        tasks: dict[str, None] = {}
        for _ in range(PAGES_MOST):
            query = {"resource": project, **({"sync": sync} if sync else {})}
            page = await self._call(
                "GET", "/events", query=query, also=HTTPStatus.PRECONDITION_FAILED
            )
            fresh = page.get("sync")
            if not isinstance(fresh, str) or not fresh:
                raise UnavailableError(f"Asana: /events {_BROKEN}: it has no sync token.")
            if "errors" in page:
                return Events(tasks=(), sync=fresh, expired=True)
            tasks |= dict.fromkeys(tasks_in(page.get("data")))
            sync = fresh
            if not page.get("has_more"):
                break
        return Events(tasks=tuple(tasks), sync=sync)

    async def write(
        self, method: str, path: str, data: Mapping[str, Any], fields: Sequence[str] = ()
    ) -> Any:
        """What was written, as it is now, in these fields."""
        query = {"opt_fields": ",".join(fields)} if fields else None
        return (await self._call(method, path, query=query, body={"data": dict(data)})).get("data")

    async def whole(self, method: str, path: str, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """As `write`, with what stands beside the data."""
        return await self._call(method, path, body={"data": dict(data)})

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def _result(self, asked: Ask, result: Any) -> Any:
        status = result.get("status_code") if isinstance(result, dict) else None
        if status in _GONE:
            return None
        body = result.get("body") if isinstance(result, dict) else None
        if status != HTTPStatus.OK or not isinstance(body, dict) or "data" not in body:
            raise UnavailableError(f"Asana: {asked.path} in a batch: answered {status}")
        if asked.is_list and len(body["data"]) >= PAGE:
            return await self.pages(asked.path, asked.fields)
        return body["data"]

    async def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        reads: bool = False,
        also: HTTPStatus = HTTPStatus.OK,
    ) -> dict[str, Any]:
        """`reads` says that a body changes nothing; `also` is a status that is an answer."""
        what, writes = f"Asana: {method} {path}", body is not None and not reads
        unclear = UnansweredError if writes else UnavailableError
        try:
            async with self._http.stream(method, path, params=query, json=body) as answer:
                raw = bytearray()
                async for chunk in answer.aiter_bytes():
                    raw += chunk
                    if len(raw) > MAX_ANSWER_BYTES:
                        raise unclear(
                            f"{what}: the answer is larger than {MAX_ANSWER_BYTES:,} bytes"
                        )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as exc:
            raise UnavailableError(f"{what}: cannot be reached ({type(exc).__name__})") from exc
        except httpx.HTTPError as exc:  # it was sent, and may have been done
            raise unclear(f"{what}: was not answered ({type(exc).__name__})") from exc
        said = _json(bytes(raw))
        if answer.is_error and answer.status_code != also:
            raise refused(what, answer, said, writes=writes)
        if not isinstance(said, dict):
            raise unclear(f"{what}: {_BROKEN}")
        return said


def tasks_in(events: Any) -> list[str]:
    """The tasks that events are about: their own, and those whose stories they are."""
    found = []
    for event in events if isinstance(events, list) else ():
        for name in ("resource", "parent"):
            about = event.get(name) if isinstance(event, dict) else None
            if isinstance(about, dict) and about.get("resource_type") == "task":
                found.append(str(about.get("gid")))
                break
    return [
        gid for gid in dict.fromkeys(found) if gid.isascii() and gid.isdecimal() and len(gid) <= 32
    ]


def refused(what: str, answer: httpx.Response, said: Any, *, writes: bool) -> CountersignError:
    """The error of ours that an answer stands for."""
    status, words = answer.status_code, _words(said)
    text = f"{what}: answered {status}{f' ({words})' if words else ''}"
    if status in _TURNED_AWAY:
        return UnavailableError(text, retry_after_s=retry_after(answer.headers))
    if status == HTTPStatus.UNAUTHORIZED:
        return UnavailableError(f"{text}; check connectors.asana.token_env")
    if status in _GONE and not (writes and status == HTTPStatus.FORBIDDEN):
        return NotFoundError(text)
    if status in _REFUSED:
        return InvalidError(text)
    if answer.is_server_error and writes:  # and may have been done
        return UnansweredError(text)
    return UnavailableError(text)


def _action(asked: Ask) -> dict[str, Any]:
    options: dict[str, Any] = {"fields": list(asked.fields)}
    if asked.is_list:
        options["limit"] = PAGE
    return {"relative_path": asked.path, "method": "get", "options": options}


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def _words(said: Any) -> str:
    errors = said.get("errors") if isinstance(said, dict) else None
    texts = [str(each.get("message")) for each in errors or () if isinstance(each, dict)]
    return cut(visible(" ".join("; ".join(texts).split())), SAID_LIMIT)
