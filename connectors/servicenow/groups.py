"""ServiceNow's groups, and the delegates that people name there, as a source of people.

Members are rows of sys_user_grmember, and whether somebody is active stands in sys_user; a group
that is not active has no members. Delegates are rows of sys_user_delegate with `approvals`, from
`starts` until `ends`; by default only administrators may read that table. Times are UTC. Sources,
read 2026-11-29: servicenow.com/community, "Delegates in ServiceNow" and "Enable service desk staff
to view delegate records".
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

from countersign.approvals.audit.canonical import well_formed
from countersign.approvals.errors import UnavailableError
from countersign.approvals.models import Account, Delegate, DirectoryPage, Group, Membership
from countersign.approvals.ports import Clock, DirectorySource
from countersign.approvals.tickets import CheckResult
from countersign.connectors.directories import ServiceNowGroupsSection
from countersign.connectors.servicenow.client import Row, ServiceNowClient

_PERSON = ("user_name", "name", "email", "active")
_AT_ONCE = 200


class ServiceNowGroups(DirectorySource):
    """Implements `approvals.ports.DirectorySource`."""

    name = "servicenow"
    words = "ServiceNow"
    identity = "servicenow"
    lists_everybody = False

    def __init__(self, client: ServiceNowClient, section: ServiceNowGroupsSection, clock: Clock):
        self._client, self._clock = client, clock
        self._groups, self._delegates = list(section.groups), section.delegates

    async def read(self, cursor: str | None) -> AsyncIterator[DirectoryPage]:
        """Always all of them; group by group, so that one is in memory at once."""
        for group in await self._known_groups():
            rows: Sequence[Row] = ()
            if group["active"] == "true":
                columns = ["user", *(f"user.{name}" for name in _PERSON)]
                query = f"group={group['sys_id']}^ORDERBYsys_id"
                rows = await self._client.rows("sys_user_grmember", query, columns)
            members = [_account(row, "user") for row in rows if row.get("user")]
            yield DirectoryPage(
                groups=(Group(id=group["sys_id"], name=well_formed(group["name"])),),
                accounts=tuple(members),
                memberships=tuple(
                    Membership(group_id=group["sys_id"], member_id=member.id) for member in members
                ),
            )
        if self._delegates:
            rows = await self._named_delegates()
            yield DirectoryPage(
                accounts=tuple(_account(row, "delegate") for row in rows),
                delegates=tuple(map(_delegate, rows)),
            )

    async def check(self) -> Sequence[CheckResult]:
        """Whether the groups are there, and delegates can be read."""
        results = []
        for group in await self._known_groups():
            active = group["active"] == "true"
            said = (
                f"is {well_formed(group['name'])}" if active else "is not active: it gives nothing"
            )
            results.append(CheckResult(name=f"group {group['sys_id']}", ok=active, said=said))
        if self._delegates:
            await self._client.rows("sys_user_delegate", "ORDERBYsys_id", ["sys_id"], most=1)
            results.append(CheckResult(name="delegates", ok=True, said="can be read"))
        return results

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.close()

    async def _known_groups(self) -> list[Row]:
        found: list[Row] = []
        for start in range(0, len(self._groups), _AT_ONCE):
            query = f"sys_idIN{','.join(self._groups[start : start + _AT_ONCE])}^ORDERBYsys_id"
            found += await self._client.rows("sys_user_group", query, ["sys_id", "name", "active"])
        found = [row for row in found if row.get("sys_id") in self._groups]
        if missing := set(self._groups) - {row["sys_id"] for row in found}:
            raise UnavailableError(
                f"ServiceNow has no group {min(missing)}, or hides it from us; write the sys_id of "
                "each group into directory.servicenow.groups."
            )
        return found

    async def _named_delegates(self) -> list[Row]:
        """Who decides for somebody, now or later."""
        now = self._clock.now().astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
        columns = ["sys_id", "user", "delegate", "starts", "ends", "approvals"]
        columns += [f"delegate.{name}" for name in _PERSON]
        query = "approvals=true^ORDERBYsys_id"
        rows = await self._client.rows("sys_user_delegate", query, columns)
        return [
            row
            for row in rows
            if row.get("approvals") == "true"
            and row.get("user")
            and row.get("delegate")
            and (not row.get("ends") or row["ends"] >= now)
        ]


def _account(row: Row, who: str) -> Account:
    """The person whom a row refers to as `who`."""
    name, shown, email, active = (str(row.get(f"{who}.{column}") or "") for column in _PERSON)
    if not name:
        raise UnavailableError(
            f"ServiceNow does not tell us the user names of its {who}s; let our account read "
            "sys_user."
        )
    return Account(
        id=str(row[who]),
        identity=name,
        name=well_formed(shown),
        email=well_formed(email),
        active=active == "true",
    )


def _delegate(row: Row) -> Delegate:
    return Delegate(
        id=str(row["sys_id"]),
        account_id=str(row["user"]),
        delegate_id=str(row["delegate"]),
        starts_at=_time(row.get("starts")),
        ends_at=_time(row.get("ends")),
    )


def _time(text: object) -> datetime | None:
    """A time of the Table API, which is UTC; None where there is none.

    Raises UnavailableError: who knows from when on somebody decides.
    """
    if not text:
        return None
    try:
        return datetime.strptime(str(text), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError as exc:
        raise UnavailableError("ServiceNow gave a delegate with a time that is none.") from exc
