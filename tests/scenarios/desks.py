"""Jira and ServiceNow as tests see them: people at work in a ticket, and what it says then."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from collections.abc import Mapping
from typing import Any, Protocol

from sandbox._faults import Faults
from sandbox.jira.refusals import JiraError
from sandbox.jira.server import Jira
from sandbox.jira.webhooks import SECRET as JIRA_SECRET
from sandbox.servicenow.errors import RestError
from sandbox.servicenow.outbound import SIGNATURE_HEADER, TIMESTAMP_HEADER, sign
from sandbox.servicenow.people import BY_NAME
from sandbox.servicenow.server import WEBHOOK_SECRET, ServiceNow

MARK = "agent-approval"
PENDING, APPROVED, REJECTED, CHANGES, CLOSED = "10001", "10002", "10003", "10004", "10005"
UNMAPPED = "10006"
Signed = tuple[dict[str, str], bytes]


class Desk(Protocol):
    """Everything is done as a person would do it, by login: alex, sam, megan, adele, bot."""

    name: str
    url: str
    faults: Faults
    searching: str
    """The path of the query that a poll makes, as a fault names it."""

    def tell(self, url: str | None) -> None:
        """Send webhooks there, or none."""

    def answer(
        self, key: str, verdict: str, *, who: str = "alex", comment: str = "", changes: str = ""
    ) -> None:
        """`approve`, `reject` or `modify`."""

    def meddle(self, key: str, who: str, verdict: str = "approve") -> None:
        """Somebody whom nobody asked answers in a way in which the system lets them."""

    def shelve(self, key: str) -> None:
        """Alex sets something that means neither yes nor no."""

    def finish(self, key: str) -> None:
        """Somebody closes the ticket without a decision."""

    def edit_text(self, key: str, text: str) -> None:
        """Megan changes the description."""

    def unlabel(self, key: str) -> None:
        """Megan takes away what marks the ticket as ours."""

    def impostor(self, key: str) -> str:
        """Mallory's own ticket with the marks of `key` on it, approved by Alex; its key."""

    def delete(self, key: str) -> None:
        """Megan (or an administrator) deletes it."""

    def said(self, key: str) -> str:
        """All comments, oldest first."""

    def awaits(self, key: str) -> bool:
        """Whether it stands where people are asked."""

    def state(self, key: str) -> str:
        """Where it stands."""

    def text(self, key: str) -> str:
        """The description."""

    def webhook(self, key: str, *, secret: str | None = None, body: bytes | None = None) -> Signed:
        """Headers and body of a delivery that says Alex approved `key`; empty secret: unsigned."""

    def unrelated(self) -> str:
        """A ticket that has nothing to do with us; its key."""

    def polls(self) -> int:
        """How many polls have been answered."""

    def reads(self) -> int:
        """How often one ticket was read by its id."""

    async def settled(self) -> None:
        """Return when no webhook is on its way."""


class JiraDesk:
    """Issues are moved along a workflow."""

    name = "jira"
    searching = "/search/jql$"

    def __init__(self, jira: Jira):
        self.jira, self.url, self.faults = jira, jira.url, jira.faults
        self._hook: str | None = None

    def tell(self, url: str | None) -> None:
        if self._hook is not None:
            self.jira.remove_webhook(self._hook)
        if url is not None:
            self.jira.add_webhook(url)
        self._hook = url

    def answer(
        self, key: str, verdict: str, *, who: str = "alex", comment: str = "", changes: str = ""
    ) -> None:
        person = self.jira.as_person(who)
        if changes:
            person.edit(key, {"customfield_10050": changes})
        if comment:
            person.comment(key, comment)
        person.transition(
            key, {"approve": APPROVED, "reject": REJECTED, "modify": CHANGES}[verdict]
        )

    def meddle(self, key: str, who: str, verdict: str = "approve") -> None:
        self.answer(key, verdict, who=who)

    def shelve(self, key: str) -> None:
        # A status that no setting names: the tests leave "Changes requested" out of them.
        self.jira.as_person("alex").transition(key, CHANGES)

    def finish(self, key: str) -> None:
        self.jira.as_person("megan").transition(key, CLOSED)

    def edit_text(self, key: str, text: str) -> None:
        self.jira.as_person("megan").edit(key, {"description": text})

    def unlabel(self, key: str) -> None:
        self.jira.as_person("megan").edit(key, {"labels": ["something-else"]})

    def impostor(self, key: str) -> str:
        labels = self.jira.issue(key)["fields"]["labels"]
        alex = self.jira.as_person("alex")
        made = self.jira.as_person("megan").create("OPS", "Lunch", labels=labels)
        alex.transition(made, APPROVED)
        return made

    def delete(self, key: str) -> None:
        self.jira.as_person("megan").delete(key)

    def said(self, key: str) -> str:
        comments = self.jira.issue(key)["fields"]["comment"]["comments"]
        return "\n".join(str(comment["body"]) for comment in comments).replace("\\", "")

    def awaits(self, key: str) -> bool:
        return bool(self.jira.issue(key)["fields"]["status"]["id"] == PENDING)

    def state(self, key: str) -> str:
        return str(self.jira.issue(key)["fields"]["status"]["name"])

    def text(self, key: str) -> str:
        return str(self.jira.issue(key)["fields"]["description"])

    def webhook(self, key: str, *, secret: str | None = None, body: bytes | None = None) -> Signed:
        issue = self.jira.issue(key)
        item = {"field": "status", "fieldId": "status", "from": PENDING, "to": APPROVED}
        payload = {
            "timestamp": int(time.time() * 1000),
            "webhookEvent": "jira:issue_updated",
            "issue_event_type_name": "issue_generic",
            "user": {"accountId": "712020:alex"},
            "issue": {"id": issue["id"], "key": key, "fields": issue["fields"]},
            "changelog": {"id": "99999", "items": [item]},
        }
        raw = json.dumps(payload).encode() if body is None else body
        headers = {
            "Content-Type": "application/json",
            "X-Atlassian-Webhook-Identifier": f"delivery-{key}",
        }
        if secret != "":
            mac = hmac.new((secret or JIRA_SECRET).encode(), raw, hashlib.sha256)
            headers["X-Hub-Signature"] = f"sha256={mac.hexdigest()}"
        return headers, raw

    def unrelated(self) -> str:
        return self.jira.as_person("megan").create("OPS", "Lunch")

    def reads(self) -> int:
        found = (r for r in self.jira.requests if r.method == "GET" and r.status)
        return sum(re.search(r"/issue/\d+$", r.path) is not None for r in found)

    async def settled(self) -> None:
        await self.jira.webhooks_settled()

    def polls(self) -> int:
        return sum(
            ("updated >=" in asked or "-open" in asked) and found.status == 200
            for found in self.jira.requests
            if found.path.endswith("/search/jql")
            for asked in [f"{found.query} {found.body}"]
        )


_USERS = {
    "alex": "alex.wilber",
    "sam": "sam.carter",
    "megan": "megan.bowen",
    "adele": "adele.vance",
    "mallory": "mallory.evil",
    "bot": "svc_approvals",
    "admin": "admin",
}


class ServiceNowDesk:
    """Approvals hang on a change request."""

    name = "servicenow"
    searching = "/table/sysapproval_approver$"

    def __init__(self, snow: ServiceNow):
        self.snow, self.url, self.faults = snow, snow.url, snow.faults

    def tell(self, url: str | None) -> None:
        self.snow.rule_url = url

    def answer(
        self, key: str, verdict: str, *, who: str = "alex", comment: str = "", changes: str = ""
    ) -> None:
        person = self.snow.as_person(_USERS[who])
        if verdict == "reject":
            person.reject(key, comment, changes)
        else:
            person.approve(key, comment, changes)

    def meddle(self, key: str, who: str, verdict: str = "approve") -> None:
        """Whoever may not write Alex's approval is given one of their own by an administrator."""
        try:
            self.answer(key, verdict, who=who)
        except RestError:
            admin, change = self.snow.as_person("admin"), self.snow.change(key)
            own = {
                "approver": BY_NAME[_USERS[who]].sys_id,
                "sysapproval": change["sys_id"],
                "state": "requested",
            }
            admin.add("sysapproval_approver", own)
            self.answer(key, verdict, who=who)

    def shelve(self, key: str) -> None:
        approval = self.snow.approvals(key)[0]
        alex = self.snow.as_person("alex.wilber")
        alex.edit("sysapproval_approver", approval["sys_id"], {"state": "duplicate"})

    def finish(self, key: str) -> None:
        self.snow.as_person("admin").move(key, "4")

    def edit_text(self, key: str, text: str) -> None:
        self._edit(key, description=text)

    def unlabel(self, key: str) -> None:
        self._edit(key, correlation_display="something else", correlation_id="")

    def _edit(self, key: str, **values: str) -> None:
        change = self.snow.change(key)
        self.snow.as_person("megan.bowen").edit("change_request", change["sys_id"], values)

    def impostor(self, key: str) -> str:
        change = self.snow.change(key)
        copied = {name: change[name] for name in ("correlation_id", "correlation_display")}
        mallory = self.snow.as_person("mallory.evil")
        made = mallory.add("change_request", {**copied, "short_description": "Lunch"})
        asked = {
            "approver": BY_NAME["alex.wilber"].sys_id,
            "sysapproval": made["sys_id"],
            "state": "requested",
        }
        mallory.add("sysapproval_approver", asked)
        self.answer(made["number"], "approve")
        return str(made["number"])

    def delete(self, key: str) -> None:
        change = self.snow.change(key)
        self.snow.as_person("admin").delete("change_request", change["sys_id"])

    def said(self, key: str) -> str:
        rows = self.snow.journal(self.snow.change(key)["sys_id"])
        return "\n".join(row["value"] for row in rows)

    def awaits(self, key: str) -> bool:
        asked = self.snow.approvals(key)
        return any(
            row["state"] == "requested" and row["approver.user_name"] == "alex.wilber"
            for row in asked
        )

    def state(self, key: str) -> str:
        return str(self.snow.change(key)["approval"])

    def text(self, key: str) -> str:
        return str(self.snow.change(key)["description"])

    def webhook(self, key: str, *, secret: str | None = None, body: bytes | None = None) -> Signed:
        change = self.snow.change(key)
        payload: Mapping[str, Any] = {
            "table": "change_request",
            "sys_id": change["sys_id"],
            "task": change["sys_id"],
            "correlation_id": change["correlation_id"],
            "state": "approved",
            "sys_updated_on": "2026-11-25 10:00:00",
        }
        raw = json.dumps(payload).encode() if body is None else body
        headers = {"Content-Type": "application/json", TIMESTAMP_HEADER: str(int(time.time()))}
        if secret != "":
            signature = sign(secret or WEBHOOK_SECRET, headers[TIMESTAMP_HEADER], raw.decode())
            headers[SIGNATURE_HEADER] = signature
        return headers, raw

    def unrelated(self) -> str:
        made = self.snow.as_person("megan.bowen").add(
            "change_request", {"short_description": "Lunch"}
        )
        return str(made["number"])

    def reads(self) -> int:
        found = (r for r in self.snow.requests if r.method == "GET" and r.status)
        return sum(re.search(r"/change_request/\w{32}$", r.path) is not None for r in found)

    async def settled(self) -> None:
        await self.snow.settled()

    def polls(self) -> int:
        return sum(
            "ORDERBYsys_id" in found.query.get("sysparm_query", "") and found.status == 200
            for found in self.snow.requests
        )


__all__ = ["Desk", "JiraDesk", "JiraError", "ServiceNowDesk", "Signed"]
