"""The machine's clock, when somebody sets it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from countersign.bot.clock import DOUBTED_S, SystemClock

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class Machine:
    """A wall clock that can be set, and one that nobody can set."""

    def __init__(self) -> None:
        self.wall, self.elapsed = NOON, 100.0
        self.clock = SystemClock(lambda: self.wall, lambda: self.elapsed)

    def passes(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.elapsed += seconds

    def set(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)

    def since(self) -> float:
        """Seconds after noon."""
        return (self.clock.now() - NOON).total_seconds()


def test_time_of_this_machine() -> None:
    before = datetime.now(UTC)
    clock = SystemClock()
    first, second = clock.now(), clock.now()

    assert before <= first <= second <= datetime.now(UTC)


@pytest.mark.parametrize("by", [86_400.0, 365 * 86_400.0, -86_400.0])
def test_a_jump_that_is_taken_back_is_never_seen(by: float) -> None:
    """What people have hours for does not expire, and time goes on."""
    machine = Machine()
    seen = []
    machine.set(by)
    for _ in range(10):
        machine.passes(5)
        seen.append(machine.since())
    machine.set(-by)
    machine.passes(5)
    seen.append(machine.since())

    assert [5.0 * n for n in range(1, 12)] == seen


@pytest.mark.parametrize("by", [86_400.0, -86_400.0])
def test_a_jump_that_stays_is_believed(by: float) -> None:
    machine = Machine()
    machine.set(by)
    doubted = machine.since()
    machine.passes(DOUBTED_S)
    believed = machine.since()
    machine.passes(5)

    assert (0.0, by + DOUBTED_S, by + DOUBTED_S + 5) == (doubted, believed, machine.since())


def test_time_does_not_stand_still_after_a_jump_there_and_back() -> None:
    """Also if it lasted so long that it was believed."""
    machine = Machine()
    machine.set(86_400)
    machine.since()
    machine.passes(DOUBTED_S)
    machine.since()
    machine.set(-86_400)
    seen = []
    for _ in range(3):
        machine.passes(40)
        seen.append(machine.since())

    assert [86_400 + 100, 86_400 + 140, 180] == seen


def test_small_corrections_never_go_back() -> None:
    machine = Machine()
    machine.passes(10)
    before = machine.since()
    machine.set(-3)
    held = machine.since()
    machine.passes(4)

    assert (10.0, 10.0, 11.0) == (before, held, machine.since())


def test_the_clock_that_nobody_can_set_going_back_changes_nothing() -> None:
    machine = Machine()
    machine.elapsed -= 50

    assert 0.0 == machine.since()
