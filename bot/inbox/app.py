"""The inbox put together: its pages as routes of the server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from aiohttp import web

from countersign.approvals.forms.systems import Named, declare
from countersign.approvals.ports import Clock, Store
from countersign.bot.api.operation import Services
from countersign.bot.inbox import assets
from countersign.bot.inbox.audit import LedgerPages
from countersign.bot.inbox.browser_sessions import BrowserSessions
from countersign.bot.inbox.deciding import Deciding
from countersign.bot.inbox.grants import GrantsPage
from countersign.bot.inbox.health import Checks, HealthPage
from countersign.bot.inbox.insights import InsightsPage
from countersign.bot.inbox.live import Live
from countersign.bot.inbox.pages import Pages
from countersign.bot.inbox.receipts import ReceiptPages
from countersign.bot.inbox.recording import RecordingForms
from countersign.bot.inbox.requests import RequestPage
from countersign.bot.inbox.rollouts import RolloutPage
from countersign.bot.inbox.rules import RulesPage
from countersign.bot.inbox.sessions import SessionPages
from countersign.bot.inbox.shell import HOME, VIA, Shell, Tab
from countersign.bot.inbox.sign_in import SignIn, SignInWay
from countersign.bot.inbox.starting import WorkflowPages
from countersign.bot.inbox.together import TogetherPage
from countersign.bot.inbox.waiting import WaitingPage
from countersign.bot.inbox.words import N_
from countersign.bot.policy.explained import Rules
from countersign.bot.settings.inbox import InboxSettings
from countersign.connectors.system import Route

declare(VIA, Named(words="the inbox"))
TABS = (
    Tab(HOME, N_("Waiting for me")),
    Tab(f"{HOME}/sessions", N_("Sessions")),
    Tab(f"{HOME}/workflows", N_("Workflows")),
    Tab(f"{HOME}/rules", N_("People and rules")),
    Tab(f"{HOME}/ledger", N_("Ledger")),
    Tab(f"{HOME}/health", N_("Health")),
    Tab(f"{HOME}/insights", N_("Insights")),
)


@dataclass(frozen=True)
class Around:
    """What some pages tell of besides requests and sessions."""

    rules: Callable[[], Rules]
    """Those that rule now."""
    checks: Checks
    systems: Checks


@dataclass(frozen=True)
class Inbox:
    """What the server is given of it."""

    routes: Sequence[Route]
    close: Callable[[web.Application], Awaitable[None]]
    """To be called when the server stops, before it waits for answers under way."""


def pages_of(
    services: Services,
    store: Store,
    clock: Clock,
    settings: InboxSettings,
    *,
    public_url: str,
) -> Pages:
    """What every page of the inbox is made with, also those of other packages."""
    sessions = BrowserSessions(store, clock, settings)
    shell = Shell(sessions, services.directory, clock, public_url=public_url, tabs=TABS)
    return Pages(shell, services.limits)


def inbox_of(
    pages: Pages,
    services: Services,
    *,
    local: bool,
    around: Around | None = None,
    ways: Sequence[SignInWay] = (),
) -> Inbox:
    """All of it; the pages on rules, the ledger and health only with what is `around`."""
    live, request = Live(pages, services), RequestPage(pages, services)
    routes = [
        Route("GET", assets.ROUTE, assets.get),
        *SignIn(pages, local=local, ways=ways).routes(),
        *WaitingPage(pages, services).routes(),
        *TogetherPage(pages, services, request).routes(),
        *request.routes(),
        *Deciding(pages, services, request).routes(),
        *RecordingForms(pages, services, request).routes(),
        *ReceiptPages(pages, services, request).routes(),
        *SessionPages(pages, services).routes(),
        *WorkflowPages(pages, services).routes(),
        *([] if around is None else _about(pages, services, around)),
        *InsightsPage(pages, services, None if around is None else around.rules).routes(),
        *live.routes(),
    ]
    return Inbox(routes, live.close)


def _about(pages: Pages, services: Services, around: Around) -> Sequence[Route]:
    rules = around.rules
    return [
        *RulesPage(pages, services, rules).routes(),
        *RolloutPage(pages, services).routes(),
        *GrantsPage(pages, services, lambda: rules().policy).routes(),
        *LedgerPages(pages, services, lambda: rules().policy.administrators).routes(),
        *HealthPage(pages, services, around.checks, around.systems).routes(),
    ]
