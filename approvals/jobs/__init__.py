"""Doorbells for follow-up work; the port is `approvals.ports.Jobs`."""

from __future__ import annotations

from countersign.approvals.jobs.embedded import EmbeddedJobs
from countersign.approvals.jobs.local import LocalJobs
from countersign.approvals.ports import Clock, Store
from countersign.approvals.store.urls import is_postgresql

__all__ = ["LocalJobs", "jobs_on"]


def jobs_on(url: str, store: Store, clock: Clock) -> LocalJobs:
    """The jobs that belong to the database of `url`, which `store` has opened."""
    if not is_postgresql(url):
        return EmbeddedJobs(store, clock)
    from countersign.approvals.jobs.procrastinate import ProcrastinateJobs  # not needed with SQLite

    return ProcrastinateJobs(store, clock, url)
