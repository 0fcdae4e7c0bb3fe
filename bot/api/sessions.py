"""Sessions: start one, look at it, read what was said, end it."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Self

from pydantic import Field, StringConstraints

from countersign.approvals.audit.canonical import well_formed
from countersign.approvals.errors import InvalidError
from countersign.approvals.models import (
    JsonObject,
    Session,
    SessionId,
    SessionStatus,
    Value,
)
from countersign.bot.api.operation import Call, Operation
from countersign.bot.http.lanes import Kind

MAX_TASK_CHARS = 20_000
MAX_KEY_CHARS = 200
PAGE_LIMIT = 200
IDEMPOTENCY_KEY = "Idempotency-Key"


class StartSession(Value):
    """What to run, and on what."""

    workflow: str = Field(min_length=1, max_length=200)
    task: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TASK_CHARS)
    ]


class SessionStarted(Value):
    """The new session."""

    id: str
    status: SessionStatus


class SessionBody(Value):
    """One run of a workflow for its owner."""

    id: str
    workflow: str
    task: str
    owner: str
    status: SessionStatus
    checkpoint_id: str | None = Field(description="The requests it waits for, if it waits.")
    created_at: datetime
    updated_at: datetime
    cause: str | None = Field(
        description="Why it ended, e.g. answered, limit, model_refused; docs/limits.md has all."
    )
    answer: str | None = Field(description="The last words of the agents, if it is completed.")
    error: str | None = Field(
        description="If it failed, or cannot go on right now: why, and what to do."
    )

    @classmethod
    def of(cls, session: Session) -> Self:
        """The session as the API shows it."""
        return cls.model_validate(session.model_dump(include=set(cls.model_fields)))


class SessionPage(Value):
    """Sessions, newest first."""

    items: list[SessionBody]
    next: str | None = Field(description="Pass it as `cursor` for the next page; null at the end.")


class SessionQuery(Value):
    """Which sessions."""

    status: SessionStatus | None = None
    limit: int = Field(default=50, ge=1, le=PAGE_LIMIT)
    cursor: str | None = Field(default=None, max_length=500)


class Transcript(Value):
    """What the agents said and did, as of the last stored snapshot."""

    items: list[JsonObject]
    next: None = None


async def start(call: Call) -> SessionStarted:
    """Start a workflow; the same Idempotency-Key by the same person gives the same session."""
    body: StartSession = call.body
    key = call.headers[IDEMPOTENCY_KEY].strip()
    if len(key) > MAX_KEY_CHARS:
        raise InvalidError(f"The {IDEMPOTENCY_KEY} is longer than {MAX_KEY_CHARS} characters.")
    if key != well_formed(key):
        raise InvalidError(f"The {IDEMPOTENCY_KEY} is not UTF-8.")
    session = await call.services.sessions.start(
        body.workflow,
        body.task,
        call.person,
        idempotency_key=f"api:{call.person.id}:{key}" if key else None,
    )
    return SessionStarted(id=session.id, status=session.status)


async def page(call: Call) -> SessionPage:
    """Sessions that the caller may read, newest first."""
    query: SessionQuery = call.query
    found = await call.services.records.sessions(
        status=query.status, limit=query.limit, cursor=query.cursor, reader=call.person
    )
    return SessionPage(items=[SessionBody.of(s) for s in found.items], next=found.next)


async def get(call: Call) -> SessionBody:
    """One session. 404 also if the caller may not read it."""
    return SessionBody.of(await call.services.records.session(SessionId(call.path["id"])))


async def transcript(call: Call) -> Transcript:
    """The messages of a session, oldest first."""
    session_id = SessionId(call.path["id"])
    return Transcript(items=list(await call.services.records.transcript(session_id)))


async def cancel(call: Call) -> SessionBody:
    """End a session; its open requests are cancelled."""
    session_id = SessionId(call.path["id"])
    return SessionBody.of(await call.services.approvals.cancel(session_id, call.actor))


_NOT_FOUND = (HTTPStatus.NOT_FOUND,)

OPERATIONS = (
    Operation(
        "POST", "/api/v1/sessions", "Start a session", start, SessionStarted,
        body=StartSession, status=HTTPStatus.CREATED, headers=(IDEMPOTENCY_KEY,), kind=Kind.STARTS,
    ),
    Operation("GET", "/api/v1/sessions", "List sessions", page, SessionPage, query=SessionQuery),
    Operation(
        "GET", "/api/v1/sessions/{id}", "Get a session", get, SessionBody, problems=_NOT_FOUND
    ),
    Operation(
        "GET", "/api/v1/sessions/{id}/transcript", "Read what was said", transcript, Transcript,
        problems=_NOT_FOUND,
    ),
    Operation(
        "POST", "/api/v1/sessions/{id}/cancel", "End a session", cancel, SessionBody,
        problems=(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
        kind=Kind.VOTES,
    ),
)  # fmt: skip
