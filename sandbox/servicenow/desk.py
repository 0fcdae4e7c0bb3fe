"""ServiceNow as the people at work in it use it: approvals that hang on a change request."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from typing_extensions import override

from countersign.sandbox.desk import (
    MARK,
    Answer,
    Desk,
    NotDoneError,
    Signed,
    Ticket,
)
from countersign.sandbox.servicenow.outbound import SIGNATURE_HEADER, TIMESTAMP_HEADER, sign
from countersign.sandbox.servicenow.people import (
    ADELE,
    ADMINISTRATOR,
    ALEX,
    BOT,
    BY_NAME,
    MALLORY,
    MEGAN,
    SAM,
)
from countersign.sandbox.servicenow.persons import APPROVER_TABLE
from countersign.sandbox.servicenow.server import WEBHOOK_SECRET

CHANGE = "change_request"
ASSESS, CANCELED = "-4", "4"
"""States of a change."""


class ServiceNowDesk(Desk):
    """Changes, each with an approval for everybody who is asked."""

    name = "servicenow"
    people: Mapping[str, str] = {
        "alex": ALEX.user_name,
        "sam": SAM.user_name,
        "megan": MEGAN.user_name,
        "adele": ADELE.user_name,
        "mallory": MALLORY.user_name,
        "bot": BOT.user_name,
        "admin": ADMINISTRATOR.user_name,
    }
    create: Mapping[str, str] = {"method": "POST", "path": "/table/change_request$"}
    searching = "/table/sysapproval_approver$"
    lags = False
    """The Table API reads the database that it writes."""

    @override
    def read(self, stored: Mapping[str, Any]) -> Ticket:
        approvals = stored["approvals"]
        return Ticket(
            id=stored["sys_id"],
            key=stored["number"],
            order=stored["correlation_id"],
            open=stored["correlation_display"] == f"{MARK}:open",
            ours=stored["sys_created_by"] == BOT.user_name,
            state=stored["approval"],
            asks=any(
                row["state"] == "requested" and row["approver.user_name"] == ALEX.user_name
                for row in approvals
            ),
            summary=stored["short_description"],
            text=stored["description"],
            comments=_said(stored),
            aside=tuple(said for row in approvals for said in _said(row)),
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
        in_one_step: bool = True,
    ) -> str:
        """With changes it is approved: the connector reads the field for them."""
        do = "reject" if answer == "reject" else "approve"
        self._do(who, do, number=key, comment=comment, changes=changes)
        return f"rejects {key}" if do == "reject" else f"approves {key}"

    @override
    def comment(self, key: str, text: str, *, who: str = "alex") -> None:
        """On their own approval, if they are asked; else on the change."""
        own = self._approval(key, who)
        if own is None:
            self._do(who, "comment", number=key, comment=text)
        else:
            self.edit(APPROVER_TABLE, own["sys_id"], who=who, comments=text)

    @override
    def reopen(self, key: str, *, who: str = "alex") -> None:
        self._do(who, "reopen", number=key)

    @override
    def meddle(self, key: str, who: str, answer: Answer = "approve") -> None:
        """Whoever may not write Alex's approval is given one of their own by an administrator."""
        try:
            self.answer(key, answer, who=who)
        except NotDoneError:
            self._ask(key, who, by="admin")
            self.answer(key, answer, who=who)

    @override
    def shelve(self, key: str, *, who: str = "alex") -> None:
        approval = self._change(key)["approvals"][0]
        self.edit(APPROVER_TABLE, approval["sys_id"], who=who, state="duplicate")

    @override
    def finish(self, key: str, *, who: str = "") -> None:
        self.move(key, CANCELED, who=who or "admin")

    def move(self, key: str, state: str, *, who: str) -> None:
        """Set the state of the change."""
        self.edit(CHANGE, self._change(key)["sys_id"], who=who, state=state)

    @override
    def edit_text(self, key: str, text: str, *, who: str = "megan") -> None:
        self.edit(CHANGE, self._change(key)["sys_id"], who=who, description=text)

    @override
    def relabel(self, key: str, order: str, *, who: str = "megan") -> None:
        mark = f"{MARK}:open" if order else "something else"
        marks = {"correlation_display": mark, "correlation_id": order}
        self.edit(CHANGE, self._change(key)["sys_id"], who=who, **marks)

    @override
    def make(self, summary: str, order: str = "", *, who: str = "megan") -> str:
        marks = {"correlation_id": order, "correlation_display": f"{MARK}:open"} if order else {}
        made = self._do(who, "add", table=CHANGE, values={"short_description": summary, **marks})
        return str(made["number"])

    @override
    def impostor(self, key: str) -> str:
        made = self.make("Lunch", self.ticket(key).order, who="mallory")
        self._ask(made, "alex", by="mallory")
        self.answer(made, "approve")
        return made

    @override
    def delete(self, key: str) -> None:
        self._do("admin", "delete", table=CHANGE, sys_id=self._change(key)["sys_id"])

    @override
    def webhook(self, key: str, *, secret: str | None = None, body: bytes | None = None) -> Signed:
        change = self._change(key)
        payload = {
            "table": CHANGE,
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

    def edit(self, table: str, sys_id: str, *, who: str, **values: str) -> None:
        """Change any record."""
        self._do(who, "edit", table=table, sys_id=sys_id, values=values)

    def _change(self, key: str) -> dict[str, Any]:
        return self.at.state(key)[0]

    def _approval(self, key: str, who: str) -> Mapping[str, Any] | None:
        rows = self._change(key)["approvals"]
        return next((r for r in rows if r["approver.user_name"] == self.people[who]), None)

    def _ask(self, key: str, who: str, *, by: str) -> None:
        approver = BY_NAME[self.people[who]].sys_id
        asked = {"approver": approver, "sysapproval": self._change(key)["sys_id"]}
        self._do(by, "add", table=APPROVER_TABLE, values={**asked, "state": "requested"})

    def _do(self, who: str, do: str, **more: Any) -> Any:
        return self.at.act({"user": self.people[who], "do": do, **more})


def _said(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(entry["value"] for entry in row["journal"])
