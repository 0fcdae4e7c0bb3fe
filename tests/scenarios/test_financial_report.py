"""The report of a month on the real application: what the controller wrote is in the files."""

from __future__ import annotations

import hashlib
import io
from collections.abc import AsyncIterator
from email import message_from_bytes, policy
from typing import Any, cast

import pytest
import pytest_asyncio
from openpyxl import load_workbook

from countersign.approvals.models import Verdict
from countersign.bot.demo.scenarios import SCENARIOS, Choice
from countersign.bot.demo.world import World, open_world
from tests.examples.test_report_files import text_of
from tests.scenarios.playing import APPROVE, play, undo

pytestmark = pytest.mark.asyncio

USE = "financial_report"
HEADLINE = "October closed with a profit; travel was a one-off."
EDIT = Choice(Verdict.MODIFY, comment="In my words.", changes={"headline": HEADLINE})
NO = Choice(Verdict.REJECT, comment="Do not publish this; we talk first.")


@pytest_asyncio.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "")  # put back afterwards: the world sets them
    async with open_world("api", SCENARIOS[USE]) as opened:
        yield opened


def attachments(world: World) -> dict[str, bytes]:
    """The files of the one mail that was sent."""
    (letter,) = world.mailbox.messages()
    raw = world.mailbox.raw(letter["id"])
    mail = message_from_bytes(raw, policy=policy.default)
    return {
        str(each.get_filename()): cast(bytes, each.get_payload(decode=True))
        for each in mail.iter_attachments()
    }


async def test_controllers_words_are_in_the_files_that_were_filed_and_sent(world: World) -> None:
    erp = world.office.more["erp"]

    session, (request,) = await play(world, USE, EDIT)

    (report,) = erp.reports()
    files = attachments(world)
    assert {name: hashlib.sha256(data).hexdigest() for name, data in files.items()} == report[
        "files"
    ]
    assert ("distributed", HEADLINE) == (report["status"], report["headline"])
    said = text_of(files["report-2026-10.pdf"])
    assert HEADLINE in said
    assert request.id in said
    book = load_workbook(io.BytesIO(files["report-2026-10.xlsx"]))
    assert HEADLINE == book["Report"]["B2"].value
    (letter,) = world.mailbox.messages()
    assert {"board@contoso.example", "cfo@contoso.example"} == set(letter["rcpt_to"])
    assert f"as the controller has written it: \u201c{HEADLINE}\u201d" in session["answer"]


async def test_text_of_an_invoice_is_a_text_in_the_workbook(world: World) -> None:
    await play(world, USE)
    book = load_workbook(io.BytesIO(attachments(world)["report-2026-10.xlsx"]))

    found = [
        cell
        for row in book["Journal lines"].iter_rows(min_row=2)
        for cell in row
        if str(cell.value).startswith("=HYPERLINK")
    ]
    assert ["s"] == [cell.data_type for cell in found]
    assert "Zażółć Consulting" in str(found[0].value)
    assert all(cell.data_type != "f" for sheet in book for row in sheet.iter_rows() for cell in row)


async def test_entry_that_is_posted_meanwhile_keeps_the_report_back(world: World) -> None:
    erp = world.office.more["erp"]

    async def post(request: dict[str, Any]) -> None:
        erp.post("2026-10", "6500", 5_000_000, "Late invoice")

    session, (request,) = await play(world, USE, before=post)

    assert ("cancelled", []) == (str(request.status), erp.reports())
    assert [] == world.mailbox.messages()
    assert "The books of 2026-10 have changed" in session["answer"]


async def test_refused_report_is_written_again_and_then_left(world: World) -> None:
    session, requests = await play(world, USE, NO, NO)

    assert ["rejected", "rejected"] == [str(each.status) for each in requests]
    assert requests[0].arguments["headline"] != requests[1].arguments["headline"]
    assert [] == world.office.more["erp"].effects()
    assert "was not signed off" in session["answer"]


async def test_headline_that_cannot_be_printed_is_refused_as_an_edit(world: World) -> None:
    """Nothing is lost: the request waits, and the reason says what to do."""

    async def edit(request: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match="cannot show 'Ż'"):
            await world.call(
                "alex",
                "POST",
                f"/api/v1/requests/{request['id']}/votes",
                {
                    "verdict": "modify",
                    "digest": request["digest"],
                    "arguments": {**request["arguments"], "headline": "Żaden problem."},
                },
            )

    _, (request,) = await play(world, USE, APPROVE, before=edit)

    assert "executed" == str(request.status)


async def test_report_that_went_out_is_not_withdrawn(world: World) -> None:
    erp = world.office.more["erp"]
    _, (request,) = await play(world, USE)

    undone = await undo(world, request, "A number was wrong.")

    assert "not_undone" == undone["state"], undone
    assert ["distributed"] == [each["status"] for each in erp.reports()]


async def test_report_that_could_not_be_sent_can_be_withdrawn(world: World) -> None:
    erp = world.office.more["erp"]
    world.mailbox.reject(1)
    session, (request,) = await play(world, USE)

    undone = await undo(world, request, "A number was wrong.")

    assert "It was not distributed" in session["answer"]
    assert "undone" == undone["state"], undone
    assert ["withdrawn"] == [each["status"] for each in erp.reports()]
