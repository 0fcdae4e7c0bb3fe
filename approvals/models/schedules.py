"""On-call schedules: whose shift it is at a moment, and until when."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from countersign.approvals.models.base import PrincipalId, Value

if TYPE_CHECKING:
    from countersign.approvals.models.principals import Principal


class KnownShift(Value):
    """A shift as a schedule tells it: the person by whatever the schedule knows of them."""

    id: str
    person: str
    """The id or text by which the schedule names them."""
    email: str = ""
    name: str = ""
    starts_at: datetime
    ends_at: datetime


class Shift(NamedTuple):
    """A shift of somebody who is known here; without `person`, of somebody who is not."""

    person: PrincipalId | None
    name: str
    starts_at: datetime
    ends_at: datetime


class Schedule:
    """The shifts of one schedule. Immutable; who is on call at a time is looked up."""

    __slots__ = ("_at", "_shifts", "otherwise", "source", "zone")

    def __init__(
        self,
        shifts: Iterable[Shift] = (),
        *,
        source: str = "",
        zone: str = "UTC",
        otherwise: frozenset[str] = frozenset(),
    ):
        """`source` is the directory that it is read from; `otherwise` are the roles that are asked
        while nobody who is known is on call."""
        self.source, self.zone, self.otherwise = source, zone, otherwise
        ordered = sorted(shifts, key=lambda shift: (shift.starts_at, shift.ends_at, shift.name))
        self._at = sorted({t for shift in ordered for t in (shift.starts_at, shift.ends_at)})
        within: list[list[Shift]] = [[] for _ in self._at]
        for shift in ordered:
            first = bisect_right(self._at, shift.starts_at) - 1
            for number in range(first, bisect_right(self._at, shift.ends_at) - 1):
                within[number].append(shift)
        self._shifts = [tuple(each) for each in within]

    def place(self, at: datetime) -> int:
        """The same for all times between which nothing changes."""
        return bisect_right(self._at, at)

    def active(self, at: datetime) -> tuple[Shift, ...]:
        """The shifts of a moment: from their beginning on, and no longer at their end."""
        place = self.place(at)
        return self._shifts[place - 1] if place else ()

    def until(self, shift: Shift) -> datetime:
        """When whoever has this shift is not on call any more: shifts of one person that follow on
        one another are one."""
        end, place = shift.ends_at, self.place(shift.ends_at)
        while mine := [s for s in self._shifts[place - 1] if (s.person, s.name) == shift[:2]]:
            end = max(each.ends_at for each in mine)
            place = self.place(end)
        return end

    def following(self, at: datetime) -> tuple[Shift, ...]:
        """The shifts that are next on while nobody is, or once those of this moment are over."""
        now = self.active(at)
        for number in range(self.place(at), len(self._at)):
            fresh = tuple(shift for shift in self._shifts[number] if shift not in now)
            if fresh:
                return fresh
        return ()


class Duty(Value):
    """One person who is on call, and until when."""

    name: str
    until: datetime
    person: PrincipalId | None = None
    """None: nobody who is known here."""


class OnCall(Value):
    """Who is on call by one schedule at a moment."""

    schedule: str
    zone: str
    duties: tuple[Duty, ...] = ()
    otherwise: tuple[str, ...] = ()
    """The roles that are asked, as nobody who is known is on call."""
    follows: Duty | None = None
    """Who is next; `until` is when that begins."""
    outdated: str | None = None
    """Why what is known of the schedule is too old to go by."""

    @property
    def known(self) -> tuple[Duty, ...]:
        """Those who may decide by it."""
        return tuple(duty for duty in self.duties if duty.person is not None)


class Rota:
    """All schedules there are, by name. Immutable, but for what it remembers of the last moment."""

    __slots__ = ("_last", "schedules")

    def __init__(self, schedules: Mapping[str, Schedule] | None = None):
        self.schedules = dict(schedules or {})
        self._last: tuple[object, dict[PrincipalId, Principal]] | None = None

    def duties_of(
        self, person: Principal, known: Mapping[PrincipalId, Principal], at: datetime
    ) -> frozenset[str]:
        """The schedules by which this person is on call at a time."""
        return frozenset(
            name
            for name, schedule in self.schedules.items()
            if person.id in _on_call(schedule, known, at)
            or (_stands_in(person, schedule) and not _on_call(schedule, known, at))
        )

    def on_duty(
        self, known: Mapping[PrincipalId, Principal], at: datetime
    ) -> Mapping[PrincipalId, Principal]:
        """Everybody who is on call at a time, with what for."""
        key = id(known), tuple(each.place(at) for each in self.schedules.values())
        if self._last is None or self._last[0] != key:
            found: dict[PrincipalId, Principal] = {}
            for name, schedule in self.schedules.items():
                ids = _on_call(schedule, known, at)
                if not ids and schedule.otherwise:
                    ids = {p.id for p in known.values() if _stands_in(p, schedule)}
                for id_ in ids:
                    person = found.get(id_, known[id_])
                    found[id_] = person.model_copy(update={"on_call": person.on_call | {name}})
            self._last = key, found
        return self._last[1]

    def of(
        self, name: str, known: Mapping[PrincipalId, Principal], at: datetime, outdated: str | None
    ) -> OnCall:
        """Who is on call by one schedule at a time."""
        schedule = self.schedules.get(name, _NO_SCHEDULE)
        duties = {
            (shift.person, shift.name): _duty(shift, known, schedule.until(shift))
            for shift in schedule.active(at)
        }
        nobody = not any(duty.person for duty in duties.values())
        following = schedule.following(at)[:1]
        return OnCall(
            schedule=name,
            zone=schedule.zone,
            duties=tuple(duties.values()),
            otherwise=tuple(sorted(schedule.otherwise)) if nobody else (),
            follows=next((_duty(s, known, s.starts_at) for s in following), None),
            outdated=outdated,
        )


_NO_SCHEDULE = Schedule()


def _on_call(
    schedule: Schedule, known: Mapping[PrincipalId, Principal], at: datetime
) -> set[PrincipalId]:
    return {s.person for s in schedule.active(at) if s.person is not None and s.person in known}


def _stands_in(person: Principal, schedule: Schedule) -> bool:
    """Whether they are asked while nobody is on call: who holds the role for some calls only is
    not."""
    return not schedule.otherwise.isdisjoint(person.roles - person.scopes.keys())


def _duty(shift: Shift, known: Mapping[PrincipalId, Principal], until: datetime) -> Duty:
    person = None if shift.person is None else known.get(shift.person)
    if person is None:
        return Duty(name=shift.name, until=until)
    return Duty(name=person.name, until=until, person=person.id)
