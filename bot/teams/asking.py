"""Cards that ask what a message is meant as, where it could be two things."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from countersign.approvals.errors import InvalidError
from countersign.approvals.forms.wording import cut_visibly
from countersign.approvals.models import JsonObject, Request
from countersign.bot.teams.approval import COMMENT_LIMIT
from countersign.bot.teams.cards import size_bytes
from countersign.bot.teams.elements import (
    button,
    card,
    heading,
    label,
    plain,
    words,
)
from countersign.bot.teams.parts import Look, action_data
from countersign.connectors.conversing.phrases import Command, Start, Unclear
from countersign.connectors.conversing.said import prompt_of
from countersign.connectors.system import WorkflowInfo

SHOWN = 600
CARRIED_BYTES = 4500
INSTEAD = "instead"
_NAMES = frozenset({"said", "message", "workflow"})


@dataclass(frozen=True)
class Instead:
    """A click that says: not an answer, but what it looks like. Nothing in it is believed."""

    said: str
    message: str
    workflow: str = ""


def is_it_an_answer(
    request: Request, said: str, wish: Command | Start | Unclear, look: Look, message: str
) -> JsonObject:
    """Asks whether `said` is the answer to the question of `request`."""
    yes = {**action_data(request), "comment": said}
    actions = [button(look.flavour, "reply", "Yes, send it", yes, style="positive")]
    match wish:
        case Start():
            no = _data(said, message, wish.workflow)
            actions.append(button(look.flavour, INSTEAD, f"No, start {wish.workflow.title}", no))
        case Command():
            no = _data(said, message)
            actions.append(button(look.flavour, INSTEAD, f"No, {wish.name}", no))
    body = [
        heading("Is this your answer?", size="Large"),
        *_quoted("You were asked", prompt_of(request)),
        *_quoted("You wrote", said),
        words("Nothing was sent or started yet."),
    ]
    return card(body, actions, spoken="Is this your answer?")


def shall_it_start(
    workflow: WorkflowInfo, said: str, look: Look, message: str, *, question: str = ""
) -> JsonObject:
    """Asks whether to start `workflow` with `said`; `question` waits for somebody else here."""
    title = f"Start {workflow.title} with this?"
    asked = _quoted("A question is open here", question)
    body = [
        heading(title, size="Large"),
        *asked,
        *_quoted("You wrote", said),
        words("Nothing was started yet."),
    ]
    data = _data(said, message, workflow)
    start = button(look.flavour, INSTEAD, f"Start {workflow.title}", data, style="positive")
    return card(body, [start], spoken=title)


def fits(said: str) -> bool:
    """Whether buttons can carry it: two of them do, each with its fallback."""
    return len(said) <= COMMENT_LIMIT and size_bytes(said) <= CARRIED_BYTES


def is_instead(value: Any) -> bool:
    """Whether the value of a message is such a click (Action.Submit)."""
    return isinstance(value, dict) and "said" in value


def instead_of_invoke(value: Any) -> Instead | None:
    """The click in an `adaptiveCard/action`; None if it is another one. Raises InvalidError."""
    action = value.get("action") if isinstance(value, dict) else None
    if not isinstance(action, dict) or action.get("verb") != INSTEAD:
        return None
    if value.get("trigger") == "automatic":
        raise InvalidError("Looking at this card starts nothing.")
    return instead_of(action.get("data"))


def instead_of(data: Any) -> Instead:
    """The click that carries `data`. Raises InvalidError."""
    if isinstance(data, dict) and set(data) - {"verb"} == _NAMES:
        said, message, workflow = (data[name] for name in ("said", "message", "workflow"))
        if all(isinstance(each, str) and fits(each) for each in (said, message, workflow)):
            return Instead(said, message, workflow)
    raise InvalidError("This card's data was changed. Nothing was started.")


def _data(said: str, message: str, workflow: WorkflowInfo | None = None) -> JsonObject:
    return {"said": said, "message": message, "workflow": workflow.name if workflow else ""}


def _quoted(title: str, text: str) -> list[JsonObject]:
    return [label(title), plain(cut_visibly(text, SHOWN))] if text else []
