"""What everything else of the application is built on."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from countersign.approvals.delivery.conversations import Conversations
from countersign.approvals.jobs import LocalJobs, jobs_on
from countersign.approvals.models import PolicySource
from countersign.approvals.ports import Clock, Store
from countersign.approvals.rules.policies import LivePolicy
from countersign.approvals.store import open_store
from countersign.bot.clock import SystemClock
from countersign.bot.http.lanes import Limits
from countersign.bot.observability.metrics import Metrics
from countersign.bot.observability.observer import ProcessObserver
from countersign.bot.observability.tracing import Tracing
from countersign.bot.policy.check import ruling_policy
from countersign.bot.policy.live_people import LivePeople
from countersign.bot.policy.reload import begin_to_rule
from countersign.bot.settings.keys import pages_url, read_links
from countersign.bot.settings.sections import Settings
from countersign.bot.step_up.presence import Presence
from countersign.bot.workflows.opened import AnyWorkflows, open_workflows
from countersign.connectors.system import Deployment


@dataclass(frozen=True)
class Base:
    """What everything else is built on."""

    settings: Settings
    watch: ProcessObserver
    limits: Limits
    registry: AnyWorkflows
    policies: LivePolicy
    people: LivePeople
    jobs: LocalJobs
    deployment: Deployment
    presence: Presence

    @property
    def store(self) -> Store:
        """The database."""
        return self.deployment.store

    @property
    def clock(self) -> Clock:
        """The time."""
        return self.deployment.clock


async def open_base(
    stack: AsyncExitStack,
    settings: Settings,
    host: str,
    tracing: Tracing | None,
    kept_in: Path | None,
) -> Base:
    """The database, the workflows, the rules, and the people as they are known now; all of it is
    closed with the stack. Raises ConfigurationError."""
    clock, watch = SystemClock(), ProcessObserver(Metrics(), tracing)
    registry = stack.enter_context(open_workflows(settings, kept_in))
    policies = LivePolicy(ruling_policy(settings.policy, registry))
    store = await stack.enter_async_context(open_store(settings.database_url))
    await begin_to_rule(store, clock, policies.current, PolicySource.START, settings.source)
    people = await LivePeople.known(settings, store, clock, policies)
    jobs = jobs_on(settings.database_url, store, clock)
    jobs.observer = watch
    deployment = Deployment(
        clock=clock,
        store=store,
        directory=people.directory,
        conversations=Conversations(store, clock, jobs),
        links=read_links(settings, clock),
        local=settings.local,
        host=host,
        public_url=settings.public_url.rstrip("/"),
        pages_url=pages_url(settings),
    )
    return Base(
        settings,
        watch,
        Limits(settings.limits),
        registry,
        policies,
        people,
        jobs,
        deployment,
        Presence(store, clock, settings.public_url),
    )
