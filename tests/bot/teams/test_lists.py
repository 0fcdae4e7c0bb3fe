"""Lists and quiet hours in somebody's own chat in Teams."""

from __future__ import annotations

from datetime import time
from pathlib import Path
from typing import Any

import pytest

from countersign.approvals.models import Digest, PrincipalId, QuietHours
from countersign.approvals.rules.policy import Policy
from tests.bot.teams.stage import ALEX, POLICY, SAM, Stage, stage

pytestmark = pytest.mark.asyncio
LOW: dict[str, Any] = {"effect": "require_approval", "people": ["alex"], "risk": "low"}


async def asked(world: Stage, count: int, **alex: Any) -> None:
    """So many requests for Alex, who reads as said there; it is noon."""
    await world.teams.send_message(ALEX, "help")
    known = world.directory.by_id(PrincipalId("alex"))
    assert known is not None
    world.directory.put(known.model_copy(update=alex))
    world.policies.replace(Policy.load({**POLICY, "tools": {"push_quote": LOW}}))
    for _ in range(count):
        await world.propose(await world.start(person=SAM))


async def test_low_risk_comes_in_one_list_and_pending_leads_to_its_cards(tmp_path: Path) -> None:
    async with stage(tmp_path, deliver="approvers") as world:
        await asked(world, 2, digest=Digest(zone="UTC", at=(time(15),)))
        early = world.cards()
        world.clock.advance(hours=3)
        await world.settle()
        listed = [text for text in world.texts() if "pending" in text and "Push quote" in text]
        shown = world.cards()
        await world.teams.send_message(ALEX, "pending")
        await world.settle()

        assert ([], []) == (early, shown)
        assert 1 == len(listed)
        assert 2 == listed[0].count("R-")
        assert 2 == len(world.cards())


async def test_quiet_hours_hold_a_card_until_they_end(tmp_path: Path) -> None:
    async with stage(tmp_path, deliver="approvers") as world:
        quiet = QuietHours(zone="Europe/Berlin", begins=time(12), ends=time(14))
        await asked(world, 1, quiet=quiet)
        early = world.cards()
        world.clock.advance(hours=1)
        await world.settle()

        assert [] == early
        assert 1 == len(world.cards())
