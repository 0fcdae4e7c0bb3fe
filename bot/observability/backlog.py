"""How much waits, for Prometheus: read from the database, so every replica says the same.

Do not add these up over replicas: `max by (...)` of any of them is the truth.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import datetime
from typing import TypeVar

import structlog
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from countersign.approvals.errors import UnavailableError
from countersign.approvals.ports import Clock, Store
from countersign.approvals.store import backlog as figures
from countersign.approvals.store.backlog import Figures

log = structlog.get_logger(__name__)

REUSE_S = 10.0
"""How long one reading is used; scrapers usually come every 15 s."""
SHARE = 20.0
"""A reading that took long is used this many times longer than it took, so that reading never
takes more than a twentieth of one core, also with a million requests pending."""
AGAIN_S = 30.0
"""After a reading that failed, the next one comes after this long at most."""
READ_TIMEOUT_S = 8.0
"""Less than the 10 s after which Prometheus gives up."""

Ready = Callable[[], Awaitable[dict[str, str]]]
Timer = Callable[[], float]
L = TypeVar("L", bound=tuple[str, ...])
"""The values of a metric's labels."""


class State(Collector):
    """Reads the figures at most every REUSE_S seconds, and shows what it has."""

    def __init__(self, store: Store, clock: Clock, ready: Ready, *, timer: Timer = time.monotonic):
        self._store, self._clock, self._ready, self._timer = store, clock, ready, timer
        self._lock = asyncio.Lock()
        self._figures: Figures | None = None
        self._tried_at: float | None = None
        self._took_s = 0.0
        self._checks: dict[str, str] = {}

    async def refresh(self) -> None:
        """Ask whether we are ready; read the database, unless the last reading is young enough."""
        async with self._lock:
            self._checks, _ = await asyncio.gather(self._ready(), self._read())

    async def _read(self) -> None:
        began = self._timer()
        if self._tried_at is not None and began - self._tried_at < self._keep_s():
            return
        was_readable = self._figures is not None or self._tried_at is None
        try:
            async with asyncio.timeout(READ_TIMEOUT_S):
                now = self._clock.now()
                self._figures = await self._store.read(lambda c: figures.read(c, now))
        except (UnavailableError, TimeoutError) as exc:
            # Yesterday's figures would look like today's.
            self._figures = None
            if was_readable:
                log.warning("figures not read", error=str(exc) or "timed out")
        self._tried_at = began
        self._took_s = self._timer() - began

    def _keep_s(self) -> float:
        keep_s = max(REUSE_S, SHARE * self._took_s)
        return keep_s if self._figures is not None else min(keep_s, AGAIN_S)

    def collect(self) -> Iterator[Metric]:
        """The metrics, from the last reading."""
        found, now = self._figures, self._clock.now()
        yield _gauge("state_up", "Whether the database could be read.", {(): found is not None})
        ok = {(name,): said == "ok" for name, said in self._checks.items()}
        yield _gauge("ready", "Whether /readyz calls the check ok.", ok, "check")
        if found is None:
            return
        yield _gauge("state_age_seconds", "Age of these figures.", {(): _age(found.at, now)})
        yield _gauge("state_read_seconds", "Reading them took.", {(): self._took_s})
        yield from _requests(found)
        yield from _work(found)


def _requests(found: Figures) -> Iterator[Metric]:
    pending = {(p.rule,): p.count for p in found.pending}
    yield _gauge("pending_requests", "Requests that wait for people.", pending, "rule")
    oldest = {(p.rule,): _age(p.oldest_at, found.at) for p in found.pending}
    yield _gauge("pending_oldest_age_seconds", "The longest wait.", oldest, "rule")
    ages = {(p.rule, age): n for p in found.pending for age, n in p.by_age.items()}
    yield _gauge("pending_requests_by_age", "Pending, younger than.", ages, "rule", "age")
    yield _gauge("in_doubt_requests", "Nobody knows if they ran.", {(): found.requests["in_doubt"]})
    executing = {(): found.requests["executing"]}
    yield _gauge("executing_requests", "Requests whose tool runs.", executing)
    sessions = {(status,): count for status, count in found.sessions.items()}
    yield _gauge("open_sessions", "Sessions that can go on.", sessions, "status")
    yield _gauge("parked_sessions", "Sessions whose model is away.", {(): found.parked})


def _work(found: Figures) -> Iterator[Metric]:
    backlog = {(b.channel,): b.count for b in found.backlogs}
    yield _gauge("delivery_backlog", "Deliveries to be made.", backlog, "channel")
    failing = {(b.channel,): b.failing for b in found.backlogs}
    yield _gauge("delivery_failing", "Of them, tried in vain.", failing, "channel")
    held = {(b.channel,): b.unreachable for b in found.backlogs}
    yield _gauge("delivery_unreachable", "Of them, for people out of reach.", held, "channel")
    closed = {(channel,): count for channel, count in found.closed.items()}
    yield _gauge("closed_conversations", "Chats that refuse the bot.", closed, "channel")
    overdue = {(b.channel,): max(0.0, _age(b.next_at, found.at)) for b in found.backlogs}
    yield _gauge("delivery_oldest_due_seconds", "The longest due.", overdue, "channel")
    yield _gauge("notice_backlog", "Texts to be posted.", {(): found.notices})
    due = {(kind,): _age(at, found.at) for kind, at in found.due_at.items()}
    yield _gauge("job_overdue_seconds", "The longest due job.", due, "kind")
    lag = {(p.system,): _age(p.polled_at, found.at) for p in found.polls if p.polled_at}
    yield _gauge("poll_lag_seconds", "Since the last good poll.", lag, "system")
    failures = {(p.system,): p.failures for p in found.polls}
    yield _gauge("poll_failures", "Polls failed in a row.", failures, "system")


def _gauge(name: str, says: str, values: Mapping[L, float], *labels: str) -> Metric:
    family = GaugeMetricFamily(f"countersign_{name}", says, labels=labels)
    for key, value in values.items():
        family.add_metric(key, float(value))
    return family


def _age(at: datetime, now: datetime) -> float:
    return (now - at).total_seconds()
