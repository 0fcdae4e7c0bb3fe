"""Insights: how the newest requests went, as plots that the server draws."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median

from aiohttp import web

from countersign.approvals.models import Principal, Request, RequestStatus, Verdict, Via
from countersign.approvals.records.paging import MAX_PAGE
from countersign.approvals.rules.oversight import Report
from countersign.approvals.store.budget_standings import BudgetUse
from countersign.bot.api.operation import Services
from countersign.bot.audit.oversight_csv import csv_of
from countersign.bot.inbox import guard
from countersign.bot.inbox.pages import Pages
from countersign.bot.inbox.shell import HOME, Visit
from countersign.bot.inbox.suggesting import Suggesting
from countersign.bot.policy.explained import Rules
from countersign.connectors.system import Route

PATH = f"{HOME}/insights"
NEWEST = 1_000
"""So many requests are looked at, the newest that the reader may see."""
READ = 10
"""So many pages are read to find them, where the reader may see few."""
DAYS = 14
SHOWN = 12
_NOBODY = frozenset({Via.POLICY, Via.GRANT, Via.CLOCK})


@dataclass(frozen=True)
class Day:
    """What became of the requests of one day (UTC)."""

    at: datetime
    approved: int
    rejected: int
    other: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.approved + self.rejected + self.other


@dataclass(frozen=True)
class RuleRow:
    """How requests under one rule went."""

    rule: str
    count: int
    approved: int
    changed: int
    rejected: int
    expired: int
    median_s: float | None
    """From being asked to being decided by people."""


@dataclass(frozen=True)
class Load:
    """How many decisions were one person's."""

    name: str
    count: int


class InsightsPage:
    """Counts and shows."""

    def __init__(self, pages: Pages, services: Services, rules: Callable[[], Rules] | None = None):
        self._pages, self._records = pages, services.records
        self._directory, self._rules = services.directory, rules
        self._suggesting = (
            None if rules is None else Suggesting(pages, services.records.reader, rules)
        )

    def routes(self) -> Sequence[Route]:
        """Their addresses."""
        more = () if self._suggesting is None else self._suggesting.routes()
        csv = Route("GET", f"{PATH}/oversight.csv", self._pages.look(self.csv))
        return [Route("GET", PATH, self._pages.look(self.show)), csv, *more]

    async def csv(self, visit: Visit) -> web.StreamResponse:
        """The figures on oversight for a spreadsheet. Raises NotAuthorisedError."""
        found = await self._records.oversight.report(visit.reader)
        named = {"Content-Disposition": 'attachment; filename="oversight.csv"'}
        return web.Response(
            text=csv_of(found), content_type="text/csv", headers={**guard.HEADERS, **named}
        )

    async def show(self, visit: Visit) -> web.StreamResponse:
        """As it is now."""
        found, is_all = await self._newest(visit.reader)
        days = by_day(found, self._pages.shell.clock.now())
        rules, load = by_rule(found), by_person(found)
        suggesting = self._suggesting
        return self._pages.shell.page(
            visit,
            "insights.html",
            count=len(found),
            is_all=is_all,
            days=days,
            budgets=await self._budgets(visit.reader),
            oversight=await self._oversight(visit.reader),
            most=max((day.total for day in days), default=0) or 1,
            rules=rules,
            most_of_rule=max((row.count for row in rules), default=0) or 1,
            load=load,
            most_of_person=max((each.count for each in load), default=0) or 1,
            may_look=suggesting is not None and suggesting.may(visit),
            look=None if suggesting is None else suggesting.newest,
        )

    async def _budgets(self, reader: Principal) -> Sequence[BudgetUse]:
        """They count what all have used, so where there are domains only administrators read it."""
        if self._rules is None:
            return ()
        is_admin = not reader.roles.isdisjoint(self._rules().policy.administrators)
        if self._directory.people().domains and not is_admin:
            return ()
        return await self._records.budgets()

    async def _oversight(self, reader: Principal) -> Report | None:
        """How single people decide, for administrators; None for others."""
        figures = self._records.oversight
        if not figures.may(reader):
            return None
        return await figures.report(reader, newest=NEWEST)

    async def _newest(self, reader: Principal) -> tuple[Sequence[Request], bool]:
        """And whether these are all."""
        found: list[Request] = []
        cursor: str | None = None
        for _ in range(READ):
            page = await self._records.requests(
                limit=MAX_PAGE, cursor=cursor, newest=True, reader=reader
            )
            found += page.items
            cursor = page.next
            if cursor is None or len(found) >= NEWEST:
                break
        return found[:NEWEST], cursor is None and len(found) <= NEWEST


def by_people(request: Request) -> bool:
    """Whether people have decided it."""
    return request.decision is not None and request.decision.via not in _NOBODY


def by_day(requests: Iterable[Request], now: datetime) -> Sequence[Day]:
    """The last DAYS days, oldest first."""
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    counts: Counter[tuple[datetime, str]] = Counter()
    for request in requests:
        at = request.created_at.astimezone(UTC)
        counts[at.replace(hour=0, minute=0, second=0, microsecond=0), _outcome(request)] += 1
    days = [today - timedelta(days=number) for number in reversed(range(DAYS))]
    return [Day(at, *(counts[at, kind] for kind in ("yes", "no", "other"))) for at in days]


def by_rule(requests: Iterable[Request]) -> Sequence[RuleRow]:
    """The rules with most requests first."""
    of_rule: dict[str, list[Request]] = {}
    for request in requests:
        of_rule.setdefault(request.rule_id, []).append(request)
    rows = [_row(rule, found) for rule, found in of_rule.items()]
    return sorted(rows, key=lambda row: (-row.count, row.rule))[:SHOWN]


def by_person(requests: Iterable[Request]) -> Sequence[Load]:
    """Who has decided most first."""
    names = Counter(r.decision.by_name for r in requests if r.decision and by_people(r))
    return [Load(name, count) for name, count in names.most_common(SHOWN)]


def _row(rule: str, found: Sequence[Request]) -> RuleRow:
    waited = [
        (request.decision.at - request.created_at).total_seconds()
        for request in found
        if request.decision is not None and by_people(request)
    ]
    outcomes = Counter(_outcome(request) for request in found)
    return RuleRow(
        rule=rule,
        count=len(found),
        approved=outcomes["yes"],
        changed=sum(request.modified for request in found),
        rejected=outcomes["no"],
        expired=sum(request.status is RequestStatus.EXPIRED for request in found),
        median_s=median(waited) if waited else None,
    )


def _outcome(request: Request) -> str:
    if request.decision is None or request.status is RequestStatus.EXPIRED:
        return "other"
    return "no" if request.decision.verdict is Verdict.REJECT else "yes"
