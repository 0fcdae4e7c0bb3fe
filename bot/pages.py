"""The inbox with all that people sign in and prove their presence by, as routes of the server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from countersign.approvals.ports import Clock, Store
from countersign.bot.api.operation import Services
from countersign.bot.inbox import app as inbox
from countersign.bot.inbox.pages import Pages
from countersign.bot.settings.sign_in import SignInSettings
from countersign.bot.sign_in.opening import open_flow
from countersign.bot.sign_in.tab import TeamsTab
from countersign.bot.sign_in.way import OpenIdWay
from countersign.bot.step_up.my_page import MyPage
from countersign.bot.step_up.page import StepUpPage
from countersign.bot.step_up.passkeys import Passkeys
from countersign.bot.step_up.presence import Presence
from countersign.bot.step_up.relying_party import RelyingParty


@asynccontextmanager
async def open_inbox(
    pages: Pages,
    services: Services,
    store: Store,
    clock: Clock,
    presence: Presence,
    sign_in: SignInSettings | None,
    *,
    local: bool,
    around: inbox.Around | None = None,
) -> AsyncIterator[inbox.Inbox]:
    """Every page below `/inbox`, for as long as the block takes."""
    public_url = pages.shell.public_url
    passkeys = Passkeys(store, clock, presence, RelyingParty.of(public_url))
    async with open_flow(sign_in, public_url, clock) as flow:
        way = None
        if flow is not None:
            way = OpenIdWay(pages, services.limits, services.directory, flow)
        tab = None
        if flow is not None and way is not None and flow.issuer.settings.teams_tab:
            tab = TeamsTab(pages, services.limits, flow, way)
        made = inbox.inbox_of(
            pages, services, local=local, around=around, ways=[way] if way else ()
        )
        more = (
            *StepUpPage(pages, services, presence, passkeys, way).routes(),
            *MyPage(pages, passkeys, way).routes(),
            *(tab.routes() if tab else ()),
        )
        yield replace(made, routes=(*made.routes, *more))
