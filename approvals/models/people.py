"""Everybody there is at a moment: with their roles, and who stands in for whom."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from datetime import datetime, timedelta
from typing import NamedTuple

from typing_extensions import override

from countersign.approvals.models.base import PrincipalId
from countersign.approvals.models.delegations import LINKS, Delegation
from countersign.approvals.models.principals import Principal
from countersign.approvals.models.schedules import OnCall, Rota
from countersign.approvals.models.scopes import Domains, Subject

SUBJECTS_KEPT = 256
"""For so many different calls it is kept who holds which role."""


class Reading(NamedTuple):
    """When a directory was read last, and for how long what it said may be gone by."""

    words: str
    """The directory as people call it."""
    read_at: datetime | None
    """When that reading began; None before the first one."""
    max_age: timedelta


class People:
    """Everybody there is at a moment: a value, which answers without asking anybody."""

    __slots__ = (
        "_active",
        "_by_id",
        "_by_role",
        "_duty",
        "_narrowed",
        "_now",
        "_scoped",
        "delegations",
        "domains",
        "readings",
        "revisions",
        "rota",
    )

    def __init__(
        self,
        everybody: Iterable[Principal] = (),
        *,
        revisions: Mapping[str, int] | None = None,
        readings: Mapping[str, Reading] | None = None,
        domains: Domains | None = None,
        delegations: Iterable[Delegation] = (),
        rota: Rota | None = None,
    ):
        """`revisions` of the directories that this was made of, and their `readings`, by name."""
        self._by_id = {person.id: person for person in sorted(everybody, key=lambda p: p.id)}
        self._by_role: dict[str, list[Principal]] | None = None
        self.revisions = dict(revisions or {})
        self.readings = dict(readings or {})
        self.domains = {} if domains is None else domains
        self._scoped = [person for person in self._by_id.values() if person.scopes]
        self._narrowed: dict[Subject, People] = {}
        self.delegations = tuple(delegations)
        self._active: tuple[Delegation, ...] = ()
        self.rota = Rota() if rota is None else rota
        self._duty: Mapping[PrincipalId, Principal] = {}
        self._now: datetime | None = None

    def by_id(self, principal_id: str) -> Principal | None:
        """The principal with this id."""
        found = self._by_id.get(PrincipalId(principal_id))
        return found if found is None or not self._duty else self._duty.get(found.id, found)

    def with_roles(self, roles: Sequence[str]) -> Sequence[Principal]:
        """Everybody who holds at least one of `roles`, ordered by id."""
        if self._by_role is None:  # many people, few who decide: looked up, not looked through
            self._by_role = {}
            for person in self._by_id.values():
                for role in person.roles:
                    self._by_role.setdefault(role, []).append(person)
        lists = [self._by_role.get(role, []) for role in dict.fromkeys(roles)]
        if len(lists) == 1:
            return self._on_duty(lists[0])
        found = heapq.merge(*lists, key=lambda person: person.id)
        return self._on_duty({person.id: person for person in found}.values())

    def everybody(self) -> Sequence[Principal]:
        """Everybody, ordered by id."""
        return self._on_duty(self._by_id.values())

    def _on_duty(self, people: Iterable[Principal]) -> list[Principal]:
        duty = self._duty
        return [duty.get(person.id, person) for person in people] if duty else list(people)

    def at(self, now: datetime) -> People:
        """The same people, with those delegations that hold at this time, and what each of them is
        on call for."""
        if not (self.delegations or self.rota.schedules):
            return self
        found = copy(self)
        found._active = tuple(each for each in self.delegations if each.holds_at(now))
        found._narrowed = {}
        found._duty, found._now = self.rota.on_duty(self._by_id, now), now
        return found

    def on_call(self, schedules: Iterable[str]) -> list[Principal]:
        """Everybody who is on call by one of these schedules, by id; at no moment, nobody."""
        wanted = frozenset(schedules)
        ids = sorted(id_ for id_, each in self._duty.items() if each.on_call & wanted)
        return [person for person in map(self.by_id, ids) if person is not None]

    def was_on_call(self, person: Principal, schedules: Iterable[str], at: datetime) -> bool:
        """Whether they were on call by one of these schedules at a time, as is known now."""
        return not self.rota.duties_of(person, self._by_id, at).isdisjoint(schedules)

    def duties(self, schedules: Iterable[str]) -> tuple[OnCall, ...]:
        """Who is on call by each of these schedules; at no moment, nothing."""
        now = self._now
        if now is None:
            return ()
        return tuple(
            self.rota.of(name, self._by_id, now, self.schedule_outdated(name, now))
            for name in dict.fromkeys(schedules)
        )

    def schedule_outdated(self, name: str, now: datetime) -> str | None:
        """Why what is known of a schedule is too old to go by; None if it is not."""
        schedule = self.rota.schedules.get(name)
        reading = None if schedule is None else self.readings.get(schedule.source)
        if reading is None:
            return f"There is no schedule {name} any more."
        if reading.read_at is None:
            return f"The schedule {name} was not read yet."
        if now - reading.read_at > reading.max_age:
            return (
                f"The schedule {name} was last read at {reading.read_at:%Y-%m-%d %H:%M} UTC; that "
                "is too long ago."
            )
        return None

    def also_given(self, given: Iterable[Delegation], revisions: Mapping[str, int]) -> People:
        """The same people, with more delegations, which have a revision of their own."""
        return self.with_delegations((*self.delegations, *given), revisions)

    def with_delegations(self, all_: Iterable[Delegation], revisions: Mapping[str, int]) -> People:
        """The same people, with these delegations instead of theirs."""
        found = copy(self)
        found.delegations = tuple(all_)
        found.revisions = {**self.revisions, **revisions}
        found._narrowed = {}
        return found

    @property
    def has_delegations(self) -> bool:
        """Whether anybody stands in for somebody now."""
        return bool(self._active)

    def givers(self, principal_id: str) -> list[tuple[Principal, frozenset[str]]]:
        """For whom this person decides now, with the roles that it is about, by at most two steps
        from one to the next."""
        found: dict[str, tuple[Principal, frozenset[str]]] = {}
        left: list[tuple[str, frozenset[str] | None]] = [(principal_id, None)]
        for _ in range(LINKS if self._active else 0):
            further: list[tuple[str, frozenset[str] | None]] = []
            for delegate, within in left:
                for each in self._active:
                    giver = self.by_id(each.giver) if each.delegate == delegate else None
                    if giver is None or giver.id == principal_id or giver.id in found:
                        continue
                    roles = each.roles if within is None else _both(each.roles, within)
                    carried = giver.roles if roles is None else giver.roles & roles
                    found[giver.id] = giver, carried
                    further.append((giver.id, roles))
            left = further
        return list(found.values())

    def delegates(self, principal_id: str) -> list[Principal]:
        """Who decides for this person now."""
        near = {each.delegate for each in self._active if each.giver == principal_id}
        far = {each.delegate for each in self._active if each.giver in near}
        known = (self.by_id(each) for each in sorted((near | far) - {principal_id}))
        return [person for person in known if person is not None]

    def stood_in(self, giver: str, delegate: str, at: datetime) -> bool:
        """Whether a delegation that there still is let one decide for the other at this time."""
        then = self.at(at)
        return any(person.id == giver for person, _ in then.givers(delegate))

    def about(self, subject: Subject) -> People:
        """The same people with the roles that each holds for a call."""
        if not self._scoped:
            return self
        found = self._narrowed.get(subject)
        if found is None:
            if len(self._narrowed) >= SUBJECTS_KEPT:
                self._narrowed.clear()
            changed = {p.id: p.about(subject, self.domains) for p in self._on_duty(self._scoped)}
            found = self._narrowed[subject] = Narrowed(self, changed)
        return found

    def __len__(self) -> int:
        return len(self._by_id)

    def outdated(self, person: Principal, now: datetime) -> str | None:
        """Why what is known of this person is too old to go by; None if it is not."""
        for name in person.directories:
            reading = self.readings.get(name)
            if reading is None:
                return f"{person.name} is known from {name}, which is not read any more."
            if reading.read_at is None:
                return f"{reading.words}, from which {person.name} is known, was not read yet."
            if now - reading.read_at > reading.max_age:
                return (
                    f"{reading.words}, from which {person.name} is known, was last read at "
                    f"{reading.read_at:%Y-%m-%d %H:%M} UTC; that is too long ago."
                )
        return None


def _both(one: frozenset[str] | None, other: frozenset[str]) -> frozenset[str]:
    return other if one is None else one & other


class Narrowed(People):
    """People, some of whom have fewer roles than usual."""

    __slots__ = ("_all", "_changed")

    def __init__(self, everybody: People, changed: Mapping[PrincipalId, Principal]):
        super().__init__(
            revisions=everybody.revisions,
            readings=everybody.readings,
            domains=everybody.domains,
            delegations=everybody.delegations,
            rota=everybody.rota,
        )
        self._active, self._by_id = everybody._active, everybody._by_id
        self._duty, self._now = everybody._duty, everybody._now
        self._all, self._changed = everybody, changed

    @override
    def by_id(self, principal_id: str) -> Principal | None:
        return self._changed.get(PrincipalId(principal_id)) or self._all.by_id(principal_id)

    @override
    def with_roles(self, roles: Sequence[str]) -> Sequence[Principal]:
        found = (self._changed.get(p.id, p) for p in self._all.with_roles(roles))
        return [person for person in found if person.roles.intersection(roles)]

    @override
    def everybody(self) -> Sequence[Principal]:
        return [self._changed.get(person.id, person) for person in self._all.everybody()]

    @override
    def __len__(self) -> int:
        return len(self._all)


NOBODY = People()
