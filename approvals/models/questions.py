"""Questions that those who decide ask about a request before they do, and their answers."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from countersign.approvals.models.base import JsonObject, PrincipalId, RequestId, Value
from countersign.approvals.models.principals import Via


class QuestionStatus(StrEnum):
    """Where a question stands."""

    OPEN = "open"
    """The agent is to answer it."""
    HANDED_OVER = "handed_over"
    """The agent could not; whoever the session belongs to is to answer it."""
    ANSWERED = "answered"
    DROPPED = "dropped"
    """The request was decided before anybody had answered."""


class AnsweredBy(StrEnum):
    """Whose word an answer is."""

    AGENT = "agent"
    PERSON = "person"


class LookUp(Value):
    """A call that the agent made to find the answer, or wanted to make."""

    tool: str
    arguments: JsonObject
    ran: bool
    """Whether it was let run; only what changes nothing is."""
    text: str
    """The head of what it returned, or why it was not let run."""


class Question(Value):
    """One question on one request."""

    request_id: RequestId
    number: int
    """Of those on the request, from 1."""
    revision: int
    asker: PrincipalId
    asker_name: str
    via: Via
    identity: str
    text: str
    asked_at: datetime
    status: QuestionStatus = QuestionStatus.OPEN
    answer: str = ""
    answered_by: AnsweredBy | None = None
    answerer: str = ""
    """The agent's name, or the id of the person."""
    answerer_name: str = ""
    answered_via: str = ""
    answered_at: datetime | None = None
    calls: tuple[LookUp, ...] = ()
    why: str = ""
    """Why it was handed over or dropped."""

    @property
    def id(self) -> str:
        """By which jobs and people name it."""
        return question_id(self.request_id, self.number)

    @property
    def waits(self) -> bool:
        """Whether an answer is still to come."""
        return self.status in (QuestionStatus.OPEN, QuestionStatus.HANDED_OVER)


def question_id(request_id: str, number: int) -> str:
    """`R….3`."""
    return f"{request_id}.{number}"


def of_question_id(text: str) -> tuple[str, int] | None:
    """The inverse of `question_id`; None for what is no such id."""
    request_id, _, number = text.rpartition(".")
    return (request_id, int(number)) if request_id and number.isdecimal() else None
