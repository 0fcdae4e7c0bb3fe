"""Checks of a project for `countersign doctor`; each result says what to do about it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from countersign.approvals.errors import CountersignError, InvalidError, NotFoundError
from countersign.approvals.forms.wording import visible
from countersign.approvals.tickets import CheckResult
from countersign.connectors.asana import wire
from countersign.connectors.asana.api import AsanaApi
from countersign.connectors.asana.settings import AsanaSettings

Look = Callable[[], Awaitable[str]]


class _WrongError(Exception):
    """What was found, and what to do."""


class Checks:
    """All checks of one project. They only read."""

    def __init__(self, api: AsanaApi, settings: AsanaSettings, approvers: Sequence[str]):
        self._api, self._settings = api, settings
        self._people = sorted(set(approvers))

    async def run(self) -> list[CheckResult]:
        """The results, the most basic first; without a connection there is nothing else to say."""
        reached = await self._look("connection", self._connection)
        results = [reached]
        if reached.ok:
            results += [
                await self._look("project", self._project),
                await self._look("fields", self._fields),
                await self._look("events", self._events),
                await self._look("approvers", self._approvers),
            ]
        return [*results, await self._look("webhook secret", self._secret)]

    async def _look(self, name: str, look: Look) -> CheckResult:
        try:
            return CheckResult(name=name, ok=True, said=await look())
        except (_WrongError, CountersignError) as exc:
            return CheckResult(name=name, ok=False, said=str(exc))

    async def _connection(self) -> str:
        me = await self._api.read("/users/me", ("name",))
        gid, name = wire.text(me, "gid"), visible(wire.text(me, "name"))
        if gid != self._settings.account:
            raise _WrongError(
                f"The token is that of {name}; set connectors.asana.account to {gid}."
            )
        return f"{self._settings.url} as {name}"

    async def _project(self) -> str:
        gid = self._settings.project
        try:
            found = await self._api.read(f"/projects/{gid}", ("name", "archived"))
        except NotFoundError as exc:
            raise _WrongError(
                f"There is no project {gid}, or our account may not see it; correct "
                "connectors.asana.project, or share the project with it."
            ) from exc
        name = visible(wire.text(found, "name"))
        if found.get("archived") is True:
            raise _WrongError(f"The project {name} is archived; nobody looks for tasks there.")
        return name

    async def _fields(self) -> str:
        path = f"/projects/{self._settings.project}/custom_field_settings"
        fields = ("custom_field.name", "custom_field.resource_subtype")
        rows = await self._api.pages(path, fields)
        known = {wire.text(row.get("custom_field"), "gid"): row["custom_field"] for row in rows}
        wanted = {"order_field": self._settings.order_field}
        if self._settings.changes_field:
            wanted["changes_field"] = self._settings.changes_field
        names = []
        for key, gid in wanted.items():
            kind = wire.text(known.get(gid), "resource_subtype")
            if kind != "text":
                what = f"is a field of {kind}" if kind else "is not in this project"
                raise _WrongError(
                    f"connectors.asana.{key}: {gid} {what}; add a custom field of text to the "
                    "project, and give its gid."
                )
            names.append(visible(wire.text(known[gid], "name")))
        return ", ".join(names)

    async def _events(self) -> str:
        await self._api.events(self._settings.project, "")
        return "changes of the project can be read"

    async def _approvers(self) -> str:
        missing = []
        for gid in self._people:
            try:
                await self._api.read(f"/users/{gid}", ("name",))
            except (NotFoundError, InvalidError):
                missing.append(gid)
        if missing:
            raise _WrongError(
                f"Asana has no user {', '.join(missing)} that we can see; correct `identities: "
                "{asana: …}` (the gid of the user) in `people`."
            )
        return f"{len(self._people)} known" if self._people else "nobody is asked here yet"

    async def _secret(self) -> str:
        if self._settings.webhook_secrets:
            return "set"
        return "not set: decisions are found by polling only (webhook_secret_env)"
