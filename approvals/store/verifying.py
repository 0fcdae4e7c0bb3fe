"""Checks the ledger: each chain, and the tables against what it says.

One session, or all of them, a page at a time however many there are, and what belongs to none.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import Any, TypeAlias

from sqlalchemy import Connection

from countersign.approvals.audit.ledger import GENESIS, Verification, chain_name, combine
from countersign.approvals.audit.ledger import verify as verify_chain
from countersign.approvals.audit.seals import Seal, broken
from countersign.approvals.models import SessionId
from countersign.approvals.ports import Reader
from countersign.approvals.rules.budgets.charges import Account
from countersign.approvals.store import (
    budgets,
    codec,
    governance,
    policy_versions,
    seals,
    tables,
)
from countersign.approvals.store import ledger as rows
from countersign.approvals.store.comparing import differences

PAGE = 500
"""Sessions that are checked in one step; others use the store between two of them."""
SEALS = 20
"""Seals that are checked in one step; each may name many sessions."""

FIRST = Account("", "")
"""Before all accounts."""


Step: TypeAlias = "Callable[[Connection], Any]"


async def verify_all(store: Reader) -> Verification:
    """Check every session that there is, and that there is nothing of sessions that are gone."""
    steps = _steps()
    step = next(steps)
    while True:
        answer = await store.read(step)
        try:
            step = steps.send(answer)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


def verify_in(connection: Connection) -> Verification:
    """`verify_all` inside a transaction of the caller's."""
    steps = _steps()
    step = next(steps)
    while True:
        try:
            step = steps.send(step(connection))
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


def _steps() -> Generator[Step, Any, Verification]:
    """The reads of a whole verification, one after the other; each is answered with its value."""
    total, after = Verification(entries=0), ""
    while True:
        checked, last = yield partial(_page, after=after)
        total = combine([total, checked])
        if last is None:
            break
        after = last
    total = combine([total, (yield verify_governance)])
    lost = yield partial(tables.orphans, limit=PAGE)
    texts = yield policy_versions.untrue
    problems, before = [*lost, *texts], (0, GENESIS)
    account: Account | None = FIRST
    while account is not None:
        wrong, account = yield partial(budgets.untrue, after=account)
        problems += wrong
    while True:
        wrong, found = yield partial(_sealed, before=before)
        problems += wrong
        if not found:
            break
        before = found[-1].number, found[-1].hash
    return combine([total, Verification(entries=0, problems=tuple(problems))])


def _sealed(connection: Connection, before: tuple[int, str]) -> tuple[list[str], list[Seal]]:
    """What is wrong with the next seals and the sessions in them, and these seals."""
    try:
        found = seals.page(connection, before[0], limit=SEALS)
    except ValueError as exc:  # nothing that we wrote
        return [f"a seal after {before[0]} was changed and cannot be read: {exc}"], []
    untrue = [problem for seal in found for problem in seals.untrue(connection, seal)]
    return [*broken(found, before), *untrue], found


def _page(connection: Connection, after: str) -> tuple[Verification, str | None]:
    """What the sessions that follow `after` give, and the last of them if there was any."""
    found = rows.chains(connection, after, limit=PAGE)
    if not found:
        return Verification(entries=0), None
    stored = tables.rows_of(connection, found[0].session_id, found[-1].session_id)
    checked = [compared(chain, stored.get(chain.session_id, [])) for chain in found]
    return combine(checked), found[-1].session_id


def verify_one(connection: Connection, session_id: SessionId) -> Verification:
    """Check one session."""
    stored = tables.rows_of(connection, session_id, session_id)
    return compared(rows.chain_of(connection, session_id), stored.get(session_id, []))


def verify_governance(connection: Connection) -> Verification:
    """Check the governance chain, and the rows that it tells of."""
    return compared(governance.chain(connection), tables.governed(connection))


def compared(chain: rows.Chain, stored: Sequence[tables.Row]) -> Verification:
    """What checking one chain finds, and where the tables hold something else than it says."""
    checked = verified(chain)
    if chain.head is None:
        return checked
    where = chain_name(chain.session_id)
    try:
        entries = [codec.ledger_entry(row) for row in chain.rows]
        found = [f"{where}, {problem}" for problem in differences(entries, stored)]
    except ValueError:  # which `verified` has said
        return checked
    except (KeyError, TypeError, AttributeError) as exc:  # nothing that we wrote
        found = [f"{where}: what an entry says of the tables cannot be read: {exc!r}"]
    return Verification(entries=checked.entries, problems=(*checked.problems, *found))


def verified(chain: rows.Chain) -> Verification:
    """What checking one chain finds."""
    if chain.head is None:
        problem = f"session {chain.session_id}: has entries, but the session itself is gone"
        return Verification(entries=0, problems=(problem,))
    try:
        entries = [codec.ledger_entry(row) for row in chain.rows]
    except ValueError as exc:  # not JSON, not a time, not a number: nothing that we wrote
        name = chain_name(chain.session_id)
        problem = f"{name}: an entry was changed and cannot be read: {exc}"
        return Verification(entries=chain.head[0], problems=(problem,))
    return verify_chain(chain.session_id, entries, chain.head)
