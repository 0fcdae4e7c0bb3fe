"""Jira as tests see it: issues that are moved along a workflow."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time

from countersign.sandbox.jira.server import Jira
from countersign.sandbox.jira.webhooks import SECRET
from tests.scenarios.desks import Signed

PENDING, APPROVED, REJECTED, CHANGES, CLOSED = "10001", "10002", "10003", "10004", "10005"


class JiraDesk:
    """Implements `Desk`."""

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

    def remark(self, key: str, comment: str) -> None:
        self.jira.as_person("alex").comment(key, comment)

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
            mac = hmac.new((secret or SECRET).encode(), raw, hashlib.sha256)
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
