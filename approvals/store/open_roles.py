"""Queries on the roles that pending requests ask for now, by which people find what is theirs.

A row for every role, group and person of the open stages, kept in the transaction that changes the
request.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from sqlalchemy import Connection, and_, bindparam, delete, exists, or_, select

from countersign.approvals.models import (
    Principal,
    PrincipalId,
    Request,
    RequestKind,
    RequestStatus,
)
from countersign.approvals.rules.approvers import OWNER_ROLE
from countersign.approvals.store import codec
from countersign.approvals.store.prepared import Prepared, insertion
from countersign.approvals.store.schema import open_roles, votes
from countersign.approvals.store.timelines import BEGINNING as BEGINNING
from countersign.approvals.store.timelines import END as END
from countersign.approvals.store.timelines import Place as Place

GROUP, PERSON, ON_CALL = "group:", "person:", "on_call:"
"""Before the name of a group, the id of a person and the name of a schedule, which a stage asks
like a role."""
NOBODY = ""
"""Whom a question keeps out: who asked may answer it, unlike a call."""


Pairs = Iterable[tuple[Request | None, Request]]
"""Requests before and after; the first is None for a new one."""


def keep(connection: Connection, pairs: Pairs) -> None:
    """Make the rows those of the requests afterwards."""
    gone: list[dict[str, object]] = []
    new: list[dict[str, object]] = []
    for before, after in pairs:
        waited = before is not None and before.status is RequestStatus.PENDING
        if not waited or after.status is not RequestStatus.PENDING:
            new += _rows(after)
            is_gone = waited
        elif is_gone := _rows(before) != (now := _rows(after)):
            new += now
        if is_gone:
            gone.append({"of": after.id})
    _DELETE.run_each(connection, gone)
    _INSERT.run_each(connection, new)


def waiting(
    connection: Connection, principal: Principal, after: Place, limit: int, *, newest: bool = False
) -> list[Place]:
    """Where the pending requests are whose open stage this person's roles fit, the oldest (or
    newest) first, after `after`.

    Without those that the person asked for or has voted on. Each role is read from the index up to
    `limit` rows, however many others wait.
    """
    groups = [f"{GROUP}{group}" for group in sorted(principal.groups)]
    own = [_owner(principal.id), f"{PERSON}{principal.id}"]
    on_call = [f"{ON_CALL}{name}" for name in sorted(principal.on_call)]
    roles = [*sorted(principal.roles), *groups, *own, *on_call]
    query = _NEWEST if newest else _WAITING
    lists = [_of_role(connection, query, role, principal, after, limit) for role in roles]
    return list(islice(_merged(lists, newest=newest), limit))


def on_call(connection: Connection, schedule: str, after: Place, limit: int) -> list[Place]:
    """Pending requests whose open stage asks whoever is on call by a schedule, oldest first."""
    nobody = Principal(id=PrincipalId(NOBODY), name="")
    return _of_role(connection, _WAITING, f"{ON_CALL}{schedule}", nobody, after, limit)


def _of_role(
    connection: Connection,
    query: Prepared,
    role: str,
    principal: Principal,
    after: Place,
    limit: int,
) -> list[Place]:
    rows = query.all(
        connection, role=role, me=principal.id, at=after[0], request=after[1], most=limit
    )
    return [(row[0], row[1]) for row in rows]


def _merged(lists: Sequence[Sequence[Place]], *, newest: bool) -> Iterator[Place]:
    last = None
    for place in heapq.merge(*lists, reverse=newest):
        if place != last:
            yield place
        last = place


def _rows(request: Request | None) -> list[dict[str, object]]:
    if request is None or request.status is not RequestStatus.PENDING:
        return []
    is_question = request.kind is RequestKind.INPUT
    return [
        {
            "role": role,
            "created_at": codec.to_text(request.created_at),
            "request_id": request.id,
            "requester": NOBODY if is_question else request.requester,
            "revision": request.revision,
        }
        for role in dict.fromkeys(_asked(request, is_question=is_question))
    ]


def _asked(request: Request, *, is_question: bool) -> Iterable[str]:
    for stage in (request.stages[number] for number in request.open_stages):
        yield from stage.roles
        yield from (f"{GROUP}{group}" for group in stage.groups)
        yield from (f"{PERSON}{person}" for person in stage.people)
        yield from (f"{ON_CALL}{name}" for name in stage.on_call)
        if is_question and OWNER_ROLE in stage.roles:
            yield _owner(request.requester)


def _owner(principal_id: str) -> str:
    """Stands for `owner` in a question of this person's: nobody else is asked by it."""
    return f"{OWNER_ROLE}:{principal_id}"


_INSERT = insertion(open_roles)
_DELETE = Prepared(delete(open_roles).where(open_roles.c.request_id == bindparam("of")))
_IS_AFTER = or_(
    open_roles.c.created_at > bindparam("at"),
    and_(
        open_roles.c.created_at == bindparam("at"),
        open_roles.c.request_id > bindparam("request"),
    ),
)
_IS_BEFORE = or_(
    open_roles.c.created_at < bindparam("at"),
    and_(
        open_roles.c.created_at == bindparam("at"),
        open_roles.c.request_id < bindparam("request"),
    ),
)
_PLACES = select(open_roles.c.created_at, open_roles.c.request_id).where(
    open_roles.c.role == bindparam("role"),
    open_roles.c.requester != bindparam("me"),
    ~exists().where(
        votes.c.request_id == open_roles.c.request_id,
        votes.c.revision == open_roles.c.revision,
        votes.c.principal_id == bindparam("me"),
    ),
)
# The first condition says from where the index is read, unlike `or`.
_WAITING = Prepared(
    _PLACES.where(open_roles.c.created_at >= bindparam("at"), _IS_AFTER)
    .order_by(open_roles.c.created_at, open_roles.c.request_id)
    .limit(bindparam("most"))
)
_NEWEST = Prepared(
    _PLACES.where(open_roles.c.created_at <= bindparam("at"), _IS_BEFORE)
    .order_by(open_roles.c.created_at.desc(), open_roles.c.request_id.desc())
    .limit(bindparam("most"))
)
