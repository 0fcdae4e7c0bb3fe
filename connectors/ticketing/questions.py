"""Questions in tickets: what was asked about a request, by whomever, and what was answered.

A ticket's text never changes, so each is a comment, said once.
"""

from __future__ import annotations

from collections.abc import Sequence

from countersign.approvals.forms.questions import looked_up, standing
from countersign.approvals.forms.systems import system_words
from countersign.approvals.forms.wording import visible
from countersign.approvals.models import AnsweredBy, Question, QuestionStatus, Request
from countersign.approvals.ports import RequestView, Store, TicketConnector
from countersign.approvals.store import questions as question_rows
from countersign.approvals.tickets import TicketRef


async def say_answers(
    connector: TicketConnector,
    store: Store,
    ref: TicketRef,
    view: RequestView,
    calls: Sequence[Request],
) -> None:
    """Say in an open ticket what was answered, and what the agent could not, about its call or each
    of its `calls`. Idempotent."""
    numbers = {each.id: number for number, each in enumerate(calls, start=1)}
    ids = list(numbers)
    asked = await store.read(lambda c: question_rows.among(c, ids)) if ids else view.questions
    for question in asked:
        if question.status not in (QuestionStatus.ANSWERED, QuestionStatus.HANDED_OVER):
            continue
        number = numbers.get(question.request_id)
        key = f"question:{question.number}:{question.status}"
        said = _words(question)
        if number is not None:
            key, said = f"call:{number}:{key}", f"About call {number}: {said}"
        await connector.comment(ref, said, key=key)


def _words(question: Question) -> str:
    asked = f"{visible(question.asker_name)} asked: {visible(question.text)}"
    if question.status is not QuestionStatus.ANSWERED:
        return f"{asked}\n\n{visible(standing(question))}"
    by = visible(question.answerer_name)
    if question.answered_by is AnsweredBy.PERSON:
        by = f"{by} (through {system_words(question.answered_via)})"
    looked = looked_up(question)
    return "\n\n".join(filter(None, [asked, f"{by}: {visible(question.answer)}", visible(looked)]))
