"""Receipts and exports of the ledger, as people take them from the pages."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import update

from countersign.approvals.audit import bundles
from countersign.approvals.audit.receipts import parse, verify
from countersign.approvals.errors import InvalidError, NotFoundError
from countersign.approvals.models import Principal
from countersign.approvals.store.schema import ledger
from countersign.bot.inbox import exporting
from countersign.bot.inbox.exporting import FIELDS, asked_of, wanted_of
from tests.bot.api_world import SEALING_KEY
from tests.bot.inbox_world import InboxWorld, inbox
from tests.processes import ROOT

KEY = SEALING_KEY.verifier


async def test_a_receipt_is_read_taken_and_verified(tmp_path: Path) -> None:
    async with inbox(tmp_path) as world:
        request = await world.api.waiting({"to": "ceo@example.com", "amount": 10})
        path = f"/inbox/requests/{request['id']}"
        alex = await world.signed_in("alex")
        assert f"{path}/receipt" not in await alex.open(path)
        await alex.send(f"{path}/votes", digest=request["digest"], verdict="approve")
        assert f'href="{path}/receipt"' in alex.text

        text = await alex.open(f"{path}/receipt")
        for shown in (
            "ceo@example.com", "Alex Wilber", "tools.send", f"--key '{KEY}'", "known as",
            "is in a later receipt",
        ):  # fmt: skip
            assert shown in text, shown
        told = verify(parse(await alex.open(f"{path}/receipt.json")), [KEY])
        assert ("approve", request["id"]) == (told["votes"][0]["verdict"], told["request"])
        kept = f'attachment; filename="receipt-{request["id"]}.json"'
        assert kept == alex.headers["Content-Disposition"]

        page = await alex.open("/inbox/verify_receipt.html")
        assert (ROOT / "tools" / "verify_receipt.html").read_text() == page
        assert "attachment" in alex.headers["Content-Disposition"]
        await alex.open("/inbox/requests/R-nowhere/receipt")
        assert 404 == alex.status


async def test_what_is_not_signed_yet_says_so(tmp_path: Path) -> None:
    async with inbox(tmp_path, sealed_elsewhere=True) as world:
        request = await world.api.waiting()
        alex = await world.signed_in("alex")
        text = await alex.open(f"/inbox/requests/{request['id']}/receipt")

        assert "There is no receipt yet." in text
        assert "receipt.json" not in text
        await alex.open(f"/inbox/requests/{request['id']}/receipt.json")
        assert 409 == alex.status


async def hides(world: InboxWorld, session: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody may read this session, which is of a domain of others."""

    async def require(_: Principal, session_id: str) -> None:
        if session_id == session:
            raise NotFoundError("There is no such session.")

    monkeypatch.setattr(world.api.records, "require_session_seen", require)


async def test_administrators_export_what_they_choose(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with inbox(tmp_path) as world:
        first, second = await world.api.waiting(), await world.api.waiting()
        await world.api.vote(first)
        for each in (first, second):
            await world.api.call("GET", f"/api/v1/ledger/receipts/{each['id']}")
        megan, adele = await world.signed_in("megan"), await world.signed_in("adele")
        export = "/inbox/ledger/export?format="
        assert "/ledger/export" not in await adele.open("/inbox/ledger")
        await adele.open(f"{export}csv")
        assert 403 == adele.status
        assert "/ledger/export" in await megan.open("/inbox/ledger")

        lines = (await megan.open(f"{export}jsonl")).splitlines()
        found = {json.loads(line)["session_id"] for line in lines}
        assert {first["session_id"], second["session_id"]} == found
        one = await megan.open(f"{export}jsonl&person=alex&since=2026-11-22&until=2026-11-22")
        assert {first["session_id"]} == {json.loads(x)["session_id"] for x in one.splitlines()}
        assert "" == await megan.open(f"{export}jsonl&tool=nothing")
        assert (await megan.open(f"{export}csv")).startswith("session,seq,at,kind,")
        assert 'filename="ledger.csv"' in megan.headers["Content-Disposition"]
        whole = await megan.open(f"{export}bundle&session={first['session_id']}")
        made = parse(whole, bundles.FORMAT)
        assert 1 == len(made["chains"])
        bundles.verify(made, [KEY])

        await hides(world, first["session_id"], monkeypatch)
        for format_ in ("jsonl", "csv", "bundle"):
            text = await megan.open(f"{export}{format_}")
            assert (False, True) == (first["session_id"] in text, second["session_id"] in text)
        monkeypatch.setattr(exporting, "MOST_SESSIONS", 1)
        wrong = {
            "bundle": "more than 1 sessions",
            "jsonl&since=yesterday": "is no day",
            "jsonl&session=S-nowhere": "S-nowhere",
            "xml": "Choose as what",
        }
        for query, said in wrong.items():
            text = await megan.open(f"{export}{query}")
            assert megan.status >= 400
            assert said in text, query


async def test_nobody_takes_a_part_of_an_export_for_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be read in the middle cuts the download off."""
    monkeypatch.setattr(exporting, "WRITTEN_CHARS", 1)
    async with inbox(tmp_path) as world:
        request = await world.api.waiting()
        broken = update(ledger).where(
            ledger.c.session_id == request["session_id"], ledger.c.seq == 2
        )
        await world.api.store.write(lambda c: c.execute(broken.values(body="{")))
        megan = await world.signed_in("megan")

        with pytest.raises(Exception, match=r"(?i)payload|disconnect|connection"):
            await megan.open("/inbox/ledger/export?format=jsonl")


def test_days_are_whole_and_in_utc() -> None:
    asked = asked_of({"since": "2026-11-01", "until": " 2026-11-30 ", "tool": "a\0b"})
    wanted = wanted_of(asked)

    assert set(FIELDS) == set(asked)
    assert (datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC), "ab") == (
        wanted.since,
        wanted.until,
        wanted.tool,
    )
    with pytest.raises(InvalidError):
        wanted_of(asked_of({"until": "9999-12-31"}))
