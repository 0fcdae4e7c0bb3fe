"""Queries that take over what a reading of a directory has staged: in steps, each of which is one
transaction, removals by the same rule as additions.

Whoever knows the people of an earlier revision goes on by that until the reading has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    and_,
    delete,
    insert,
    select,
    tuple_,
    update,
)

from countersign.approvals.models import AccountState
from countersign.approvals.store import codec
from countersign.approvals.store.directories import Begun
from countersign.approvals.store.directory_losses import staged, unseen_account, unseen_member
from countersign.approvals.store.directory_staging import (
    ACCOUNT,
    DELEGATE,
    GROUP,
    MEMBER,
    SHIFT,
)
from countersign.approvals.store.schema import (
    directory_accounts,
    directory_delegates,
    directory_groups,
    directory_members,
    directory_shifts,
    directory_sources,
    directory_staged,
)

AT_ONCE = 500
"""Rows of one transaction: others write between two of them."""
_A, _G, _M, _T = (
    directory_accounts.c,
    directory_groups.c,
    directory_members.c,
    directory_staged.c,
)


Place: TypeAlias = tuple[str, str]
Step = Callable[[Connection, Begun, Place], tuple[Place | None, int]]
"""Takes over what comes after a place; where to go on, None at the end, and how much changed."""


def accounts(connection: Connection, begun: Begun, after: Place) -> tuple[Place | None, int]:
    """Accounts that are new, changed or deactivated."""
    rows = _next(connection, begun, ACCOUNT, after)
    known = {row.id: row for row in _known_accounts(connection, begun, [row.id for row in rows])}
    new: list[dict[str, Any]] = []
    count = 0
    for row in rows:
        before = known.get(row.id)
        now = _account(row.id, row.body, before)
        if before is None:
            new.append({"source": begun.source, "id": row.id, "revision": begun.revision, **now})
        elif any(getattr(before, name) != value for name, value in now.items()):
            mine = _A.source == begun.source, _A.id == row.id
            connection.execute(
                update(directory_accounts).where(*mine).values(revision=begun.revision, **now)
            )
            count += 1
    if new:
        connection.execute(insert(directory_accounts), new)
    return _place(rows), count + len(new)


def groups(connection: Connection, begun: Begun, after: Place) -> tuple[Place | None, int]:
    """Groups that are new, renamed or gone; those who were in one that is gone no longer are."""
    rows = _next(connection, begun, GROUP, after)
    ids = [row.id for row in rows]
    connection.execute(delete(directory_groups).where(_G.source == begun.source, _G.id.in_(ids)))
    left = [row for row in rows if row.body is not None]
    if left:
        named = [
            {"source": begun.source, "id": row.id, "name": codec.loads(row.body)["name"]}
            for row in left
        ]
        connection.execute(insert(directory_groups), named)
    gone = [row.id for row in rows if row.body is None]
    return _place(rows), _drop(connection, begun, _M.group_id.in_(gone)) if gone else 0


def members(connection: Connection, begun: Begun, after: Place) -> tuple[Place | None, int]:
    """Who is in a group now, and who no longer is."""
    rows = _next(connection, begun, MEMBER, after)
    keys = [(row.id, row.member_id) for row in rows]
    query = select(_M.group_id, _M.member_id).where(
        _M.source == begun.source, tuple_(_M.group_id, _M.member_id).in_(keys)
    )
    known = {(row[0], row[1]) for row in connection.execute(query)}
    new = [
        {
            "source": begun.source,
            "group_id": row.id,
            "member_id": row.member_id,
            "is_group": codec.loads(row.body)["is_group"],
        }
        for row in rows
        if row.body is not None and (row.id, row.member_id) not in known
    ]
    if new:
        connection.execute(insert(directory_members), new)
        _touch(connection, begun, [row["member_id"] for row in new])
        if any(row["is_group"] for row in new):
            _regroup(connection, begun)
    gone = [(row.id, row.member_id) for row in rows if row.body is None]
    gone = [key for key in gone if key in known]
    count = _drop(connection, begun, tuple_(_M.group_id, _M.member_id).in_(gone)) if gone else 0
    return _place(rows), len(new) + count


def missing_members(connection: Connection, begun: Begun, _: Place) -> tuple[Place | None, int]:
    """Who was in a group, and was not found there when all was read."""
    unseen = _M.source == begun.source, unseen_member(begun)
    query = select(_M.group_id, _M.member_id).where(*unseen).limit(AT_ONCE)
    keys = [(row[0], row[1]) for row in connection.execute(query)]
    count = _drop(connection, begun, tuple_(_M.group_id, _M.member_id).in_(keys)) if keys else 0
    return (("", "") if len(keys) == AT_ONCE else None), count


def missing_accounts(lists_everybody: bool) -> Step:
    """The step for accounts that were not found when all was read: deleted there, if the directory
    `lists_everybody`; else only not asked for any more."""
    state = AccountState.INACTIVE if lists_everybody else AccountState.GONE

    def step(connection: Connection, begun: Begun, _: Place) -> tuple[Place | None, int]:
        unseen = _A.source == begun.source, unseen_account(begun)
        query = select(_A.id).where(*unseen, _A.state == "active").limit(AT_ONCE)
        ids = list(connection.execute(query).scalars())
        changed = {"state": state.value, "revision": begun.revision}
        connection.execute(
            update(directory_accounts)
            .where(_A.source == begun.source, _A.id.in_(ids))
            .values(changed)
        )
        return (("", "") if len(ids) == AT_ONCE else None), len(ids)

    return step


def missing_groups(connection: Connection, begun: Begun, _: Place) -> tuple[Place | None, int]:
    """Groups that were not found when all was read; nobody is in them any more."""
    unseen = ~staged(GROUP, begun, _G.id)
    connection.execute(delete(directory_groups).where(_G.source == begun.source, unseen))
    return None, 0


def delegates(connection: Connection, begun: Begun, _: Place) -> tuple[Place | None, int]:
    """Who decides for whom, in place of what was known of that."""
    return None, _replace(connection, begun, directory_delegates, DELEGATE)


def shifts(connection: Connection, begun: Begun, _: Place) -> tuple[Place | None, int]:
    """Who is on call when, in place of what was known of that."""
    return None, _replace(connection, begun, directory_shifts, SHIFT)


def _replace(connection: Connection, begun: Begun, table: Table, kind: str) -> int:
    """Make the rows of a table what was found; how many are others than before."""
    mine = table.c.source == begun.source
    before = {tuple(row) for row in connection.execute(select(table).where(mine))}
    query = select(_T.id, _T.body).where(_T.source == begun.source, _T.kind == kind)
    rows = [
        {"source": begun.source, "id": row[0], **codec.loads(row[1])}
        for row in connection.execute(query)
    ]
    names = [column.name for column in table.c]
    now = {tuple(row[name] for name in names) for row in rows}
    if now == before:
        return 0
    connection.execute(delete(table).where(mine))
    if rows:
        connection.execute(insert(table), rows)
    return len(now ^ before)


def forget(connection: Connection, begun: Begun) -> bool:
    """Remove some of what was staged, unless a later reading has begun; whether there is more."""
    mine = _T.source == begun.source, _T.generation == begun.generation
    query = select(_T.kind, _T.id, _T.member_id).where(*mine).limit(AT_ONCE)
    keys = [tuple(row) for row in connection.execute(query)]
    if keys:
        which = tuple_(_T.kind, _T.id, _T.member_id).in_(keys)
        connection.execute(delete(directory_staged).where(*mine, which))
    return len(keys) == AT_ONCE


def steps(begun: Begun, *, lists_everybody: bool) -> Sequence[Step]:
    """What has to be done, in order, before the reading has ended."""
    whole: list[Step] = []
    if begun.cursor is None:
        whole = [missing_members, missing_accounts(lists_everybody), missing_groups]
        whole += [delegates, shifts]
    return [accounts, groups, members, *whole]


_SAID = ("identity", "name", "email")


def _account(id_: str, body: str | None, before: Any) -> Mapping[str, str]:
    """The columns of an account now. One that nobody has called active is not."""
    known = {"identity": id_, "name": "", "email": "", "state": AccountState.INACTIVE.value}
    if before is not None:
        known = {name: getattr(before, name) for name in known}
    if body is None:
        return {**known, "state": AccountState.INACTIVE.value}
    said = codec.loads(body)
    if said.get("active"):
        known["state"] = AccountState.ACTIVE.value
    return {**known, **{name: said[name] for name in _SAID if name in said}}


def _known_accounts(connection: Connection, begun: Begun, ids: Sequence[str]) -> Sequence[Any]:
    mine = _A.source == begun.source, _A.id.in_(ids)
    return connection.execute(select(directory_accounts).where(*mine)).all()


def _next(connection: Connection, begun: Begun, kind: str, after: Place) -> Sequence[Any]:
    query = (
        select(_T.id, _T.member_id, _T.body)
        .where(_T.source == begun.source, _T.kind == kind, tuple_(_T.id, _T.member_id) > after)
        .order_by(_T.id, _T.member_id)
        .limit(AT_ONCE)
    )
    return connection.execute(query).all()


def _place(rows: Sequence[Any]) -> Place | None:
    return (rows[-1].id, rows[-1].member_id) if len(rows) == AT_ONCE else None


def _drop(connection: Connection, begun: Begun, which: ColumnElement[bool]) -> int:
    """Remove memberships; how many there were."""
    mine = and_(_M.source == begun.source, which)
    gone = connection.execute(select(_M.member_id, _M.is_group).where(mine)).all()
    connection.execute(delete(directory_members).where(mine))
    _touch(connection, begun, [row.member_id for row in gone])
    if any(row.is_group for row in gone):
        _regroup(connection, begun)
    return len(gone)


def _touch(connection: Connection, begun: Begun, ids: Sequence[str]) -> None:
    """Mark accounts whose groups have changed."""
    for start in range(0, len(ids), AT_ONCE):
        mine = _A.source == begun.source, _A.id.in_(ids[start : start + AT_ONCE])
        connection.execute(update(directory_accounts).where(*mine).values(revision=begun.revision))


def _regroup(connection: Connection, begun: Begun) -> None:
    mine = directory_sources.c.name == begun.source
    connection.execute(update(directory_sources).where(mine).values(regrouped=begun.revision))
