"""The instance as a whole: API, page, control routes, and handles for tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from countersign.sandbox._faults import Fault, Faults
from countersign.sandbox._record import Recorded, Recorder
from countersign.sandbox._serve import LOOPBACK, serve
from countersign.sandbox._wire import application
from countersign.sandbox.desk import NotDoneError
from countersign.sandbox.servicenow.access import user_named
from countersign.sandbox.servicenow.api import TableApi
from countersign.sandbox.servicenow.control import act, control_routes
from countersign.sandbox.servicenow.errors import RestError, error_body
from countersign.sandbox.servicenow.instance import RETURNS_NO_ROWS, Instance
from countersign.sandbox.servicenow.options import Options
from countersign.sandbox.servicenow.outbound import Outbound, Post
from countersign.sandbox.servicenow.pages import Pages
from countersign.sandbox.servicenow.people import BOT, USERS
from countersign.sandbox.servicenow.persons import APPROVER_TABLE, Person, find_task
from countersign.sandbox.servicenow.tables import Row
from countersign.sandbox.servicenow.tokens import (
    API_KEY,
    CLIENT_ID,
    CLIENT_SECRET,
    Tokens,
)

WEBHOOK_SECRET = "sandbox-webhook-secret"  # noqa: S105 (of a stand-in)


def _fault_body(fault: Fault) -> dict[str, Any]:
    if fault.status == 429:
        return error_body("Rate limit exceeded", "Too many requests")
    return error_body("Transaction failed", fault.code)


class ServiceNow:
    """A running instance: where it is, what it holds, its people, and its switches."""

    def __init__(self, instance: Instance, tokens: Tokens) -> None:
        self._instance, self._tokens = instance, tokens
        self._recorder = Recorder()
        self.faults = Faults()
        self.options = instance.options
        self.url = ""

    @classmethod
    @asynccontextmanager
    async def start(
        cls,
        *,
        db_path: Path | None = None,
        host: str = LOOPBACK,
        port: int = 0,
        rule_url: str | None = None,
        rule_secret: str = WEBHOOK_SECRET,
        options: Options | None = None,
    ) -> AsyncIterator[ServiceNow]:
        """Serve until the block ends; without `db_path` everything is kept in memory.

        `rule_url` is where the business rule posts; it may be set later.
        """
        options = options or Options()
        instance = Instance(db_path, options, Outbound(options, rule_url, rule_secret))
        snow = cls(instance, Tokens(options))
        app = application(snow.faults, snow._recorder, _fault_body)
        app.add_routes(TableApi(instance, snow._tokens).routes())
        app.add_routes(Pages(instance).routes())
        app.add_routes(control_routes(snow))
        try:
            async with serve(app, host=host, port=port) as snow.url:
                yield snow
        finally:
            await instance.outbound.stop()
            instance.store.close()

    @property
    def requests(self) -> list[Recorded]:
        """What was asked, oldest first, failed attempts included."""
        return self._recorder.matching()

    @property
    def posts(self) -> list[Post]:
        """What the business rule posted, oldest first."""
        return self._instance.outbound.posts

    @property
    def rule_url(self) -> str | None:
        """Where the business rule posts; None switches it off."""
        return self._instance.outbound.url

    @rule_url.setter
    def rule_url(self, url: str | None) -> None:
        self._instance.outbound.url = url

    @property
    def rule_secret(self) -> str:
        """What the business rule signs with."""
        return self._instance.outbound.secret

    @rule_secret.setter
    def rule_secret(self, secret: str) -> None:
        self._instance.outbound.secret = secret

    @property
    def latency_s(self) -> float:
        """What every request takes at least."""
        return self.faults.latency_s

    @latency_s.setter
    def latency_s(self, latency_s: float) -> None:
        self.faults.latency_s = latency_s

    @property
    def clock_offset_s(self) -> float:
        """How far the instance's clock is ahead."""
        return self.options.clock_offset_s

    @clock_offset_s.setter
    def clock_offset_s(self, offset_s: float) -> None:
        self.options.clock_offset_s = offset_s

    @property
    def invalid_query_returns_no_rows(self) -> bool:
        """The property `glide.invalid_query.returns_no_rows`."""
        return self._instance.property(RETURNS_NO_ROWS) == "true"

    @invalid_query_returns_no_rows.setter
    def invalid_query_returns_no_rows(self, value: bool) -> None:
        self._instance.set_property(RETURNS_NO_ROWS, str(value).lower())

    def as_person(self, user_name: str) -> Person:
        """Act as a user of the instance. Raises LookupError."""
        return Person(self._instance, user_named(user_name))

    def grant(self, user_name: str, role: str) -> None:
        """Give a role."""
        self._instance.access.roles[user_name].add(role)

    def revoke(self, user_name: str, role: str) -> None:
        """Take a role away, such as `approval_admin` from the integration user."""
        self._instance.access.roles[user_name].discard(role)

    def hide(self, sys_id: str) -> None:
        """From now on an access rule hides the record from all but an administrator."""
        self._instance.access.hidden.add(sys_id)

    def show(self, sys_id: str) -> None:
        """The record can be seen again."""
        self._instance.access.hidden.discard(sys_id)

    def expire_tokens(self) -> None:
        """Every access token has expired; refresh tokens are still good."""
        self._tokens.expire()

    def rows(self, table: str) -> list[Row]:
        """Every record of a table as stored, oldest first."""
        return [dict(row) for row in self._instance.store.all(table)]

    def changes(self) -> list[Row]:
        """Every change request as stored, oldest first."""
        return self.rows("change_request")

    def change(self, number: str) -> Row:
        """One record by its number or sys_id. Raises LookupError."""
        return dict(find_task(self._instance, number)[1])

    def approvals(self, number: str) -> list[Row]:
        """The approvals of a record, oldest first, each with `approver.user_name`."""
        sys_id = self.change(number)["sys_id"]
        names = {user.sys_id: user.user_name for user in USERS}
        return [
            {**row, "approver.user_name": names.get(row["approver"], "")}
            for row in self._instance.store.matching(APPROVER_TABLE, sysapproval=sys_id)
        ]

    def journal(self, sys_id: str) -> list[Row]:
        """Comments and work notes of a record, oldest first (rows of `sys_journal_field`)."""
        return [
            dict(r) for r in self._instance.store.matching("sys_journal_field", element_id=sys_id)
        ]

    def act(self, what: Mapping[str, Any]) -> Any:
        """See `sandbox.desk.Switches`."""
        try:
            return act(self, what)
        except RestError as error:
            raise NotDoneError(error.status, str(error)) from error
        except LookupError as error:
            raise NotDoneError(422, str(error)) from error

    def state(self, key: str | None = None) -> list[dict[str, Any]]:
        """See `sandbox.desk.Switches`; each with its `approvals`, and all with their `journal`."""
        try:
            found = self.changes() if key is None else [self.change(key)]
        except LookupError as error:
            raise NotDoneError(404, str(error)) from error
        return [
            {
                **change,
                "journal": self.journal(change["sys_id"]),
                "approvals": [
                    {**approval, "journal": self.journal(approval["sys_id"])}
                    for approval in self.approvals(change["sys_id"])
                ],
            }
            for change in found
        ]

    def notify(self, url: str | None) -> None:
        """Let the business rule post there; None switches it off."""
        self.rule_url = url

    async def settled(self) -> None:
        """Wait until the business rule has nothing on its way."""
        await self._instance.outbound.settled()

    def ready(self) -> dict[str, Any]:
        """The ready line."""
        return {
            "url": self.url,
            "user": BOT.user_name,
            "password": BOT.password,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "api_key": API_KEY,
            "webhook_secret": self.rule_secret,
            "rule_url": self.rule_url,
            "users": [
                {
                    "user_name": user.user_name,
                    "password": user.password,
                    "sys_id": user.sys_id,
                    "name": user.name,
                    "email": user.email,
                }
                for user in USERS
            ],
        }
