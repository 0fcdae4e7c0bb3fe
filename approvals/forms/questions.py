"""What is told of questions about a request. Pure; what people and agents wrote is text in it."""

from __future__ import annotations

from collections.abc import Sequence

from countersign.approvals.forms.systems import system_words
from countersign.approvals.forms.told import WORDS_SHOWN, Told, named, with_reason
from countersign.approvals.forms.wording import as_text, cut_visibly
from countersign.approvals.models import AnsweredBy, Question, QuestionStatus, Request, Vote


def asked(request: Request, question: Question) -> Told:
    """That somebody asks, before they decide."""
    through = system_words(question.via)
    text = f"**Question** by {as_text(question.asker_name)} through {through}: {named(request)}."
    return with_reason(text, _short(question.text))


def answered(request: Request, question: Question) -> Told:
    """What the answer is, and whose."""
    text = f"**Question answered** by {by(question)}: {named(request)}."
    return with_reason(text, _short(question.answer))


def handed_over(request: Request, question: Question) -> Told:
    """That the agent cannot answer, so whoever asked for the call is to."""
    text = (
        f"**Your answer is needed:** {as_text(question.asker_name)} asks about {named(request)}, "
        f"and {as_text(request.agent)} could not answer."
    )
    how = f"Answer on the card, or with `countersign requests answer {question.id} TEXT`."
    return Told(f"{with_reason(text, _short(question.text)).whole}\n\n{how}", text)


def changed(request: Request, votes: Sequence[Vote]) -> Told:
    """That the agent changed its proposal, asked about it, and whose votes count no more."""
    who = as_text(request.agent)
    text = f"**Changed** by {who}: {named(request)}, revision {request.revision}.{_voided(votes)}"
    return with_reason(text, _short(request.asked_again))


def taken_back(request: Request, votes: Sequence[Vote]) -> Told:
    """That the agent took its proposal back, asked about it, and who had voted."""
    text = f"**Taken back** by {as_text(request.agent)}: {named(request)}.{_voided(votes)}"
    return with_reason(text, "" if request.result is None else _short(request.result.message))


def _voided(votes: Sequence[Vote]) -> str:
    names = " and ".join(as_text(vote.name) for vote in votes)
    return f" What {names} voted does not count any more." if names else ""


def by(question: Question) -> str:
    """Who has answered; of a person through what. Markdown."""
    if question.answered_by is AnsweredBy.PERSON:
        return f"{as_text(question.answerer_name)} through {system_words(question.answered_via)}"
    return as_text(question.answerer_name)


def standing(question: Question) -> str:
    """Where a question stands, in plain words, if nobody has answered it."""
    match question.status:
        case QuestionStatus.OPEN:
            return "The agent is asked; its answer will stand here."
        case QuestionStatus.HANDED_OVER:
            return f"The agent could not answer, so whoever asked for this is asked. {question.why}"
        case _:
            return question.why


def looked_up(question: Question) -> str:
    """Which calls the agent made to find the answer, in plain words; "" for none."""
    made = list(dict.fromkeys(call.tool for call in question.calls if call.ran))
    return f"Looked up with {', '.join(made)}." if made else ""


def _short(text: str) -> str:
    return " ".join(cut_visibly(text.strip(), WORDS_SHOWN).split())
