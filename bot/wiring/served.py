"""What the server answers: systems that call it, the API, and the pages."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack

from countersign.agents.classic.late import LateWorkflows
from countersign.approvals.audit_trail import AuditTrail
from countersign.approvals.compose import Domain
from countersign.approvals.jobs.sealing import Sealing
from countersign.bot.api.operation import Services
from countersign.bot.directories import DirectoryHealth
from countersign.bot.inbox import app as inbox
from countersign.bot.inbox.app import Around
from countersign.bot.inbox.mail import MailPages
from countersign.bot.observability.backlog import State
from countersign.bot.pages import open_inbox
from countersign.bot.policy.explained import Rules
from countersign.bot.policy.reload import PolicyReload
from countersign.bot.reading.page import ReadingPage
from countersign.bot.server.app import Parts
from countersign.bot.server.health import Health, Systems, together
from countersign.bot.server.metrics import MetricsPage, measured
from countersign.bot.server.webhooks import Webhooks
from countersign.bot.sessions import Sessions
from countersign.bot.settings.keys import signer
from countersign.bot.starts import BoundedRuns
from countersign.bot.wiring.base import Base
from countersign.connectors.system import Inbound, Opened, Route


async def listen(
    stack: AsyncExitStack,
    base: Base,
    domain: Domain,
    systems: Mapping[str, Opened],
    starts: BoundedRuns,
) -> list[Route]:
    """Where systems call us with what people do in them."""
    workflows = base.registry.infos()
    inbound = Inbound(domain.approvals, domain.records, starts, workflows, base.limits)
    return [
        route
        for each in systems.values()
        for route in await stack.enter_async_context(each.listen(inbound))
    ]


def services_of(base: Base, domain: Domain, starts: BoundedRuns, sealing: Sealing) -> Services:
    """What the API and the pages ask and call."""
    trail = AuditTrail(
        base.store,
        domain.records,
        sealing,
        signer=signer(base.settings),
        erasing=domain.erasing,
        holding=domain.holding,
        archiving=domain.archiving,
    )
    return Services(
        approvals=domain.approvals,
        records=domain.records,
        sessions=Sessions(starts, base.registry),
        directory=base.people.directory,
        tokens=base.people.tokens,
        trail=trail,
        limits=base.limits,
    )


async def open_parts(
    stack: AsyncExitStack,
    base: Base,
    domain: Domain,
    services: Services,
    routes: list[Route],
    webhooks: Webhooks,
    health: Health,
    systems: Mapping[str, Opened],
    reload: PolicyReload,
) -> Parts:
    """What is served, pages included."""
    settings, store, clock = base.settings, base.store, base.clock
    people, directory = base.people, base.people.directory
    metrics, links = base.watch.metrics, base.deployment.links
    late = base.registry if isinstance(base.registry, LateWorkflows) else None
    ready = together(health.checks, *([] if late is None else [late.checks]))
    around = together(
        Systems(store, systems).checks,
        reload.checks,
        DirectoryHealth(lambda: people.settings.directory, store, clock).checks,
    )
    state = State(store, clock, health.checks)
    metrics.add(state)
    pages = inbox.pages_of(services, store, clock, settings.inbox, public_url=settings.public_url)
    seen = Around(lambda: Rules(base.policies.current, directory, base.registry), ready, around)
    opened = await stack.enter_async_context(
        open_inbox(
            pages,
            services,
            store,
            clock,
            base.presence,
            settings.sign_in,
            local=settings.local,
            around=seen,
        )
    )
    if "email" in systems:
        routes = [*routes, *MailPages(pages, services, store).routes()]
    reading = None
    if links:
        about = domain.approvals, domain.records, directory, base.limits
        reading = ReadingPage(links, *about)
    return Parts(
        services=services,
        routes=routes,
        webhooks=webhooks.receive,
        checks=ready,
        systems=around,
        local=settings.local,
        limits=settings.limits,
        metrics=MetricsPage(metrics, state.refresh, settings.metrics_token).get,
        reading=reading,
        inbox=opened,
        measure=measured(metrics, base.watch.tracing),
        awaken=None if late is None else late.begin,
    )
