"""Queries on the tables of Procrastinate, which carries doorbells between processes (ADR 0011).

PostgreSQL only. Its functions have their version in their name; the migration that brings them
checks that they are there. Source: procrastinate/sql/{schema,queries}.sql of Procrastinate 3.10.0,
https://github.com/procrastinate-org/procrastinate (read 2026-11-25).
"""

from __future__ import annotations

from datetime import datetime
from importlib.resources import files

from sqlalchemy import Connection, text

from countersign.approvals.models import Value
from countersign.approvals.ports import Job
from countersign.approvals.store import codec
from countersign.approvals.store.prepared import Prepared

QUEUE = "countersign"
TASK = "countersign.ring"
FUNCTIONS = (
    "procrastinate_defer_jobs_v1(procrastinate_job_to_defer_v1[])",
    "procrastinate_fetch_job_v2(varchar[], bigint)",
    "procrastinate_finish_job_v1(bigint, procrastinate_job_status, boolean)",
    "procrastinate_retry_job_v2(bigint, timestamptz, integer, varchar, varchar)",
    "procrastinate_register_worker_v1()",
    "procrastinate_unregister_worker_v1(bigint)",
    "procrastinate_update_heartbeat_v1(bigint)",
    "procrastinate_prune_stalled_workers_v1(double precision)",
)
"""What this version of Countersign and of Procrastinate call."""

_RING = Prepared(
    text(
        "SELECT procrastinate_defer_jobs_v1(ARRAY[ROW(:queue, :task, 0, NULL, NULL, "
        "CAST(:args AS jsonb), NULL)::procrastinate_job_to_defer_v1])"
    ).bindparams(queue=QUEUE, task=TASK)
)
# A process that is frozen here keeps nobody: its row lock is skipped, and ends with its session.
_TAKE_TURN = Prepared(
    text(
        "UPDATE job_engine SET swept_at = clock_timestamp() WHERE name IN ("
        "SELECT name FROM job_engine "
        "WHERE swept_at <= clock_timestamp() - make_interval(secs => :every_s) "
        "OR swept_at > clock_timestamp() "  # the database's clock was ahead, and is right again
        "FOR UPDATE SKIP LOCKED)"
    )
)
# Procrastinate does not compare the worker when it retries, so only what is still locked here is.
_PUT_BACK = Prepared(
    text(
        "WITH dead AS (SELECT j.id FROM procrastinate_jobs j "
        "LEFT JOIN procrastinate_workers w ON w.id = j.worker_id "
        "WHERE j.status = 'doing' AND j.queue_name = :queue AND (j.worker_id IS NULL "
        "OR w.last_heartbeat < clock_timestamp() - make_interval(secs => :silent_s)) "
        "ORDER BY j.id FOR UPDATE OF j SKIP LOCKED) "
        "SELECT count(procrastinate_retry_job_v2(id, clock_timestamp(), NULL, NULL, NULL)) "
        "FROM dead"
    ).bindparams(queue=QUEUE)
)


# As Procrastinate fetches and finishes them one by one: what another worker looks at is skipped.
_TAKE = Prepared(
    text(
        "DELETE FROM procrastinate_jobs WHERE id IN (SELECT id FROM procrastinate_jobs "
        "WHERE queue_name = :queue AND task_name = :task AND status = 'todo' "
        "ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED) RETURNING args"
    ).bindparams(queue=QUEUE, task=TASK)
)
_LIVE_WORKERS = Prepared(
    text(
        "SELECT id FROM procrastinate_workers "
        "WHERE last_heartbeat >= clock_timestamp() - make_interval(secs => :silent_s) ORDER BY id"
    )
)
_TIME = Prepared(text("SELECT clock_timestamp()"))


class Doorbell(Value):
    """What a process hears."""

    kind: str
    id: str
    at: datetime
    """When it was rung, by the clock of the process that did."""


def schema_sql() -> str:
    """The statements that make Procrastinate's tables, of the installed version."""
    return files("procrastinate.sql").joinpath("schema.sql").read_text(encoding="utf-8")


def missing_functions(connection: Connection) -> list[str]:
    """Which of `FUNCTIONS` the database has not."""
    found = text("SELECT to_regprocedure(:name) IS NOT NULL")
    return [name for name in FUNCTIONS if not connection.execute(found, {"name": name}).scalar()]


def ring(connection: Connection, job: Job, at: datetime) -> None:
    """Ring once this transaction has committed: some process will hear it, and when it was rung
    by the clock of this one."""
    args = {"kind": job.kind, "id": job.id, "at": codec.to_text(at)}
    _RING.run(connection, args=codec.dumps(args))


def take(connection: Connection, *, limit: int) -> list[Doorbell]:
    """Hear many at once, those that have waited longest."""
    return [Doorbell.model_validate(row[0]) for row in _TAKE.all(connection, limit=limit)]


def take_turn(connection: Connection, *, every_s: float) -> bool:
    """Whether it is this process that sweeps now: one of all does in `every_s` seconds."""
    return _TAKE_TURN.run(connection, every_s=every_s) == 1


def put_back(connection: Connection, *, silent_s: float) -> int:
    """Ring again what workers had taken that were not heard of for `silent_s` seconds."""
    ((count,),) = _PUT_BACK.all(connection, silent_s=silent_s)
    return int(count)


def live_workers(connection: Connection, *, silent_s: float) -> list[int]:
    """Workers of any process that have shown a sign of life in the last `silent_s` seconds."""
    return [row[0] for row in _LIVE_WORKERS.all(connection, silent_s=silent_s)]


def waiting(connection: Connection) -> int:
    """How many doorbells nobody has heard yet."""
    query = text(
        "SELECT count(*) FROM procrastinate_jobs "
        "WHERE queue_name = :queue AND status IN ('todo', 'doing')"
    )
    return int(connection.execute(query, {"queue": QUEUE}).scalar_one())


def time(connection: Connection) -> datetime:
    """The clock of the database."""
    ((now,),) = _TIME.all(connection)
    return now  # type: ignore[no-any-return]
