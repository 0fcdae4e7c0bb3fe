"""Queries on what a reading of a directory has not found any more."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, exists, func, or_, select

from countersign.approvals.models import AccountState, Value
from countersign.approvals.store.directories import Begun
from countersign.approvals.store.directory_staging import ACCOUNT, GROUP, MEMBER
from countersign.approvals.store.schema import (
    directory_accounts,
    directory_members,
    directory_staged,
)

_A, _M, _T = directory_accounts.c, directory_members.c, directory_staged.c


class Loss(Value):
    """How much a reading would remove of what there is."""

    accounts: int
    accounts_before: int
    memberships: int
    memberships_before: int


def loss(connection: Connection, begun: Begun) -> Loss:
    """What would be gone if the reading were taken over."""
    mine = _A.source == begun.source, _A.state == AccountState.ACTIVE.value
    gone = or_(staged(ACCOUNT, begun, _A.id, removed=True), unseen_account(begun))
    members = _M.source == begun.source
    left = or_(
        staged(MEMBER, begun, _M.group_id, _M.member_id, removed=True),
        staged(GROUP, begun, _M.group_id, removed=True),
        unseen_member(begun),
    )
    return Loss(
        accounts=_count(connection, *mine, gone),
        accounts_before=_count(connection, *mine),
        memberships=_count(connection, members, left),
        memberships_before=_count(connection, members),
    )


def staged(
    kind: str,
    begun: Begun,
    id_: ColumnElement[Any],
    member_id: ColumnElement[Any] | str = "",
    *,
    removed: bool = False,
) -> ColumnElement[bool]:
    """Whether the reading has said anything of this one, or that it was `removed`."""
    conditions = [
        _T.source == begun.source,
        _T.kind == kind,
        _T.id == id_,
        _T.member_id == member_id,
    ]
    if removed:
        conditions.append(_T.body.is_(None))
    return exists().where(*conditions)


def unseen_account(begun: Begun) -> ColumnElement[bool]:
    """An account that was not found when all was read."""
    if begun.cursor is not None:
        return _A.id.is_(None)  # of what is as it was, nothing is said
    return ~staged(ACCOUNT, begun, _A.id)


def unseen_member(begun: Begun) -> ColumnElement[bool]:
    """A membership that was not found when all was read."""
    if begun.cursor is not None:
        return _M.group_id.is_(None)
    return ~staged(MEMBER, begun, _M.group_id, _M.member_id)


def _count(connection: Connection, *which: ColumnElement[bool]) -> int:
    return connection.execute(select(func.count()).where(*which)).scalar_one()
