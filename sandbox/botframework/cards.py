"""A card in the hands of a person: which button, which inputs, and what the client sends for them.

Source: Adaptive Cards schema 1.5 (adaptivecards.io/explorer): Action.Execute `associatedInputs`,
Input.* `isRequired`, `regex`, `min`, `max`, `valueOn`. The client sends every input as a string.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any


class CardError(ValueError):
    """The client would not send this: no such button or input, or an input that is not valid."""


def _walk(node: Any) -> Iterator[dict[str, Any]]:
    """Every object of the card, in the order of the page; fallbacks are not drawn."""
    if isinstance(node, list):
        for item in node:
            yield from _walk(item)
    elif isinstance(node, dict):
        yield node
        for key, value in node.items():
            if key not in ("data", "fallback", "refresh", "authentication", "msteams"):
                yield from _walk(value)


def actions(card: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every action that is drawn."""
    return [node for node in _walk(dict(card)) if str(node.get("type", "")).startswith("Action.")]


def inputs(card: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every input that is drawn."""
    return [node for node in _walk(dict(card)) if str(node.get("type", "")).startswith("Input.")]


def verbs(card: Mapping[str, Any]) -> list[str]:
    """What can be clicked, by verb (of an Action.Submit: `verb` in its data)."""
    found = (_verb(action) for action in actions(card))
    return [verb for verb in found if verb is not None]


def _verb(action: Mapping[str, Any]) -> str | None:
    if action.get("type") == "Action.Execute":
        return action.get("verb")
    data = action.get("data")
    return data.get("verb") if isinstance(data, Mapping) else None


def action_of(card: Mapping[str, Any], verb: str) -> dict[str, Any]:
    """The button with this verb, or failing that with this title. Raises CardError."""
    for action in actions(card):
        if verb in (_verb(action), action.get("title")) and action["type"] in (
            "Action.Execute",
            "Action.Submit",
        ):
            if action.get("isEnabled") is False:
                raise CardError(f"the button {verb!r} is disabled")
            return action
    raise CardError(f"the card has no button {verb!r}, only {verbs(card)}")


def data_for(
    card: Mapping[str, Any], action: Mapping[str, Any], given: Mapping[str, Any]
) -> dict[str, Any]:
    """The data of the action with the inputs merged in, all as strings, as the client sends them.

    `given` are the inputs the person typed by id; the others keep the value the card came with.
    Raises CardError.
    """
    data = action.get("data")
    merged: dict[str, Any] = dict(data) if isinstance(data, Mapping) else {}
    if action.get("associatedInputs", "auto").lower() == "none":
        return merged
    known = {str(item.get("id")): item for item in inputs(card)}
    unknown = [name for name in given if name not in known]
    if unknown:
        raise CardError(f"the card has no input {unknown[0]!r}, only {sorted(known)}")
    for name, item in known.items():
        text = _as_text(given[name] if name in given else item.get("value"), item)
        _validate(name, item, text)
        if text or item["type"] == "Input.Text":
            merged[name] = text
    return merged


def _as_text(value: Any, item: Mapping[str, Any]) -> str:
    if item["type"] == "Input.Toggle":
        on, off = item.get("valueOn", "true"), item.get("valueOff", "false")
        checked = value is True or (value is not None and str(value).lower() == str(on).lower())
        return str(on if checked else off)
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return format(value, ".15g") if isinstance(value, float) else str(value)


def _validate(name: str, item: Mapping[str, Any], text: str) -> None:
    complaint = item.get("errorMessage") or f"the input {name!r} is not valid"
    if item.get("isRequired") and (
        not text or (item["type"] == "Input.Toggle" and text != item.get("valueOn", "true"))
    ):
        raise CardError(complaint)
    if text and item.get("regex") and not re.search(item["regex"], text):
        raise CardError(complaint)
    if text and item["type"] == "Input.Number":
        try:
            number = float(text)
        except ValueError:
            raise CardError(complaint) from None
        if number < float(item.get("min", number)) or number > float(item.get("max", number)):
            raise CardError(complaint)
    if item.get("maxLength") and len(text) > item["maxLength"]:
        raise CardError(f"the input {name!r} takes {item['maxLength']} characters")
    if text and item["type"] == "Input.ChoiceSet" and item.get("style") != "filtered":
        allowed = {str(choice["value"]) for choice in item.get("choices", ())}
        if not set(text.split(",") if item.get("isMultiSelect") else [text]) <= allowed:
            raise CardError(complaint)
