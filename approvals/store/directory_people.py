"""Queries on the accounts that directories know, for those who keep them in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, literal, select, union_all

from countersign.approvals.errors import PeopleChangedError
from countersign.approvals.models import GIVEN, AccountState, KnownShift, Value
from countersign.approvals.ports import Unit
from countersign.approvals.store import codec, delegations
from countersign.approvals.store.directory_changes import AT_ONCE
from countersign.approvals.store.prepared import Prepared
from countersign.approvals.store.schema import (
    directory_accounts,
    directory_delegates,
    directory_members,
    directory_shifts,
    directory_sources,
)

_A, _M, _S = directory_accounts.c, directory_members.c, directory_sources.c


class KnownAccount(NamedTuple):
    """An account with those of its groups that were asked for."""

    source: str
    id: str
    identity: str
    name: str
    email: str
    state: AccountState
    groups: frozenset[str] = frozenset()


class KnownDelegate(Value):
    """That one account decides for another one of its directory."""

    source: str
    account_id: str
    delegate_id: str
    starts_at: datetime | None
    ends_at: datetime | None


class Changes(NamedTuple):
    """What has changed in one directory since a revision."""

    source: str
    revision: int
    read_at: datetime | None
    accounts: list[KnownAccount]
    delegates: list[KnownDelegate]
    shifts: list[KnownShift]


def revisions(connection: Connection) -> dict[str, int]:
    """The revision of each directory, and of what people have given by themselves."""
    return {row[0]: row[1] for row in _REVISIONS.all(connection)}


def require_current(unit: Unit) -> None:
    """Raise PeopleChangedError unless the people of the unit's moment are those that the database
    knows: a directory may just have been read by another process."""
    known = unit.moment.people.revisions
    if known and any(
        known.get(name, revision) != revision
        for name, revision in revisions(unit.connection).items()
    ):
        raise PeopleChangedError("The people of a directory have changed; look again.")


def changes(
    connection: Connection, known: Mapping[str, int], groups: Mapping[str, Collection[str]]
) -> list[Changes]:
    """What has changed since these revisions, of the directories that are named in `groups`, with
    the ids of the groups that matter in each."""
    found = []
    for row in connection.execute(select(directory_sources).order_by(_S.name)):
        since = known.get(row.name, -1)
        if row.name not in groups or row.revision == since:
            continue
        inside = _inside(connection, row.name, groups[row.name])
        whole = since < 0 or row.regrouped > since
        read_at = None if row.read_at is None else codec.from_text(row.read_at)
        accounts = list(_accounts(connection, row.name, inside, None if whole else since))
        delegates = _delegates(connection, row.name)
        shifts = _shifts(connection, row.name)
        found.append(Changes(row.name, row.revision, read_at, accounts, delegates, shifts))
    return found


def _inside(
    connection: Connection, source: str, wanted: Collection[str]
) -> dict[str, frozenset[str]]:
    """Of each group, the wanted ones in which it is, itself among them; also by way of others."""
    query = select(_M.group_id, _M.member_id).where(_M.source == source, _M.is_group == 1)
    parts = defaultdict(list)
    for group_id, member_id in connection.execute(query):
        parts[group_id].append(member_id)
    found: dict[str, set[str]] = defaultdict(set)
    for group in wanted:
        reached, left = {group}, [group]
        while left:
            for part in parts.get(left.pop(), ()):
                if part not in reached:
                    reached.add(part)
                    left.append(part)
        for part in reached:
            found[part].add(group)
    return {group: frozenset(among) for group, among in found.items()}


def _accounts(
    connection: Connection, source: str, inside: Mapping[str, frozenset[str]], since: int | None
) -> Iterator[KnownAccount]:
    """By pages, so that a large directory is not in memory twice."""
    sets: dict[frozenset[str], frozenset[str]] = {}
    after = ""
    while True:
        query = select(directory_accounts).where(_A.source == source, _A.id > after)
        if since is not None:
            query = query.where(_A.revision > since)
        rows = connection.execute(query.order_by(_A.id).limit(AT_ONCE)).all()
        within = _groups_of(connection, source, [row.id for row in rows])
        for row in rows:
            none: frozenset[str] = frozenset()
            groups = none.union(*(inside.get(g, none) for g in within.get(row.id, ())))
            groups = sets.setdefault(groups, groups)
            state = AccountState(row.state)
            said = row.identity, row.name, row.email
            yield KnownAccount(source, row.id, *said, state, groups)
        if len(rows) < AT_ONCE:
            return
        after = rows[-1].id


def _groups_of(connection: Connection, source: str, ids: Sequence[str]) -> dict[str, list[str]]:
    query = select(_M.member_id, _M.group_id).where(
        _M.source == source, _M.member_id.in_(ids), _M.is_group == 0
    )
    found: dict[str, list[str]] = {}
    for member_id, group_id in connection.execute(query):
        found.setdefault(member_id, []).append(group_id)
    return found


def _delegates(connection: Connection, source: str) -> list[KnownDelegate]:
    query = select(directory_delegates).where(directory_delegates.c.source == source)
    return [_delegate(row) for row in connection.execute(query)]


def _delegate(row: Any) -> KnownDelegate:
    return KnownDelegate(
        source=row.source,
        account_id=row.account_id,
        delegate_id=row.delegate_id,
        starts_at=None if row.starts_at is None else codec.from_text(row.starts_at),
        ends_at=None if row.ends_at is None else codec.from_text(row.ends_at),
    )


def _shifts(connection: Connection, source: str) -> list[KnownShift]:
    query = select(directory_shifts).where(directory_shifts.c.source == source)
    return [
        KnownShift(
            id=row.id,
            person=row.person,
            email=row.email,
            name=row.name,
            starts_at=codec.from_text(row.starts_at),
            ends_at=codec.from_text(row.ends_at),
        )
        for row in connection.execute(query)
    ]


_REVISIONS = Prepared(
    union_all(select(_S.name, _S.revision), select(literal(GIVEN), delegations.REVISION))
)
