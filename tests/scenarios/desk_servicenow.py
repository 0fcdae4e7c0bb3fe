"""ServiceNow as tests see it: approvals that hang on a change request."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import Any

from countersign.sandbox.servicenow.errors import RestError
from countersign.sandbox.servicenow.outbound import SIGNATURE_HEADER, TIMESTAMP_HEADER, sign
from countersign.sandbox.servicenow.people import BY_NAME
from countersign.sandbox.servicenow.server import WEBHOOK_SECRET, ServiceNow
from tests.scenarios.desks import Signed

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
    """Implements `Desk`."""

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

    def remark(self, key: str, comment: str) -> None:
        found = self.snow.approvals(key)
        (own,) = (row for row in found if row["approver.user_name"] == "alex.wilber")
        alex = self.snow.as_person("alex.wilber")
        alex.edit("sysapproval_approver", own["sys_id"], {"comments": comment})

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
