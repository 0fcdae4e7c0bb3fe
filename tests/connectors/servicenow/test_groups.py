"""ServiceNow's groups and delegates, through the real package over HTTP, against the stand-in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from countersign.approvals.errors import UnavailableError
from countersign.connectors.directories import ServiceNowGroupsSection
from countersign.connectors.servicenow.client import ServiceNowClient
from countersign.connectors.servicenow.groups import ServiceNowGroups
from countersign.sandbox.servicenow.people import ADELE, ALEX, CAB, MEGAN, SAM, SERVICE_DESK
from countersign.sandbox.servicenow.server import ServiceNow
from tests.contracts.tickets_servicenow import settings_for
from tests.doubles.clock import ManualClock

CLOCK = ManualClock(datetime(2026, 11, 29, tzinfo=UTC))


@asynccontextmanager
async def groups(
    snow: ServiceNow, *ids: str, delegates: bool = False
) -> AsyncIterator[ServiceNowGroups]:
    section = ServiceNowGroupsSection.model_validate(
        {"groups": {each: ["manager"] for each in ids}, "delegates": delegates}
    )
    source = ServiceNowGroups(ServiceNowClient(settings_for(snow.url)), section, CLOCK)
    yield source
    await source.close()


async def test_members_are_read_with_those_who_are_deactivated() -> None:
    async with ServiceNow.start() as snow:
        admin = snow.as_person("admin")
        admin.edit("sys_user", SAM.sys_id, {"active": "false"})
        admin.edit("sys_user_group", SERVICE_DESK.sys_id, {"active": "false"})
        async with groups(snow, CAB.sys_id, SERVICE_DESK.sys_id) as source:
            pages = [page async for page in source.read(None)]
            results = await source.check()
    accounts = [a for page in pages for a in page.accounts]
    members = [(m.group_id, m.member_id) for page in pages for m in page.memberships]

    assert [("alex.wilber", True), ("sam.carter", False)] == sorted(
        (a.identity, a.active) for a in accounts
    )
    assert {(CAB.sys_id, ALEX.sys_id), (CAB.sys_id, SAM.sys_id)} == set(members)
    assert ["CAB Approval", "Service Desk"] == [g.name for page in pages for g in page.groups]
    assert [True, False] == [result.ok for result in results]


async def test_delegates_are_those_of_approvals_now_or_later() -> None:
    async with ServiceNow.start() as snow:
        admin = snow.as_person("admin")
        named = {"user": ALEX.sys_id, "delegate": ADELE.sys_id, "starts": "2026-11-01 00:00:00"}
        admin.add("sys_user_delegate", {**named, "ends": "2026-12-24 18:00:00"})
        admin.add("sys_user_delegate", {**named, "delegate": MEGAN.sys_id})
        admin.add("sys_user_delegate", {**named, "ends": "2026-11-02 00:00:00"})
        admin.add("sys_user_delegate", {**named, "approvals": "false"})
        async with groups(snow, CAB.sys_id, delegates=True) as source:
            *_, page = [page async for page in source.read(None)]
            results = await source.check()
    found = {d.delegate_id: (d.account_id, d.starts_at, d.ends_at) for d in page.delegates}
    begin = datetime(2026, 11, 1, tzinfo=UTC)

    assert {
        ADELE.sys_id: (ALEX.sys_id, begin, datetime(2026, 12, 24, 18, tzinfo=UTC)),
        MEGAN.sys_id: (ALEX.sys_id, begin, None),
    } == found
    assert {"adele.vance", "megan.bowen"} == {a.identity for a in page.accounts}
    assert "delegates" == results[-1].name


async def test_a_group_that_is_not_there_is_named() -> None:
    async with ServiceNow.start() as snow, groups(snow, "0" * 32) as source:
        with pytest.raises(UnavailableError, match="no group 0000"):
            [page async for page in source.read(None)]


@pytest.mark.parametrize(
    ("row", "says"),
    [({"user.user_name": ""}, "user names"), ({"starts": "soon"}, "a time that is none")],
)
async def test_what_it_does_not_tell_is_refused(
    row: dict[str, str], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ServiceNow.start() as snow, groups(snow, CAB.sys_id, delegates=True) as source:
        ask = source._client.rows

        async def rows(table: str, *more: object, **how: object) -> object:
            found = await ask(table, *more, **how)  # type: ignore[arg-type]
            if table == "sys_user_grmember":
                return [{**each, **row} for each in found]
            if table == "sys_user_delegate":
                base = {"sys_id": "1", "user": ALEX.sys_id, "delegate": ADELE.sys_id}
                base |= {"approvals": "true", "delegate.user_name": "adele.vance"}
                return [{**base, **row}]
            return found

        monkeypatch.setattr(source._client, "rows", rows)
        with pytest.raises(UnavailableError, match=says):
            [page async for page in source.read(None)]
