"""Questions about a request: asked by whoever may decide it, answered by whoever asked for it."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Self

from pydantic import Field

from countersign.approvals.decisions.questions import MAX_ANSWER, MAX_QUESTION
from countersign.approvals.errors import NotFoundError
from countersign.approvals.models import (
    AnsweredBy,
    LookUp,
    Question,
    QuestionStatus,
    RequestId,
    Value,
    Via,
)
from countersign.approvals.models.questions import question_id
from countersign.bot.api.operation import Call, Operation
from countersign.bot.http.lanes import Kind


class QuestionBody(Value):
    """A question, and what was answered."""

    id: str
    number: int = Field(description="Of those about the request, from 1.")
    revision: int = Field(description="The one that its asker saw.")
    by: str
    name: str
    via: Via
    text: str
    asked_at: datetime
    status: QuestionStatus = Field(
        description="open (the agent is asked), handed_over (it could not answer, so the requester "
        "is asked), answered, or dropped (the request was decided before)."
    )
    answer: str
    answered_by: AnsweredBy | None = Field(description="Whose word the answer is.")
    answerer: str = Field(description="The agent's name, or the id of the person.")
    answerer_name: str
    answered_at: datetime | None
    calls: list[LookUp] = Field(description="What the agent looked up, or wanted to.")
    why: str = Field(description="Why it was handed over or dropped.")

    @classmethod
    def of(cls, question: Question) -> Self:
        """The question as the API shows it."""
        return cls(
            id=question.id,
            by=question.asker,
            name=question.asker_name,
            calls=list(question.calls),
            **{
                name: getattr(question, name)
                for name in cls.model_fields
                if name not in {"id", "by", "name", "calls"}
            },
        )


class Ask(Value):
    """A question."""

    text: str = Field(min_length=1, max_length=MAX_QUESTION)


class Answer(Value):
    """What the agent could not say."""

    text: str = Field(min_length=1, max_length=MAX_ANSWER)


async def ask(call: Call) -> QuestionBody:
    """Ask the agent before deciding; read the request for its answer. 403 is on the ledger."""
    body: Ask = call.body
    asked = await call.services.approvals.questions.ask(
        RequestId(call.path["id"]), call.actor, body.text
    )
    return _known(asked, call.path["id"])


async def answer(call: Call) -> QuestionBody:
    """Answer as the requester what the agent could not. 409 if nothing is asked of them."""
    body: Answer = call.body
    request_id, number = call.path["id"], call.path["number"]
    wanted = question_id(request_id, int(number)) if number.isdecimal() else number
    given = await call.services.approvals.questions.answer(wanted, call.actor, body.text)
    return _known(given, wanted)


def _known(question: Question | None, wanted: str) -> QuestionBody:
    if question is None:
        raise NotFoundError(f"There is no question {wanted}.")
    return QuestionBody.of(question)


_PROBLEMS = (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.GONE)
OPERATIONS = (
    Operation(
        "POST", "/api/v1/requests/{id}/questions", "Ask about a request", ask, QuestionBody,
        body=Ask, kind=Kind.VOTES, status=HTTPStatus.ACCEPTED, problems=_PROBLEMS,
    ),
    Operation(
        "POST", "/api/v1/requests/{id}/questions/{number}/answer", "Answer a question", answer,
        QuestionBody, body=Answer, kind=Kind.VOTES, problems=_PROBLEMS,
    ),
)  # fmt: skip
