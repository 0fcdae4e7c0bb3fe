"""All who may decide a request, by pages: of ten thousand an answer about it names the first."""

from __future__ import annotations

from bisect import bisect_right
from http import HTTPStatus

from pydantic import Field

from countersign.approvals.models import RequestId, Value
from countersign.bot.api.operation import Call, Operation
from countersign.bot.api.request_parts import PersonBody

PAGE_LIMIT = 1_000


class EligiblePage(Value):
    """Who may decide it now, by id."""

    items: list[PersonBody]
    count: int = Field(ge=0, description="How many may, on all pages.")
    next: str | None = Field(description="Pass it as `after` for the next page; null at the end.")


class EligibleQuery(Value):
    """Which of them."""

    limit: int = Field(default=100, ge=1, le=PAGE_LIMIT)
    after: str = Field(default="", max_length=500, description="The id of a person: those after.")


async def eligible(call: Call) -> EligiblePage:
    """Who may decide it now, as `eligible` of the request. 404 also if the caller may not read
    it."""
    query: EligibleQuery = call.query
    records, request_id = call.services.records, RequestId(call.path["id"])
    people = (await records.view(request_id)).eligible
    begin = bisect_right([person.id for person in people], query.after)
    some = people[begin : begin + query.limit]
    return EligiblePage(
        items=[PersonBody(id=person.id, name=person.name) for person in some],
        count=len(people),
        next=some[-1].id if begin + len(some) < len(people) else None,
    )


OPERATIONS = (
    Operation(
        "GET", "/api/v1/requests/{id}/eligible", "List who may decide", eligible, EligiblePage,
        query=EligibleQuery, problems=(HTTPStatus.NOT_FOUND,),
    ),
)  # fmt: skip
