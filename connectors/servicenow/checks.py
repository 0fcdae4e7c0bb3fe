"""Checks of an instance for `countersign doctor`; each result says what to do about it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from countersign.approvals.errors import CountersignError, InvalidError
from countersign.approvals.tickets import CheckResult
from countersign.connectors.servicenow import query, wire
from countersign.connectors.servicenow.client import ServiceNowClient
from countersign.connectors.servicenow.records import users
from countersign.connectors.servicenow.settings import BasicAuth, ServiceNowSettings

NOBODY = "no-such-value-7f3k2m9q"
"""A query for it finds nothing, unless the instance does not know the column and leaves it out."""
Look = Callable[[], Awaitable[str]]


class _WrongError(Exception):
    """What was found, and what to do."""


class Checks:
    """All checks of one instance. They only read."""

    def __init__(
        self, client: ServiceNowClient, settings: ServiceNowSettings, approvers: Sequence[str]
    ):
        self._client, self._settings = client, settings
        named = [name for who, others in settings.delegates.items() for name in (who, *others)]
        self._people = sorted({*approvers, *named})

    async def run(self) -> list[CheckResult]:
        """The results, the most basic first; without a connection there is nothing else to say."""
        reached = await self._look("connection", self._connection)
        results = [reached]
        if reached.ok:
            results += [
                await self._look(f"table {self._settings.table}", self._record_columns),
                await self._look("approvals", self._approval_columns),
                await self._look("who answered", self._audit),
                await self._look("approvers", self._approvers),
            ]
        return [*results, await self._look("webhook secret", self._secret)]

    async def _look(self, name: str, look: Look) -> CheckResult:
        try:
            return CheckResult(name=name, ok=True, said=await look())
        except (_WrongError, CountersignError) as exc:
            return CheckResult(name=name, ok=False, said=str(exc))

    async def _connection(self) -> str:
        own = self._settings.own_user
        rows = await self._client.rows(
            "sys_user", query.equals("user_name", own), ("user_name", "active", "time_zone")
        )
        mine = [row for row in rows if self._settings.is_own(wire.text(row, "user_name"))]
        if not mine:
            setting = "auth.user" if isinstance(self._settings.auth, BasicAuth) else "user"
            raise _WrongError(
                f"There is no user {own}, or it cannot read itself; set "
                f"connectors.servicenow.{setting} to the User ID of our user, and let it read "
                "sys_user."
            )
        zone = wire.text(mine[0], "time_zone")
        advice = "" if zone in ("GMT", "UTC", "Etc/UTC") else "; its time zone should be GMT"
        return f"{self._settings.url} as {own}{advice}"

    async def _record_columns(self) -> str:
        table = self._settings.table
        await self._require_filters(table, ("correlation_id", "correlation_display"))
        ends = [name for steps in self._settings.close.values() for step in steps for name in step]
        wanted = ["short_description", "description", *self._settings.fields, *ends]
        if self._settings.decide_by != "approvers":
            wanted += [self._settings.decide_by.field, *self._changes()]
        await self._require_columns(table, wanted)
        return "can be read; whether we may write shows with the first ticket"

    async def _approval_columns(self) -> str:
        if self._settings.decide_by != "approvers":
            return "not used: a column of the record decides"
        filters = ("state", "sysapproval.correlation_display", "approver.user_name")
        await self._require_filters(wire.APPROVALS, filters)
        await self._require_columns(wire.APPROVALS, self._changes())
        return "can be read"

    async def _audit(self) -> str:
        """An answer that was given must have left a trace; on a new instance there is none."""
        if self._settings.decide_by != "approvers":
            return "looked up in the audit when somebody decides"
        asked = query.all_of(
            query.any_of("state", ("approved", "rejected")),
            "sys_mod_count>0",
            "ORDERBYDESCsys_updated_on",
        )
        rows = await self._client.rows(wire.APPROVALS, asked, ("sys_id", "sys_mod_count"), most=1)
        ids = [found for row in rows if (found := wire.sys_id(row))]
        if not ids:
            return "nobody has answered an approval yet; look again afterwards"
        trace = query.any_of("documentkey", ids)
        entries = await self._client.rows("sys_audit", trace, ("documentkey",), most=1)
        if [wire.text(entry, "documentkey") for entry in entries] != ids[:1]:
            raise _WrongError(
                "The audit has no entry for the last answer: let our user read sys_audit, and "
                f"switch auditing on for {wire.APPROVALS}. Without it the last writer of an "
                "approval counts as who answered it, and comments come from sys_journal_field."
            )
        return "found in the audit"

    async def _approvers(self) -> str:
        if not self._people:
            return "looked up when a ticket is opened"
        own = [name for name in self._people if self._settings.is_own(name)]
        if own:
            raise _WrongError(
                f"{own[0]} is our own user, which opens the tickets and so cannot decide them; "
                "correct `identities: {servicenow: …}` in `people`, or give the integration a "
                "user of its own (connectors.servicenow.auth)."
            )
        found = await users(self._client, self._people)
        missing = [name for name in self._people if name.casefold() not in found]
        if missing:
            raise _WrongError(
                f"No active user {', '.join(missing)}; correct `identities: {{servicenow: …}}` in "
                "`people`, or connectors.servicenow.delegates."
            )
        return f"{len(self._people)} known and active"

    async def _secret(self) -> str:
        if self._settings.webhook_secrets:
            return "set"
        return "not set: decisions are found by polling only (webhook_secret_env)"

    async def _require_filters(self, table: str, columns: Sequence[str]) -> None:
        """Raise if the instance leaves a condition on one of these text columns out."""
        unknown = []
        for column in columns:
            nothing = query.equals(column, NOBODY)
            try:
                rows = await self._client.rows(table, nothing, ("sys_id",), most=1)
            except InvalidError as exc:
                raise _WrongError(f"{table}: {exc}") from exc
            if rows:
                unknown.append(column)
        _require_none(table, unknown)

    async def _require_columns(self, table: str, columns: Sequence[str]) -> None:
        """Raise if one of these is left out of what the instance answers; it can only be seen where
        there is a row."""
        rows = await self._client.rows(table, "ORDERBYDESCsys_created_on", columns, most=1)
        _require_none(table, [c for c in dict.fromkeys(columns) if rows and c not in rows[0]])

    def _changes(self) -> tuple[str, ...]:
        return (self._settings.changes_field,) if self._settings.changes_field else ()


def _require_none(table: str, unknown: Sequence[str]) -> None:
    if unknown:
        raise _WrongError(
            f"{table} has no column {', '.join(unknown)}, or our user may not read it; correct "
            "connectors.servicenow, or give read access."
        )
