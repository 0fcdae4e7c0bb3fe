"""What is asked again and again reads a few rows of an index, however many requests wait."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Connection, event

from countersign.approvals.jobs.due import DUE
from countersign.approvals.models import RequestStatus, SessionStatus
from countersign.approvals.store import (
    leases,
    prepared,
    request_lists,
    session_lists,
    tickets,
    verifying,
)
from tests.doubles.world import World, opened

NOW = datetime(2026, 11, 25, tzinfo=UTC)
AFTER = ("2026-11-25T00:00:00.000000+00:00", "R-1")
UNITS: dict[str, Callable[[Connection], Any]] = {
    **{f"sweep {kind}": lambda c, due=due: due(c, NOW) for kind, due in DUE.items()},  # type: ignore[misc]
    "first page": lambda c: request_lists.page(
        c, status=RequestStatus.PENDING, session_id=None, after=None, limit=50
    ),
    "deep page": lambda c: request_lists.page(
        c, status=RequestStatus.PENDING, session_id=None, after=AFTER, limit=50
    ),
    "deep page of sessions": lambda c: session_lists.page(
        c, status=SessionStatus.WAITING, conversation=None, after=AFTER, limit=50
    ),
    "running sessions": lambda c: session_lists.count_running(c, limit=1000),
    "leases left behind": lambda c: leases.free_leases(c, now=NOW),
    "tickets that were read": lambda c: tickets.awaited(c, "jira", ["1", "2"]),
    "newest page": lambda c: request_lists.page(
        c, status=RequestStatus.PENDING, session_id=None, after=AFTER, limit=50, newest=True
    ),
    "tickets in pages": lambda c: tickets.awaited_after(c, "jira", "1", limit=50),
}
SMALL = re.compile(r"SCAN (polls|anon_1|\(subquery.*)\b|SCAN CONSTANT ROW")
"""A row for each ticket system; what a limit inside has made small."""
BOUNDS = {
    "sweep expire": "(status=? AND expires_at<?)",
    "deep page": "(status=? AND created_at>?)",
    "deep page of sessions": "(status=? AND created_at<?)",
    "leases left behind": "(status=?)",
    "newest page": "(status=? AND created_at<?)",
    "tickets in pages": "(channel=? AND ticket_id>?)",
}
"""Where an index is entered; without it, all that waits would be passed by."""


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """On SQLite: the plans of PostgreSQL depend on how much there is."""
    async with opened(tmp_path, database="sqlite") as found:
        yield found


@pytest.mark.parametrize("name", UNITS)
async def test_no_table_is_read_from_end_to_end(
    name: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans: list[str] = []
    plain = prepared.run

    def unit(connection: Connection) -> None:
        statements: list[tuple[str, Any]] = []

        def keep(*args: Any) -> None:
            statements.append((args[2], args[3]))

        def keep_prepared(to: Connection, text: str, values: Any = prepared.NONE) -> Any:
            statements.append((text, dict(values)))
            return plain(to, text, values)

        event.listen(connection, "before_cursor_execute", keep)
        with monkeypatch.context() as patch:
            patch.setattr(prepared, "run", keep_prepared)
            UNITS[name](connection)
        event.remove(connection, "before_cursor_execute", keep)
        for statement, values in statements:
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
            plans.extend(str(row[3]) for row in rows)

    await world.store.write(unit)

    assert plans
    assert [] == [plan for plan in plans if plan.startswith("SCAN") and not SMALL.search(plan)]
    assert BOUNDS.get(name, "") in " ".join(plans)


async def test_chains_are_checked_a_page_at_a_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifying, "SESSIONS", 2)
    monkeypatch.setattr(verifying, "PAGE", 2)
    for _ in range(5):
        await world.asked()
    result = await world.records.verify()

    assert (True, 10) == (result.verified, result.entries)
