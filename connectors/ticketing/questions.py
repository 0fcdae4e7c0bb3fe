"""Questions in tickets: what was asked about a request, by whomever, and what was answered.

A ticket's text never changes, so each is a comment, said once.
"""

from __future__ import annotations

from countersign.approvals.forms.questions import looked_up, standing
from countersign.approvals.forms.systems import system_words
from countersign.approvals.forms.wording import visible
from countersign.approvals.models import AnsweredBy, Question, QuestionStatus
from countersign.approvals.ports import RequestView, TicketConnector
from countersign.approvals.tickets import TicketRef


async def say_answers(connector: TicketConnector, ref: TicketRef, view: RequestView) -> None:
    """Say in an open ticket what was answered, and what the agent could not. Idempotent."""
    for question in view.questions:
        if question.status in (QuestionStatus.ANSWERED, QuestionStatus.HANDED_OVER):
            key = f"question:{question.number}:{question.status}"
            await connector.comment(ref, _words(question), key=key)


def _words(question: Question) -> str:
    asked = f"{visible(question.asker_name)} asked: {visible(question.text)}"
    if question.status is not QuestionStatus.ANSWERED:
        return f"{asked}\n\n{visible(standing(question))}"
    by = visible(question.answerer_name)
    if question.answered_by is AnsweredBy.PERSON:
        by = f"{by} (through {system_words(question.answered_via)})"
    looked = looked_up(question)
    return "\n\n".join(filter(None, [asked, f"{by}: {visible(question.answer)}", visible(looked)]))
