"""A server that is frozen, taken over, and woken again does no harm.

SIGSTOP at a step, then the other server finishes the story; then SIGCONT, and the first one goes on
as if no time had passed. Nothing may run twice, and nothing that it still writes may count, but a
result that it alone knows.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.crash.crowd import Crowd, crowd
from tests.crash.invariants import check, effects
from tests.crash.points import Point
from tests.crash.stories import QUOTE, STORIES, requests_of
from tests.processes import Nursery
from tests.stack import TASK

FENCED = "run stopped"
"""What a run says when it learns that it is somebody else's."""


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory, nursery: Nursery) -> Iterator[Crowd]:
    """Two servers on PostgreSQL, and Teams."""
    folder = tmp_path_factory.mktemp("two")
    with crowd(folder, nursery, "postgresql", bot_framework=True) as one:
        yield one


@dataclass(frozen=True)
class Frozen:
    """What the other server has made of the story meanwhile."""

    session: str
    outcome: str
    before: Counter[str]
    """The effects before the story."""
    log: Path
    size_bytes: int

    def said(self) -> str:
        """What the frozen one has logged since it was woken."""
        return self.log.read_text()[self.size_bytes :]


@contextmanager
def frozen_at(two: Crowd, point: Point, *, cards: bool = True) -> Iterator[Frozen]:
    """Tell the story with a server frozen at the point; inside the block the other one has ended
    it, after the block the frozen one is awake again. `cards` looks at them meanwhile."""
    before = effects(two)
    two.points.arm(point, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as people:
        telling = people.submit(STORIES["teams"], two, str(point))
        number = two.patient(lambda: [n for n in [two.frozen()] if n is not None], str(point))[0]
        server, balancer = two.one.servers[number], two.one.balancer
        assert balancer is not None
        balancer.take_out(two.one.ports[number])
        try:
            session = telling.result(60)
            outcome = check(two, session, before, cards=cards)
            yield Frozen(session, outcome, before, server.log, server.log.stat().st_size)
        finally:
            server.thaw()
            balancer.put_back(two.one.ports[number])


def status_of(two: Crowd, session: str) -> str:
    """What became of the request."""
    return str(requests_of(two, session)[0]["status"])


def kinds(two: Crowd, session: str) -> Counter[str]:
    """What the ledger has, kind by kind."""
    entries = two.get(f"/ledger?session={session}")
    assert entries["verified"]
    return Counter(entry["kind"] for entry in entries["items"])


@pytest.mark.parametrize("number", [1, 2])
def test_frozen_with_its_lease_it_submits_nothing(two: Crowd, number: int) -> None:
    """Between the lease and what the agents propose; at the start, and after the decision."""
    point = Point("SessionManager._chat", "before", number)
    with frozen_at(two, point) as frozen:
        assert "executed" == frozen.outcome
        ledger = kinds(two, frozen.session)
    two.patient(lambda: FENCED in frozen.said(), "it to learn that it is too late")

    assert ledger == kinds(two, frozen.session)
    assert 1 == (effects(two) - frozen.before)[QUOTE]


@pytest.mark.parametrize(
    ("where", "known"),
    [(("Claiming.claim", "committed"), "failed"), (("tool", "before"), "failed")],
    ids=["claim", "tool"],
)
def test_frozen_between_claim_and_call_it_does_not_call(
    two: Crowd, where: tuple[str, str], known: str
) -> None:
    """After the claim, and after the last question to the store, where only the clock can tell: in
    doubt until it wakes up, and then it is known that it did not run."""
    with frozen_at(two, Point(*where, 2)) as frozen:
        assert "in_doubt" == frozen.outcome
    two.patient(lambda: FENCED in frozen.said(), "it to learn that it is too late")

    assert 0 == (effects(two) - frozen.before)[QUOTE]
    assert known == status_of(two, frozen.session)
    assert (known == "failed") == bool(kinds(two, frozen.session)["late_result"])


@pytest.mark.parametrize("where", [("_Rest.write", "after", 1), ("tool", "after", 2)])
def test_frozen_in_the_tool_its_late_result_resolves_the_doubt(
    two: Crowd, where: tuple[str, str, int]
) -> None:
    """The effect is there, and nobody else knows; it is not made again."""
    with frozen_at(two, Point(*where)) as frozen:
        assert "in_doubt" == frozen.outcome
        assert 1 == (effects(two) - frozen.before)[QUOTE]
    two.patient(lambda: status_of(two, frozen.session) == "executed", "the late result")

    assert 1 == kinds(two, frozen.session)["late_result"]
    assert "executed" == check(two, frozen.session, frozen.before)


@pytest.mark.parametrize(
    "where", [("TeamsChannel.post", "after"), ("Attempts.shown", "uncommitted")]
)
def test_frozen_while_it_delivers_no_card_is_left_live(two: Crowd, where: tuple[str, str]) -> None:
    """The other one posts a second card; both show the end."""
    with frozen_at(two, Point(*where), cards=False) as frozen:
        assert "executed" == frozen.outcome
        (request,) = requests_of(two, frozen.session)
    teams = two.teams
    assert teams is not None
    two.patient(lambda: not teams.live(request["id"]), "every card to be closed")

    assert "executed" == check(two, frozen.session, frozen.before)


def test_frozen_after_posting_and_woken_before_the_decision_no_card_is_lost(two: Crowd) -> None:
    """Two cards wait then, and both are told."""
    teams, balancer = two.teams, two.one.balancer
    assert teams is not None
    assert balancer is not None
    teams.forget()
    two.points.arm(Point("TeamsChannel.post", "after"), signal.SIGSTOP)
    assert teams.write(TASK)
    number = two.patient(lambda: [n for n in [two.frozen()] if n is not None], "a freeze")[0]
    balancer.take_out(two.one.ports[number])

    def asked() -> list[dict[str, Any]]:
        waiting = two.get("/requests?status=pending")["items"]
        return [request for request in waiting if len(teams.live(request["id"])) == 2]

    (request,) = two.patient(asked, "the second card")
    two.points.record()
    two.one.servers[number].thaw()
    balancer.put_back(two.one.ports[number])
    two.patient(lambda: two.points.seen("about", "committed"), "its own card")
    two.points.steps()
    assert 200 == two.one.vote(request).status_code
    two.patient(lambda: len(teams.cards(request["id"])) == 2, "both")

    assert "completed" == two.one.ended(request["session_id"])["status"]
    two.patient(lambda: not teams.live(request["id"]), "both cards to be closed")


@pytest.mark.parametrize(
    "where",
    [
        ("Submitting.submit", "uncommitted", 2),
        ("Casting.cast", "uncommitted", 1),
        ("Claiming.claim", "uncommitted", 2),
        ("Runs._store_outcome", "uncommitted", 2),
    ],
)
def test_frozen_in_a_transaction_it_holds_nobody_up_for_ever(
    two: Crowd, where: tuple[str, str, int]
) -> None:
    """The database ends it after a while; what it wrote there was never written."""
    with frozen_at(two, Point(*where)) as frozen:
        assert frozen.outcome in ("executed", "in_doubt")
    settled = {"executed"} if where[0] != "Claiming.claim" else {"executed", "in_doubt"}
    two.patient(lambda: status_of(two, frozen.session) in settled, "the end")

    assert (effects(two) - frozen.before)[QUOTE] <= 1
    check(two, frozen.session, frozen.before)
