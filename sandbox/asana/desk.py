"""Asana as the people at work in it use it: approvals that are assigned to them."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from typing_extensions import override

from countersign.sandbox.asana.hooks import signed
from countersign.sandbox.asana.people import (
    ALEX,
    BOT,
    BY_LOGIN,
    CHANGES_FIELD,
    ORDER_FIELD,
    PROJECT,
)
from countersign.sandbox.asana.server import WEBHOOK_SECRET
from countersign.sandbox.desk import Answer, Desk, Signed, Ticket

STATUSES = {"approve": "approved", "reject": "rejected", "modify": "changes_requested"}
DONE = "closed "


class AsanaDesk(Desk):
    """Tasks of one project."""

    name = "asana"
    people: Mapping[str, str] = {login: user.gid for login, user in BY_LOGIN.items()}
    create: Mapping[str, str] = {"method": "POST", "path": "/tasks$"}
    searching = "/tasks$"
    lags = False

    @override
    def read(self, stored: Mapping[str, Any]) -> Ticket:
        order = _field(stored, ORDER_FIELD)
        asked = [stored["assignee"], *stored["followers"]]
        return Ticket(
            id=stored["gid"],
            key=stored["gid"],
            order=order.removeprefix(DONE),
            open=bool(order) and not order.startswith(DONE),
            ours=stored["created_by"]["gid"] == BOT.gid,
            state=stored.get("approval_status") or "task",
            asks=stored.get("approval_status") == "pending"
            and any(each and each["gid"] == ALEX.gid for each in asked),
            summary=stored["name"],
            text=stored["notes"],
            comments=tuple(
                each["text"]
                for each in stored["stories"]
                if each["resource_subtype"] == "comment_added"
            ),
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
        """With changes these are written into their field, and changes are requested."""
        if changes:
            self.update(key, who, custom_fields={CHANGES_FIELD: changes})
        if comment:
            self.comment(key, comment, who=who)
        status = STATUSES["modify" if changes and answer != "reject" else answer]
        self.update(key, who, approval_status=status)
        return f"sets {key} to {status}"

    @override
    def comment(self, key: str, text: str, *, who: str = "alex") -> None:
        self.at.act({"user": who, "do": "comment", "gid": key, "text": text})

    @override
    def reopen(self, key: str, *, who: str = "alex") -> None:
        self.update(key, who, resource_subtype="approval", approval_status="pending")

    @override
    def meddle(self, key: str, who: str, answer: Answer = "approve") -> None:
        """Everybody who sees a task can answer its approval."""
        self.answer(key, answer, who=who)

    @override
    def shelve(self, key: str, *, who: str = "alex") -> None:
        self.at.act({"user": who, "do": "move", "gid": key, "section": "In review"})

    @override
    def finish(self, key: str, *, who: str = "") -> None:
        """Made a plain task, and completed."""
        self.update(key, who or "admin", resource_subtype="default_task", completed=True)

    @override
    def edit_text(self, key: str, text: str, *, who: str = "megan") -> None:
        self.update(key, who, notes=text)

    @override
    def relabel(self, key: str, order: str, *, who: str = "megan") -> None:
        self.update(key, who, custom_fields={ORDER_FIELD: order})

    @override
    def make(self, summary: str, order: str = "", *, who: str = "megan") -> str:
        values: dict[str, Any] = {
            "projects": [PROJECT],
            "name": summary,
            "resource_subtype": "approval",
        }
        if order:
            values["custom_fields"] = {ORDER_FIELD: order}
        made = self.at.act({"user": who, "do": "create", "values": values})
        return str(made["gid"])

    @override
    def impostor(self, key: str) -> str:
        made = self.make(f"Copy of {key}", self.ticket(key).order, who="mallory")
        self.answer(made, "approve")
        return made

    @override
    def delete(self, key: str) -> None:
        self.at.act({"user": "admin", "do": "delete", "gid": key})

    @override
    def webhook(self, key: str, *, secret: str | None = None, body: bytes | None = None) -> Signed:
        event = {
            "user": {"gid": ALEX.gid, "resource_type": "user"},
            "created_at": "2026-11-25T10:00:00.000Z",
            "action": "changed",
            "resource": {"gid": key, "resource_type": "task", "resource_subtype": "approval"},
            "parent": None,
            "change": {"field": "approval_status", "action": "changed"},
        }
        headers, raw = signed(secret or WEBHOOK_SECRET, [event])
        if body is not None:
            headers, raw = {**headers, **_signature(secret or WEBHOOK_SECRET, body)}, body
        if secret == "":
            del headers["X-Hook-Signature"]
        return headers, raw

    def update(self, key: str, who: str, **values: Any) -> None:
        """Change any field."""
        self.at.act({"user": who, "do": "update", "gid": key, "values": values})


def _signature(secret: str, body: bytes) -> dict[str, str]:
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"X-Hook-Signature": digest}


def _field(stored: Mapping[str, Any], gid: str) -> str:
    values = {each["gid"]: each["text_value"] for each in stored["custom_fields"]}
    return values.get(gid) or ""
