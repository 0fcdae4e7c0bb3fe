"""What was asked about a request before its decision, on its card, and where to ask and answer."""

from __future__ import annotations

from countersign.approvals.decisions.questions import MAX_ANSWER, MAX_QUESTION
from countersign.approvals.forms import questions as told
from countersign.approvals.forms.systems import system_words
from countersign.approvals.forms.wording import cut_visibly
from countersign.approvals.models import AnsweredBy, JsonObject, Question, QuestionStatus
from countersign.approvals.ports import RequestView
from countersign.bot.teams.elements import button, label, plain, sentence, words
from countersign.bot.teams.parts import NAME_LIMIT, Look, action_data

SHOWN = 3
"""The newest ones; the API and the ledger have all of them, and all of their words."""
QUESTION_SHOWN, ANSWER_SHOWN = 400, 800


def questions(view: RequestView) -> list[JsonObject]:
    """The newest questions in order, each with its answer, and whose that is."""
    asked = view.questions
    if not asked:
        return []
    before = len(asked) - SHOWN
    more = [words(f"{before} earlier ones are not shown here.", isSubtle=True)] * (before > 0)
    return [
        label("Questions"),
        *more,
        *(element for each in asked[-SHOWN:] for element in _question(each)),
    ]


def _question(question: Question) -> list[JsonObject]:
    who = cut_visibly(question.asker_name, NAME_LIMIT)
    text = cut_visibly(question.text, QUESTION_SHOWN)
    asked = {**sentence(("bold", who), " asks: ", ("plain", text)), "spacing": "Small"}
    if question.status is not QuestionStatus.ANSWERED:
        stands = plain(f"→ {told.standing(question)}", isSubtle=True)
        return [asked, {**stands, "spacing": "None"}]
    by = cut_visibly(question.answerer_name, NAME_LIMIT)
    through = ""
    if question.answered_by is AnsweredBy.PERSON:
        through = f" (through {system_words(question.answered_via)})"
    answer = cut_visibly(question.answer, ANSWER_SHOWN)
    given = sentence("→ ", ("bold", by), f"{through}: ", ("plain", answer))
    looked = told.looked_up(question)
    return [
        asked,
        {**given, "spacing": "None"},
        *([{**plain(looked, isSubtle=True), "spacing": "None"}] if looked else []),
    ]


def asking(view: RequestView, look: Look) -> list[JsonObject]:
    """Where to ask first; and where the requester answers what the agent could not."""
    data = action_data(view.request)
    ask = _folded(
        "Ask first",
        "question",
        "What do you want to know from the agent before you decide?",
        MAX_QUESTION,
        button(look.flavour, "ask", "Send question", data),
    )
    waits = next((q for q in view.questions if q.status is QuestionStatus.HANDED_OVER), None)
    if waits is None:
        return _row(ask)
    answer = _folded(
        "Answer",
        "answer",
        f"Your answer to question {waits.number}, if you asked for this",
        MAX_ANSWER,
        button(look.flavour, "answer", "Send answer", {**data, "about": waits.id}),
    )
    return _row(answer, ask)


def _row(*buttons: JsonObject) -> list[JsonObject]:
    """Beside what they are about: under the card there is no room for more on a phone."""
    return [{"type": "ActionSet", "actions": list(buttons), "spacing": "Small"}]


def _folded(title: str, name: str, asks: str, limit: int, send: JsonObject) -> JsonObject:
    """A field of its own behind a button, so that the card stays short. A label is Markdown to some
    clients, so nothing that agents or people wrote stands in it."""
    field = {
        "type": "Input.Text",
        "id": name,
        "label": asks,
        "isMultiline": True,
        "maxLength": limit,
    }
    inner = {"type": "AdaptiveCard", "version": "1.5", "body": [field], "actions": [send]}
    return {"type": "Action.ShowCard", "title": title, "card": inner}
