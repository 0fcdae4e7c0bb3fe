"""A session that was stored by an older release goes on under this one.

`snapshots/v1_*.json` were written by format 1: the story at its second pause, after `_scribble`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from countersign.agents.classic import snapshot
from countersign.agents.classic.workflows import Workflow
from countersign.approvals.models import SessionStatus, StoredChat
from tests.agents.classic.test_snapshot import Watched
from tests.agents.people import FakeOffice
from tests.agents.state import remembered
from tests.agents.teams import GUARDED, Effects, pair, story, team
from tests.agents.world import World, world

SHAPES = ("round_robin", "auto", "custom", "pair")
STORED = Path(__file__).parent / "snapshots"


def _workflow(shape: str) -> Workflow:
    return pair(Effects()) if shape == "pair" else team(Effects(), selection=shape)


async def _second_pause(w: World) -> Watched:
    await w.start()
    manager = Watched(w.office.runs, w.new_registry())
    await manager.run(w.session_id)
    await w.office.approve((await w.requests())[0])
    await manager.run(w.session_id)
    return manager


async def _restored(w: World, text: str) -> tuple[dict[str, Any], str]:
    """What the agents remember after a restore, and how it would be stored now."""
    async with w.new_registry().borrow(w.workflow.name) as built:
        position = built.restore(StoredChat(text))
        again = built.state(position.waiting, position.turn)
        return json.loads(json.dumps(remembered(built, built.group))), again.snapshot


def _comparable(state: Any) -> Any:
    """Without counters, of which the old format had those of the assistants only."""
    if not isinstance(state, dict):
        return state
    return {key: _comparable(value) for key, value in state.items() if key != "counters"}


@pytest.mark.parametrize("shape", SHAPES)
async def test_the_old_format_brings_back_the_same_chat(shape: str, tmp_path: Path) -> None:
    """Every history, counter, limit, answerer, context variable, usage and changed attribute."""
    async with world(_workflow(shape), story, path=tmp_path, guarded=GUARDED) as w:
        manager = await _second_pause(w)
        assert isinstance(w.office, FakeOffice)
        now = w.office.runs.snapshots[w.session_id]  # type: ignore[index]
        remembers, again = await _restored(w, (STORED / f"v1_{shape}.json").read_text())

        assert _comparable(remembers) == _comparable(manager.seen)
        assert _comparable(json.loads(again)) == _comparable(json.loads(now))
        assert json.loads(now)["v"] == snapshot.VERSION == 3


async def test_the_old_format_expects_nothing(tmp_path: Path) -> None:
    """What it leaves out is not there, even where this format would take it for granted."""
    old = json.loads((STORED / "v1_auto.json").read_text())
    del old["replies"], old["histories"]["1>3"]
    old["speaker"] = None
    async with world(_workflow("auto"), story, path=tmp_path) as w:
        remembers, _ = await _restored(w, json.dumps(old))

        assert remembers["planner"]["replies"] == remembers["chat_manager"]["replies"] == []
        assert remembers["planner"]["histories"] == {}
        assert remembers["group"]["last"] is None


@pytest.mark.parametrize("shape", SHAPES)
async def test_a_session_stored_in_the_old_format_goes_on(shape: str, tmp_path: Path) -> None:
    """To its end, with no model asked twice and nothing refused."""
    flow = _workflow(shape)
    async with world(flow, story, path=tmp_path, guarded=GUARDED) as w:
        await _second_pause(w)
        assert isinstance(w.office, FakeOffice)
        w.office.runs.snapshots[w.session_id] = (STORED / f"v1_{shape}.json").read_text()  # type: ignore[index]
        asked = w.model_calls
        for request in await w.requests():
            if request.tool in GUARDED:
                await w.office.approve(request)
        session = await w.run()

        assert session.status is SessionStatus.COMPLETED
        assert w.model_calls > asked
        assert w.refused_by_model() == []
