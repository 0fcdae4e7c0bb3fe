"""Delegations from everywhere are one set without circles; what a directory adds is left out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from countersign.approvals.directory.given import WithDelegations
from countersign.approvals.models import Delegation
from countersign.approvals.models.delegations import closes, without_circles
from tests.doubles.directory import BEN, CARA, DAVE, ERIN, FakeDirectory
from tests.doubles.world import opened

pytestmark = pytest.mark.asyncio
NOW = datetime(2026, 12, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def of(giver: str, delegate: str, source: str = "servicenow", **more: Any) -> Delegation:
    named = {"giver": giver, "delegate": delegate, "source": source, **more}
    return Delegation.model_validate(named)


def pairs(given: Iterable[Delegation]) -> list[tuple[str, str]]:
    return [(each.giver, each.delegate) for each in given]


async def test_what_closes_a_circle_in_a_directory_is_left_out_and_said_once(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as world:
        fake = FakeDirectory()
        directory = WithDelegations(fake, world.store)
        fake.delegations = [of("cara", "ben"), of("dave", "erin"), of("ben", "cara", "people")]
        with capture_logs() as logs:
            first, again = directory.people(), directory.people()
        fake.delegations = [of("cara", "ben"), of("dave", "erin")]
        after = directory.people()

    assert [DAVE] == list(directory.with_roles(["controller"]))
    assert [("ben", "cara"), ("dave", "erin")] == pairs(first.delegations)
    assert pairs(first.delegations) == pairs(again.delegations)
    (said,) = logs
    assert ("warning", "servicenow", "cara → ben → cara") == (
        said["log_level"],
        said["source"],
        said["circle"],
    )
    assert [("cara", "ben"), ("dave", "erin")] == pairs(after.delegations)


async def test_every_server_leaves_out_the_same(tmp_path: Path) -> None:
    ring = [of("ben", "cara"), of("cara", "dave"), of("dave", "ben"), of("dave", "erin")]
    found = set()
    async with opened(tmp_path) as world:
        for order in permutations(ring):
            fake = FakeDirectory([BEN, CARA, DAVE, ERIN])
            fake.delegations = list(order)
            kept = WithDelegations(fake, world.store).people().delegations
            found.add(tuple(sorted(pairs(kept))))

    assert {(("ben", "cara"), ("cara", "dave"), ("dave", "erin"))} == found


async def test_a_circle_is_one_only_within_its_time() -> None:
    early: dict[str, Any] = {"starts_at": NOW, "ends_at": NOW + DAY}
    late: dict[str, Any] = {"starts_at": NOW + DAY, "ends_at": NOW + 2 * DAY}

    assert [] == closes(of("a", "b", **late), [of("b", "a", **early)])
    assert ["a", "b", "a"] == closes(of("a", "b", **early), [of("b", "a", **early)])
    assert ["a", "a"] == closes(of("a", "a"), [])
    assert [] == closes(of("a", "b"), [of("b", "c"), of("c", "b"), of("c", "d")])


async def test_many_delegates_are_looked_through_in_a_moment() -> None:
    """Each is walked along once; the ways along them are more than can be counted."""
    layers = [
        of(f"p{n}.{one}", f"p{n + 1}.{other}")
        for n in range(300)
        for one in range(3)
        for other in range(3)
    ]
    kept, out = without_circles(layers, [of("p300.0", "p0.0"), of("p300.0", "q")])

    assert [("p300.0", "q")] == pairs(kept)
    assert 302 == len(out[0][1])
