"""Signed webhooks as the product knows them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from countersign.approvals.errors import ConfigurationError
from countersign.approvals.store import dead_letters
from countersign.connectors.system import Deployment, Inbound, Opened, Route, System
from countersign.connectors.webhook.settings import NAME, WebhookSettings, problems

TIMEOUT_S = 10.0


@asynccontextmanager
async def _open(settings: WebhookSettings, deployment: Deployment) -> AsyncIterator[Opened]:
    import httpx  # other commands than those that serve need none of it

    from countersign.connectors.webhook.channel import WebhookChannel, given_up_words
    from countersign.connectors.webhook.decisions import PATH, Decisions

    @asynccontextmanager
    async def listen(inbound: Inbound) -> AsyncIterator[Sequence[Route]]:
        decisions = Decisions(settings, deployment, inbound)
        yield (Route("POST", PATH, decisions.post),) if settings.callers else ()

    async def self_test(url: str) -> None:
        if not settings.callers:
            return
        async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as stranger:
            answer = await stranger.post(f"{url}{PATH}", content=b"{}")
        if answer.status_code != httpx.codes.UNAUTHORIZED:
            raise ConfigurationError([f"{url}{PATH}: takes what nobody has signed."])

    # A connection is to an address, and its certificate was of one name: none is used for another.
    alone = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(timeout=settings.timeout, trust_env=False, limits=alone) as http:
        yield Opened(
            WebhookChannel(settings, http, deployment),
            listen=listen,
            self_test=self_test,
            kept=lambda c: given_up_words(dead_letters.count(c, NAME)),
        )


SYSTEM = System(
    name=NAME,
    words="a webhook",
    identity="",
    settings=WebhookSettings,
    open=_open,
    problems=problems,
    is_used=lambda settings, _: bool(settings.endpoints),
)
