"""What a program sends to `POST /api/webhooks/decisions`, and how it is answered."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from countersign.approvals.decisions.vote_input import MAX_COMMENT
from countersign.approvals.models import JsonObject, RequestStatus, Value, Verdict

PATH = "/api/webhooks/decisions"
MAX_ID = 200
"""Characters of an id: of a request, a person, a message."""


class Decided(Value):
    """What somebody has decided, as the caller says it."""

    request: str = Field(min_length=1, max_length=MAX_ID)
    digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] = Field(
        description="Of what they were shown."
    )
    verdict: Verdict
    actor: str = Field(min_length=1, max_length=MAX_ID, description="The id of the person.")
    comment: str = Field(default="", max_length=MAX_COMMENT)
    arguments: JsonObject | None = Field(
        default=None, description="All of them, with the verdict modify."
    )


class Taken(Value):
    """It counts; how the request stands then."""

    result: str = Field(description="decided, counted or revised.")
    request: str
    status: RequestStatus
    revision: int
    digest: str


class NotTaken(Value):
    """It does not count, and why."""

    result: str = Field(description="A word for programs; docs/webhook.md has all of them.")
    detail: str = Field(description="The same as a sentence.")
    errors: dict[str, str] | None = Field(default=None, description="What is wrong, by argument.")
