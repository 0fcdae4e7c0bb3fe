"""Agents that loop, or propose more than people can be asked, are stopped, and it is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from countersign import SessionManager
from countersign.agents.limits import ProposalLimits
from countersign.approvals.forms.causes import SessionCause
from countersign.approvals.models import Session
from countersign.sandbox.openai import (
    Call,
    Conversation,
    Reply,
    Say,
    ToolCall,
)
from tests.agents.people import SqliteOffice
from tests.agents.teams import DENIED, GUARDED, Effects, Mode, pair
from tests.agents.world import World, world

MODES = pytest.mark.parametrize("mode", ["async", "sync"])
LIMITS = ProposalLimits(
    requests_per_message=3, requests_per_session=8, identical_calls=3, denied_calls=3
)


def always(*tools: str, change: bool = False) -> Callable[[Conversation], Reply]:
    """A worker that proposes these for ever; with `change` with other arguments each time."""

    def script(conversation: Conversation) -> Reply:
        number = len(conversation.messages) if change else 0
        return Call(
            tuple(
                ToolCall(tool, _ARGUMENTS[tool](number), f"call_{len(conversation.messages)}_{at}")
                for at, tool in enumerate(tools)
            )
        )

    return script


_ARGUMENTS: dict[str, Callable[[int], dict[str, Any]]] = {
    "look_up": lambda number: {"name": f"sales {number}", "rationale": f"reason {number}"},
    "wipe": lambda number: {"table": f"orders {number}", "rationale": "asked"},
    "send_email": lambda number: {
        "to": f"{number}@corp.test",
        "subject": "s",
        "body": "b",
        "rationale": "asked",
    },
}


async def over(one: World, limits: ProposalLimits = LIMITS) -> Session:
    """The session as it is when its chat has been taken as far as it goes."""
    await one.start()
    runs = one.office.runs
    async with SessionManager(runs, one.new_registry(), limits=limits) as manager:
        await manager.run(one.session_id)
    return await one.session()


@MODES
async def test_the_same_call_again_and_again_ends_the_session(mode: Mode, tmp_path: Path) -> None:
    effects = Effects()
    around = world(pair(effects, mode=mode), always("look_up"), path=tmp_path, office="sqlite")
    async with around as one:
        session = await over(one)
        told = [json.loads(text) for text in await one.tool_texts() if text.startswith("{")]

    assert SessionCause.LIMIT == session.cause
    assert "the same arguments was proposed 7 times in a row (look_up)" in str(session.error)
    assert 3 == len(effects.of("look_up"))
    assert {("not_executed", "limit", False)} == {
        (each["status"], each["cause"], each["retry"]) for each in told
    }


@MODES
async def test_other_arguments_are_another_call(mode: Mode, tmp_path: Path) -> None:
    effects = Effects()
    script = always("look_up", change=True)
    async with world(pair(effects, mode=mode), script, path=tmp_path, office="sqlite") as one:
        session = await over(one)

    assert "limit of 8 calls" in str(session.error)
    assert 8 == len(effects.of("look_up"))


@MODES
async def test_calls_that_a_rule_denies_end_the_session(mode: Mode, tmp_path: Path) -> None:
    effects = Effects()
    script = always("wipe", change=True)
    around = world(pair(effects, mode=mode), script, path=tmp_path, office="sqlite", denied=DENIED)
    async with around as one:
        session = await over(one)

    assert SessionCause.LIMIT == session.cause
    assert "3 times in a row nothing that was proposed was let run" in str(session.error)
    assert effects.done == []
    assert 4 == one.model_calls


async def test_nothing_of_an_overlong_message_is_asked_or_run(tmp_path: Path) -> None:
    effects = Effects()

    def script(conversation: Conversation) -> Reply:
        if conversation.tool_results:
            return Say("Too much at once. TERMINATE")
        return always("look_up", "look_up", "look_up", "send_email", change=True)(conversation)

    around = world(pair(effects), script, path=tmp_path, office="sqlite", guarded=GUARDED)
    async with around as one:
        assert isinstance(one.office, SqliteOffice)
        session = await over(one)
        told = [json.loads(text) for text in await one.tool_texts()]
        ledger = await one.office.records.ledger(session.id)

    assert effects.done == []
    assert [("limit", True)] * 4 == [(each["cause"], each["retry"]) for each in told]
    (entry,) = [entry for entry in ledger if entry.kind == "limit_reached"]
    assert ("requests_per_message", 4) == (entry.body["limit"], entry.body["count"])
    assert "proposed" not in {entry.kind for entry in ledger}
