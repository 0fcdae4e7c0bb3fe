"""Delegations: who decides for whom while they are away, as people say by themselves."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints

from countersign.approvals.decisions.delegating import MAX_REASON, Wanted
from countersign.approvals.models import GivenDelegation, Value
from countersign.bot.api.operation import Call, Operation
from countersign.bot.api.sessions import PAGE_LIMIT
from countersign.bot.http.lanes import Kind

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class NewDelegation(Value):
    """That somebody decides for the caller."""

    delegate: Name = Field(description="The id of a person in `people` or of a directory.")
    ends_at: AwareDatetime
    starts_at: AwareDatetime | None = Field(default=None, description="Now, if it is left out.")
    roles: tuple[Name, ...] = Field(
        default=(), max_length=50, description="Only these of the caller's; all if left out."
    )
    reason: str = Field(default="", max_length=MAX_REASON, description="Shown to everybody.")


class DelegationBody(Value):
    """A delegation, also in words."""

    delegation: GivenDelegation
    says: str


class DelegationList(Value):
    """Delegations, newest first."""

    items: list[DelegationBody]
    next: None = None


class DelegationQuery(Value):
    """Which delegations."""

    ended: bool = Field(default=False, description="Also those that are over or revoked.")
    limit: int = Field(default=50, ge=1, le=PAGE_LIMIT)


async def page(call: Call) -> DelegationList:
    """What people have given by themselves."""
    query: DelegationQuery = call.query
    found = await call.services.records.delegations(limit=query.limit, ended=query.ended)
    return DelegationList(items=[_shown(each) for each in found])


async def give(call: Call) -> DelegationBody:
    """Let somebody else decide as well. 409 if they would stand in for one another in a circle."""
    body: NewDelegation = call.body
    wanted = Wanted.model_validate(body.model_dump())
    return _shown(await call.services.approvals.delegating.give(wanted, call.actor))


async def revoke(call: Call) -> GivenDelegation:
    """Take it back: the giver, the delegate and administrators."""
    return await call.services.approvals.delegating.revoke(call.path["id"], call.actor)


def _shown(given: GivenDelegation) -> DelegationBody:
    return DelegationBody(delegation=given, says=given.words)


OPERATIONS = (
    Operation(
        "GET", "/api/v1/delegations", "List delegations", page, DelegationList,
        query=DelegationQuery,
    ),
    Operation(
        "POST", "/api/v1/delegations", "Let somebody decide for you", give, DelegationBody,
        body=NewDelegation, status=HTTPStatus.CREATED, kind=Kind.VOTES,
        problems=(HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT),
    ),
    Operation(
        "DELETE", "/api/v1/delegations/{id}", "Revoke a delegation", revoke, GivenDelegation,
        kind=Kind.VOTES,
        problems=(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
    ),
)  # fmt: skip
