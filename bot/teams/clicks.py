"""Clicks on cards, read strictly. None of it is believed: it only says what to look up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from countersign.approvals.decisions.questions import MAX_ANSWER
from countersign.approvals.errors import InvalidError
from countersign.approvals.models import JsonObject, RequestId, Verdict
from countersign.bot.teams.approval import COMMENT_LIMIT, ONLY_THIS
from countersign.bot.teams.inputs import INPUT_PREFIX

VOTES: dict[str, Verdict] = {
    "approve": Verdict.APPROVE,
    "reject": Verdict.REJECT,
    "save": Verdict.MODIFY,
    "confirm": Verdict.MODIFY,
    "reply": Verdict.APPROVE,
    "go_on": Verdict.APPROVE,
    "end": Verdict.REJECT,
}
TOOL_VERBS = frozenset(
    {
        *("approve", "reject", "save", "confirm", "edit", "back", "read", "refresh"),
        *("withdraw", "revoke", "undo", "ask", "answer", "approve_all", "reject_all"),
        *("open", "list"),
    }
)
INPUT_VERBS = frozenset({"reply", "go_on", "end", "refresh"})
_CARRIES_EDITS = frozenset({"save", "confirm", "back", "edit"})
_FIELDS = frozenset(
    {"request", "digest", "comment", "grant", "question", "answer", "calls", "within"}
)
EVERYTHING = frozenset({"approve_all", "reject_all"})
"""Verbs that are for all calls which wait together."""
_OWN_FIELDS = frozenset(
    {("confirm", "foreseen"), ("answer", "about"), *((verb, "all") for verb in EVERYTHING)}
)
_LOOKS = frozenset({"open", "list"})
"""Verbs that only lead from one view to another."""
_WRITTEN = {"ask": "question", "answer": "answer"}
"""The field that belongs to a verb."""
_ID_LIMIT = 250
_REFRESH_TRIGGER = "automatic"


class TamperedError(InvalidError):
    """The data of a click is not what our cards carry."""

    def __init__(self, what: str, request_id: RequestId | None = None) -> None:
        super().__init__(f"This card's data was changed: {what}. Nothing was decided.")
        self.request_id = request_id


@dataclass(frozen=True)
class Click:
    """One click. `typed` is by argument name."""

    request_id: RequestId
    digest: str
    verb: str
    comment: str = ""
    typed: JsonObject = field(default_factory=dict)
    grant: str = ""
    """The key of the offer that was chosen beside Approve; "" for none."""
    foreseen: str = ""
    """Of `confirm`: the digest of the edit whose consequences the card has shown."""
    question: str = ""
    """Of `ask`: what somebody wants to know first; of `answer`: what they answer."""
    about: str = ""
    """Of `answer`: the id of the question."""
    everything: str = ""
    """Of `EVERYTHING`: names the revisions of all the calls that the card has shown."""
    calls: str = ""
    """On a card of several calls: names them (`forms.together.name_of`)."""
    within: str = ""
    """On the view of one of them: names them all, to lead back."""


def click_of_invoke(value: Any) -> Click:
    """The click in an `adaptiveCard/action`. Raises InvalidError (not a click) or TamperedError.

    A refresh that the client does by itself is one of verb `refresh`, whatever its verb says, so
    that looking at a card can never decide.
    """
    action = value.get("action") if isinstance(value, dict) else None
    if not isinstance(action, dict) or action.get("type") not in {"Action.Execute", None}:
        raise InvalidError("This is not an Action.Execute of one of our cards.")
    verb, data = action.get("verb"), action.get("data")
    if not isinstance(verb, str) or not isinstance(data, dict):
        raise InvalidError("The action names no verb or carries no data.")
    if value.get("trigger") == _REFRESH_TRIGGER:
        verb = "refresh"
    return _click(verb, data)


def click_of_submit(value: Any) -> Click:
    """The click in the value of a message (Action.Submit). Raises as `click_of_invoke`."""
    if not isinstance(value, dict) or not isinstance(value.get("verb"), str):
        raise InvalidError("This is not an Action.Submit of one of our cards.")
    return _click(value["verb"], {k: v for k, v in value.items() if k != "verb"})


def is_submit(value: Any) -> bool:
    """Whether a message's value is a click at all."""
    return isinstance(value, dict) and "request" in value


def _click(verb: str, data: JsonObject) -> Click:
    known = RequestId(_short_text(data, "request"))
    digest = "" if verb in _LOOKS else _short_text(data, "digest")
    typed: JsonObject = {}
    for name, value in data.items():
        if name.startswith(INPUT_PREFIX):
            if verb not in _CARRIES_EDITS:
                raise TamperedError("it carries arguments where none belong", known)
            typed[name.removeprefix(INPUT_PREFIX)] = value
        elif name not in _FIELDS and (verb, name) not in _OWN_FIELDS:
            raise TamperedError("it carries more than it should", known)
    comment = data.get("comment") or ""
    if not isinstance(comment, str):
        raise TamperedError("its comment is not a text", known)
    if len(comment) > COMMENT_LIMIT:
        raise TamperedError("its comment is longer than the card allows", known)
    grant = data.get("grant") or ""
    if not isinstance(grant, str) or len(grant) > _ID_LIMIT:
        raise TamperedError("its grant is none that the card offers", known)
    foreseen = _short_text(data, "foreseen") if verb == "confirm" else ""
    question = data.get(_WRITTEN.get(verb, "")) or ""
    if not isinstance(question, str) or len(question) > MAX_ANSWER:
        raise TamperedError("its text is none that the card takes", known)
    about = _short_text(data, "about") if verb == "answer" else ""
    everything = _short_text(data, "all") if verb in EVERYTHING else ""
    chosen = "" if grant == ONLY_THIS else grant
    return Click(
        known,
        digest,
        verb,
        comment.strip(),
        typed,
        chosen,
        foreseen,
        question.strip(),
        about,
        everything,
        calls=_name(data, "calls"),
        within=_name(data, "within"),
    )


def _name(data: JsonObject, field: str) -> str:
    """What names calls; whether it does is judged where they are known."""
    return _short_text(data, field) if field in data else ""


def _short_text(data: JsonObject, name: str) -> str:
    value = data.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _ID_LIMIT:
        raise InvalidError(f"The action names no {name}.")
    return value
