"""`countersign oversight`: figures on how people decide, as a table, JSON and CSV."""

from __future__ import annotations

import asyncio
import csv
import json
from pathlib import Path
from typing import Any

import pytest

from countersign.approvals.models import Verdict
from tests.bot.cli.conftest import Cli, cli  # noqa: F401
from tests.doubles.directory import BEN, CARA
from tests.doubles.world import opened

ALWAYS = ("--since", "2020-01-01", "--until", "2040-01-01")


@pytest.fixture
def decided(cli: Cli, tmp_path: Path) -> Cli:  # noqa: F811
    """A database in which people have decided."""

    async def make() -> None:
        async with opened(tmp_path) as world:
            for waits_s, who, verdict in (
                (1, BEN, Verdict.APPROVE), (300, BEN, Verdict.APPROVE),
                (30, CARA, Verdict.REJECT), (7200, CARA, Verdict.APPROVE),
            ):  # fmt: skip
                world.use(
                    {"tools": {"quote": {"effect": "require_approval", "roles": ["manager"]}}}
                )
                (request,) = await world.asked()
                world.clock.advance(waits_s)
                await world.vote(request, who, verdict)

    asyncio.run(make())
    return cli


def test_a_table_says_who_decides_how_fast(decided: Cli) -> None:
    text = decided("oversight", *ALWAYS).out

    assert "all 4 requests that people were asked" in text
    assert "1 of 3 approvals (33%) came within 3 seconds" in text
    rows = {line.split()[0]: line.split() for line in text.splitlines() if line.strip()}
    assert ["Ben", "2", "0%", "0%", "50%"] == rows["Ben"][:5]
    assert ["Cara", "2", "50%", "0%", "0%"] == rows["Cara"][:5]
    assert "tools.quote" in rows


def test_programs_read_json_or_csv(decided: Cli) -> None:
    body: dict[str, Any] = json.loads(decided("oversight", *ALWAYS, "--json").out)
    lines = list(csv.DictReader(decided("oversight", *ALWAYS, "--csv").out.splitlines()))

    assert (4, 0.3333) == (body["total"]["votes"], body["total"]["fast_share"])
    assert ["ben", "cara"] == [each["id"] for each in body["people"]]
    assert ["all", "rule", "channel", "person", "person"] == [line["kind"] for line in lines]


def test_what_cannot_be_meant_is_refused_and_nothing_is_no_error(decided: Cli) -> None:
    both = decided("oversight", *ALWAYS, "--json", "--csv")
    backwards = decided("oversight", "--since", "2030-01-01", "--until", "2020-01-01")
    none = decided("oversight", "--since", "2020-01-01", "--until", "2020-01-02")

    assert both.status != 0
    assert "Choose one of --json and --csv" in both.err
    assert backwards.status != 0
    assert 0 == none.status
    assert "have not decided anything" in none.out
