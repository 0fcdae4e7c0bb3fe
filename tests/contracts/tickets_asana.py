"""The Asana connector on the stand-in, over HTTP, for the suite of ticket connectors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic import SecretStr
from typing_extensions import override

from countersign.approvals.ports import TicketConnector
from countersign.approvals.tickets import TicketRef
from countersign.bot.clock import SystemClock
from countersign.connectors.asana.connector import AsanaConnector
from countersign.connectors.asana.settings import AsanaSettings
from countersign.sandbox.asana.desk import AsanaDesk
from countersign.sandbox.asana.hooks import signed
from countersign.sandbox.asana.people import BOT, CHANGES_FIELD, ORDER_FIELD, PROJECT
from countersign.sandbox.asana.server import Asana
from countersign.testing.suites.ticket_system import Delivered, Implementation, Outside
from tests.contracts.at_desk import AtDesk
from tests.doubles.links import links

SECRET = "shared-secret"


def settings_for(url: str, *, secrets: tuple[str, ...] = (SECRET,)) -> AsanaSettings:
    """Our account in the stand-in, and everything else as it is by default."""
    return AsanaSettings(
        url=url,
        token=SecretStr(BOT.token),
        account=BOT.gid,
        project=PROJECT,
        order_field=ORDER_FIELD,
        changes_field=CHANGES_FIELD,
        webhook_secrets=tuple(SecretStr(secret) for secret in secrets),
    )


class InAsana(AtDesk):
    """Implements `countersign.testing.suites.ticket_system.Outside`."""

    def __init__(self, asana: Asana) -> None:
        self._desk = AsanaDesk(asana)
        super().__init__(self._desk, asana)
        self.asana = asana
        self.connector: TicketConnector = self._connector(SECRET)

    @override
    def calls_for(self, tickets: int) -> int:
        """Ten of what a batch reads: a task, and its history."""
        return 2 + -(-tickets // 10) * 2

    def unanswered(self) -> None:
        self.asana.loses_answer = True

    def lag_index(self) -> None:
        self.asana.api.lagging = True

    def catch_up(self) -> None:
        self.asana.api.lagging = False

    def webhook_for(self, ref: TicketRef) -> Delivered:
        return self._desk.webhook(ref.key, secret=SECRET)

    def webhook_elsewhere(self) -> Delivered:
        project = {"gid": PROJECT, "resource_type": "project"}
        return signed(SECRET, [{"action": "changed", "resource": project, "parent": None}])

    def without_secret(self) -> TicketConnector:
        return self._connector()

    def _connector(self, *secrets: str) -> AsanaConnector:
        settings = settings_for(self.asana.url, secrets=secrets)
        return AsanaConnector(settings, SystemClock(), links("https://approvals.example"))


@asynccontextmanager
async def _open() -> AsyncIterator[Outside]:
    async with Asana.start() as asana:
        outside = InAsana(asana)
        try:
            yield outside
        finally:
            await outside.connector.close_client()


ASANA = Implementation("asana", _open)
