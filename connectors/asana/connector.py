"""The Asana connector: `approvals.ports.TicketConnector` over approval tasks of one project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from typing_extensions import override

from countersign.approvals.errors import NotFoundError
from countersign.approvals.ports import Clock, KnownTickets, TicketConnector, TicketOrder
from countersign.approvals.read_links import ReadLinks
from countersign.approvals.tickets import (
    CheckResult,
    FoundTicket,
    Observation,
    TicketAct,
    TicketFinding,
    TicketOutcome,
    TicketPage,
    TicketRef,
    WebhookHint,
)
from countersign.connectors.asana import deciding, webhook, wire
from countersign.connectors.asana.api import AsanaApi, Ask
from countersign.connectors.asana.checks import Checks
from countersign.connectors.asana.opening import Tasks
from countersign.connectors.asana.reading import Reader
from countersign.connectors.asana.settings import AsanaSettings
from countersign.connectors.asana.updates import Updates
from countersign.connectors.asana.wire import Story, Task
from countersign.connectors.ticketing.locks import TicketLocks

READINGS = 2
"""How often a task is read whose status and history differ: one of them was read earlier."""


class AsanaConnector(TicketConnector):
    """Implements `approvals.ports.TicketConnector`.

    `links` lead to the page with what does not fit. `approvers` are the users that `check` looks
    up.
    """

    name = "asana"
    index_lag_s = 0.0
    """Lists of a project read what was written; its events may be minutes behind."""

    several = True

    def __init__(
        self,
        settings: AsanaSettings,
        clock: Clock,
        links: ReadLinks | None = None,
        *,
        approvers: Sequence[str] = (),
    ):
        self.poll_every_s = settings.poll_every
        self.languages: Sequence[str] = settings.languages
        self.changes_words: Sequence[str] = settings.changes_words
        self._settings, self._clock = settings, clock
        token = settings.token.get_secret_value()
        self._api = AsanaApi(settings.url, token, timeout_s=settings.timeout)
        self._tasks = Tasks(self._api, settings, links)
        self._updates = Updates(self._api, settings, self._tasks)
        self._locks = TicketLocks()
        self._checks = Checks(self._api, settings, approvers)

    @override
    async def check(self) -> Sequence[CheckResult]:
        return await self._checks.run()

    @override
    async def find(self, key: str) -> Sequence[FoundTicket]:
        return await self._tasks.carrying(key, await self._listed())

    @override
    async def open_ticket(self, order: TicketOrder) -> TicketRef:
        return await self._tasks.open(order)

    @override
    async def adopt(self, order: TicketOrder, ref: TicketRef) -> TicketRef:
        async with self._locks.of(ref.id):
            return await self._tasks.adopt(order, ref)

    async def fetch_decisions(self, since: str | None, known: KnownTickets) -> TicketPage:
        """The tasks that the project's events name, read anew; every one that carries a key of ours
        and is not closed, where there is no cursor or Asana has forgotten it.

        The cursor is a sync token. It is taken before the tasks are read, so that what happens
        meanwhile is told the next time.
        """
        events = await self._api.events(self._settings.project, since or "")
        if since and not events.expired:
            tasks = await self._named(events.tasks)
        else:
            field = self._settings.order_field
            listed = await self._listed()
            tasks = [t for t in listed if t.order_key(field) and not t.is_closed(field)]
        shown = {ref.id: ref.shown for ref in await known([task.gid for task in tasks])}
        found = await self._observed(tasks, shown)
        return TicketPage(observations=tuple(found), cursor=events.sync)

    @override
    async def fetch_one(self, ref: TicketRef) -> Observation | None:
        for _ in range(READINGS):
            try:
                stories = await self._updates.stories(ref.id)
                task = await self._tasks.one(ref.id)
            except NotFoundError:
                return None
            reader = self._reader(task, stories, ref.shown)
            if reader.settled:
                break
        return reader.observation()

    @override
    async def comment(self, ref: TicketRef, text: str, *, key: str) -> None:
        async with self._locks.of(ref.id):
            await self._updates.comment(ref, text, key)

    @override
    async def ask_again(self, ref: TicketRef, act: TicketAct, text: str, *, counted: bool) -> None:
        async with self._locks.of(ref.id):
            await self._updates.ask_again(ref, act, text, counted=counted)

    @override
    async def close(self, ref: TicketRef, outcome: TicketOutcome, text: str) -> None:
        async with self._locks.of(ref.id):
            await self._updates.close(ref, outcome, text)

    def greeting(self, headers: Mapping[str, str]) -> Mapping[str, str] | None:
        """See `approvals.ports.WebhookGreeter`."""
        return webhook.greeting(headers)

    @override
    def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> WebhookHint | None:
        return webhook.verify(self._settings, headers, body)

    @override
    def decide(self, observation: Observation) -> Sequence[TicketFinding]:
        return deciding.decide(self._settings.account, observation)

    @override
    async def close_client(self) -> None:
        await self._api.close()

    async def _listed(self) -> list[Task]:
        """The tasks of the project that are not completed, or were so not long ago."""
        since = self._clock.now() - timedelta(seconds=self._settings.overlap)
        rows = await self._api.pages(
            "/tasks",
            wire.TASK_FIELDS,
            project=self._settings.project,
            completed_since=since.isoformat(timespec="seconds"),
        )
        return [task for row in rows if (task := wire.task(row)) is not None]

    async def _named(self, gids: Sequence[str]) -> list[Task]:
        asked = [Ask(path=f"/tasks/{gid}", fields=wire.TASK_FIELDS) for gid in gids]
        found = [wire.task(raw) for raw in await self._api.batch(asked)]
        return [task for task in found if task is not None]

    async def _observed(self, tasks: Sequence[Task], shown: Mapping[str, str]) -> list[Observation]:
        """What stands in them. A history that is ahead of its task is read with it once more."""
        asked = [
            Ask(path=f"/tasks/{task.gid}/stories", fields=wire.STORY_FIELDS, is_list=True)
            for task in tasks
        ]
        histories = await self._api.batch(asked)
        found = []
        for task, raw in zip(tasks, histories, strict=True):
            if raw is None:
                continue
            reader = self._reader(task, wire.stories(raw), shown.get(task.gid, ""))
            if reader.settled:
                found.append(reader.observation())
                continue
            ref = reader.observation().ref
            again = await self.fetch_one(ref)
            found += [] if again is None else [again]
        return found

    def _reader(self, task: Task, stories: Sequence[Story], shown: str) -> Reader:
        return Reader(self._settings, task, stories, shown, self._clock.now())
