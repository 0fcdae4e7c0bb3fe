"""What was asked about a request, and what was answered, in its message. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from countersign.approvals.forms.values import value_text
from countersign.approvals.forms.wording import cut_visibly, visible
from countersign.approvals.models import JsonObject, Question, QuestionStatus
from countersign.connectors.slack.markup import label, section

QUESTIONS_SHOWN = 3


def questions(asked: Sequence[Question], budget: int) -> Iterator[JsonObject]:
    """The newest ones, with what was answered."""
    if asked:
        yield label("Asked about it")
    for question in asked[-QUESTIONS_SHOWN:]:
        limit = max(budget // 8, 120)
        yield section(
            f"{visible(question.asker_name)} asked: "
            f"{cut_visibly(value_text(question.text), limit)}\n{_answer(question, limit)}"
        )


def _answer(question: Question, limit: int) -> str:
    match question.status:
        case QuestionStatus.ANSWERED:
            words = cut_visibly(value_text(question.answer), limit)
            return f"{visible(question.answerer_name or question.answerer)} answered: {words}"
        case QuestionStatus.HANDED_OVER:
            return "The agent could not answer; whoever asked for the call has to."
        case QuestionStatus.DROPPED:
            return "It was decided before anybody had answered."
    return "The agent is being asked."
