"""Jira as the people at work in it use it: issues that are moved along a workflow."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

from typing_extensions import override

from countersign.sandbox.desk import MARK, Answer, Desk, Signed, Ticket
from countersign.sandbox.jira.catalog import (
    APPROVED,
    CHANGES,
    CLOSED,
    PENDING,
    REJECTED,
    REQUESTED_CHANGES,
)
from countersign.sandbox.jira.people import ACCOUNTS, ALEX, BOT
from countersign.sandbox.jira.webhooks import SECRET

_STEPS: Mapping[Answer, tuple[str, str]] = {
    "approve": (APPROVED, "Approved"),
    "reject": (REJECTED, "Rejected"),
    "modify": (CHANGES, "Changes requested"),
}


class JiraDesk(Desk):
    """The project OPS of the stand-in."""

    name = "jira"
    people: Mapping[str, str] = {account.login: account.account_id for account in ACCOUNTS}
    create: Mapping[str, str] = {"method": "POST", "path": "/issue$"}
    searching = "/search/jql$"
    lags = True

    @override
    def read(self, stored: Mapping[str, Any]) -> Ticket:
        fields = stored["fields"]
        labels = set(fields["labels"])
        orders = [label for label in labels if label.startswith(f"{MARK}-R-")]
        return Ticket(
            id=stored["id"],
            key=stored["key"],
            order=orders[0].removeprefix(f"{MARK}-") if orders else "",
            open=f"{MARK}-open" in labels,
            ours=fields["creator"]["displayName"] == BOT.display_name,
            state=fields["status"]["name"],
            asks=fields["status"]["id"] == PENDING,
            summary=fields["summary"],
            text=str(fields["description"]),
            comments=tuple(str(comment["body"]) for comment in fields["comment"]["comments"]),
        )

    @override
    def answer(
        self,
        key: str,
        answer: Answer,
        *,
        who: str = "alex",
        comment: str = "",
        changes: str = "",
        in_one_step: bool = False,
    ) -> str:
        if changes:
            self._edit(key, who, **{REQUESTED_CHANGES: changes})
        if comment and not in_one_step:
            self.comment(key, comment, who=who)
        status, words = _STEPS[answer]
        self.move(key, status, who=who, comment=comment if in_one_step else "")
        return f"moves {key} to “{words}”"

    def move(self, key: str, status: str, *, who: str, comment: str = "") -> None:
        """Bring it to the status with this id or name, in one step."""
        self._do(who, "transition", key=key, to_status=status, comment=comment or None)

    @override
    def comment(self, key: str, text: str, *, who: str = "alex") -> None:
        self._do(who, "comment", key=key, text=text)

    @override
    def reopen(self, key: str, *, who: str = "alex") -> None:
        self.move(key, PENDING, who=who)

    @override
    def meddle(self, key: str, who: str, answer: Answer = "approve") -> None:
        self.answer(key, answer, who=who)

    @override
    def shelve(self, key: str, *, who: str = "alex") -> None:
        """“Changes requested” is an answer only where the settings of the connector say so."""
        self.move(key, CHANGES, who=who)

    @override
    def finish(self, key: str, *, who: str = "") -> None:
        self.move(key, CLOSED, who=who or "megan")

    @override
    def edit_text(self, key: str, text: str, *, who: str = "megan") -> None:
        self._edit(key, who, description=text)

    @override
    def relabel(self, key: str, order: str, *, who: str = "megan") -> None:
        self._edit(key, who, labels=_labels(order) or ["something-else"])

    @override
    def make(self, summary: str, order: str = "", *, who: str = "megan") -> str:
        made = self._do(who, "create", project="OPS", summary=summary, labels=_labels(order))
        return str(made)

    @override
    def impostor(self, key: str) -> str:
        made = self.make("Lunch", self.ticket(key).order)
        self.answer(made, "approve")
        return made

    @override
    def delete(self, key: str) -> None:
        self._do("megan", "delete", key=key)

    @override
    def webhook(self, key: str, *, secret: str | None = None, body: bytes | None = None) -> Signed:
        (issue,) = self.at.state(key)
        item = {"field": "status", "fieldId": "status", "from": PENDING, "to": APPROVED}
        payload = {
            "timestamp": int(time.time() * 1000),
            "webhookEvent": "jira:issue_updated",
            "issue_event_type_name": "issue_generic",
            "user": {"accountId": ALEX.account_id},
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

    def _edit(self, key: str, who: str, **fields: Any) -> None:
        self._do(who, "edit", key=key, fields=fields)

    def _do(self, who: str, action: str, **more: Any) -> Any:
        return self.at.act({"as": who, "action": action, **more})["result"]


def _labels(order: str) -> list[str]:
    return [MARK, f"{MARK}-open", f"{MARK}-{order}"] if order else []
