"""Microsoft Teams as the product knows it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from countersign.approvals.errors import ConfigurationError
from countersign.bot.teams.hosts import service_url_allowed
from countersign.bot.teams.settings import TeamsSettings
from countersign.connectors.system import Deployment, Inbound, Opened, Route, Situation, System

if TYPE_CHECKING:  # botbuilder takes a second to import; other commands need not wait
    from countersign.bot.teams.adapter import TeamsAdapter

NAME = "teams"
ENDPOINT = "/api/messages"
DRAIN_S = 5.0


@asynccontextmanager
async def _open(settings: TeamsSettings, deployment: Deployment) -> AsyncIterator[Opened]:
    from countersign.bot.teams.adapter import TeamsAdapter
    from countersign.bot.teams.channel import TeamsChannel

    adapter = TeamsAdapter(
        settings,
        local=deployment.local,
        host=deployment.host,
        unused=not _is_used(settings, deployment.local),
    )
    async with adapter:
        channel = TeamsChannel(
            settings,
            adapter,
            deployment.conversations,
            deployment.directory,
            deployment.clock,
            readable=deployment.links is not None,
            pages_url=deployment.pages_url,
        )

        @asynccontextmanager
        async def listen(inbound: Inbound) -> AsyncIterator[Sequence[Route]]:
            async with _listening(settings, adapter, deployment, inbound) as routes:
                yield routes

        async def self_test(url: str) -> None:
            await adapter.self_test(f"{url}{ENDPOINT}")

        yield Opened(channel, listen=listen, self_test=self_test)


@asynccontextmanager
async def _listening(
    settings: TeamsSettings, adapter: TeamsAdapter, deployment: Deployment, inbound: Inbound
) -> AsyncIterator[Sequence[Route]]:
    from countersign.bot.teams.activities import TeamsBot

    bot = TeamsBot(
        settings,
        inbound.approvals,
        inbound.records,
        deployment.conversations,
        inbound.starts,
        deployment.directory,
        inbound.workflows,
        deployment.clock,
        adapter=adapter,
        local=deployment.local,
        limits=inbound.limits,
        links=deployment.links,
        pages_url=deployment.pages_url,
    )
    try:
        yield (Route("POST", ENDPOINT, bot.messages),)
    finally:
        # Send what was promised in answers; the rows bring back what does not go out in time.
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                await bot.drain()


def _is_used(settings: TeamsSettings, local: bool) -> bool:
    """Whether a bot is registered, or local clients play it."""
    return local or bool(settings.app_id)


def _problems(settings: TeamsSettings, situation: Situation) -> Iterator[str]:
    for key in ("local_requester", "local_approver"):
        named = getattr(settings, key)
        if named and named not in situation.people:
            yield f"teams.{key}: nobody in people has the id {named!r}."
    if situation.local:
        return
    if situation.asked or settings.app_id:
        try:
            settings.require_usable(local=False, host="")
        except ConfigurationError as exc:
            yield from exc.problems
    if not service_url_allowed(settings.service_url, local=False):
        yield "teams.service_url: is no address of the Bot Framework's connectors."


SYSTEM = System(
    name=NAME,
    words="Microsoft Teams",
    identity="entra",
    settings=TeamsSettings,
    open=_open,
    section=NAME,
    is_always_there=True,
    takes_text=True,
    opens_by_writing=True,
    problems=_problems,
    is_used=_is_used,
)
