"""What a tool returns is JSON for the agents."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum, StrEnum
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, Field, SecretStr

from countersign.agents.tools.returned import written
from countersign.sandbox.openai import ToolCall
from tests.agents.teams import GUARDED, Effects, Mode, calls_then, pair
from tests.agents.world import world


class Address(BaseModel):
    street: str = Field(alias="Street")
    since: date = date(2026, 1, 2)
    key: SecretStr = SecretStr("hunter2")


@dataclasses.dataclass
class Person:
    name: str
    lives: Address


class Size(StrEnum):
    BIG = "big"


class Old(str, Enum):  # noqa: UP042 - as people still write it
    BIG = "big"


class Plain:
    def __str__(self) -> str:
        return "a plain thing"


class Broken:
    def __str__(self) -> str:
        raise ValueError("no words")


def _endless() -> Iterator[int]:
    while True:
        yield 1


HOME = {"street": "Rue Ä", "since": "2026-01-02", "key": "**********"}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as it is: {'a': 1}", "as it is: {'a': 1}"),
        (Size.BIG, "big"),
        (Old.BIG, "big"),
        (None, "null"),
        (True, "true"),
        (1.5, "1.5"),
        ({"a": None, "b": (1, "ü")}, '{"a": null, "b": [1, "ü"]}'),
        ([], "[]"),
        (Address(Street="Rue Ä"), json.dumps(HOME, ensure_ascii=False)),
        (
            [Person("Bo", Address(Street="Rue Ä"))],
            json.dumps([{"name": "Bo", "lives": HOME}], ensure_ascii=False),
        ),
        ({1: Decimal("1.50")}, '{"1": "1.50"}'),
        (Decimal("1.50"), "1.50"),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00Z"),
        (b"bytes", "bytes"),
        (b"\xff", r"b'\xff'"),
        ({"rate": float("inf")}, '{"rate":"Infinity"}'),
        (Plain(), "a plain thing"),
        ({"it": Plain()}, '{"it": "a plain thing"}'),
        (Broken(), "(a Broken that cannot be written as text)"),
        ("\ud800\x00", "?\N{REPLACEMENT CHARACTER}"),
        ({"a": "\ud800"}, '{"a": "?"}'),
    ],
)
def test_written(value: Any, text: str) -> None:
    assert text == written(value)


def test_what_has_no_end_is_not_read() -> None:
    assert written(_endless()).startswith("<generator object")


def test_what_contains_itself_is_written_as_python_does() -> None:
    loop: list[Any] = [1]
    loop.append(loop)

    assert "[1, [...]]" == written(loop)


@pytest.mark.asyncio
@pytest.mark.parametrize("mode", ["async", "sync"])
@pytest.mark.parametrize("tool", ["send_email", "update_crm"])
async def test_agents_read_json(tool: str, mode: Mode, office: str, tmp_path: Path) -> None:
    """Also under an approval, and from a function that AutoGen has wrapped."""
    effects = Effects(returns={"ok": True, "ids": ("é", None)})
    mail = {"to": "bob@x.test", "subject": "Hi", "body": "Hello"}
    arguments = mail if tool == "send_email" else {"record": "A", "stage": "b"}
    script = calls_then(ToolCall(tool, arguments), ToolCall("look_up", {"name": "bob"}))
    async with world(
        pair(effects, mode=mode), script, path=tmp_path, office=office, guarded=GUARDED
    ) as w:
        await w.start()
        await w.run()
        await w.office.approve((await w.requests())[0])
        await w.run()
        approved, allowed = await w.tool_texts()

    assert '{"ok": true, "ids": ["é", null]}' == json.loads(approved)["result"] == allowed


@pytest.mark.asyncio
async def test_agents_read_the_head_of_a_long_result(tmp_path: Path) -> None:
    effects = Effects(returns=["x" * 30_000])
    script = calls_then(ToolCall("look_up", {"name": "bob"}))
    async with world(pair(effects), script, path=tmp_path, office="sqlite") as w:
        await w.start()
        await w.run()
        (request,) = await w.requests()
        (text,) = await w.tool_texts()
        kept = await w.office.records.result(request.id)  # type: ignore[attr-defined]

    head, _, note = text.partition("\n")
    assert '["' + "x" * 19_998 == head
    assert note.startswith("[cut: 20,000 of 30,004 characters; the whole is kept with request R-")
    assert (["x" * 30_000], 30_004, True) == (
        json.loads(kept.content),
        kept.characters,
        kept.complete,
    )
