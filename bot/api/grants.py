"""Grants: a standing yes, given, listed and revoked."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from pydantic import Field, StringConstraints

from countersign.approvals.models import Grant, RequestId, Terms, Used, Value
from countersign.bot.api.operation import MAX_ID_CHARS, Call, Operation
from countersign.bot.api.sessions import PAGE_LIMIT
from countersign.bot.http.lanes import Kind


class NewGrant(Terms):
    """A grant to be given, or the caller's part of one that needs several people."""

    request: Annotated[str, StringConstraints(min_length=1, max_length=MAX_ID_CHARS)] = Field(
        description="What is alike is alike to this one, which may be decided already."
    )

    @property
    def terms(self) -> Terms:
        """Without the request."""
        return Terms.model_validate(self.model_dump(exclude={"request"}))


class GrantBody(Value):
    """A grant, and how far it is used."""

    grant: Grant
    used: Used
    allows: str = Field(description="In words.")


class GrantList(Value):
    """Grants, newest first, those that have ended among them."""

    items: list[GrantBody]
    next: None = None


class GrantQuery(Value):
    """How many."""

    limit: int = Field(default=50, ge=1, le=PAGE_LIMIT)


async def page(call: Call) -> GrantList:
    """What was granted, and how far it is used."""
    query: GrantQuery = call.query
    found = await call.services.records.grants(limit=query.limit)
    return GrantList(items=[_shown(grant, used) for grant, used in found])


async def give(call: Call) -> GrantBody:
    """Give. 403 for whoever could not approve such a call, 409 if it is given already."""
    body: NewGrant = call.body
    await call.services.records.require_seen(call.person, body.request)
    granting = call.services.approvals.granting
    grant = await granting.give(RequestId(body.request), call.actor, body.terms)
    return _shown(grant, Used())


async def revoke(call: Call) -> Grant:
    """Revoke. Whoever gave it may, and administrators."""
    return await call.services.approvals.granting.revoke(call.path["id"], call.actor)


def _shown(grant: Grant, used: Used) -> GrantBody:
    return GrantBody(grant=grant, used=used, allows=grant.words)


OPERATIONS = (
    Operation("GET", "/api/v1/grants", "List grants", page, GrantList, query=GrantQuery),
    Operation(
        "POST", "/api/v1/grants", "Give a grant", give, GrantBody, body=NewGrant,
        status=HTTPStatus.CREATED, kind=Kind.VOTES,
        problems=(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
    ),
    Operation(
        "DELETE", "/api/v1/grants/{id}", "Revoke a grant", revoke, Grant, kind=Kind.VOTES,
        problems=(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
    ),
)  # fmt: skip
