"""Pauses: what does not begin for now, and how admins stop and resume it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from countersign.approvals.models import Pause, PauseKind, PauseScope, Value
from countersign.approvals.rules.pausing import MAX_REASON, known_in
from countersign.bot.api.operation import Call, Operation
from countersign.bot.api.sessions import PAGE_LIMIT
from countersign.bot.http.lanes import Kind

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class ScopeBody(Value):
    """What shall not begin: exactly one of these."""

    tool: Name | None = None
    workflow: Name | None = None
    agent: Name | None = None
    domain: Name | None = None
    all: Literal[True] | None = Field(default=None, description="Every call of every tool.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len([kind for kind in PauseKind if getattr(self, kind) is not None]) != 1:
            raise ValueError(f"name exactly one of {', '.join(PauseKind)}")
        return self

    @property
    def scope(self) -> PauseScope:
        """The same as a value."""
        kind = next(kind for kind in PauseKind if getattr(self, kind) is not None)
        return PauseScope(kind=kind, name="" if kind is PauseKind.ALL else getattr(self, kind))


class NewPause(ScopeBody):
    """A pause to begin."""

    reason: str = Field(min_length=1, max_length=MAX_REASON, description="Shown to everybody.")


class PauseList(Value):
    """Pauses."""

    items: list[Pause]
    next: None = None


class PauseQuery(Value):
    """Which pauses."""

    ended: bool = Field(default=False, description="Also those that have ended, newest first.")
    limit: int = Field(default=50, ge=1, le=PAGE_LIMIT)


async def page(call: Call) -> PauseList:
    """What is paused now, oldest first."""
    query: PauseQuery = call.query
    records = call.services.records
    found = await (records.all_pauses(limit=query.limit) if query.ended else records.pauses())
    return PauseList(items=list(found[: query.limit]))


async def begin(call: Call) -> Pause:
    """Pause. 403 for whoever is no admin, 409 if it is paused already."""
    body: NewPause = call.body
    known = known_in(call.services.sessions.known())
    pausing = call.services.approvals.pausing
    return await pausing.pause(body.scope, body.reason, call.actor, known)


async def end(call: Call) -> Pause:
    """Resume. 409 if it has ended before."""
    return await call.services.approvals.pausing.resume_by_id(call.path["id"], call.actor)


OPERATIONS = (
    Operation("GET", "/api/v1/pauses", "List pauses", page, PauseList, query=PauseQuery),
    Operation(
        "POST", "/api/v1/pauses", "Pause", begin, Pause, body=NewPause,
        status=HTTPStatus.CREATED, kind=Kind.VOTES,
        problems=(HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT),
    ),
    Operation(
        "DELETE", "/api/v1/pauses/{id}", "Resume", end, Pause, kind=Kind.VOTES,
        problems=(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
    ),
)  # fmt: skip
