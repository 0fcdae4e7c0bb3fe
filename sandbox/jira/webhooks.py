"""Admin webhooks: payloads as recorded from real sites, signed if there is a secret, retried."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from countersign.sandbox.jira.clock import epoch_ms
from countersign.sandbox.jira.people import BOT
from countersign.sandbox.jira.render import View
from countersign.sandbox.jira.site import Event, Site

SECRET = "sandbox-webhook-secret"  # noqa: S105 of a stand-in
EVENTS = ("jira:issue_created", "jira:issue_updated", "jira:issue_deleted", "comment_created")
RETRY_AFTER_S = (0.2, 0.4, 0.8)
"""Cloud waits 5 to 15 minutes between up to five retries; Data Center does not retry."""
RETRIED = frozenset({408, 409, 425, 429, *range(500, 600)})
ANSWER_TIMEOUT_S = 20.0
_COMMENT_FIELDS = ("summary", "issuetype", "project", "assignee", "priority", "status")


@dataclass(frozen=True)
class Webhook:
    """Where events go. Without a secret nothing is signed."""

    url: str
    secret: str | None
    events: tuple[str, ...] = EVENTS


@dataclass
class Delivery:
    """One event on its way to one webhook."""

    webhook: Webhook
    event: str
    issue_key: str
    identifier: str
    body: bytes
    statuses: list[int | None] = field(default_factory=list)
    """One per attempt; None if nobody answered."""

    @property
    def delivered(self) -> bool:
        """Whether the last attempt was accepted."""
        return bool(self.statuses) and (self.statuses[-1] or 0) // 100 == 2

    @property
    def payload(self) -> dict[str, Any]:
        """The body, parsed."""
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed

    def headers(self, attempt: int) -> dict[str, str]:
        """As https://developer.atlassian.com/cloud/jira/platform/webhooks/ describes them.

        (Read 2026-11-25.) The name is X-Hub-Signature although the hash is SHA-256.
        """
        headers = {
            "Content-Type": "application/json; charset=UTF-8",
            "User-Agent": "Atlassian Webhook HTTP Client",
            "X-Atlassian-Webhook-Identifier": self.identifier,
            "X-Atlassian-Webhook-Flow": "Primary",
        }
        if attempt:
            headers["X-Atlassian-Webhook-Retry"] = str(attempt)
        if self.webhook.secret is not None:
            mac = hmac.new(self.webhook.secret.encode(), self.body, hashlib.sha256)
            headers["X-Hub-Signature"] = f"sha256={mac.hexdigest()}"
        return headers

    def as_json(self) -> dict[str, Any]:
        """For the control surface."""
        return {
            "identifier": self.identifier,
            "event": self.event,
            "issue_key": self.issue_key,
            "url": self.webhook.url,
            "statuses": self.statuses,
            "payload": self.payload,
        }


class Webhooks:
    """Sends events in the background; nothing waits for them but `settled()`."""

    def __init__(self, site: Site, base_url: Callable[[], str]) -> None:
        self._site, self._base_url = site, base_url
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None
        self.hooks = [Webhook(*entry) for entry in site.store.webhooks()]
        self.deliveries: list[Delivery] = []
        self.paused = False
        """While it is set, events are lost: the network was down, or the hook disabled."""

    async def open(self) -> None:
        """Begin to listen."""
        timeout = aiohttp.ClientTimeout(total=ANSWER_TIMEOUT_S)
        self._session = aiohttp.ClientSession(timeout=timeout)
        self._site.listeners.append(self._send)

    async def close(self) -> None:
        """Stop; what was not delivered is lost."""
        self._site.listeners.remove(self._send)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def add(self, url: str, secret: str | None, events: tuple[str, ...] = EVENTS) -> None:
        """Register a webhook; one with the same address is replaced."""
        unknown = set(events) - set(EVENTS)
        if unknown:
            raise LookupError(f"unknown events: {', '.join(sorted(unknown))}")
        self.remove(url)
        self._site.store.add_webhook(url, secret, events)
        self.hooks.append(Webhook(url, secret, events))

    def remove(self, url: str) -> None:
        """Forget the webhook with this address."""
        self._site.store.remove_webhook(url)
        self.hooks = [hook for hook in self.hooks if hook.url != url]

    def redeliver(self, delivery: Delivery) -> None:
        """Send the same again, with the same identifier, as a retry that came too late does."""
        self._begin(delivery)

    async def settled(self) -> None:
        """Return when nothing is under way any more, retries included."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _send(self, event: Event) -> None:
        if self.paused:
            return
        body = json.dumps(payload(self._site, self._base_url(), event)).encode()
        for hook in self.hooks:
            if event.name in hook.events:
                delivery = Delivery(hook, event.name, event.issue.key, str(uuid.uuid4()), body)
                self.deliveries.append(delivery)
                self._begin(delivery)

    def _begin(self, delivery: Delivery) -> None:
        task = asyncio.get_running_loop().create_task(self._deliver(delivery))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, delivery: Delivery) -> None:
        pauses = RETRY_AFTER_S if self._site.cloud else ()
        for attempt in range(len(pauses) + 1):
            if attempt:
                await asyncio.sleep(pauses[attempt - 1])
            status = await self._post(delivery, attempt)
            delivery.statuses.append(status)
            if status is not None and status not in RETRIED:
                return

    async def _post(self, delivery: Delivery, attempt: int) -> int | None:
        if self._session is None:
            return None
        try:
            async with self._session.post(
                delivery.webhook.url,
                data=delivery.body,
                headers=delivery.headers(attempt),
                allow_redirects=False,
            ) as response:
                await response.read()
                return response.status
        except (aiohttp.ClientError, TimeoutError):
            return None


def payload(site: Site, base_url: str, event: Event) -> dict[str, Any]:
    """The body of an event.

    Source: recordings in mattermost-plugin-jira, server/testdata, and zulip,
    zerver/webhooks/jira/fixtures (read 2026-11-25): `comment_created` has no user; on Data Center
    it has no issue either.
    """
    view = View(site, base_url, 2, BOT if not site.cloud else None)
    issue = {**view.issue_head(event.issue), "fields": view.fields(event.issue)}
    body: dict[str, Any] = {"timestamp": epoch_ms(event.at), "webhookEvent": event.name}
    if event.name == "comment_created":
        shown = {name: issue["fields"][name] for name in _COMMENT_FIELDS}
        if event.comment is not None:
            body["comment"] = view.comment(event.issue, event.comment)
        return {**body, "issue": {**issue, "fields": shown}} if site.cloud else body
    body["issue_event_type_name"] = event.kind
    body["user"] = view.user(event.actor.account_id)
    body["issue"] = issue
    if event.history is not None:
        items = [view.change(change) for change in event.history.changes]
        body["changelog"] = {"id": str(event.history.id), "items": items}
    if event.comment is not None:
        body["comment"] = view.comment(event.issue, event.comment)
    return body
