"""What the page of a request shows, as values."""

from __future__ import annotations

from pathlib import Path

import pytest
import structlog
from aiohttp import ClientConnectionResetError, ServerDisconnectedError, web

from countersign.approvals.forms.values import columns_of_numbers
from countersign.bot.inbox.shown import LONG_TEXT, beside
from tests.bot.inbox_world import inbox


@pytest.mark.parametrize(
    ("rows", "numbers"),
    [
        ((("Account", "EUR", "%"), ("Travel", "20,985.00", "+133.2"), ("", "-5", "")), "nyy"),
        ((("A", "B"), ("1", "x"), ("2", "3")), "yn"),
        ((("Share", "Nothing"), ("8 %", ""), ("\u22125", "")), "yn"),
        ((("Only", "a", "head"),), ""),
        ((), ""),
    ],
)
def test_columns_of_numbers_are_known(rows: tuple[tuple[str, ...], ...], numbers: str) -> None:
    found = columns_of_numbers(rows)

    assert numbers == "".join("y" if each else "n" for each in found)


async def test_calls_of_one_tool_are_told_from_each_other(tmp_path: Path) -> None:
    async with inbox(tmp_path) as world:
        made = [
            await world.api.waiting(arguments)
            for arguments in ({"to": "ceo\nand all", "amount": 1}, {"to": "x" * 99})
        ]
        stored = [await world.api.records.request(each["id"]) for each in made]

    first, long = (beside(each) for each in stored)
    assert "To: " in first
    assert "\n" not in first
    assert "" == beside(stored[0].model_copy(update={"arguments": {}}))
    assert LONG_TEXT + len("To: ") == len(long)


async def test_somebody_who_leaves_before_the_stream_begins_is_no_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*_: object) -> None:
        raise ClientConnectionResetError("Cannot write to closing transport")

    async with inbox(tmp_path) as world:
        alex = await world.signed_in("alex")
        with structlog.testing.capture_logs() as said, monkeypatch.context() as patched:
            patched.setattr(web.StreamResponse, "prepare", gone)
            with pytest.raises(ServerDisconnectedError):
                await alex.open("/inbox/live")

    assert [] == [entry for entry in said if entry["log_level"] == "error"]
