"""The synced directory: the people of the file and of the directories, as one.

All are kept in memory by id, role and identity, so that a vote looks people up as it always did.
What another process has read is taken over when a vote finds that the revision has changed, and
every few seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta

from typing_extensions import override

from countersign.approvals.directory.linking import (
    EMAIL,
    Linking,
    ScheduleRules,
    SourceRules,
    small,
)
from countersign.approvals.models import (
    Delegation,
    Domains,
    KnownShift,
    People,
    Principal,
    Reading,
    Rota,
    Schedule,
    Shift,
)
from countersign.approvals.ports import Directory, Reader
from countersign.approvals.store import directory_people
from countersign.approvals.store.directory_people import Changes, KnownAccount, KnownDelegate

Account = tuple[str, str]
"""The name of a directory and the id in it."""


class SyncedDirectory(Directory):
    """Implements `approvals.ports.Directory` on rows that a job keeps up to date."""

    def __init__(
        self,
        listed: Iterable[Principal],
        sources: Sequence[SourceRules],
        reader: Reader,
        *,
        words: Mapping[str, str],
        max_age: timedelta,
        domains: Callable[[], Domains] = dict,
        delegations: Sequence[Delegation] = (),
        schedules: Sequence[ScheduleRules] = (),
    ):
        """`words` are what people call the directories, `domains` those of the policy that rules
        now. Nobody but those `listed` is known before the first `refresh`."""
        people = list(listed)
        self._linking, self._reader = Linking(people, sources), reader
        self._groups = {source.name: list(source.grants) for source in sources}
        self._groups |= {schedule.source: [] for schedule in schedules}
        self._schedules = list(schedules)
        self._shifts: dict[str, list[KnownShift]] = {}
        self._domains, self._given = domains, delegations
        self._delegates: dict[str, list[KnownDelegate]] = {}
        self._accounts: dict[Account, KnownAccount] = {}
        self._alike: dict[str, set[Account]] = {}
        self._found: dict[str, list[Principal]] = {
            f"listed {person.id}": [person] for person in people
        }
        self._revisions: dict[str, int] = dict.fromkeys(self._groups, -1)
        self._readings = {name: Reading(words[name], None, max_age) for name in self._groups}
        self._lock = asyncio.Lock()
        self._publish()

    @override
    def by_id(self, principal_id: str) -> Principal | None:
        return self._people.by_id(principal_id)

    @override
    def by_identity(self, kind: str, value: str) -> Principal | None:
        """Case does not matter."""
        return self._by_identity.get((kind, small(value.strip(" \t\r\n"))))

    @override
    def people(self) -> People:
        if self._domains() != self._people.domains:  # the policy was reloaded
            self._publish()
        return self._people

    @override
    def with_roles(self, roles: Sequence[str]) -> Sequence[Principal]:
        return self._people.with_roles(roles)

    @override
    def everybody(self) -> Sequence[Principal]:
        return self._people.everybody()

    @override
    async def refresh(self) -> bool:
        async with self._lock:
            known, groups = dict(self._revisions), self._groups
            found = await self._reader.read(lambda c: directory_people.changes(c, known, groups))
            if found:  # of a large directory this takes a while, and others are answered meanwhile
                await asyncio.to_thread(self._take_over, found)
            return bool(found)

    def _take_over(self, found: Sequence[Changes]) -> None:
        for changes in found:
            self._take(changes)
        self._publish()

    def _take(self, changes: Changes) -> None:
        touched: set[str] = set()
        for account in changes.accounts:  # who is deleted there keeps a row, as inactive
            place = account.source, account.id
            if place in self._accounts:
                touched.add(self._forget(place))
            key = self._linking.key(account)
            self._accounts[place] = account
            self._alike.setdefault(key, set()).add(place)
            touched.add(key)
        for key in touched:
            self._link(key)
        self._delegates[changes.source] = changes.delegates
        self._shifts[changes.source] = changes.shifts
        self._revisions[changes.source] = changes.revision
        reading = self._readings[changes.source]
        self._readings[changes.source] = reading._replace(read_at=changes.read_at)

    def _forget(self, place: Account) -> str:
        key = self._linking.key(self._accounts.pop(place))
        self._alike[key].discard(place)
        return key

    def _link(self, key: str) -> None:
        accounts = [self._accounts[place] for place in sorted(self._alike.get(key, ()))]
        self._found[key] = list(self._linking.people(key, accounts))
        if not self._found[key]:
            del self._found[key]

    def _publish(self) -> None:
        everybody = [person for found in self._found.values() for person in found]
        self._by_identity = {
            (kind, small(value)): person
            for person in everybody
            for kind, value in person.identities.items()
        }
        self._people = People(
            everybody,
            revisions=self._revisions,
            readings=self._readings,
            domains=self._domains(),
            delegations=[*self._given, *self._delegations()],
            rota=Rota({rules.name: self._schedule(rules) for rules in self._schedules}),
        )

    def _schedule(self, rules: ScheduleRules) -> Schedule:
        known = self._shifts.get(rules.source, ())
        return Schedule(
            [self._shift(each, rules) for each in known],
            source=rules.source,
            zone=rules.zone,
            otherwise=rules.otherwise,
        )

    def _shift(self, known: KnownShift, rules: ScheduleRules) -> Shift:
        """Of whom the configuration says that the schedule means them, or who has this address."""
        said = [small(text.strip()) for text in (known.person, known.email, known.name) if text]
        named = next((rules.people[each] for each in said if each in rules.people), None)
        identity = known.email if rules.identity == EMAIL else known.person
        person = self._by_identity.get((rules.identity, small(identity.strip())))
        if named is not None:
            person = self._linking.listed.get(named)
        found = named or (None if person is None else person.id)
        name = known.name or known.email or ("" if person is None else person.name) or known.person
        return Shift(found, name, known.starts_at, known.ends_at)

    def _delegations(self) -> Iterator[Delegation]:
        """What people have named in a directory, between people who are known."""
        for known in self._delegates.values():
            for each in known:
                giver = self._owner(each.source, each.account_id)
                delegate = self._owner(each.source, each.delegate_id)
                if giver is not None and delegate is not None and giver.id != delegate.id:
                    yield Delegation(
                        giver=giver.id,
                        delegate=delegate.id,
                        starts_at=each.starts_at,
                        ends_at=each.ends_at,
                        source=each.source,
                    )

    def _owner(self, source: str, account_id: str) -> Principal | None:
        account = self._accounts.get((source, account_id))
        if account is None:
            return None
        return self._by_identity.get((self._linking.kind(source), small(account.identity)))
