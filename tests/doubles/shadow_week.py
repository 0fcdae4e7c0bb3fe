"""A week in shadow: what agents proposed, and what people did by hand, replayed on a world."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from countersign.approvals.models import Request
from tests.doubles.directory import BEN, CARA, acting
from tests.doubles.world import World

FILE = Path(__file__).parent.parent / "fixtures" / "shadow_week.jsonl"
ROLLOUT: dict[str, Any] = {
    "phases": ["shadow", "copilot", "sampled", "autonomous"],
    "accepted_by": ["controller"],
    "gates": ["args.amount <= 150"],
    "one_in": 4,
}
RULE: dict[str, Any] = {
    "effect": "require_approval",
    "roles": ["manager"],
    "tolerances": {"amount": 5},
    "rollout": ROLLOUT,
}
RULES: dict[str, Any] = {"tools": {"quote": RULE}, "reversibility": {"quote": "reversible"}}


def calls() -> list[dict[str, Any]]:
    """One after the other: when it was `proposed`, after how many `minutes` what was `done`."""
    return [json.loads(line) for line in FILE.read_text().splitlines()]


def until(world: World, at: datetime) -> None:
    """Let the time pass until then."""
    world.clock.advance((at - world.clock.now()).total_seconds())


async def replay(world: World, *, limit: int | None = None) -> list[Request]:
    """Propose all of it, and record what was done, in turn by Ben and Cara."""
    found = []
    for number, call in enumerate(calls()[:limit]):
        until(world, datetime.fromisoformat(call["at"]))
        run = await world.begun()
        (request,) = await world.submit(
            run, world.proposal(run.session.id, "quote", call["proposed"])
        )
        world.clock.advance(minutes=call["minutes"])
        person = acting((BEN, CARA)[number % 2])
        await world.approvals.recording.by_hand(request.id, person, arguments=call["done"])
        found.append(request)
    return found
