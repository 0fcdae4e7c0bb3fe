"""Modals: the form for a reason, a question or changed values, and what was typed into it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from countersign.approvals.decisions.questions import MAX_QUESTION
from countersign.approvals.decisions.vote_input import MAX_COMMENT
from countersign.approvals.forms.display import label_of
from countersign.approvals.forms.fields import Field, fields
from countersign.approvals.forms.parsing import typed_text
from countersign.approvals.forms.wording import cut, in_words, visible
from countersign.approvals.models import JsonObject, Request, Value
from countersign.approvals.ports import RequestView
from countersign.connectors.slack.markup import escaped, plain, section
from countersign.connectors.slack.message import ASK, CHANGE, REJECT, Bound
from countersign.connectors.slack.question import REPLY
from countersign.connectors.slack.retracting import REVOKE
from countersign.connectors.slack.together import REJECT_ALL
from countersign.connectors.slack.undos import UNDO

WORDS_LIMIT, LABEL_LIMIT, HINT_LIMIT = 24, 200, 300
VALUE_LIMIT, OPTIONS, OPTION_LIMIT = 3_000, 100, 75
FIELDS_LIMIT = 90
MULTILINE_FROM = 60
TEXT, VALUE = "text", "value"
"""The block of what is written in words, and the action of every input."""
_ARGUMENT = "argument-"


class Opened(Bound):
    """What a modal carries: what it is for, and the message that it was opened from."""

    verb: str
    channel: str
    message: str
    foreseen: str | None = None
    """The digest of an edit of which they have been told who decides it as well."""


def form(opened: Opened, view: RequestView, *, note: str = "", typed: Typed | None = None) -> Any:
    """The modal of this verb; with a note on top, and what was typed already."""
    request = view.request
    comment = "" if typed is None else typed.text
    match opened.verb:
        case "reject":
            blocks = [
                section(f"{in_words(request.tool)} will not run; the agents read your reason."),
                _written("Reason", comment, MAX_COMMENT, optional=not _needs_comment(request)),
            ]
            return _modal(opened, "Reject", "Reject", blocks, note)
        case "reject_all":
            said = "None of those that wait will run; the agents read your reason."
            blocks = [section(said), _written("Reason", comment, MAX_COMMENT, optional=False)]
            return _modal(opened, "Reject all", "Reject all", blocks, note)
        case "reply":
            blocks = [_written("Your reply", comment, MAX_COMMENT, optional=False)]
            return _modal(opened, "Your reply", "Send", blocks, note)
        case "undo":
            said = "What takes it back stands in the message. Asking for it counts as your yes."
            blocks = [section(said), _written("Reason", comment, MAX_COMMENT, optional=False)]
            return _modal(opened, "Undo", "Have it undone", blocks, note)
        case "revoke":
            blocks = [
                section(f"{in_words(request.tool)} has not begun, and does not run then; the "
                        "agents read your reason."),
                _written("Reason", comment, MAX_COMMENT, optional=False),
            ]  # fmt: skip
            return _modal(opened, "Revoke the approval", "Revoke", blocks, note)
        case "ask":
            blocks = [
                section("The agent is asked, and its answer stands in the message. Nothing is "
                        "decided by asking."),
                _written("Your question", comment, MAX_QUESTION, optional=False),
            ]  # fmt: skip
            return _modal(opened, "Ask first", "Ask", blocks, note)
    inputs = [
        _input(number, each, _present(each, request, typed))
        for number, each in enumerate(fields(view.arguments_schema, request.arguments))
    ]
    what = f"{in_words(request.tool)} runs with your values; the agents are told what you changed."
    need = _needs_comment(request)
    last = _written("Comment", comment, MAX_COMMENT, optional=not need)
    return _modal(
        opened, "Change values", "Approve with changes", [section(what), *inputs, last], note
    )


def why_not(view: RequestView) -> str:
    """Why the values cannot be changed in a modal; "" if they can."""
    form = fields(view.arguments_schema, view.request.arguments)
    if len(form) > FIELDS_LIMIT:
        return f"It has {len(form)} values, more than fit into a form of Slack."
    for each in form:
        size = len(escaped(typed_text(view.request.arguments.get(each.name))))
        if each.kind != "choice" and size > VALUE_LIMIT:
            return f"{visible(label_of(each))} is too long for a form of Slack."
        if each.kind == "choice" and len(each.choices) > OPTIONS:
            return f"{visible(label_of(each))} has more choices than fit into a form of Slack."
    return ""


def notice(title: str, text: str) -> JsonObject:
    """A modal that only says something."""
    return {
        "type": "modal",
        "title": plain(title, WORDS_LIMIT),
        "close": plain("Close", WORDS_LIMIT),
        "blocks": [section(text)],
    }


class Typed(Value):
    """What was typed into a modal."""

    text: str = ""
    values: dict[str, str]
    """By argument, those that differ from what the form showed."""


def typed_in(state: Mapping[str, Any], view: RequestView) -> Typed:
    """What stands in the inputs of a modal that was sent."""
    values: dict[str, str] = {}
    for number, each in enumerate(fields(view.arguments_schema, view.request.arguments)):
        block = state.get(f"{_ARGUMENT}{number}")
        if block is None:
            continue
        text = _value(block)
        if each.kind == "choice":
            text = _chosen(each, text)
        shown = typed_text(view.request.arguments.get(each.name))
        # Slack gives back some texts with entities: what nobody touched stays as it is.
        if text not in (shown, escaped(shown)):
            values[each.name] = text
    return Typed(text=written_in(state), values=values)


def written_in(state: Mapping[str, Any]) -> str:
    """What was written in words."""
    return _value(state.get(TEXT)).strip()


def errors(problems: Mapping[str, str], view: RequestView, otherwise: str) -> dict[str, str]:
    """What is wrong, by block; what belongs to no input stands at the words."""
    form = [each.name for each in fields(view.arguments_schema, view.request.arguments)]
    found = {
        f"{_ARGUMENT}{form.index(name)}": cut(visible(why), HINT_LIMIT)
        for name, why in problems.items()
        if name in form
    }
    rest = "; ".join(f"{visible(n)}: {visible(w)}" for n, w in problems.items() if n not in form)
    if rest or not found:
        found[TEXT] = cut(rest or visible(otherwise), HINT_LIMIT)
    return found


def _modal(
    opened: Opened, title: str, submit: str, blocks: Sequence[JsonObject], note: str
) -> JsonObject:
    return {
        "type": "modal",
        "callback_id": opened.verb,
        "private_metadata": opened.model_dump_json(),
        "title": plain(title, WORDS_LIMIT),
        "submit": plain(submit, WORDS_LIMIT),
        "close": plain("Back", WORDS_LIMIT),
        "blocks": [*([section(f"⚠ {note}")] if note else []), *blocks],
    }


def _written(words: str, text: str, limit: int, *, optional: bool) -> JsonObject:
    element: JsonObject = {
        "type": "plain_text_input",
        "action_id": VALUE,
        "multiline": True,
        "max_length": min(limit, VALUE_LIMIT),
    }
    if text:
        element["initial_value"] = text[: min(limit, VALUE_LIMIT)]
    return {
        "type": "input",
        "block_id": TEXT,
        "label": plain(words),
        "optional": optional,
        "element": element,
    }


def _present(field: Field, request: Request, typed: Typed | None) -> str:
    known = {} if typed is None else typed.values
    return known.get(field.name, typed_text(request.arguments.get(field.name)))


def _input(number: int, field: Field, text: str) -> JsonObject:
    name = visible(label_of(field))
    block: JsonObject = {
        "type": "input",
        "block_id": f"{_ARGUMENT}{number}",
        "label": plain(f"{name} (JSON)" if field.kind == "json" else name, LABEL_LIMIT),
        # Slack writes "optional" beside it, and holds an empty one back otherwise.
        "optional": not field.required or not text,
        "element": {"action_id": VALUE, **_element(field, text)},
    }
    said = field.schema.get("description")
    if isinstance(said, str) and said.strip():
        block["hint"] = plain(" ".join(visible(said).split()), HINT_LIMIT)
    return block


def _element(field: Field, text: str) -> JsonObject:
    if field.kind == "choice":
        options = [
            _option(visible(typed_text(choice)), str(number))
            for number, choice in enumerate(field.choices)
        ]
        present = [o for o, c in zip(options, field.choices, strict=True) if typed_text(c) == text]
        return _select(options, present)
    if field.kind == "boolean":
        options = [_option("Yes", "true"), _option("No", "false")]
        return _select(options, [each for each in options if each["value"] == text])
    if field.kind == "date" and len(text) in (0, 10):
        initial = {"initial_date": text} if text else {}
        return {"type": "datepicker", **initial}
    long = field.kind == "json" or len(text) > MULTILINE_FROM or "\n" in text
    made: JsonObject = {"type": "plain_text_input", "multiline": long, "max_length": VALUE_LIMIT}
    return made | ({"initial_value": text} if text else {})


def _option(words: str, value: str) -> JsonObject:
    return {"text": plain(words, OPTION_LIMIT), "value": value}


def _select(options: list[JsonObject], present: list[JsonObject]) -> JsonObject:
    made: JsonObject = {"type": "static_select", "options": options}
    return made | ({"initial_option": present[0]} if present else {})


def _value(block: Any) -> str:
    """The text of the one input in a block: typed, chosen, or picked."""
    state = block.get(VALUE) if isinstance(block, dict) else None
    if not isinstance(state, dict):
        return ""
    option = state.get("selected_option")
    found = option.get("value") if isinstance(option, dict) else None
    found = found or state.get("value") or state.get("selected_date")
    return found if isinstance(found, str) else ""


def _chosen(field: Field, number: str) -> str:
    at = int(number) if number.isdecimal() else -1
    return typed_text(field.choices[at]) if 0 <= at < len(field.choices) else ""


def _needs_comment(request: Request) -> bool:
    return any(request.stages[number].comment_required for number in request.open_stages)


VERBS = frozenset({REJECT, REJECT_ALL, CHANGE, ASK, REPLY, REVOKE, UNDO})
"""What is done in a modal."""
