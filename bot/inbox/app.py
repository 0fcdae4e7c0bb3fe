"""The inbox put together: its pages as routes of the server."""

from __future__ import annotations

from collections.abc import Sequence

from countersign.approvals.forms.systems import Named, declare
from countersign.approvals.ports import Clock, Store
from countersign.bot.api.operation import Services
from countersign.bot.inbox import assets
from countersign.bot.inbox.browser_sessions import BrowserSessions
from countersign.bot.inbox.pages import Pages
from countersign.bot.inbox.shell import HOME, VIA, Shell, Tab
from countersign.bot.inbox.sign_in import SignIn, SignInWay
from countersign.bot.inbox.waiting import WaitingPage
from countersign.bot.inbox.words import N_
from countersign.bot.settings.inbox import InboxSettings
from countersign.connectors.system import Route

declare(VIA, Named(words="the inbox"))
TABS = (Tab(HOME, N_("Waiting for me")),)


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


def routes(
    pages: Pages, services: Services, *, local: bool, ways: Sequence[SignInWay] = ()
) -> Sequence[Route]:
    """Every address of the inbox."""
    return [
        Route("GET", assets.ROUTE, assets.get),
        *SignIn(pages, local=local, ways=ways).routes(),
        *WaitingPage(pages, services).routes(),
    ]
