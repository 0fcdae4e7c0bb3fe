"""Jira, Cloud and Data Center, as the suite of ticket connectors sees it: the real package `jira`
over real HTTP, against the stand-in."""

from __future__ import annotations

import hmac
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Any

from countersign.approvals.ports import TicketConnector
from countersign.approvals.tickets import TicketRef
from countersign.connectors.jira.connector import JiraConnector
from countersign.connectors.jira.settings import JiraSettings
from countersign.sandbox._faults import Fault
from countersign.sandbox.jira.catalog import (
    APPROVED,
    CHANGES,
    CLOSED,
    PENDING,
    REJECTED,
    REQUESTED_CHANGES,
)
from countersign.sandbox.jira.people import (
    ALEX,
    BOT,
    MALLORY,
    MEGAN,
    SAM,
)
from countersign.sandbox.jira.persona import Persona
from countersign.sandbox.jira.server import Jira
from countersign.sandbox.jira.site import Deployment
from countersign.sandbox.jira.webhooks import SECRET
from countersign.testing.suites.ticket_system import (
    Delivered,
    Elsewhere,
    Implementation,
    Outside,
    Who,
)
from tests.doubles.links import links

NOWHERE = "http://127.0.0.1:9/"
"""Where nobody listens: the suite takes deliveries from the stand-in's own list."""
PUBLIC_URL = "http://127.0.0.1:3978"
_ACCOUNTS = {Who.BEN: ALEX, Who.CARA: SAM, Who.ERIN: MEGAN, Who.STRANGER: MALLORY, Who.OWN: BOT}
# “Changes requested” stays unmapped here: it is a state that is neither final nor an answer.
_STATES = {Elsewhere.UNMAPPED: CHANGES, Elsewhere.CLOSED: CLOSED}


def settings(jira: Jira, **more: Any) -> JiraSettings:
    """Settings for the stand-in's project OPS."""
    auth = (
        {"kind": "basic", "email": BOT.email, "token": BOT.token}
        if jira.site.cloud
        else {"kind": "pat", "token": BOT.token}
    )
    values = {
        "url": jira.url,
        "deployment": "cloud" if jira.site.cloud else "datacenter",
        "auth": auth,
        "project": "OPS",
        "issue_type": "Task",
        "statuses": {
            "pending": [PENDING],
            "approved": [APPROVED],
            "rejected": [REJECTED],
            "closed": CLOSED,
        },
        "changes_field": REQUESTED_CHANGES,
        "webhook_secrets": (SECRET,),
        **more,
    }
    return JiraSettings.model_validate(values)


class OnJira:
    """Implements `countersign.testing.suites.ticket_system.Outside`."""

    def __init__(self, jira: Jira):
        self.jira = jira
        self.settings = settings(jira)
        self.connector = JiraConnector(self.settings, links(PUBLIC_URL))
        cloud = jira.site.cloud
        self.people = {
            who: account.account_id if cloud else account.user_key.lower()
            for who, account in _ACCOUNTS.items()
        }

    async def approve(self, ref: TicketRef, who: Who, comment: str = "") -> None:
        self._move(ref, who, APPROVED, comment)

    async def reject(self, ref: TicketRef, who: Who, comment: str = "") -> None:
        self._move(ref, who, REJECTED, comment)

    async def ask_changes(self, ref: TicketRef, who: Who, text: str) -> None:
        self._as(who).edit(ref.key, {REQUESTED_CHANGES: text})
        self._move(ref, who, APPROVED)

    async def move(self, ref: TicketRef, who: Who, state: Elsewhere) -> None:
        self._move(ref, who, _STATES[state])

    async def reopen(self, ref: TicketRef, who: Who) -> None:
        self._move(ref, who, PENDING)

    async def comment(self, ref: TicketRef, who: Who, text: str) -> None:
        self._as(who).comment(ref.key, text)

    async def edit_text(self, ref: TicketRef, who: Who, text: str) -> None:
        self._as(who).edit(ref.key, {"description": text})

    async def relabel(self, ref: TicketRef, who: Who, key: str) -> None:
        label, waits = self.settings.label, self.settings.open_label
        labels = [label, waits, self.settings.order_label(key)]
        self._as(who).edit(ref.key, {"labels": labels})

    async def delete(self, ref: TicketRef) -> None:
        self._as(Who.ERIN).delete(ref.key)

    async def foreign_ticket_with(self, key: str) -> TicketRef:
        labels = [self.settings.label, self.settings.open_label, self.settings.order_label(key)]
        made = self._as(Who.ERIN).create("OPS", "Mine", labels=labels)
        return TicketRef(
            id=str(self.jira.issue(made)["id"]), key=made, url=f"{self.jira.url}/browse/{made}"
        )

    async def text(self, ref: TicketRef) -> str:
        fields = self.jira.issue(ref.key)["fields"]
        return f"{fields['summary']}\n{fields['description']}"

    async def comments(self, ref: TicketRef) -> list[str]:
        found = self.jira.issue(ref.key)["fields"]["comment"]["comments"]
        return [comment["body"] for comment in found]

    async def open_tickets(self) -> list[str]:
        return [
            issue["key"]
            for issue in self.jira.issues(self.settings.open_label)
            if issue["fields"]["creator"]["displayName"] == BOT.display_name
        ]

    def requests(self) -> int:
        return self.jira.calls()

    @contextmanager
    def outage(self, *, retry_after_s: int | None = None) -> Iterator[None]:
        self.jira.faults.fail(429, retry_after_s=retry_after_s, times=1_000)
        try:
            yield
        finally:
            self.jira.faults.clear()

    def unanswered(self) -> None:
        self.jira.faults.add(Fault(kind="reset_after", method="POST"))

    def lag_index(self) -> None:
        self.jira.index_lag_s = 600.0

    def catch_up(self) -> None:
        self.jira.index_lag_s = 0.0

    def webhook_for(self, ref: TicketRef) -> Delivered:
        found = [d for d in self.jira.webhooks if d.issue_key == ref.key]
        return found[-1].headers(0), found[-1].body

    def webhook_elsewhere(self) -> Delivered:
        body = json.dumps({"webhookEvent": "sprint_started", "sprint": {"id": 7}}).encode()
        signature = hmac.new(SECRET.encode(), body, "sha256").hexdigest()
        return {"X-Hub-Signature": f"sha256={signature}"}, body

    def without_secret(self) -> TicketConnector:
        return JiraConnector(settings(self.jira, webhook_secrets=()), links(PUBLIC_URL))

    def _move(self, ref: TicketRef, who: Who, status: str, comment: str = "") -> None:
        self._as(who).transition(ref.key, status, comment=comment or None)

    def _as(self, who: Who) -> Persona:
        return self.jira.as_person(_ACCOUNTS[who].login)


@asynccontextmanager
async def _open(deployment: Deployment) -> AsyncIterator[Outside]:
    async with Jira.start(deployment=deployment) as jira:
        jira.add_webhook(NOWHERE)
        outside = OnJira(jira)
        try:
            yield outside
        finally:
            await outside.connector.close_client()


JIRA_CLOUD = Implementation("jira cloud", partial(_open, "Cloud"))
JIRA_DATA_CENTER = Implementation("jira data center", partial(_open, "Server"))
