"""Whether oversight is real, over the API: figures on how people decide, for administrators."""

from __future__ import annotations

from http import HTTPStatus

from pydantic import AwareDatetime, BaseModel, Field

from countersign.approvals.models import Value
from countersign.approvals.rules.oversight import Report
from countersign.bot.api.operation import Call, Operation
from countersign.bot.audit.oversight_csv import csv_of


class OversightQuery(Value):
    """Of which time."""

    since: AwareDatetime | None = Field(
        default=None, description="Requests asked from then on; else 30 days before `until`."
    )
    until: AwareDatetime | None = Field(default=None, description="And before then; else now.")


async def oversight(call: Call) -> Report:
    """The newest 10,000 requests of the time that were asked of people. 403 for whoever is no
    administrator."""
    query: OversightQuery = call.query
    return await call.services.records.oversight.report(call.person, query.since, query.until)


def _as_csv(answer: BaseModel) -> str:
    if not isinstance(answer, Report):
        raise TypeError("the answer is no report")
    return csv_of(answer)


OPERATIONS = (
    Operation(
        "GET", "/api/v1/oversight", "Read how people decide", oversight, Report,
        query=OversightQuery, problems=(HTTPStatus.FORBIDDEN,), texts={"text/csv": _as_csv},
    ),
)  # fmt: skip
