"""Jira as `approvals.ports.TicketConnector`: an issue asks, and moving it answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import structlog
from typing_extensions import override

from countersign.approvals.errors import NotFoundError, UnavailableError
from countersign.approvals.models import Principal
from countersign.approvals.ports import KnownTickets, TicketConnector, TicketOrder
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
from countersign.connectors.jira import checks, webhook
from countersign.connectors.jira.client import JiraClient
from countersign.connectors.jira.deciding import decide
from countersign.connectors.jira.fetching import Fetching, UnreadableError
from countersign.connectors.jira.opening import Opening
from countersign.connectors.jira.people import NAME, People
from countersign.connectors.jira.reading import Reader
from countersign.connectors.jira.settings import JiraSettings
from countersign.connectors.jira.updates import Updates
from countersign.connectors.jira.wire import Issue
from countersign.connectors.receipts import prefix_of
from countersign.connectors.ticketing.locks import TicketLocks

log = structlog.get_logger(__name__)


class JiraConnector(TicketConnector):
    """Cloud or Data Center. Nothing is asked of the site before the first call."""

    several = True

    def __init__(
        self,
        settings: JiraSettings,
        links: ReadLinks | None = None,
        *,
        approvers: Sequence[Principal] = (),
        pages_url: str = "",
    ):
        """`links` lead to what does not fit, pages below `pages_url` to receipts; `approvers` are
        those that `check` looks up."""
        self.name = NAME
        self.poll_every_s, self.index_lag_s = settings.poll_every, settings.index_lag
        self.languages: Sequence[str] = settings.languages
        self.changes_words: Sequence[str] = settings.changes_words
        self._settings, self._approvers = settings, approvers
        self._client = JiraClient(settings)
        self._people = People(self._client, settings)
        self._fetching = Fetching(self._client, settings)
        self._opening = Opening(self._client, settings, self._people, links)
        prefixes = [links.prefix] if links else []
        prefixes += [prefix_of(pages_url)] if pages_url else []
        self._updates = Updates(self._client, settings, self._people, prefixes)
        self._locks = TicketLocks()

    @override
    async def check(self) -> Sequence[CheckResult]:
        return await checks.check(self._client, self._settings, self._people, self._approvers)

    async def find(self, key: str) -> Sequence[FoundTicket]:
        """See `approvals.ports.TicketConnector.find`; ours is what our account has created."""
        own = await self._people.own()
        return [
            FoundTicket(ref=issue.ref(self._settings.url), ours=issue.creator.id == own)
            for issue in await self._fetching.carrying(key)
        ]

    @override
    async def open_ticket(self, order: TicketOrder) -> TicketRef:
        return await self._opening.open(order)

    @override
    async def adopt(self, order: TicketOrder, ref: TicketRef) -> TicketRef:
        return await self._opening.adopt(order, await self._fetching.one(ref.id))

    @override
    async def fetch_decisions(self, since: str | None, known: KnownTickets) -> TicketPage:
        reader, began = await self._reader(), time.monotonic()
        last = _moment(since)
        issues = await (self._fetching.waiting() if last is None else self._fetching.changed(last))
        now, took = self._client.site_time, timedelta(seconds=time.monotonic() - began)
        shown = {ref.id: ref.shown for ref in await known([issue.id for issue in issues])}
        # Another installation of ours may use the same label in a project of its own.
        issues = [i for i in issues if i.id in shown or i.is_of(self._settings.project)]
        observe = (
            self._observed_if_readable(reader, issue, shown.get(issue.id, ""), fresh=last is None)
            for issue in issues
        )
        observations = tuple(seen for seen in await asyncio.gather(*observe) if seen is not None)
        self._fetching.forget_answers(issues)
        cursor = "" if now is None else (now - took).isoformat()
        return TicketPage(observations=observations, cursor=cursor)

    @override
    async def fetch_one(self, ref: TicketRef) -> Observation | None:
        reader = await self._reader()
        try:
            issue = await self._fetching.one(ref.id)
        except NotFoundError:
            # With an expired token some sites answer 404 too, and hide everything.
            await self._people.check_credentials()
            return None
        return await self._observed(reader, issue, ref.shown, fresh=True)

    @override
    async def comment(self, ref: TicketRef, text: str, *, key: str) -> None:
        async with self._locks.of(ref.id):
            await self._updates.comment(ref, text, key)

    async def ask_again(self, ref: TicketRef, act: TicketAct, text: str, *, counted: bool) -> None:
        """See `approvals.ports.TicketConnector.ask_again`; an approval of a service project begins
        anew only if the workflow leads back to it."""
        newest = ""
        if self._settings.approval == "jsm":
            issue = await self._fetching.one(ref.id)
            newest = (await self._fetching.answers(issue)).newest
        async with self._locks.of(ref.id):
            await self._updates.ask_again(ref, act, text, newest)

    @override
    async def close(self, ref: TicketRef, outcome: TicketOutcome, text: str) -> None:
        async with self._locks.of(ref.id):
            await self._updates.close(ref, outcome, text)

    @override
    def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> WebhookHint | None:
        given = {name.lower(): value for name, value in headers.items()}
        signature = given.get(webhook.SIGNATURE, "")
        webhook.verify(self._settings.webhook_secrets, signature, body)
        return webhook.hint(given, body)

    @override
    def decide(self, observation: Observation) -> Sequence[TicketFinding]:
        return decide(self._settings, self._people.own_id, observation)

    @override
    async def close_client(self) -> None:
        await self._client.close()

    async def _reader(self) -> Reader:
        own = await self._people.own()
        if not own:
            raise UnavailableError("Jira does not say who we are; check connectors.jira.auth.")
        return Reader(self._settings, own)

    async def _observed_if_readable(
        self, reader: Reader, issue: Issue, shown: str, *, fresh: bool
    ) -> Observation | None:
        try:
            return await self._observed(reader, issue, shown, fresh=fresh)
        except UnreadableError as exc:
            log.warning("issue cannot be read", issue=issue.key, reason=str(exc))
            return None

    async def _observed(
        self, reader: Reader, issue: Issue, shown: str, *, fresh: bool
    ) -> Observation:
        if self._settings.approval == "status":
            return reader.observe(issue, shown)
        return reader.observe(issue, shown, await self._fetching.answers(issue, fresh=fresh))


def _moment(cursor: str | None) -> datetime | None:
    """The time in a cursor; None if everything has to be read."""
    try:
        return datetime.fromisoformat(cursor) if cursor else None
    except ValueError:
        return None
