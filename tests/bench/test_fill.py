"""The sessions that a database is filled with are as good as real ones."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bench.ours.fill import fill, read_template
from bench.ours.scale_poll import poll_all
from bench.ours.scale_table import render
from bench.ours.stack import stack
from bench.ours.workflow_names import GROUP
from bench.payload import TASK
from countersign.approvals.models import RequestStatus, SessionStatus

COPIES = 25


async def test_copies_verify_and_one_of_them_is_approved_and_executed(tmp_path: Path) -> None:
    database = tmp_path / "bench.db"
    url = f"sqlite:///{database}"
    async with stack(database, GROUP) as ours:
        await ours.start(GROUP, TASK)
    fill(url, read_template(url), COPIES)
    async with stack(database, GROUP) as ours:
        waiting = await ours.pending()
        one = waiting[COPIES // 2]
        await ours.approve(one)
        await ours.manager.run(one.session_id)
        session, request = (
            await ours.records.session(one.session_id),
            await ours.records.request(one.id),
        )
        verification = await ours.records.verify()
    polled = await asyncio.to_thread(poll_all, url)

    assert COPIES + 1 == len({r.digest for r in waiting}) == len({r.session_id for r in waiting})
    assert (SessionStatus.COMPLETED, RequestStatus.EXECUTED) == (session.status, request.status)
    assert verification.verified, verification.problems[:3]
    assert {"poll_ms", "poll_rss_mb"} == polled.keys()


def test_a_figure_that_was_not_measured_is_a_dash() -> None:
    table = render([{"database": "sqlite", "pending": 1_000_000, "start_ms": 5}])

    assert "| sqlite | 1,000,000 | 5 | - |" in table
