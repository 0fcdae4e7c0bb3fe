"""What the instance does by itself: roll-up of approvals, states of a change, outbound posts."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from countersign.sandbox._serve import serve
from countersign.sandbox.servicenow import Options, RestError, ServiceNow
from countersign.sandbox.servicenow.instance import Instance
from countersign.sandbox.servicenow.outbound import Outbound
from countersign.sandbox.servicenow.people import (
    ALEX,
    BOT,
    MEGAN,
    SAM,
)
from countersign.sandbox.servicenow.records import Records
from countersign.sandbox.servicenow.tables import Row

pytestmark = pytest.mark.asyncio

APPROVER = "sysapproval_approver"


@pytest.fixture
async def snow() -> AsyncIterator[ServiceNow]:
    async with ServiceNow.start() as running:
        yield running


def ask(snow: ServiceNow, *approvers: str, **values: str) -> str:
    """The number of a new change with a requested approval for each of `approvers`."""
    bot = snow.as_person("svc_approvals")
    change = bot.add("change_request", values)
    for approver in approvers:
        bot.add(
            APPROVER,
            {"sysapproval": change["sys_id"], "approver": approver, "state": "requested"},
        )
    return change["number"]


def states(snow: ServiceNow, number: str) -> tuple[str, list[str]]:
    """The approval of the record, and the states of its approvals."""
    return snow.change(number)["approval"], [row["state"] for row in snow.approvals(number)]


async def test_first_answer_decides_and_the_others_are_not_required(snow: ServiceNow) -> None:
    approved, rejected = ask(snow, ALEX.sys_id, SAM.sys_id), ask(snow, ALEX.sys_id, SAM.sys_id)
    snow.as_person("sam.carter").approve(approved)
    snow.as_person("alex.wilber").reject(rejected, "Too dear.")

    assert ("approved", ["not_required", "approved"]) == states(snow, approved)
    assert ("rejected", ["rejected", "not_required"]) == states(snow, rejected)
    assert snow.change(approved)["approval_set"]
    assert ["Too dear."] == [
        entry["value"] for entry in snow.journal(snow.approvals(rejected)[0]["sys_id"])
    ]


async def test_everyone_must_approve_if_the_instance_says_so(snow: ServiceNow) -> None:
    snow.options.approval_rule = "everyone"
    number = ask(snow, ALEX.sys_id, SAM.sys_id)
    snow.as_person("sam.carter").approve(number)
    halfway = states(snow, number)
    snow.as_person("alex.wilber").approve(number)

    assert ("requested", ["requested", "approved"]) == halfway
    assert ("approved", ["approved", "approved"]) == states(snow, number)


async def test_answer_taken_back_opens_the_record_again(snow: ServiceNow) -> None:
    number = ask(snow, ALEX.sys_id)
    alex = snow.as_person("alex.wilber")
    alex.approve(number, changes='{"size": "m"}')
    decided = states(snow, number)
    alex.reopen(number)

    assert ("approved", ["approved"]) == decided
    assert ("requested", ["requested"]) == states(snow, number)
    assert '{"size": "m"}' == snow.approvals(number)[0]["u_requested_changes"]
    assert "" == snow.change(number)["approval_set"]


async def test_late_answer_does_not_move_the_time_of_the_decision(snow: ServiceNow) -> None:
    number = ask(snow, ALEX.sys_id, SAM.sys_id)
    snow.as_person("sam.carter").approve(number)
    decided_at = snow.change(number)["approval_set"]
    snow.clock_offset_s = 100
    snow.as_person("alex.wilber").approve(number)

    assert ("approved", ["approved", "approved"]) == states(snow, number)
    assert decided_at == snow.change(number)["approval_set"]


async def test_delegate_answers_in_his_own_name_while_the_delegation_lasts(
    snow: ServiceNow,
) -> None:
    number = ask(snow, ALEX.sys_id)
    delegation = {
        "user": ALEX.sys_id,
        "delegate": MEGAN.sys_id,
        "starts": "2020-01-01 00:00:00",
        "ends": "2020-02-01 00:00:00",
    }
    megan = snow.as_person("megan.bowen")
    row = snow.as_person("alex.wilber").add("sys_user_delegate", delegation)
    with pytest.raises(RestError, match="403"):
        megan.approve(number)
    snow.as_person("alex.wilber").edit("sys_user_delegate", row["sys_id"], {"ends": ""})
    answered = megan.approve(number)

    assert ("megan.bowen", ALEX.sys_id) == (answered["sys_updated_by"], answered["approver"])
    assert "alex.wilber" == snow.approvals(number)[0]["approver.user_name"]


async def test_person_answers_his_open_approval_and_mallory_none(snow: ServiceNow) -> None:
    number = ask(snow, ALEX.sys_id)
    unasked = ask(snow)
    with pytest.raises(RestError, match="ACL Exception Update Failed"):
        snow.as_person("mallory.evil").approve(number)
    with pytest.raises(LookupError, match="nobody was asked"):
        snow.as_person("alex.wilber").approve(unasked)
    with pytest.raises(LookupError, match="no record CHG1"):
        snow.as_person("alex.wilber").approve("CHG1")
    with pytest.raises(LookupError, match="no user nobody"):
        snow.as_person("nobody")

    assert ("requested", ["requested"]) == states(snow, number)


async def test_approval_of_no_record_decides_nothing(snow: ServiceNow) -> None:
    bot = snow.as_person("svc_approvals")
    row = bot.add(APPROVER, {"approver": ALEX.sys_id, "sysapproval": "0" * 32})
    bot.edit(APPROVER, row["sys_id"], {"state": "approved"})

    assert ["approved"] == [approval["state"] for approval in snow.rows(APPROVER)]


async def test_itil_may_set_the_approval_of_a_change_past_its_approvers(snow: ServiceNow) -> None:
    """Which is why nobody should trust that field."""
    number = ask(snow, ALEX.sys_id)
    change = snow.change(number)
    snow.as_person("mallory.evil").edit(
        "change_request", change["sys_id"], {"approval": "approved"}
    )

    assert ("approved", ["requested"]) == states(snow, number)


@pytest.mark.parametrize(("was", "state"), [("-5", "3"), ("-5", "-1"), ("-3", "-2"), ("4", "-5")])
async def test_state_that_may_not_follow_is_refused_but_to_an_administrator(
    snow: ServiceNow, was: str, state: str
) -> None:
    number = ask(snow)
    snow.as_person("admin").move(number, was)
    with pytest.raises(RestError, match="aborted by Business Rule 'Change Model: Check State"):
        snow.as_person("alex.wilber").move(number, state)
    refused = snow.change(number)["state"]
    snow.as_person("admin").move(number, state)

    assert (was, state) == (refused, snow.change(number)["state"])


async def test_new_change_cannot_start_in_the_middle(snow: ServiceNow) -> None:
    with pytest.raises(RestError, match="403"):
        ask(snow, state="-1")

    assert [] == snow.changes()
    assert "-4" == snow.change(ask(snow, state="-4"))["state"]


async def test_closing_needs_a_code_and_notes(snow: ServiceNow) -> None:
    number = ask(snow, ALEX.sys_id)
    alex = snow.as_person("alex.wilber")
    alex.approve(number)
    for state in ("-4", "-3", "-2", "-1", "0"):
        alex.move(number, state)
    with pytest.raises(RestError, match="Require close code"):
        alex.move(number, "3")
    closed = alex.move(number, "3", close_code="successful", close_notes="Done.")

    assert ("3", "false", ALEX.sys_id) == (closed["state"], closed["active"], closed["closed_by"])
    assert ("approved", ["approved"]) == states(snow, number)


async def test_cancelling_withdraws_what_is_open(snow: ServiceNow) -> None:
    number = ask(snow, ALEX.sys_id, SAM.sys_id)
    snow.as_person("alex.wilber").move(number, "4")

    assert ("requested", ["cancelled", "cancelled"]) == states(snow, number)
    assert "false" == snow.change(number)["active"]


async def test_back_to_new_withdraws_answers_too(snow: ServiceNow) -> None:
    number = ask(snow, ALEX.sys_id, SAM.sys_id)
    alex = snow.as_person("alex.wilber")
    alex.move(number, "-4")
    alex.approve(number)
    alex.move(number, "-5")

    assert ("not requested", ["cancelled", "not_required"]) == states(snow, number)


async def test_rules_that_write_the_same_record_count_every_update(snow: ServiceNow) -> None:
    """Requested, assess, rejected; then new, approved for a moment, and not requested."""
    number = ask(snow, ALEX.sys_id, SAM.sys_id)
    alex = snow.as_person("alex.wilber")
    alex.move(number, "-4")
    alex.reject(number)
    snow.as_person("sam.carter").approve(number)
    before = snow.change(number)["sys_mod_count"]
    alex.move(number, "-5")

    assert ("3", "6") == (before, snow.change(number)["sys_mod_count"])
    assert "not requested" == snow.change(number)["approval"]


async def test_flow_asks_the_group_and_schedules_what_it_approves() -> None:
    async with ServiceNow.start(options=Options(auto_approvals="CAB Approval")) as snow:
        number = ask(snow, state="-4")
        asked = [(row["approver.user_name"], row["state"]) for row in snow.approvals(number)]
        snow.as_person("alex.wilber").move(number, "-3")
        still = len(snow.approvals(number))
        snow.as_person("sam.carter").approve(number)

        assert [("alex.wilber", "requested"), ("sam.carter", "requested")] == asked
        assert {"system"} == {row["sys_created_by"] for row in snow.approvals(number)}
        assert 2 == still
        assert "-2" == snow.change(number)["state"]


async def test_deleting_a_change_takes_its_approvals_along(snow: ServiceNow) -> None:
    number = ask(snow, ALEX.sys_id)
    snow.as_person("admin").delete("change_request", snow.change(number)["sys_id"])
    row = snow.as_person("admin").add("sys_user", {"user_name": "temp"})
    snow.as_person("admin").delete("sys_user", row["sys_id"])

    assert ([], []) == (snow.changes(), snow.rows(APPROVER))


@asynccontextmanager
async def listener(status: int = 200) -> AsyncIterator[tuple[str, list[tuple[Any, bytes]]]]:
    got: list[tuple[Any, bytes]] = []

    async def take(request: web.Request) -> web.Response:
        got.append((request.headers, await request.read()))
        return web.Response(status=status)

    app = web.Application()
    app.router.add_post("/hook", take)
    async with serve(app) as url:
        yield f"{url}/hook", got


async def test_business_rule_posts_signed_changes_of_approvals() -> None:
    async with listener() as (url, got), ServiceNow.start(rule_url=url) as snow:
        snow.clock_offset_s = 3600
        number = ask(snow, ALEX.sys_id, correlation_id="request-1")
        await snow.settled()
        asked = [json.loads(body) for _, body in got]
        got.clear()
        snow.as_person("alex.wilber").approve(number)
        await snow.settled()
        approval, change = snow.approvals(number)[0], snow.change(number)

    expected = [
        {
            "table": table,
            "sys_id": row["sys_id"],
            "task": change["sys_id"],
            "correlation_id": "request-1",
            "state": "approved",
            "sys_updated_on": row["sys_updated_on"],
        }
        for table, row in (("change_request", change), (APPROVER, approval))
    ]
    assert expected == sorted((json.loads(body) for _, body in got), key=lambda body: body["table"])
    assert [("change_request", "requested")] == [(body["table"], body["state"]) for body in asked]
    for headers, body in got:
        timestamp = headers["X-Approval-Timestamp"]
        signed = timestamp.encode() + b"." + body
        mac = hmac.new(snow.rule_secret.encode(), signed, hashlib.sha256).digest()
        assert base64.b64encode(mac).decode() == headers["X-Approval-Signature"]
    assert [200, 200] == [post.status for post in snow.posts[-2:]]
    assert {"approved"} == {post.payload()["state"] for post in snow.posts[-2:]}


async def test_business_rule_is_silent_about_refused_writes_and_does_not_try_again() -> None:
    async with listener(500) as (url, got), ServiceNow.start(rule_url=url) as snow:
        number = ask(snow)
        with pytest.raises(RestError):
            snow.as_person("alex.wilber").move(number, "3", approval="approved")
        await snow.settled()
        refused = len(got)
        bot = snow.as_person("svc_approvals")
        bot.edit("change_request", snow.change(number)["sys_id"], {"approval": "requested"})
        await snow.settled()
        snow.rule_url = "http://127.0.0.1:9/closed"
        snow.rule_secret = "other"
        bot.edit("change_request", snow.change(number)["sys_id"], {"approval": "approved"})
        await snow.settled()
        snow.rule_url = None
        bot.edit("change_request", snow.change(number)["sys_id"], {"approval": "rejected"})

        assert (0, 1) == (refused, len(got))
        assert [500, None] == [post.status for post in snow.posts]
        assert snow.posts[1].error
        assert snow.rule_url is None


async def test_write_that_a_rule_breaks_leaves_no_trace() -> None:
    def broken(records: Records, table: str, before: Row | None, row: Row, user: str) -> None:
        raise RestError(500, "Script error")

    options = Options()
    outbound = Outbound(options, None, "secret")
    instance = Instance(None, options, outbound)
    change = instance.insert(BOT, "change_request", {})
    instance.records.after_rules.append(broken)
    with pytest.raises(RestError, match="Script error"):
        instance.insert(BOT, "change_request", {})
    with pytest.raises(RestError, match="Script error"):
        instance.update(BOT, "change_request", change["sys_id"], {"approval": "requested"})
    instance.records.after_rules.remove(broken)
    outbound.url = "http://127.0.0.1:9/closed"
    _, after = instance.update(BOT, "change_request", change["sys_id"], {"priority": "1"})
    with pytest.raises(RuntimeError, match="outside of a unit"):
        instance.store.put("change_request", after)
    rows = instance.store.all("change_request")
    instance.store.close()

    assert [after] == rows
    assert ("not requested", "1", "CHG0030001") == (
        after["approval"],
        after["sys_mod_count"],
        after["number"],
    )
    assert [] == outbound.posts


async def test_stopping_gives_up_posts_on_their_way() -> None:
    arrived, answer = asyncio.Event(), asyncio.Event()

    async def hang(_: web.Request) -> web.Response:
        arrived.set()
        await answer.wait()
        return web.Response()

    app = web.Application()
    app.router.add_post("/hook", hang)
    async with serve(app) as url:
        async with ServiceNow.start(rule_url=f"{url}/hook") as snow:
            ask(snow, ALEX.sys_id)
            await arrived.wait()
        answer.set()

    assert [(None, None)] == [(post.status, post.error) for post in snow.posts]
