"""Approval with changes, as a person writes it in a ticket: names and values, read exactly.

In a comment it stands under a line that says `Changes:`, so that no ordinary sentence can be taken
for one; in a field of its own it stands alone:

    Changes:
    amount: 27000
    discount_percent: 10

or the same as a JSON object. What is not named stays as it was proposed. What comes here was made
plain text by its connector; only names and marks around values are read generously, never a value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from countersign.approvals.errors import InvalidArgumentsError, InvalidError
from countersign.approvals.forms.display import label_of
from countersign.approvals.forms.fields import Field, fields
from countersign.approvals.forms.parsing import (
    ProblemError,
    edited_arguments,
    typed_text,
)
from countersign.approvals.forms.wording import cut, number_text
from countersign.approvals.models import JsonObject
from countersign.approvals.strict_json import InexactError, TwiceError, read_json
from countersign.connectors.comments.vocabulary import OBJECT, Vocabulary, letters

HOW = (
    "write a comment that begins with a line “Changes:”, followed by one line for each argument "
    "to change, for example “amount: 900”"
)
_COLONS = ":\uff1a\ufe55\ufe13\u2236\ua789"
_EQUALS = "=\uff1d\t\u2192"
_UNSEEN = "\ufeff\u200b\u200c\u200d\u2060"
# No part of these can match what the one before it matches: a long line takes no long time.
_MARK = re.compile(rf"^[\s*\-+#\u2022\u00b7\u25e6\u25aa\u2023{_UNSEEN}]*(?:\d{{1,2}}[.)][ \t]+)?")
_PARTS = re.compile(
    rf"^([^{_COLONS}{_EQUALS}\n]{{1,120}}?)\s*(?:[{_COLONS}{_EQUALS}]|[-=]>)\s?(.*)$"
)
_HEAD = re.compile(rf"^([^{_COLONS}\n]{{1,60}})[{_COLONS}](.*)$")
_FENCE = re.compile(r"^[ \t]*(?:\{(?:code|noformat)(?::[^}\n]*)?\}|```\w*)[ \t]*$", re.MULTILINE)
_AROUND_NAME = "*_{}[]`'\"\u201c\u201d\u201e\u00ab\u00bb\u201a\u2018\u2019 \t"
_QUOTES = {
    "\u201c": "\u201d\u201c",
    "\u201e": "\u201c\u201d",
    "\u00ab": "\u00bb",
    "\u00bb": "\u00ab",
    "\u2018": "\u2019",
    "'": "'",
    "`": "`",
}
_BOTH_NAMES = re.compile(r"^.{1,100}\(([^()]{1,100})\)$")
_WITH_CURRENCY = re.compile(r"^(.*\d)\s*([A-Z]{3}|[$\u20ac\u00a3\u00a5])$")
_TABLE_HEAD = frozenset({("argument", "value"), ("name", "value"), ("field", "value")})
_BEFORE_HEAD = frozenset(
    "please my the following with approved approve ok requested required wanted desired proposed "
    "and these some small minor bitte folgende mit genehmigt gewunschte gewuenschte meine avec mes "
    "demandes demandees con mis aprobado cambios com met".split()
)
_MAY_BE_GROUPED = re.compile(r"-?[1-9]\d{0,2}(?:\.\d{3})+(?![\d.])")
"""27.000 is 27 in some countries and 27,000 in others."""
_ANOTHER = re.compile(r"[,;]\s*\w[\w ]{0,60}?\s*(?:[:=]|[-=]+>)\s*\S")
_AS_BEFORE = frozenset(
    {
        *("unchanged", "same", "same as before", "as is", "as before", "no change", "keep"),
        *("unverandert", "wie gehabt", "wie bisher", "gleich", "inchange", "sans changement"),
        *("sin cambios", "igual", "invariato", "come prima", "inalterado", "ongewijzigd"),
    }
)
ONE_EACH = "Write the new value only, and one change in a line."
_AFTER_HEAD = frozenset(
    "requested required needed wanted please below as follows to make see bitte gewunscht "
    "gewuenscht erforderlich demandes demandees demandee solicitados solicitadas richiesti "
    "richieste gewenst".split()
)


def split(comment: str, vocabulary: Vocabulary | None = None) -> tuple[str, str | None]:
    """The words of a comment, and what stands under `Changes:` (None if there is no such line)."""
    heads = (vocabulary or Vocabulary()).heads
    lines = _lines(comment).split("\n")
    for number, line in enumerate(lines):
        rest = _head(line, heads)
        if rest is not None:
            asked = "\n".join((rest, *lines[number + 1 :]))
            return "\n".join(lines[:number]).strip(), asked.strip()
    return "\n".join(lines).strip(), None


def asked_for(
    field: str, comment: str, earlier: Sequence[str], vocabulary: Vocabulary | None = None
) -> tuple[str, str | None]:
    """The words of a comment, and the changes to make; None if nobody asks for any.

    `field` is what stands in the field for changes, `earlier` what the same person had written
    before the comment. Raises InvalidError if they are in more than one place or not in the last
    word: to guess which ones are meant would run what nobody asked for.
    """
    words, block = split(comment, vocabulary)
    before = {found for text in earlier if (found := split(text, vocabulary)[1]) is not None}
    if before - {block}:
        raise InvalidError(
            "An earlier comment of yours asks for changes, and the last one does not ask for the "
            f"same. To approve with changes, {HOW}, all of them in your last comment; to approve "
            "without, decide again."
        )
    if block is not None and field.strip():
        raise InvalidError(
            "Changes stand in their field and in your comment. Write all of them in one place, and "
            "empty the field if you write them in a comment."
        )
    return words, _own_head(field, vocabulary) or block


def _own_head(field: str, vocabulary: Vocabulary | None) -> str:
    """What stands in the field; a head that somebody has written there, too, is left out."""
    words, block = split(field, vocabulary)
    return block if block and not words else field.strip()


def lists_only(comment: str, schema: JsonObject | None, current: JsonObject) -> bool:
    """Whether a comment is nothing but lines of a name and a value, and every name is known."""
    form = fields(schema, current)
    lines = [line for line in _lines(comment).split("\n") if line.strip()]
    parts = [_PARTS.match(_MARK.sub("", line)) for line in lines]
    names = [_field_of(part[1], form) for part in parts if part is not None]
    return bool(lines) and len(names) == len(lines) and None not in names


def changed(tool: str, schema: JsonObject | None, current: JsonObject, text: str) -> JsonObject:
    """All arguments with the changes in them.

    Raises InvalidError or InvalidArgumentsError: the text says what to write instead.
    """
    form = fields(schema, current)
    wanted = _wanted(_FENCE.sub("", _lines(text)).strip(), form)
    known = {field.name: field for field in form}
    unknown = {name: "is not an argument of this tool" for name in wanted if name not in known}
    if unknown:
        raise InvalidArgumentsError(tool, unknown)
    problems: dict[str, str] = {}
    typed: dict[str, str] = {}
    for name, value in wanted.items():
        if not isinstance(value, str):
            continue
        try:
            typed[name] = _typed(value, known[name], current, wanted)
        except ProblemError as problem:
            problems[name] = str(problem)
    edited, others = edited_arguments(form, current, typed)
    if problems or others:
        raise InvalidArgumentsError(tool, {**others, **problems})
    return {**edited, **{name: v for name, v in wanted.items() if not isinstance(v, str)}}


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _head(line: str, heads: frozenset[str]) -> str | None:
    """What follows the head that this line is; None if it is none."""
    bare = _MARK.sub("", line).strip(" \t*_")
    found = _HEAD.match(bare)
    label, rest = (found[1], found[2].strip(" \t*_")) if found else (bare, "")
    if len(label) > 60 or bare.startswith((">", "bq.")):  # quoted: of somebody else, perhaps
        return None
    words = letters(label).split()
    while words and words[0] in _BEFORE_HEAD and " ".join(words) not in heads:
        words = words[1:]
    while words and words[-1] in _AFTER_HEAD and " ".join(words) not in heads:
        words = words[:-1]
    return rest if " ".join(words) in heads else None


def _field_of(name: str, form: Sequence[Field]) -> str | None:
    """The argument that is named so: exactly, or as a person writes its name or its label."""
    bare = name.strip(_AROUND_NAME + _UNSEEN)
    both = _BOTH_NAMES.match(bare)  # as the ticket shows it: Valid days (valid_days)
    for exact in (bare, both[1] if both else bare):
        if any(field.name == exact for field in form):
            return exact
    wanted = letters(bare).replace(" ", "")
    found = {
        field.name
        for field in form
        for label in (field.name, label_of(field), str(field.schema.get("title", "")))
        if wanted and letters(label).replace(" ", "") == wanted
    }
    return found.pop() if len(found) == 1 else None


def _wanted(text: str, form: Sequence[Field]) -> Mapping[str, Any]:
    if text.startswith("{"):
        return _object(text)
    wanted: dict[str, Any] = {}
    for line in text.split("\n"):
        if not line.strip(f" \t\r\f\v{_UNSEEN}*_"):
            continue
        match = _PARTS.match(_MARK.sub("", line))
        if match is None:
            raise InvalidError(f"“{cut(line.strip(), 80)}” is no change: {HOW}.")
        value = match[2].strip().strip(_UNSEEN).strip()
        if (letters(match[1]), letters(value)) in _TABLE_HEAD:
            continue
        name = _field_of(match[1], form) or match[1].strip(_AROUND_NAME + _UNSEEN)
        if name in wanted:
            raise InvalidError(f"{name} is given twice; give each argument one value.")
        wanted[name] = _unquoted(value)
    if not wanted:
        raise InvalidError(f"It does not say what to change: {HOW}.")
    return wanted


def _typed(value: str, field: Field, current: JsonObject, wanted: Mapping[str, Any]) -> str:
    """The value without what an editor has put around it. Raises ProblemError if it is not certain
    what was typed."""
    if OBJECT in value:
        raise ProblemError(
            "There is something in it that is no text (a picture, a link under other words, "
            "something struck out, somebody's name from a list). Write it as plain text."
        )
    before = typed_text(current.get(field.name))
    moved = rf"(?:from\s+)?{re.escape(before)}\s*(?:[-=]+>|\u2192|to\b)\s*\S"
    if before and re.match(moved, value, re.IGNORECASE):
        raise ProblemError("Write the new value only.")
    quoted = len(value) > 1 and value[-1] in _QUOTES.get(value[0], "")
    if field.kind == "text":
        _require_value(value, before, wanted)
        if quoted and value[0] not in "'`":
            raise ProblemError('Write it without quotation marks, or between straight ones: "…".')
        return value
    value = value[1:-1].strip() if quoted else value
    if field.kind in ("number", "integer") and (grouped := _MAY_BE_GROUPED.match(value)):
        part, whole = number_text(float(grouped[0])), grouped[0].replace(".", "")
        raise ProblemError(f"{grouped[0]} may be {part} or {whole}. Write {part} or {whole}.")
    money = _WITH_CURRENCY.match(value) if field.kind in ("number", "integer") else None
    if money and money[2] in {**current, **wanted}.values():  # as the ticket shows it: 25080 EUR
        return money[1]
    return value


def _require_value(value: str, before: str, wanted: Mapping[str, Any]) -> None:
    """Raise ProblemError for what is no new value of a text, as far as anybody can tell."""
    if not any(c.isalnum() for c in value) or letters(value) in _AS_BEFORE:
        raise ProblemError("Write the new value, or leave the line out to keep it as it is.")
    for found in _ANOTHER.finditer(value):
        raise ProblemError(f"“{cut(found[0].strip(), 40)}” looks like another change. {ONE_EACH}")
    is_id = before and not re.search(r"\s", before) and re.search(r"[\d_@/.-]", before)
    if is_id and re.search(r"\s", value.strip()):
        raise ProblemError(f"It is one word, like {cut(before, 40)}. {ONE_EACH}")


def _unquoted(text: str) -> str:
    """A text as the ticket shows it: in quotes where it could be taken for something else."""
    if not (text.startswith('"') and text.endswith('"')):
        return text
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, str) else text


def _object(text: str) -> Mapping[str, Any]:
    try:
        value = read_json(text, exact=True, unique=True)
    except InexactError as exc:
        raise InvalidError(f"{cut(exc.text, 40)}: {exc}") from exc
    except TwiceError as exc:
        raise _no_object(f"{exc.name} is there twice") from exc
    except ValueError as exc:
        raise _no_object(str(exc)) from exc
    if not isinstance(value, dict) or not value:
        raise InvalidError("The changes are an empty JSON object; name what to change.")
    return value


def _no_object(why: str) -> InvalidError:
    return InvalidError(f"The changes are not a JSON object: {cut(why, 200)}")
