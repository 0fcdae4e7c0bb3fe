"""The real server, with its steps wrapped so that it can be killed or frozen at each of them.

Nothing of this is in the product: the steps are wrapped here, in the test's own process, which is
otherwise the same as `countersign serve`. Intervals that only bound how long somebody else waits
for a dead server are short here, so that hundreds of deaths take minutes.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Connection
from typer import main as typer

import countersign.agents.tool_runs
from countersign.agents.guard.libraries import belongs_to_workflows
from countersign.agents.session_manager import SessionManager
from countersign.agents.tools.execution import execute
from countersign.approvals import backoff
from countersign.approvals.decisions.handoff import Handoff
from countersign.approvals.jobs import procrastinate as shared_jobs
from countersign.approvals.jobs.embedded import EmbeddedJobs
from countersign.approvals.jobs.procrastinate import ProcrastinateJobs
from countersign.approvals.ports import Moment, Store, Unit
from countersign.approvals.ports.unit import STATEMENTS
from countersign.approvals.store import postgres
from countersign.approvals.store.postgres import PostgresStore
from countersign.approvals.store.sqlite import SqliteStore
from countersign.bot import serving, wiring
from countersign.bot.cli import main as cli
from countersign.bot.cli import serve
from countersign.bot.teams.channel import TeamsChannel
from countersign.connectors.asana.connector import AsanaConnector
from countersign.connectors.email.channel import EmailChannel
from countersign.connectors.jira.connector import JiraConnector
from countersign.connectors.servicenow.connector import ServiceNowConnector
from countersign.connectors.slack.channel import SlackChannel
from countersign.connectors.ticketing import reconciler
from countersign.connectors.webhook.channel import WebhookChannel
from countersign.examples.back_office import _Rest
from tests.autogen_clients import quicken_clients
from tests.commands import build_once
from tests.crash.points import DIRECTORY, LEASE_S, LOOK_S, Points
from tests.crash.told_once import tell_once

ATTEMPT_S, SEND_TIMEOUT_S = 5.0, 4.0
"""How long a delivery stays with a server that is gone; longer than one that lives may take, or two
that live would send the same."""
SECOND_LOOK_S = 2.0
"""Before the next story begins, or a server could die at a step that belongs to the last one."""
READ_AGAIN_S = 2.0
"""How long a poll and a look stay with a server that is gone."""
SWEEP_S, SHARED_SWEEP_S = 0.25, 0.5
"""Of one server, and of several: each of a dozen that are idle takes time from those that die."""
POLL_S = 2.0
"""Between looks for doorbells that came without a notification: here a sweep finds them sooner."""
SERVER_SETTINGS = {"idle_in_transaction_session_timeout": "2s", "lock_timeout": "4s"}
"""How long a frozen server keeps its locks in the database, and how long others wait for them."""
LATER = (
    "anyio._backends._asyncio",
    "autogen.beta",
    "countersign.bot.teams.activities",
    "countersign.approvals.store.migrate",
    "httpcore",
    "jiter",
    "mako.template",
    "openai.resources",
)
"""What a server imports when it is first needed: half the CPU of one that dies young."""
STEPS: tuple[tuple[type, str], ...] = (
    (SessionManager, "_chat"),
    (_Rest, "write"),
    *((TeamsChannel, name) for name in ("post", "update", "say", "remind")),
    *((SlackChannel, name) for name in ("post", "update", "say", "reply")),
    *((WebhookChannel, name) for name in ("post", "update")),
    *((EmailChannel, name) for name in ("post", "update", "remind")),
    *(
        (connector, name)
        for connector in (JiraConnector, ServiceNowConnector, AsanaConnector)
        for name in (
            "find",
            "open_ticket",
            "adopt",
            "fetch_one",
            "fetch_decisions",
            "comment",
            "ask_again",
            "close",
        )
    ),
)
"""What is done outside the database; everything else is a commit."""
BEFORE, AFTER = "before", "after"
"""Of a step outside: nothing has happened yet; it has, and nobody was told."""
OPEN, DONE = "uncommitted", "committed"
"""Of a transaction: everything is written but the commit; it is durable, and nobody was told."""


def unit_name(unit: Callable[..., Any]) -> str:
    """The transaction's name: that of the function that made it, e.g. `Submitting.submit`."""
    while isinstance(unit, functools.partial):
        unit = unit.func
    made_by, inside, _ = unit.__qualname__.partition(".<locals>")
    return made_by if inside else unit.__qualname__


def _stepped(points: Points, name: str, step: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(step)
    async def run(*args: Any, **kwargs: Any) -> Any:
        points.reach(name, BEFORE)
        try:
            return await step(*args, **kwargs)
        finally:
            points.reach(name, AFTER)

    return run


def _committing(points: Points, unit: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
    @functools.wraps(unit)
    async def run(store: Any, work: Callable[[Unit], Any], moment: Moment) -> Any:
        name = unit_name(work)

        def reached(opened: Unit) -> Any:
            value = work(opened)
            points.reach(name, OPEN)
            return value

        value = await unit(store, reached, moment)
        points.reach(name, DONE)
        return value

    return run


async def _write(store: Store, statements: Callable[[Connection], Any]) -> Any:
    """Plain statements as a unit that has their name."""

    @functools.wraps(statements)
    def work(unit: Unit) -> Any:
        return statements(unit.connection)

    return await store.unit(work, STATEMENTS)


def _wrap_everything(points: Points) -> None:
    for owner, method in STEPS:
        name = f"{owner.__name__}.{method}"
        setattr(owner, method, _stepped(points, name, getattr(owner, method)))
    countersign.agents.tool_runs.execute = _stepped(points, "tool", execute)  # type: ignore[attr-defined]
    for store in (SqliteStore, PostgresStore):
        store.unit = _committing(points, store.unit)  # type: ignore[method-assign]
        store.write = _write  # type: ignore[method-assign,assignment]


def _hurry() -> None:
    """Short intervals; the product's own are for machines, these are for a test of them."""
    lease_s = os.environ.get(LEASE_S)
    if lease_s:
        _default(Handoff, "lease_s", float(lease_s))
    _default(EmbeddedJobs, "sweep_every_s", SWEEP_S)
    _default(ProcrastinateJobs, "sweep_every_s", SHARED_SWEEP_S)
    shared_jobs.POLL_S = POLL_S
    postgres.SERVER_SETTINGS |= SERVER_SETTINGS
    backoff.ATTEMPT_S, backoff.SEND_TIMEOUT_S = ATTEMPT_S, SEND_TIMEOUT_S
    backoff.SECOND_LOOK_S = float(os.environ.get(LOOK_S, SECOND_LOOK_S))
    backoff.BACKOFF_BASE_S = SWEEP_S
    reconciler.POLL_LEASE_S = READ_AGAIN_S
    reconciler.READ_AGAIN_S = READ_AGAIN_S


def _default(owner: Any, name: str, value: Any) -> None:
    defaults = owner.__init__.__kwdefaults__
    assert name in defaults
    defaults[name] = value


def prepare(*databases: str) -> None:
    """For a nursery: import what a server imports, what workflows do, and what is imported only
    when it is needed; and tell the stories once, on SQLite and on each of these databases, for all
    that is worked out once per process."""
    for imported in (serving, wiring, countersign.examples):
        assert imported.__name__ in sys.modules
    for name in LATER:
        importlib.import_module(name)
    belongs_to_workflows(["countersign.examples"])  # it reads what every distribution has installed
    quicken_clients()
    typer.get_command = build_once
    build_once(serve.app)
    with TemporaryDirectory() as folder:
        for url in (f"sqlite:///{folder}/countersign.db", *databases):
            asyncio.run(tell_once(url))


def main(argv: list[str]) -> None:
    """`serve` with these options."""
    if os.environ.get(DIRECTORY):
        _wrap_everything(Points(Path(os.environ[DIRECTORY])))
    _hurry()
    sys.argv[1:] = argv
    cli.main()


if __name__ == "__main__":
    main(sys.argv[1:])
