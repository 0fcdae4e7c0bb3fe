"""What people write to the app in Slack: heard once, answered in time, and carried out.

Slack tells of a message again, up to three times, if it is not answered within three seconds or
with an error. So it is told that a message has arrived once what follows from it is stored, and one
that comes again meanwhile waits for the first. Source: docs.slack.dev/apis/events-api, "Responding
to events" and "Retries", as known in 2026-11.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Coroutine, Mapping
from typing import Any

import structlog

from countersign.approvals.errors import CountersignError, UnavailableError
from countersign.connectors.conversing.said import Text
from countersign.connectors.conversing.talk import Talk
from countersign.connectors.slack import heard as hearing
from countersign.connectors.slack.channel import SlackChannel
from countersign.connectors.slack.client import SlackClient
from countersign.connectors.slack.heard import Heard
from countersign.connectors.slack.interactions import StrangerError
from countersign.connectors.slack.sentences import sentences
from countersign.connectors.slack.settings import SlackSettings
from countersign.connectors.slack.starting import Begun, Starting, session_key
from countersign.connectors.slack.surface import SlackSurface, Surroundings
from countersign.connectors.slack.writers import Writers
from countersign.connectors.system import Deployment, Inbound

log = structlog.get_logger(__name__)
REMEMBERED = 1_000
"""Messages that are known to be done with; Slack repeats one within some minutes."""
LAST_RETRY = 3


class Talking:
    """Hears messages, and holds what answers them."""

    def __init__(
        self,
        settings: SlackSettings,
        channel: SlackChannel,
        client: SlackClient,
        deployment: Deployment,
        inbound: Inbound,
    ) -> None:
        self._settings, self._client, self._inbound = settings, client, inbound
        self.writers = Writers(settings, client, deployment.directory)
        self.starting = Starting(
            channel, deployment.conversations, inbound.starts, inbound.records, deployment.clock
        )
        self.around = Surroundings(
            channel, inbound.approvals, inbound.records, self.starting, self.spawn
        )
        self.talk = Talk(inbound.approvals, inbound.records, inbound.workflows, channel.placing)
        self._heard: OrderedDict[str, asyncio.Task[None]] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()

    async def hear(self, payload: Mapping[str, Any], *, retry: int = 0) -> None:
        """An event. Raises UnavailableError if Slack is to tell it again, InvalidError for what is
        no event."""
        try:
            heard = hearing.event(payload, self._settings)
        except StrangerError as exc:
            log.info("stranger not answered", reason=str(exc))
            return
        if heard is None:
            return
        name = session_key(heard.channel, heard.ts)
        task = self._heard.get(name)
        if task is None:
            task = asyncio.create_task(self._carried_out(heard, is_last=retry >= LAST_RETRY))
            self._heard[name] = task
            while len(self._heard) > REMEMBERED:
                self._heard.popitem(last=False)
        try:
            await asyncio.shield(task)
        except UnavailableError:
            self._heard.pop(name, None)
            raise

    async def _carried_out(self, heard: Heard, *, is_last: bool) -> None:
        """Raises UnavailableError if it is to be told again."""
        try:
            said = await self.writers.said(heard)
            if said is None:
                self._tell(heard, self.writers.unknown(heard.user))
                return
            begun = Begun(channel=heard.channel, kind=heard.kind, ts=heard.ts, user=heard.user)
            async with self._inbound.limits.admitted("starts", said.clicker.identity):
                await self.starting.spoke(begun, said.owner.id)
                await self.talk.answer(said, SlackSurface(self.around, heard, said.owner.id))
        except StrangerError as exc:
            self._tell(heard, str(exc))
        except CountersignError as exc:
            log.warning("message not carried out", reason=str(exc))
            if isinstance(exc, UnavailableError) and not is_last:
                raise
            self._tell(heard, f"That did not work: {exc}")

    def _tell(self, heard: Heard, words: str) -> None:
        """Say it to whoever wrote, alone."""
        self.spawn(self._told(heard, words))

    async def _told(self, heard: Heard, words: str) -> None:
        message = sentences(Text(words).shortened)
        more: dict[str, Any] = {"thread_ts": heard.thread} if heard.thread else {}
        await self._client.call(
            "chat.postEphemeral",
            lambda web: web.chat_postEphemeral(
                channel=heard.channel, user=heard.user, **message, **more
            ),
            channel=heard.channel,
        )

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it in the background."""
        task = asyncio.create_task(_logged(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def drain(self, within_s: float) -> None:
        """Let what is under way come to its end, but not for long."""
        if running := {*self._tasks, *(t for t in self._heard.values() if not t.done())}:
            await asyncio.wait(running, timeout=within_s)
        if rest := set(self._tasks):
            await asyncio.wait(rest, timeout=within_s)


async def _logged(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except CountersignError as exc:
        log.warning("reply not sent", reason=str(exc))
