"""The ServiceNow connector on the stand-in, over HTTP, for the suite of ticket connectors."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from pydantic import SecretStr

from countersign.approvals.ports import TicketConnector
from countersign.approvals.tickets import TicketRef
from countersign.bot.clock import SystemClock
from countersign.connectors.servicenow.connector import ServiceNowConnector
from countersign.connectors.servicenow.settings import BasicAuth, ServiceNowSettings
from countersign.sandbox._faults import Fault
from countersign.sandbox.servicenow.outbound import SIGNATURE_HEADER, TIMESTAMP_HEADER, sign
from countersign.sandbox.servicenow.people import (
    ADMINISTRATOR,
    ALEX,
    APPROVAL_ADMIN,
    BOT,
    MALLORY,
    MEGAN,
    SAM,
)
from countersign.sandbox.servicenow.persons import Person
from countersign.sandbox.servicenow.server import ServiceNow
from countersign.testing.suites.ticket_system import (
    Delivered,
    Elsewhere,
    Implementation,
    Outside,
    Who,
)
from tests.doubles.links import links

SECRET = "shared-secret"
_STATES = {Elsewhere.UNMAPPED: "-4", Elsewhere.CLOSED: "4"}
"""Assess, and cancelled."""


def settings_for(url: str, *, secrets: tuple[str, ...] = (SECRET,)) -> ServiceNowSettings:
    """The integration user of the stand-in, and everything else as it is by default."""
    return ServiceNowSettings(
        url=url,
        auth=BasicAuth(kind="basic", user=BOT.user_name, password=SecretStr(BOT.password)),
        changes_field="u_requested_changes",
        webhook_secrets=tuple(SecretStr(secret) for secret in secrets),
    )


class InServiceNow:
    """Implements `countersign.testing.suites.ticket_system.Outside`."""

    def __init__(self, snow: ServiceNow) -> None:
        self.snow = snow
        self.connector: TicketConnector = self._connector(SECRET)
        self.people = {
            Who.BEN: ALEX.user_name,
            Who.CARA: SAM.user_name,
            Who.ERIN: MEGAN.user_name,
            Who.STRANGER: MALLORY.user_name,
            Who.OWN: BOT.user_name,
        }

    async def approve(self, ref: TicketRef, who: Who, comment: str = "") -> None:
        self._answering(who).approve(ref.id, comment)

    async def reject(self, ref: TicketRef, who: Who, comment: str = "") -> None:
        self._answering(who).reject(ref.id, comment)

    async def ask_changes(self, ref: TicketRef, who: Who, text: str) -> None:
        self._answering(who).approve(ref.id, changes=text)

    async def move(self, ref: TicketRef, who: Who, state: Elsewhere) -> None:
        self._as(who).move(ref.id, _STATES[state])

    async def reopen(self, ref: TicketRef, who: Who) -> None:
        self._answering(who).reopen(ref.id)

    async def comment(self, ref: TicketRef, who: Who, text: str) -> None:
        """On the record, and on every approval: the worst place for it."""
        self._as(who).comment(ref.id, text)
        for approval in self.snow.approvals(ref.id):
            person = self._answering(who)
            person.edit("sysapproval_approver", approval["sys_id"], {"comments": text})

    async def edit_text(self, ref: TicketRef, who: Who, text: str) -> None:
        self._as(who).edit("change_request", ref.id, {"description": text})

    async def relabel(self, ref: TicketRef, who: Who, key: str) -> None:
        self._as(who).edit("change_request", ref.id, {"correlation_id": key})

    async def delete(self, ref: TicketRef) -> None:
        self.snow.as_person(ADMINISTRATOR.user_name).delete("change_request", ref.id)

    async def foreign_ticket_with(self, key: str) -> TicketRef:
        values = {"short_description": "Mine", "correlation_id": key}
        row = self._as(Who.ERIN).add("change_request", values)
        return TicketRef(id=row["sys_id"], key=row["number"], url=self.snow.url)

    async def text(self, ref: TicketRef) -> str:
        (change,) = (one for one in self.snow.changes() if one["sys_id"] == ref.id)
        return f"{change['short_description']}\n{change['description']}"

    async def comments(self, ref: TicketRef) -> list[str]:
        rows = [ref.id, *(row["sys_id"] for row in self.snow.approvals(ref.id))]
        return [entry["value"] for sys_id in rows for entry in self.snow.journal(sys_id)]

    async def open_tickets(self) -> list[str]:
        return [
            change["number"]
            for change in self.snow.changes()
            if change["correlation_display"] == "agent-approval:open"
        ]

    def requests(self) -> int:
        return len(self.snow.requests)

    @contextmanager
    def outage(self, *, retry_after_s: int | None = None) -> Iterator[None]:
        self.snow.faults.fail(429, retry_after_s=retry_after_s, times=1_000_000)
        try:
            yield
        finally:
            self.snow.faults.clear()

    def unanswered(self) -> None:
        for method in ("POST", "PATCH"):
            self.snow.faults.add(Fault(kind="reset_after", method=method))

    def lag_index(self) -> None:
        """Reads follow writes."""

    def catch_up(self) -> None:
        """They always have."""

    def webhook_for(self, ref: TicketRef) -> Delivered:
        approval = self.snow.approvals(ref.id)[0]
        return self._delivery(
            {
                "table": "sysapproval_approver",
                "sys_id": approval["sys_id"],
                "task": ref.id,
                "correlation_id": self.snow.change(ref.id)["correlation_id"],
                "state": approval["state"],
                "sys_updated_on": approval["sys_updated_on"],
            }
        )

    def webhook_elsewhere(self) -> Delivered:
        return self._delivery({"table": "incident", "sys_id": "0" * 32, "state": "2"})

    def without_secret(self) -> TicketConnector:
        return self._connector()

    def _connector(self, *secrets: str) -> ServiceNowConnector:
        settings = settings_for(self.snow.url, secrets=secrets)
        return ServiceNowConnector(settings, SystemClock(), links("https://approvals.example"))

    def _as(self, who: Who) -> Person:
        return self.snow.as_person(self.people[who])

    def _answering(self, who: Who) -> Person:
        """The person, with what it takes to answer also what others were asked."""
        if who not in (Who.BEN, Who.CARA):
            self.snow.grant(self.people[who], APPROVAL_ADMIN)
        return self._as(who)

    def _delivery(self, payload: dict[str, str]) -> Delivered:
        body, timestamp = json.dumps(payload), str(int(time.time()))
        headers = {TIMESTAMP_HEADER: timestamp, SIGNATURE_HEADER: sign(SECRET, timestamp, body)}
        return headers, body.encode()


@asynccontextmanager
async def _open() -> AsyncIterator[Outside]:
    async with ServiceNow.start() as snow:
        outside = InServiceNow(snow)
        try:
            yield outside
        finally:
            await outside.connector.close_client()


SERVICENOW = Implementation("servicenow", _open)
