"""Retention: legal holds, and archive files, for admins."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from countersign.approvals.decisions.archiving import AT_ONCE, ArchiveRun, Restored
from countersign.approvals.models import Hold, HoldKind, HoldScope, Value
from countersign.approvals.rules.pausing import MAX_REASON
from countersign.bot.api.operation import Call, Operation
from countersign.bot.api.sessions import PAGE_LIMIT
from countersign.bot.http.lanes import Kind

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=MAX_REASON)]


class NewHold(Value):
    """What is put on hold: exactly one of these."""

    session: Name | None = None
    person: Name | None = Field(default=None, description="All sessions that name this person.")
    tool: Name | None = Field(default=None, description="All sessions that proposed this tool.")
    reason: Reason

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len([kind for kind in HoldKind if getattr(self, kind) is not None]) != 1:
            raise ValueError(f"name exactly one of {', '.join(HoldKind)}")
        return self

    @property
    def scope(self) -> HoldScope:
        """The same as a value."""
        kind = next(kind for kind in HoldKind if getattr(self, kind) is not None)
        return HoldScope(kind=kind, name=getattr(self, kind))


class HoldList(Value):
    """Legal holds."""

    items: list[Hold]
    next: None = None


class HoldQuery(Value):
    """Which holds."""

    lifted: bool = Field(default=False, description="Also those that were lifted, newest first.")
    limit: int = Field(default=50, ge=1, le=PAGE_LIMIT)


class Lifting(Value):
    """Which hold is lifted, and why."""

    hold: Name
    reason: Reason


class NewArchive(Value):
    """What is archived."""

    older_than_days: int = Field(ge=1, le=36_500, description="Since the session has ended.")
    limit: int = Field(default=AT_ONCE, ge=1, le=AT_ONCE)


class NewRestoration(Value):
    """What is restored, and why."""

    file: Name = Field(description="The name of a file in `ledger.archive_dir`.")
    session: Name | None = Field(default=None, description="Only this one.")
    reason: Reason


async def holds(call: Call) -> HoldList:
    """What is on hold now, oldest first."""
    query: HoldQuery = call.query
    found = await call.services.trail.holds(limit=query.limit, lifted=query.lifted)
    return HoldList(items=list(found[: query.limit]))


async def hold(call: Call) -> Hold:
    """Put on hold. 403 for whoever is no admin, 409 if it is already."""
    body: NewHold = call.body
    return await call.services.trail.holding.hold(body.scope, body.reason, call.actor)


async def lift(call: Call) -> Hold:
    """Lift a hold. 409 if it was lifted before."""
    body: Lifting = call.body
    return await call.services.trail.holding.lift(body.hold, body.reason, call.actor)


async def archive(call: Call) -> ArchiveRun:
    """Move sessions that are over for long into a file; 409 where no checkpoint is signed yet."""
    body: NewArchive = call.body
    archiving = call.services.trail.archiving
    return await archiving.archive(body.older_than_days, call.actor, most=body.limit)


async def restore(call: Call) -> Restored:
    """Bring sessions back as they were; those that are there already stay as they are."""
    body: NewRestoration = call.body
    archiving = call.services.trail.archiving
    return await archiving.restore(body.file, body.reason, call.actor, session=body.session)


_NOT_ALLOWED = (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
OPERATIONS = (
    Operation(
        "GET", "/api/v1/ledger/holds", "List legal holds", holds, HoldList, query=HoldQuery
    ),
    Operation(
        "POST", "/api/v1/ledger/holds", "Put on legal hold", hold, Hold, body=NewHold,
        status=HTTPStatus.CREATED, kind=Kind.VOTES, problems=_NOT_ALLOWED,
    ),
    Operation(
        "POST", "/api/v1/ledger/liftings", "Lift a legal hold", lift, Hold, body=Lifting,
        kind=Kind.VOTES, problems=_NOT_ALLOWED,
    ),
    Operation(
        "POST", "/api/v1/ledger/archives", "Archive sessions that are over", archive, ArchiveRun,
        body=NewArchive, problems=_NOT_ALLOWED,
    ),
    Operation(
        "POST", "/api/v1/ledger/restorations", "Restore archived sessions", restore, Restored,
        body=NewRestoration, problems=_NOT_ALLOWED,
    ),
)  # fmt: skip
