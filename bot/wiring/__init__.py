"""The composition root: the only place that knows concrete classes, and who outlives whom."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

from countersign.agents.guard.context_executor import ContextExecutor, carry_context
from countersign.agents.lanes import SESSIONS_AT_ONCE
from countersign.agents.leases import elapsed_s
from countersign.agents.limits import ProposalLimits
from countersign.agents.session_manager import SessionManager
from countersign.agents.side_conversations import SideConversations
from countersign.approvals.compose import Domain
from countersign.approvals.compose import compose as compose_domain
from countersign.approvals.decisions.handoff import Handoff
from countersign.approvals.decisions.outbox import ANSWER, CANARIES, RUN
from countersign.approvals.jobs import LocalJobs
from countersign.approvals.jobs.local import WAITING
from countersign.approvals.jobs.sealing import SEAL, Sealing
from countersign.approvals.ports import Job
from countersign.bot.observability.tracing import Tracing
from countersign.bot.policy.check import findings
from countersign.bot.policy.reload import PolicyReload
from countersign.bot.server.health import Health
from countersign.bot.server.runtime import Runtime
from countersign.bot.server.webhooks import Webhooks
from countersign.bot.settings.keys import sealing_key
from countersign.bot.settings.sections import DEFAULT_HOST, Settings
from countersign.bot.starts import BoundedRuns
from countersign.bot.wiring.base import Base, open_base
from countersign.bot.wiring.served import listen, open_parts, services_of
from countersign.connectors.system import Configured, Deployment, Opened
from countersign.connectors.ticketing.reconciler import Reconciler

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
    async with AsyncExitStack() as stack:
        _own_threads(stack)
        base = await open_base(stack, settings, host, tracing, kept_in)
        systems = {
            each.name: await stack.enter_async_context(open_system(each, settings, base.deployment))
            for each in settings.systems
        }
        domain = _domain(base, systems)
        proposed = ProposalLimits(**settings.limits.agents.model_dump())
        manager = await stack.enter_async_context(
            SessionManager(domain.runs, base.registry, observer=base.watch, limits=proposed)
        )
        sealing = Sealing(base.store, base.clock, sealing_key(settings))
        asides = SideConversations(domain.answering, domain.runs, base.registry, manager.late)
        stack.callback(asides.close)
        base.jobs.handle(ANSWER, asides.answer)
        _follow_up(stack, base.jobs, domain, manager, sealing)
        await stack.enter_async_context(base.people.followed(domain.review.run, base.jobs))
        webhooks = await _read_tickets(base, domain, systems)
        starts = BoundedRuns(domain.runs, base.store, at_most=settings.limits.running_sessions)
        routes = await listen(stack, base, domain, systems, starts)
        reload = PolicyReload(
            settings,
            base.registry,
            base.policies,
            base.store,
            base.clock,
            domain.approvals,
            base.people,
        )
        health = Health(base.store, base.jobs, base.clock)
        services = services_of(base, domain, starts, sealing)
        parts = await open_parts(
            stack, base, domain, services, routes, webhooks, health, systems, reload
        )
        found = tuple(findings(settings, base.registry))
        decided = domain.approvals, domain.review
        yield Runtime(parts, base.jobs, health, systems, manager, asides, *decided, reload, found)


def _domain(base: Base, systems: Mapping[str, Opened]) -> Domain:
    settings = base.settings
    return compose_domain(
        base.store,
        base.clock,
        base.jobs,
        base.policies,
        base.people.directory,
        base.registry,
        {name: each.channel for name, each in systems.items()},
        observer=base.watch,
        handoff=Handoff(elapsed_s),
        proofs=base.presence,
        private=settings.ledger.private_rules,
        archive_dir=settings.ledger.archive_dir,
        sample_key=settings.sampling,
        result_chars=settings.limits.result_chars,
        tool_timeout_s=settings.limits.tool_timeout,
    )


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


async def _read_tickets(base: Base, domain: Domain, systems: Mapping[str, Opened]) -> Webhooks:
    """Poll the ticket systems by jobs, and look sooner where their webhooks say so."""
    connectors = {name: each.tickets for name, each in systems.items() if each.tickets}
    reconciler = Reconciler(
        connectors,
        base.store,
        base.clock,
        domain.approvals,
        domain.records,
        base.people.directory,
        domain.outbox,
        links=base.deployment.links,
    )
    await reconciler.plan()
    reconciler.answer(base.jobs)
    return Webhooks(connectors, reconciler.hint, base.limits)


def open_system(
    each: Configured, settings: Settings, deployment: Deployment
) -> AbstractAsyncContextManager[Opened]:
    """The system, knowing who may be asked in it. Raises ConfigurationError."""
    return each.open(replace(deployment, approvers=settings.approvers_in(each.system)))
