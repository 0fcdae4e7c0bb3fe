"""Jira, Cloud and Data Center, as the suite of ticket connectors sees it: the real package `jira`
over real HTTP, against the stand-in."""

from __future__ import annotations

import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from countersign.approvals.ports import TicketConnector
from countersign.approvals.tickets import TicketRef
from countersign.connectors.jira.connector import JiraConnector
from countersign.connectors.jira.settings import JiraSettings
from countersign.sandbox._faults import Fault
from countersign.sandbox.jira.catalog import (
    APPROVED,
    CLOSED,
    PENDING,
    REJECTED,
    REQUESTED_CHANGES,
)
from countersign.sandbox.jira.desk import JiraDesk
from countersign.sandbox.jira.people import ACCOUNTS, BOT
from countersign.sandbox.jira.server import Jira
from countersign.sandbox.jira.site import Deployment
from countersign.sandbox.jira.webhooks import SECRET
from countersign.testing.suites.ticket_system import (
    Delivered,
    Implementation,
    Outside,
)
from tests.contracts.at_desk import LOGINS, AtDesk
from tests.doubles.links import links

NOWHERE = "http://127.0.0.1:9/"
"""Where nobody listens: the suite takes deliveries from the stand-in's own list."""
PUBLIC_URL = "http://127.0.0.1:3978"


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
        "statuses": {  # “Changes requested” is none: neither final nor an answer
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


class OnJira(AtDesk):
    """Implements `countersign.testing.suites.ticket_system.Outside`."""

    def __init__(self, jira: Jira):
        super().__init__(JiraDesk(jira), jira)
        self.jira = jira
        self.settings = settings(jira)
        self.connector = JiraConnector(self.settings, links(PUBLIC_URL))
        if not jira.site.cloud:
            accounts = {account.login: account.user_key.lower() for account in ACCOUNTS}
            self.people = {who: accounts[login] for who, login in LOGINS.items()}

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
