"""Queries on budgets: what is used of each, and what each call has drawn on them.

A use is a row of its request, told to the ledger of its session. What is used since a moment is
kept in a counter, so that a claim need not add it up. Whoever draws on an account locks its
counter, so no two draw on it at once; where the counter is of another window, it is taken again
from the uses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Insert, bindparam, select, update
from sqlalchemy.dialects import sqlite

from countersign.approvals.models import Request
from countersign.approvals.ports import Unit
from countersign.approvals.rules.budgets.charges import NOTHING, Account, Charge, Used
from countersign.approvals.rules.conditions.amount import amount_text, minus, plus
from countersign.approvals.store import changes, codec
from countersign.approvals.store.dialects import postgresql
from countersign.approvals.store.prepared import Prepared, insertion
from countersign.approvals.store.schema import budget_counters, budget_uses

AT_ONCE = 1_000
"""Uses that are looked at to say when something is free again; counters that are verified in one
step."""
_NEW = ""
"""The definition in a counter that has counted nothing yet."""


@dataclass(frozen=True)
class _Counter:
    definition: str
    since: str
    used: Used


def used(connection: Connection, charge: Charge, now: datetime) -> Used:
    """What is used of the account of a charge within its window; nothing is locked."""
    row = _COUNTER.first(connection, budget=charge.account.budget, scope=charge.account.scope)
    return _brought_up(connection, charge, now, row).used


def locked(unit: Unit, charge: Charge) -> Used:
    """`used`, by a counter that nobody else changes before the unit ends."""
    account = charge.account
    rows = _LOCK.all(unit.connection, budget=account.budget, scope=account.scope)
    return _brought_up(unit.connection, charge, unit.now, rows[0]).used


def draw(unit: Unit, request: Request, charge: Charge, before: Used) -> None:
    """Note a use of an account that the unit has `locked`, where so much was used."""
    account, at = charge.account, codec.to_text(unit.now)
    columns = {
        "request_id": request.id,
        "budget": account.budget,
        "scope": account.scope,
        "at": at,
        "currency": charge.budget.currency,
        "amount": amount_text(charge.amount),
        "released_at": None,
    }
    _INSERT.run(unit.connection, **columns)
    changes.note(unit, request.session_id, "budget_uses", [request.id, account.budget], columns)
    after = Used(before.count + 1, plus(before.amount, charge.amount))
    since = codec.to_text(charge.since(unit.now))
    _keep(unit.connection, account, _Counter(charge.budget.definition, since, after))


def release(unit: Unit, request: Request) -> list[str]:
    """Take back what a request has drawn: nothing has happened. Returns the budgets."""
    released = []
    for budget, scope, at, amount in _OF_REQUEST.all(unit.connection, of=request.id):
        rows = _LOCK.all(unit.connection, budget=budget, scope=scope)
        counter = _counter(rows[0])
        columns = {"released_at": codec.to_text(unit.now)}
        _RELEASE.run(unit.connection, of=request.id, budget=budget, **columns)
        changes.note(unit, request.session_id, "budget_uses", [request.id, budget], columns)
        if counter.definition != _NEW and at >= counter.since:
            left = Used(counter.used.count - 1, minus(counter.used.amount, Decimal(amount)))
            after = _Counter(counter.definition, counter.since, left)
            _keep(unit.connection, Account(budget, scope), after)
        released.append(budget)
    return released


def fits_at(
    connection: Connection, charge: Charge, counted: Used, now: datetime
) -> datetime | None:
    """When a call that does not fit now will, of a budget that rolls on, if nothing else is used;
    None if nobody can say."""
    budget, since = charge.budget, charge.since(now)
    rows = _OLDEST.all(connection, **charge.account._asdict(), since=codec.to_text(since))
    count, amount = counted.count + 1, plus(counted.amount, charge.amount)
    for at, worth in rows:
        count, amount = count - 1, minus(amount, Decimal(worth))
        few = budget.count is None or budget.count.hard is None or count <= budget.count.hard
        little = budget.value is None or budget.value.hard is None or amount <= budget.value.hard
        if few and little:
            return codec.from_text(at) + (now - since)
    return None


def _brought_up(
    connection: Connection, charge: Charge, now: datetime, row: Sequence[Any] | None
) -> _Counter:
    """The counter as it is for the window of now."""
    definition, since = charge.budget.definition, codec.to_text(charge.since(now))
    counter = _Counter(_NEW, "", Used()) if row is None else _counter(row)
    if counter.definition == definition and counter.since == since:
        return counter
    rolls_on = charge.until(now) is None and counter.since < since
    if counter.definition == definition and rolls_on:
        gone = _summed(connection, charge, counter.since, since)
        left = minus(counter.used.amount, gone.amount)
        return _Counter(definition, since, Used(counter.used.count - gone.count, left))
    return _Counter(definition, since, _summed(connection, charge, since, None))


def _summed(connection: Connection, charge: Charge, since: str, until: str | None) -> Used:
    """What was used from a moment on, or until another one."""
    bounds = {**charge.account._asdict(), "since": since, "until": until or _FOR_EVER}
    count, amount, mixed = 0, NOTHING, ""
    for currency, worth in _USES.all(connection, **bounds):
        count, amount = count + 1, plus(amount, Decimal(worth))
        if currency not in ("", charge.budget.currency) and charge.budget.currency:
            mixed = f"{currency} {worth}"
    return Used(count, amount, mixed)


def _keep(connection: Connection, account: Account, counter: _Counter) -> None:
    _SET.run(
        connection,
        **account._asdict(),
        definition=counter.definition,
        since=counter.since,
        count=counter.used.count,
        amount=amount_text(counter.used.amount),
    )


def _counter(row: Sequence[Any]) -> _Counter:
    definition, since, count, amount = row
    return _Counter(definition, since, Used(count, Decimal(amount)))


def counted(connection: Connection, uses: Iterable[Mapping[str, Any]]) -> bool:
    """Whether one of these rows of uses is in a counter."""
    for use in uses:
        row = _COUNTER.first(connection, budget=use["budget"], scope=use["scope"])
        if row is not None and row[0] != _NEW and use["at"] >= row[1]:
            return True
    return False


def untrue(connection: Connection, after: Account) -> tuple[list[str], Account | None]:
    """What is wrong with the counters that follow `after`, and the last of them if there was any:
    each has to be what its uses add up to."""
    rows = _PAGE.all(connection, **after._asdict())
    found = [problem for row in rows if (problem := _untrue(connection, *row)) is not None]
    return found, Account(rows[-1][0], rows[-1][1]) if rows else None


def _untrue(
    connection: Connection,
    budget: str,
    scope: str,
    definition: str,
    since: str,
    count: int,
    amount: str,
) -> str | None:
    actual, total = 0, NOTHING
    if definition != _NEW:
        bounds = {"budget": budget, "scope": scope, "since": since, "until": _FOR_EVER}
        for _, worth in _USES.all(connection, **bounds):
            actual, total = actual + 1, plus(total, Decimal(worth))
    if (actual, amount_text(total)) == (count, amount):
        return None
    return (
        f"budget_counters {budget} / {scope}: holds {count} uses of {amount}; by the ledger there "
        f"are {actual} of {amount_text(total)}"
    )


_FOR_EVER = "9999"
_of = (
    budget_counters.c.budget == bindparam("budget"),
    budget_counters.c.scope == bindparam("scope"),
)
_counted = (
    budget_counters.c.definition,
    budget_counters.c.since,
    budget_counters.c["count"],
    budget_counters.c.amount,
)
_COUNTER = Prepared(select(*_counted).where(*_of))
_EMPTY: Mapping[str, Any] = {"definition": _NEW, "since": "", "count": 0, "amount": "0"}


def _locking(insert: Any) -> Insert:
    """A counter as it is, or a new one; on PostgreSQL its row is locked by that."""
    new = {"budget": bindparam("budget"), "scope": bindparam("scope"), **_EMPTY}
    statement = insert(budget_counters).values(new)
    as_it_is = {"budget": statement.excluded.budget}
    found: Insert = statement.on_conflict_do_update(
        index_elements=[budget_counters.c.budget, budget_counters.c.scope], set_=as_it_is
    ).returning(*_counted)
    return found


_LOCK = Prepared(_locking(sqlite.insert), postgresql=lambda: _locking(postgresql().insert))
_SET = Prepared(
    update(budget_counters)
    .where(*_of)
    .values(
        definition=bindparam("definition"),
        since=bindparam("since"),
        count=bindparam("count"),
        amount=bindparam("amount"),
    )
)
_INSERT = insertion(budget_uses)
_held = (
    budget_uses.c.budget == bindparam("budget"),
    budget_uses.c.scope == bindparam("scope"),
    budget_uses.c.at >= bindparam("since"),
    budget_uses.c.released_at.is_(None),
)
_USES = Prepared(
    select(budget_uses.c.currency, budget_uses.c.amount).where(
        *_held, budget_uses.c.at < bindparam("until")
    )
)
_OLDEST = Prepared(
    select(budget_uses.c.at, budget_uses.c.amount)
    .where(*_held)
    .order_by(budget_uses.c.at)
    .limit(AT_ONCE)
)
_OF_REQUEST = Prepared(
    select(budget_uses.c.budget, budget_uses.c.scope, budget_uses.c.at, budget_uses.c.amount)
    .where(budget_uses.c.request_id == bindparam("of"), budget_uses.c.released_at.is_(None))
    .order_by(budget_uses.c.budget)
)
_RELEASE = Prepared(
    update(budget_uses)
    .where(budget_uses.c.request_id == bindparam("of"), budget_uses.c.budget == bindparam("budget"))
    .values(released_at=bindparam("released_at"))
)
_PAGE = Prepared(
    select(budget_counters.c.budget, budget_counters.c.scope, *_counted)
    .where(
        (budget_counters.c.budget > bindparam("budget"))
        | (
            (budget_counters.c.budget == bindparam("budget"))
            & (budget_counters.c.scope > bindparam("scope"))
        )
    )
    .order_by(budget_counters.c.budget, budget_counters.c.scope)
    .limit(AT_ONCE)
)
