"""The ServiceNow connector on the stand-in, over HTTP, for the suite of ticket connectors."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic import SecretStr
from typing_extensions import override

from countersign.approvals.ports import TicketConnector
from countersign.approvals.tickets import TicketRef
from countersign.bot.clock import SystemClock
from countersign.connectors.servicenow.connector import ServiceNowConnector
from countersign.connectors.servicenow.settings import BasicAuth, ServiceNowSettings
from countersign.sandbox._faults import Fault
from countersign.sandbox.servicenow.desk import ASSESS, CANCELED, ServiceNowDesk
from countersign.sandbox.servicenow.outbound import SIGNATURE_HEADER, TIMESTAMP_HEADER, sign
from countersign.sandbox.servicenow.people import APPROVAL_ADMIN, BOT
from countersign.sandbox.servicenow.persons import APPROVER_TABLE
from countersign.sandbox.servicenow.server import ServiceNow
from countersign.testing.suites.ticket_system import (
    Delivered,
    Elsewhere,
    Implementation,
    Outside,
    Who,
)
from tests.contracts.at_desk import LOGINS, AtDesk
from tests.doubles.links import links

SECRET = "shared-secret"
_STATES = {Elsewhere.UNMAPPED: ASSESS, Elsewhere.CLOSED: CANCELED}


def settings_for(url: str, *, secrets: tuple[str, ...] = (SECRET,)) -> ServiceNowSettings:
    """The integration user of the stand-in, and everything else as it is by default."""
    return ServiceNowSettings(
        url=url,
        auth=BasicAuth(kind="basic", user=BOT.user_name, password=SecretStr(BOT.password)),
        changes_field="u_requested_changes",
        webhook_secrets=tuple(SecretStr(secret) for secret in secrets),
    )


class InServiceNow(AtDesk):
    """Implements `countersign.testing.suites.ticket_system.Outside`."""

    def __init__(self, snow: ServiceNow) -> None:
        self._desk = ServiceNowDesk(snow)
        super().__init__(self._desk, snow)
        self.snow = snow
        self.connector: TicketConnector = self._connector(SECRET)

    @override
    async def move(self, ref: TicketRef, who: Who, state: Elsewhere) -> None:
        """The change itself, not the approvals on it."""
        self._desk.move(ref.key, _STATES[state], who=LOGINS[who])

    @override
    async def comment(self, ref: TicketRef, who: Who, text: str) -> None:
        """On the record, and on every approval: the worst place for it."""
        self.snow.as_person(self.people[who]).comment(ref.id, text)
        self.let_answer(who)
        for approval in self.snow.approvals(ref.id):
            self._desk.edit(APPROVER_TABLE, approval["sys_id"], who=LOGINS[who], comments=text)

    @override
    def let_answer(self, who: Who) -> None:
        """Also what others were asked."""
        if who not in (Who.BEN, Who.CARA):
            self.snow.grant(self.people[who], APPROVAL_ADMIN)

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
