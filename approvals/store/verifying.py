"""Checks the ledger: each chain, and the tables against what it says.

One session, or all of them, a page at a time however many there are, and what belongs to none.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import Any, TypeAlias

from sqlalchemy import Connection, Row

from countersign.approvals.audit.ledger import GENESIS, Verification, chain_name, combine
from countersign.approvals.audit.ledger import verify as verify_chain
from countersign.approvals.audit.merkle import Growing
from countersign.approvals.audit.seals import Seal, broken
from countersign.approvals.models import LedgerEntry, SessionId
from countersign.approvals.ports import Reader
from countersign.approvals.rules.budgets.charges import Account
from countersign.approvals.store import (
    archived,
    budgets,
    checkpoints,
    codec,
    governance,
    pages,
    policy_versions,
    sealed_tree,
    seals,
    tables,
)
from countersign.approvals.store import ledger as rows
from countersign.approvals.store.comparing import differences
from countersign.approvals.store.sound import is_sound

SESSIONS = 100
"""Sessions that are checked in one step; others use the store between two of them."""
PAGE = 500
"""Rows of anything else."""
SEALS = 20
"""Seals that are checked in one step; each may name many sessions."""

FIRST = Account("", "")
"""Before all accounts."""


Step: TypeAlias = "Callable[[Connection], Any]"


async def verify_all(store: Reader, tell: Callable[[int], None] = lambda _: None) -> Verification:
    """Check every session that there is, and that there is nothing of sessions that are gone.
    `tell` hears how many entries have been checked, again and again."""
    steps = _steps(tell)
    step = next(steps)
    while True:
        answer = await store.read(step)
        try:
            step = steps.send(answer)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


def verify_in(connection: Connection) -> Verification:
    """`verify_all` inside a transaction of the caller's."""
    steps = _steps(lambda _: None)
    step = next(steps)
    while True:
        try:
            step = steps.send(step(connection))
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


def _steps(tell: Callable[[int], None]) -> Generator[Step, Any, Verification]:
    """The reads of a whole verification, one after the other; each is answered with its value."""
    total, after = Verification(entries=0), ""
    while True:
        checked, last = yield partial(_page, after=after)
        total = combine([total, checked])
        tell(total.entries)
        if last is None:
            break
        after = last
    total = combine([total, (yield verify_governance)])
    lost = yield partial(tables.orphans, limit=PAGE)
    lost += yield partial(archived.twice, limit=PAGE)
    texts = yield policy_versions.untrue
    problems, before = [*lost, *texts], (0, GENESIS)
    account: Account | None = FIRST
    while account is not None:
        wrong, account = yield partial(budgets.untrue, after=account)
        problems += wrong
    growing = Growing()
    while True:
        wrong, found = yield partial(_sealed, before=before, growing=growing)
        problems += wrong
        if not found:
            break
        before = found[-1].number, found[-1].hash
    problems += yield partial(sealed_tree.unsealed, size=growing.size)
    size: int | None = 0
    while size is not None:
        wrong, size = yield partial(checkpoints.untrue, after_size=size, limit=PAGE)
        problems += wrong
    notes = yield archived.said
    rest = Verification(entries=0, problems=tuple(problems), notes=tuple(notes))
    return combine([total, rest])


def _sealed(
    connection: Connection, before: tuple[int, str], growing: Growing
) -> tuple[list[str], list[Seal]]:
    """What is wrong with the next seals and the sessions in them, and these seals."""
    try:
        found = seals.page(connection, before[0], limit=SEALS)
    except ValueError as exc:  # nothing that we wrote
        return [f"a seal after {before[0]} was changed and cannot be read: {exc}"], []
    problems = broken(found, before)
    for seal in found:
        if seal.size:
            problems += sealed_tree.untrue(connection, seal, growing)
        else:
            problems += seals.untrue(connection, list(seal.heads.items()), seal)
    return problems, found


def _page(connection: Connection, after: str) -> tuple[Verification, str | None]:
    """What the sessions that follow `after` give, and the last of them if there was any."""
    found = pages.page(connection, after, limit=SESSIONS)
    entries, closer = 0, []
    for session_id, whole in found.items():
        if whole.session is not None and is_sound(whole.session, whole.entries, whole.stored):
            entries += len(whole.entries)
        else:
            closer.append(_closer(connection, SessionId(session_id), whole.session is not None))
    last = max(found, default=None)
    return combine([Verification(entries=entries), *closer]), last


def _closer(connection: Connection, session_id: SessionId, there: bool) -> Verification:
    """What is wrong with one session, if anything is."""
    if there:
        return verify_one(connection, session_id)
    return compared(rows.Chain(session_id, None, []), [])


def verify_one(connection: Connection, session_id: SessionId) -> Verification:
    """Check one session."""
    stored = tables.rows_of(connection, session_id, session_id)
    return compared(rows.chain_of(connection, session_id), stored.get(session_id, []))


def verify_governance(connection: Connection) -> Verification:
    """Check the governance chain, and the rows that it tells of."""
    return compared(governance.chain(connection), tables.governed(connection))


def compared(chain: rows.Chain, stored: Sequence[tables.Row]) -> Verification:
    """What checking one chain finds, and where the tables hold something else than it says."""
    where = chain_name(chain.session_id)
    if chain.head is None:
        problem = f"{where}: has entries, but the session itself is gone"
        return Verification(entries=0, problems=(problem,))
    entries, unread = _read(chain.rows)
    checked = verify_chain(chain.session_id, entries, chain.head, compared=True)
    problems = [f"{where}, {problem}" for problem in unread] + list(checked.problems)
    if not unread:
        try:
            problems += [f"{where}, {problem}" for problem in differences(entries, stored)]
        except (KeyError, TypeError, AttributeError) as exc:  # nothing that we wrote
            said = f"what an entry says of the tables cannot be read: {exc!r}"
            problems.append(f"{where}: {said}")
    return Verification(entries=len(chain.rows), problems=tuple(problems))


def _read(found: Sequence[Row[Any]]) -> tuple[list[LedgerEntry], list[str]]:
    """The entries in rows, and which of them cannot be read: not JSON, not a time, not a number,
    another body than its commitment says."""
    entries: list[LedgerEntry] = []
    unread: list[str] = []
    for row in found:
        try:
            entries.append(codec.ledger_entry(row))
        except ValueError as exc:
            unread.append(f"entry {row.seq}: was changed and cannot be read: {exc}")
    return entries, unread
