"""The composition root: the only place that knows concrete classes, and who outlives whom."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import structlog

from countersign.agents.classic.late import LateWorkflows
from countersign.agents.guard.context_executor import ContextExecutor, carry_context
from countersign.agents.lanes import SESSIONS_AT_ONCE
from countersign.agents.leases import elapsed_s
from countersign.agents.limits import ProposalLimits
from countersign.agents.session_manager import SessionManager
from countersign.agents.side_conversations import SideConversations
from countersign.approvals.audit_trail import AuditTrail
from countersign.approvals.compose import Domain
from countersign.approvals.compose import compose as compose_domain
from countersign.approvals.decisions.handoff import Handoff
from countersign.approvals.decisions.outbox import ANSWER, CANARIES, RUN
from countersign.approvals.delivery.conversations import Conversations
from countersign.approvals.jobs import LocalJobs, jobs_on
from countersign.approvals.jobs.local import WAITING
from countersign.approvals.jobs.sealing import SEAL, Sealing
from countersign.approvals.models import PolicySource
from countersign.approvals.ports import (
    Job,
)
from countersign.approvals.rules.policies import LivePolicy
from countersign.approvals.store import open_store
from countersign.bot.api.operation import Services
from countersign.bot.clock import SystemClock
from countersign.bot.directories import DirectoryHealth
from countersign.bot.http.lanes import Limits
from countersign.bot.inbox import app as inbox
from countersign.bot.inbox.app import Around
from countersign.bot.inbox.mail import MailPages
from countersign.bot.observability.backlog import State
from countersign.bot.observability.metrics import Metrics
from countersign.bot.observability.observer import ProcessObserver
from countersign.bot.observability.tracing import Tracing
from countersign.bot.pages import open_inbox
from countersign.bot.policy.check import findings, ruling_policy
from countersign.bot.policy.explained import Rules
from countersign.bot.policy.live_people import LivePeople
from countersign.bot.policy.reload import PolicyReload, begin_to_rule
from countersign.bot.reading.page import ReadingPage
from countersign.bot.server.app import Parts
from countersign.bot.server.health import Health, Systems, together
from countersign.bot.server.metrics import MetricsPage, measured
from countersign.bot.server.runtime import Runtime
from countersign.bot.server.webhooks import Webhooks
from countersign.bot.sessions import Sessions
from countersign.bot.settings.keys import pages_url, read_links, sealing_key, signer
from countersign.bot.settings.sections import DEFAULT_HOST, Settings
from countersign.bot.starts import BoundedRuns
from countersign.bot.step_up.presence import Presence
from countersign.bot.workflows.opened import open_workflows
from countersign.connectors.system import Configured, Deployment, Inbound, Opened
from countersign.connectors.ticketing.reconciler import Reconciler

log = structlog.get_logger(__name__)

SPARE_THREADS = 8
"""For what else blocks: name look-ups, files, building chats."""


@asynccontextmanager
async def compose(
    settings: Settings,
    *,
    host: str = DEFAULT_HOST,
    tracing: Tracing | None = None,
    kept_in: Path | None = None,
) -> AsyncIterator[Runtime]:
    """Build the application on its database; `host` is the address that it will listen on, and
    `kept_in` where what was found of the workflows is kept, so that they need not be built at once.

    Raises ConfigurationError: it names what to change.
    """
    clock, watch = SystemClock(), ProcessObserver(Metrics(), tracing)
    limits = Limits(settings.limits)
    async with AsyncExitStack() as stack:
        _own_threads(stack)
        registry = stack.enter_context(open_workflows(settings, kept_in))
        policies = LivePolicy(ruling_policy(settings.policy, registry))
        store = await stack.enter_async_context(open_store(settings.database_url))
        ruling, source = policies.current, PolicySource.START
        await begin_to_rule(store, clock, ruling, source, settings.source)
        people = await LivePeople.known(settings, store, clock, policies)
        directory = people.directory
        jobs = jobs_on(settings.database_url, store, clock)
        jobs.observer = watch
        links = read_links(settings, clock)
        deployment = Deployment(
            clock=clock,
            store=store,
            directory=directory,
            conversations=Conversations(store, clock, jobs),
            links=links,
            local=settings.local,
            host=host,
            public_url=settings.public_url.rstrip("/"),
            pages_url=pages_url(settings),
        )
        systems = {
            each.name: await stack.enter_async_context(open_system(each, settings, deployment))
            for each in settings.systems
        }
        presence = Presence(store, clock, settings.public_url)
        domain = compose_domain(
            store,
            clock,
            jobs,
            policies,
            directory,
            registry,
            {name: each.channel for name, each in systems.items()},
            observer=watch,
            handoff=Handoff(elapsed_s),
            proofs=presence,
            private=settings.ledger.private_rules,
            archive_dir=settings.ledger.archive_dir,
            sample_key=settings.sampling,
            result_chars=settings.limits.result_chars,
            tool_timeout_s=settings.limits.tool_timeout,
        )
        proposed = ProposalLimits(**settings.limits.agents.model_dump())
        manager = await stack.enter_async_context(
            SessionManager(domain.runs, registry, observer=watch, limits=proposed)
        )
        sealing = Sealing(store, clock, sealing_key(settings))
        asides = SideConversations(domain.answering, domain.runs, registry, manager.late)
        stack.callback(asides.close)
        jobs.handle(ANSWER, asides.answer)
        _follow_up(stack, jobs, domain, manager, sealing)
        await stack.enter_async_context(people.followed(domain.review.run, jobs))
        webhooks = await _read_tickets(jobs, deployment, domain, systems, limits)
        starts = BoundedRuns(domain.runs, store, at_most=settings.limits.running_sessions)
        inbound = Inbound(domain.approvals, domain.records, starts, registry.infos(), limits)
        routes = [
            route
            for each in systems.values()
            for route in await stack.enter_async_context(each.listen(inbound))
        ]
        reload = PolicyReload(settings, registry, policies, store, clock, domain.approvals, people)
        health = Health(store, jobs, clock)
        late = registry if isinstance(registry, LateWorkflows) else None
        ready = together(health.checks, *([] if late is None else [late.checks]))
        state = State(store, clock, health.checks)
        watch.metrics.add(state)
        services = Services(
            approvals=domain.approvals,
            records=domain.records,
            sessions=Sessions(starts, registry),
            directory=directory,
            tokens=people.tokens,
            trail=AuditTrail(
                store,
                domain.records,
                sealing,
                signer=signer(settings),
                erasing=domain.erasing,
                holding=domain.holding,
                archiving=domain.archiving,
            ),
            limits=limits,
        )
        pages = inbox.pages_of(
            services, store, clock, settings.inbox, public_url=settings.public_url
        )
        around = together(
            Systems(store, systems).checks,
            reload.checks,
            DirectoryHealth(lambda: people.settings.directory, store, clock).checks,
        )
        seen = Around(lambda: Rules(policies.current, directory, registry), ready, around)
        opened = await stack.enter_async_context(
            open_inbox(
                pages,
                services,
                store,
                clock,
                presence,
                settings.sign_in,
                local=settings.local,
                around=seen,
            )
        )
        if "email" in systems:
            routes += MailPages(pages, services, store).routes()
        parts = Parts(
            services=services,
            routes=routes,
            webhooks=webhooks.receive,
            checks=ready,
            systems=around,
            local=settings.local,
            limits=settings.limits,
            metrics=MetricsPage(watch.metrics, state.refresh, settings.metrics_token).get,
            reading=ReadingPage(links, domain.approvals, domain.records, directory, limits)
            if links
            else None,
            inbox=opened,
            measure=measured(watch.metrics, tracing),
            awaken=None if late is None else late.begin,
        )
        found = tuple(findings(settings, registry))
        decided = domain.approvals, domain.review
        yield Runtime(parts, jobs, health, systems, manager, asides, *decided, reload, found)


def _own_threads(stack: AsyncExitStack) -> None:
    """Threads for what blocks: AutoGen asks the model in the loop's default pool, which has six of
    them on a machine with two cores."""
    threads = ContextExecutor(SESSIONS_AT_ONCE + SPARE_THREADS, thread_name_prefix="blocking")
    carry_context(asyncio.get_running_loop(), threads)
    # What still runs in them at the end is not waited for.
    stack.callback(threads.shutdown, wait=False, cancel_futures=True)


def _follow_up(
    stack: AsyncExitStack,
    jobs: LocalJobs,
    domain: Domain,
    manager: SessionManager,
    sealing: Sealing,
) -> None:
    """Let jobs do what follows from what people and agents do; at the end, leave it to others."""
    domain.handoff.open(lambda: manager.free_slots() if jobs.is_open else 0)
    stack.push_async_callback(domain.runs.leave)
    jobs.handle(RUN, manager.run, at_once=WAITING)  # which has slots of its own
    domain.answer(jobs)
    jobs.handle(SEAL, sealing.seal)
    jobs.each_sweep(Job(kind=SEAL, id="heads"))
    jobs.each_sweep(Job(kind=CANARIES, id="due"))
    stack.push_async_callback(sealing.leave)


async def _read_tickets(
    jobs: LocalJobs,
    deployment: Deployment,
    domain: Domain,
    systems: Mapping[str, Opened],
    limits: Limits,
) -> Webhooks:
    """Poll the ticket systems by jobs, and look sooner where their webhooks say so."""
    connectors = {name: each.tickets for name, each in systems.items() if each.tickets}
    reconciler = Reconciler(
        connectors,
        deployment.store,
        deployment.clock,
        domain.approvals,
        domain.records,
        deployment.directory,
        domain.outbox,
        links=deployment.links,
    )
    await reconciler.plan()
    reconciler.answer(jobs)
    return Webhooks(connectors, reconciler.hint, limits)


def open_system(
    each: Configured, settings: Settings, deployment: Deployment
) -> AbstractAsyncContextManager[Opened]:
    """The system, knowing who may be asked in it. Raises ConfigurationError."""
    return each.open(replace(deployment, approvers=settings.approvers_in(each.system)))
