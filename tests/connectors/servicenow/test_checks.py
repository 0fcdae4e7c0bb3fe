"""Everything that a deployment can get wrong is said, with what to do."""

from __future__ import annotations

from typing import Any

import pytest

from countersign.sandbox.servicenow.people import (
    ALEX,
    BOT,
    INTEGRATION,
    SAM,
)
from tests.connectors.servicenow.office import Office
from tests.contracts.orders import Orders

COLUMN = {"field": "u_answer", "approved": ["yes"], "rejected": ["no"], "pending": ["open"]}


async def looked(office: Office, **more: Any) -> dict[str, tuple[bool, str]]:
    results = await office.use(**more).check()
    return {result.name: (result.ok, result.said) for result in results}


async def wrong(office: Office, **more: Any) -> dict[str, str]:
    return {name: said for name, (ok, said) in (await looked(office, **more)).items() if not ok}


async def test_instance_that_is_set_up_has_nothing_wrong(office: Office, orders: Orders) -> None:
    ref = await orders.ticket()
    office.person(ALEX.user_name).approve(ref.id)
    found = await looked(
        office,
        approvers=[ALEX.user_name, SAM.user_name],
        fields={"risk": "2"},
        close={"executed": {"state": 3}},
    )

    assert {"connection", "table change_request", "approvals", "who answered", "approvers",
            "webhook secret"} == found.keys()  # fmt: skip
    assert {True} == {ok for ok, _ in found.values()}
    assert "found in the audit" == found["who answered"][1]


@pytest.mark.parametrize(
    ("more", "name", "said"),
    [
        ({"auth": {"kind": "basic", "user": "x", "password": "x"}}, "connection", "credentials"),
        ({"user": "svc_other"}, "connection", "There is no user svc_other"),
        ({"url": "http://127.0.0.1:9"}, "connection", "cannot be reached"),
        ({"table": "change_requests"}, "table change_requests", "change_requests"),
        ({"fields": {"u_colour": "red"}}, "table change_request", "no column u_colour"),
        ({"close": {"failed": {"u_end": "x"}}}, "table change_request", "no column u_end"),
        ({"decide_by": COLUMN}, "table change_request", "no column u_answer"),
        ({"changes_field": "u_other"}, "approvals", "no column u_other"),
        ({"approvers": ["nobody.here"]}, "approvers", "No active user nobody.here"),
        ({"delegates": {"alex.wilber": ["x.y"]}}, "approvers", "No active user x.y"),
        ({"approvers": [BOT.user_name.upper()]}, "approvers", "is our own user"),
        ({"delegates": {"alex.wilber": [BOT.user_name]}}, "approvers", "is our own user"),
    ],
)
async def test_each_mistake_is_named(
    office: Office, orders: Orders, more: dict[str, Any], name: str, said: str
) -> None:
    await orders.ticket()
    found = await wrong(office, **more)

    assert {name} == found.keys()
    assert said in found[name]


async def test_column_that_our_user_may_not_filter_by_is_named(office: Office) -> None:
    """The stand-in leaves conditions on columns out that it does not know, as instances do."""
    found = await wrong(office, table="sys_user")

    assert "no column correlation_id, correlation_display" in found["table sys_user"]


async def test_audit_that_cannot_be_read_is_named_once_there_should_be_one(
    office: Office, orders: Orders
) -> None:
    ref = await orders.ticket()
    before = await wrong(office)
    office.person(ALEX.user_name).approve(ref.id)
    office.snow.revoke(BOT.user_name, INTEGRATION)
    found = await wrong(office)

    assert {} == before
    assert "let our user read sys_audit" in found["who answered"]


async def test_time_zone_and_missing_secret_are_said_and_are_no_mistakes(office: Office) -> None:
    office.person("admin").edit("sys_user", BOT.sys_id, {"time_zone": "Europe/Berlin"})
    found = await looked(office, webhook_secrets=())

    assert found["connection"][0]
    assert "time zone should be GMT" in found["connection"][1]
    assert (True, "not set: decisions are found by polling only (webhook_secret_env)") == found[
        "webhook secret"
    ]


async def test_checks_write_nothing(office: Office) -> None:
    await looked(office, approvers=[ALEX.user_name])

    assert {"GET"} == {method for method, _, _ in office.calls()}
