"""Who the people of the file are, and what changed of them, on the governance ledger."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from countersign.approvals.models import Delegation, Principal, Scope
from countersign.bot.policy.people_on_record import put_on_record
from tests.doubles.directory import BEN, CARA, ERIN
from tests.doubles.world import World, opened

pytestmark = pytest.mark.asyncio


async def changes(world: World, *people: Principal, given: Any = ()) -> list[str]:
    """What the newest entry says once these are the people; nothing, if there is none."""
    before = len(await world.records.governance())
    await put_on_record(world.store, world.clock, people, given, "c.yaml")
    found = (await world.records.governance())[before:]
    return [said for entry in found for said in entry.body["changes"]]


async def test_every_change_of_what_somebody_may_do_is_a_sentence(tmp_path: Path) -> None:
    scope = {"manager": (Scope(domains=frozenset({"finance", "hr"})),)}
    now = datetime(2026, 12, 1, tzinfo=UTC)
    given = Delegation(giver=BEN.id, delegate=ERIN.id, roles=frozenset({"manager"}), ends_at=now)
    more = {"roles": frozenset({"boss"}), "groups": frozenset({"g"}), "domains": frozenset({"d"})}
    other = {"identities": {**BEN.identities, "jira": "acc-x"}, "name": "Benno"}
    async with opened(tmp_path) as world:
        first = await changes(world, BEN, CARA)
        (entry,) = await world.records.governance()
        same = await changes(world, BEN, CARA)
        came = await changes(world, BEN, CARA, ERIN)
        went = await changes(world, BEN, ERIN)
        raised = await changes(world, BEN.model_copy(update=more), ERIN, given=[given])
        back = await changes(world, BEN.model_copy(update=other), ERIN)
        scoped = await changes(world, BEN.model_copy(update={**other, "scopes": scope}), ERIN)
        verified = (await world.records.verify()).verified

    assert ([], []) == (first, same)
    assert (None, "c.yaml", ["manager"]) == (
        entry.body["before"],
        entry.body["file"],
        entry.body["people"]["ben"]["roles"],
    )
    assert ["Erin (erin) is known; roles: none"] == came
    assert ["Cara (cara) is not known any more; roles: manager"] == went
    assert [
        "Ben (ben) gained the role boss",
        "Ben (ben) lost the role manager",
        "Ben (ben) came into the group g",
        "Ben (ben) may read the domain d",
        "Ben (ben) lets erin as manager until 2026-12-01T00:00:00+00:00 decide as well",
    ] == raised
    assert [
        "Benno (ben) gained the role manager",
        "Benno (ben) lost the role boss",
        "Benno (ben) left the group g",
        "Benno (ben) may not read the domain d any more",
        "Benno (ben) does not let erin as manager until 2026-12-01T00:00:00+00:00 decide any more",
        "Benno (ben) is known to jira as acc-x, before as acc-ben",
        "Benno (ben) was named Ben before",
    ] == back
    assert ["Benno (ben) holds roles for other calls than before"] == scoped
    assert verified
