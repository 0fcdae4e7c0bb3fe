"""Block Kit as Slack judges it: what a message or a view may consist of, and how long it may be.

Only what an app of ours could send is known; anything else is refused, as Slack refuses it.
Sources: docs.slack.dev/reference/block-kit (blocks, block-elements, composition-objects) and
docs.slack.dev/reference/views, as known in 2026-11; for the size of a whole message, which is not
documented, github.com/slackapi/bolt-js/issues/2509.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

MESSAGE_BLOCKS, VIEW_BLOCKS = 50, 100
WHOLE_MESSAGE = 13_000
TEXT, FIELD, HEADER, LABEL, HINT, PLACEHOLDER = 3000, 2000, 150, 2000, 2000, 150
BUTTON, VALUE, OPTION, OPTION_VALUE, ID, URL = 75, 2000, 75, 150, 255, 3000
VIEW_WORDS, METADATA = 24, 3000

Problems = Iterator[str]
Check = Callable[[Any, str], Problems]


def message_problems(blocks: Any) -> list[str]:
    """What is wrong with the blocks of a message, each with its JSON pointer."""
    return list(_blocks(blocks, "/blocks", MESSAGE_BLOCKS, frozenset(MESSAGE)))


def is_too_long(blocks: Any) -> bool:
    """Whether the whole of it is more than Slack takes (`msg_blocks_too_long`)."""
    return len(json.dumps(blocks, ensure_ascii=False)) > WHOLE_MESSAGE


def view_problems(view: Any) -> list[str]:
    """What is wrong with a modal."""
    if not isinstance(view, dict):
        return [_said("must be an object", "/view")]
    found = [*_fields(view, "/view", VIEW, ("type", "title", "blocks"))]
    if view.get("type") != "modal":
        found.append(_said("must be modal", "/view/type"))
    if isinstance(view.get("blocks"), list):
        found += _blocks(view["blocks"], "/view/blocks", VIEW_BLOCKS, frozenset(IN_VIEWS))
        inputs = [b for b in view["blocks"] if isinstance(b, dict) and b.get("type") == "input"]
        if inputs and "submit" not in view:
            found.append(_said("submit is required with an input block", "/view"))
    return found


def _said(what: str, where: str) -> str:
    return f"[ERROR] {what} [json-pointer:{where}]"


def _blocks(blocks: Any, where: str, most: int, kinds: frozenset[str]) -> Problems:
    if not isinstance(blocks, list):
        yield _said("must be an array", where)
        return
    if not 1 <= len(blocks) <= most:
        yield _said(f"no more than {most} items allowed" if blocks else "must not be empty", where)
    ids = [b["block_id"] for b in blocks if isinstance(b, dict) and b.get("block_id")]
    if len(set(ids)) < len(ids):
        yield _said("block_id must be unique", where)
    for number, block in enumerate(blocks):
        yield from _block(block, f"{where}/{number}", kinds)


def _block(block: Any, at: str, kinds: frozenset[str]) -> Problems:
    kind = block.get("type") if isinstance(block, dict) else None
    if kind not in kinds:
        yield _said(f"unsupported type: {kind}", f"{at}/type")
        return
    known, needed = BLOCKS[kind]
    yield from _fields(block, at, {**known, "type": _any, "block_id": _string(ID)}, needed)
    if kind == "section" and not ("text" in block or "fields" in block):
        yield _said("a section needs text or fields", at)


def _fields(
    value: Mapping[str, Any], at: str, known: Mapping[str, Check], needed: tuple[str, ...]
) -> Problems:
    for name in needed:
        if name not in value:
            yield _said(f"missing required field: {name}", at)
    for name, inner in value.items():
        if name not in known:
            yield _said(f"invalid additional property: {name}", at)
        else:
            yield from known[name](inner, f"{at}/{name}")


def _any(_: Any, __: str) -> Problems:
    return iter(())


def _bool(value: Any, at: str) -> Problems:
    if not isinstance(value, bool):
        yield _said("must be a boolean", at)


def _string(longest: int, shortest: int = 1) -> Check:
    def check(value: Any, at: str) -> Problems:
        if not isinstance(value, str):
            yield _said("must be a string", at)
        elif len(value) > longest:
            yield _said(f"must be less than {longest + 1} characters", at)
        elif len(value) < shortest:
            yield _said(f"must be more than {shortest - 1} characters", at)

    return check


def _one_of(*allowed: str) -> Check:
    def check(value: Any, at: str) -> Problems:
        if value not in allowed:
            yield _said(f"must be one of {', '.join(allowed)}", at)

    return check


def _text(longest: int, *kinds: str) -> Check:
    def check(value: Any, at: str) -> Problems:
        kind = value.get("type") if isinstance(value, dict) else None
        if kind not in (kinds or ("plain_text", "mrkdwn")):
            yield _said(f"unsupported type: {kind}", f"{at}/type")
            return
        more = {"emoji": _bool} if kind == "plain_text" else {"verbatim": _bool}
        known = {"type": _any, "text": _string(longest), **more}
        yield from _fields(value, at, known, ("text",))

    return check


def _list(most: int, inner: Check) -> Check:
    def check(value: Any, at: str) -> Problems:
        if not isinstance(value, list) or not 1 <= len(value) <= most:
            yield _said(f"must have 1 to {most} items", at)
            return
        for number, each in enumerate(value):
            yield from inner(each, f"{at}/{number}")

    return check


def _element(*kinds: str) -> Check:
    def check(value: Any, at: str) -> Problems:
        kind = value.get("type") if isinstance(value, dict) else None
        if kind not in kinds:
            yield _said(f"unsupported type: {kind}", f"{at}/type")
            return
        known, needed = ELEMENTS[kind]
        yield from _fields(value, at, {**known, "type": _any, "action_id": _string(ID)}, needed)

    return check


def _option(value: Any, at: str) -> Problems:
    if not isinstance(value, dict):
        yield _said("must be an object", at)
        return
    known = {"text": PLAIN_75, "value": _string(OPTION_VALUE), "description": PLAIN_75}
    yield from _fields(value, at, known, ("text", "value"))


PLAIN_75 = _text(75, "plain_text")
ELEMENTS: dict[str, tuple[dict[str, Check], tuple[str, ...]]] = {
    "button": (
        {
            "text": _text(BUTTON, "plain_text"),
            "value": _string(VALUE),
            "url": _string(URL),
            "style": _one_of("primary", "danger"),
            "accessibility_label": _string(75),
        },
        ("text",),
    ),
    "plain_text_input": (
        {
            "initial_value": _string(3000, 0),
            "multiline": _bool,
            "min_length": _any,
            "max_length": _any,
            "placeholder": _text(PLACEHOLDER, "plain_text"),
        },
        (),
    ),
    "static_select": (
        {
            "options": _list(100, _option),
            "initial_option": _option,
            "placeholder": _text(PLACEHOLDER, "plain_text"),
        },
        ("options",),
    ),
    "datepicker": (
        {"initial_date": _string(10, 10), "placeholder": _text(PLACEHOLDER, "plain_text")},
        (),
    ),
}
STYLE: dict[str, Check] = {name: _bool for name in ("bold", "italic", "strike", "code")}


def _rich_piece(value: Any, at: str) -> Problems:
    if not isinstance(value, dict) or value.get("type") != "text":
        yield _said("unsupported element", at)
        return
    known = {"type": _any, "text": _string(WHOLE_MESSAGE), "style": _style}
    yield from _fields(value, at, known, ("text",))


def _style(value: Any, at: str) -> Problems:
    yield from _fields(value if isinstance(value, dict) else {"": value}, at, STYLE, ())


def _rich_section(value: Any, at: str) -> Problems:
    if not isinstance(value, dict) or value.get("type") != "rich_text_section":
        yield _said("unsupported element", at)
        return
    known = {"type": _any, "elements": _list(WHOLE_MESSAGE, _rich_piece)}
    yield from _fields(value, at, known, ("elements",))


BLOCKS: dict[str, tuple[dict[str, Check], tuple[str, ...]]] = {
    "header": ({"text": _text(HEADER, "plain_text")}, ("text",)),
    "section": (
        {
            "text": _text(TEXT),
            "fields": _list(10, _text(FIELD)),
            "accessory": _element("button"),
            "expand": _bool,
        },
        (),
    ),
    "divider": ({}, ()),
    "rich_text": ({"elements": _list(100, _rich_section)}, ("elements",)),
    "context": ({"elements": _list(10, _text(TEXT))}, ("elements",)),
    "actions": ({"elements": _list(25, _element("button"))}, ("elements",)),
    "input": (
        {
            "label": _text(LABEL, "plain_text"),
            "element": _element("plain_text_input", "static_select", "datepicker"),
            "hint": _text(HINT, "plain_text"),
            "optional": _bool,
        },
        ("label", "element"),
    ),
}
MESSAGE = ("header", "section", "divider", "context", "actions", "rich_text")
IN_VIEWS = ("header", "section", "divider", "context", "input")
VIEW: dict[str, Check] = {
    "type": _any,
    "title": _text(VIEW_WORDS, "plain_text"),
    "submit": _text(VIEW_WORDS, "plain_text"),
    "close": _text(VIEW_WORDS, "plain_text"),
    "blocks": _any,
    "callback_id": _string(ID),
    "private_metadata": _string(METADATA, 0),
    "clear_on_close": _bool,
    "notify_on_close": _bool,
    "external_id": _string(ID),
}
