"""Forms say what is wrong in the reader's language."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from countersign.approvals.forms.fields import fields
from countersign.approvals.forms.parsing import ProblemError, coerced
from countersign.approvals.rules.arguments import problems
from countersign.bot.inbox.said import said
from countersign.bot.inbox.words import words
from tests.bot.inbox_world import inbox

DE = words("de")
SCHEMA = {
    "type": "object",
    "properties": {
        "many": {"type": "integer"}, "much": {"type": "number", "maximum": 10, "minimum": 1},
        "sure": {"type": "boolean"}, "one": {"enum": ["a", "b"]},
        "day": {"type": "string", "format": "date"}, "at": {"type": "string", "format": "time"},
        "all": {"type": "array"}, "name": {"type": "string", "maxLength": 3, "minLength": 2},
        "code": {"type": "string", "pattern": "^[a-z]+$"},
    },
    "required": ["many"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("many", "x"), ("many", "1,5"), ("many", "1.5"), ("much", "9" * 40), ("sure", "maybe"),
        ("one", "c"), ("day", "soon"), ("at", "noon"), ("all", "["), ("all", "[NaN]"),
        ("all", '[{"a": 1, "a": 2}]'), ("all", "[" * 3000 + "]" * 3000),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_in_german(name: str, typed: str) -> None:
    (field,) = [each for each in fields(SCHEMA, {}) if each.name == name]
    with pytest.raises(ProblemError) as problem:
        coerced(field, typed)
    english = str(problem.value)

    assert english != said(DE, english)
    assert english == said(words("en"), english)


@pytest.mark.parametrize(
    "arguments",
    [
        {"much": 11}, {"much": 0}, {"one": "c"}, {"name": "long"}, {"name": "n"},
        {"code": "A1"}, {"sure": 1}, {"other": 1}, {},
    ],
)  # fmt: skip
def test_what_does_not_fit_the_tool_is_told_in_german(arguments: dict[str, Any]) -> None:
    needed = {"many": 1} if arguments else {}
    found = problems(SCHEMA, {**needed, **arguments})

    assert found
    for english in found.values():
        assert english != said(DE, english), english


def test_values_of_others_stay_what_they_are_within_a_sentence() -> None:
    assert "500 ist größer als das Höchste, 10" == said(DE, "500 is greater than the maximum of 10")
    assert "%(x)s ist kein JSON-Wert." == said(DE, "%(x)s is not a JSON value.")
    assert "A sentence of tomorrow." == said(DE, "A sentence of tomorrow.")


async def test_a_german_reader_is_told_in_german_beside_the_field(tmp_path: Path) -> None:
    async with inbox(tmp_path) as world:
        request = await world.api.waiting({"to": "ceo", "amount": 10})
        alex = await world.signed_in("alex")
        path, digest = f"/inbox/requests/{request['id']}", request["digest"]
        await alex.open(path)
        await alex.send("/inbox/language", language="de", next=path)
        edit = {"digest": digest, "arg.to": "cfo"}
        await alex.send(f"{path}/edits", **edit, **{"arg.amount": "viel"})
        assert re.search(r'id="arg-2-problem">Hier muss eine Zahl stehen\.', alex.text)
        await alex.send(f"{path}/edits", **edit, **{"arg.amount": "2000"})
        assert "2000 ist größer als das Höchste, 1000" in alex.text
        await alex.send(f"{path}/votes", digest=digest, verdict="reject", comment="")
        assert "Sagen Sie, warum Sie es ablehnen" in alex.text
        await alex.send(f"{path}/questions", text="")
        assert "Schreiben Sie die Frage in 1 bis" in alex.text
        await alex.send(f"{path}/votes", digest=digest, verdict="grant", **{"grant.uses": "x"})
        assert "Nichts wurde genehmigt oder gewährt" in alex.text
