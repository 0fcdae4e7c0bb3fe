"""The process dies before and after every step of parallel chats; the next one goes on."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from countersign import SessionManager
from countersign.approvals.models import RequestStatus, SessionStatus
from tests.agents.parallel.flows import STEPS, plays, side_by_side
from tests.agents.teams import GUARDED, Effects, Mode
from tests.agents.test_crash import Died, Mortal
from tests.agents.world import World, world


def cases(steps: int) -> pytest.MarkDecorator:
    """Every step once, and some of them in the other mode and on the other store."""
    every = [(step, when, "async", "fake") for step in range(1, steps) for when in BOTH]
    threads = [(step, "after", "sync", "fake") for step in range(2, steps, 3)]
    stored = [(step, "after", "async", "sqlite") for step in range(1, steps, 2)]
    return pytest.mark.parametrize(("step", "when", "mode", "office"), [*every, *threads, *stored])


BOTH = ("before", "after")


async def _dies(w: World, step: int, when: str) -> str:
    """One process, which dies at this step; where, or "" if it got through."""
    mortal = Mortal(w.office.runs, step, when)
    async with SessionManager(mortal, w.new_registry()) as manager:  # type: ignore[arg-type]
        try:
            await manager.run(w.session_id)
        except Died:
            await w.office.lose_owner(w.session_id)
    return mortal.died_at


async def _decided(w: World) -> None:
    for request in await w.requests():
        if request.status is RequestStatus.PENDING:
            await w.office.approve(request)


@cases(26)
async def test_death_before_the_decision(
    step: int, when: str, mode: Mode, office: str, tmp_path: Path
) -> None:
    """The same two calls wait in the end, and what nobody had to approve ran once, or is in doubt
    because the process died in it."""
    effects = Effects()
    flow = side_by_side(effects, "mail", "crm", "facts", then="writer", mode=mode)
    async with world(flow, plays(STEPS), path=tmp_path, office=office, guarded=GUARDED) as w:
        await w.start()
        await _dies(w, step, when)
        await w.run()
        waiting = await w.requests()
        await _decided(w)
        ended = await w.run()

        assert [each.tool for each in waiting] == ["send_email", "update_crm"]
        assert ended.status is SessionStatus.COMPLETED
        assert str(ended.answer).startswith("SUMMARY of ")
        ran = Counter(str(given.get("name", tool)) for tool, given in effects.done)
        assert max(ran.values()) == 1
        assert {"send_email", "update_crm"} <= set(ran)
        assert w.refused_by_model() == []


@cases(8)
async def test_death_after_the_decision(
    step: int, when: str, mode: Mode, office: str, tmp_path: Path
) -> None:
    """In the middle of the checkpoint: what ran is not run again, and the rest is."""
    effects = Effects()
    flow = side_by_side(effects, "mail", "crm", "facts", then="writer", mode=mode)
    async with world(flow, plays(STEPS), path=tmp_path, office=office, guarded=GUARDED) as w:
        await w.start()
        await w.run()
        await _decided(w)
        where = await _dies(w, step, when)
        ended = await w.session()
        if ended.status is SessionStatus.RUNNING:
            ended = await w.run()
        statuses = [each.status for each in await w.requests()]

        assert ended.status is SessionStatus.COMPLETED
        assert str(ended.answer).startswith("SUMMARY of ")
        in_tool = (where, when) in {("claim", "after"), ("finish", "before")}
        assert statuses.count(RequestStatus.IN_DOUBT) == in_tool
        ran = [tool for tool, _ in effects.done[3:]]
        assert len(ran) == len(set(ran)) == (1 if (where, when) == ("claim", "after") else 2)
        assert where in ("begin", "claim", "finish", "submit", "complete")
        assert w.refused_by_model() == []
