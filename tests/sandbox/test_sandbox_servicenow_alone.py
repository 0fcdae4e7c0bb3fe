"""The instance as a program: its ready line, its file, its switches from another process."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from countersign.sandbox.servicenow import ServiceNow
from countersign.sandbox.servicenow.people import ALEX, BOT
from tests.sandbox.programs import begin

ROOT = Path(__file__).parents[2]
CHANGES = "/api/now/table/change_request"


def killed_after_a_write(file: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The ready line of a program, and the change it had answered for before it was killed."""
    options = ("--port", "0", "--db", str(file))
    with begin("servicenow", file.parent, *options) as program:
        assert program.stdout is not None
        ready = json.loads(program.stdout.readline())
        answer = httpx.post(
            ready["url"] + CHANGES,
            json={"correlation_id": "request-1", "comments": "kept"},
            auth=(ready["user"], ready["password"]),
            trust_env=False,
        )
        program.kill()
    return ready, answer.json()["result"]


@pytest.mark.asyncio
async def test_file_keeps_what_was_answered_when_the_process_is_killed(tmp_path: Path) -> None:
    file = tmp_path / "snow.db"
    ready, created = await asyncio.to_thread(killed_after_a_write, file)
    async with ServiceNow.start(db_path=file) as snow:
        next_one = snow.as_person("svc_approvals").add("change_request", {})

        assert "request-1" == snow.change(created["number"])["correlation_id"]
        assert ["kept"] == [entry["value"] for entry in snow.journal(created["sys_id"])]
        assert "CHG0030002" == next_one["number"]
        assert set(snow.ready()) == set(ready)

    assert {"url", "client_id", "client_secret", "webhook_secret", "users"} <= set(ready)
    assert BOT.user_name == ready["user"]
    assert {"user_name", "password", "sys_id", "name"} <= set(ready["users"][0])


async def control(snow: ServiceNow, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    async with httpx.AsyncClient(timeout=30, base_url=snow.url, trust_env=False) as client:
        answer = await client.request(method, f"/_sandbox/{path}", json=body)
    return answer.status_code, answer.json()


@pytest.mark.asyncio
async def test_people_act_through_the_control_routes() -> None:
    async with ServiceNow.start() as snow:
        bot = {"user": "svc_approvals", "do": "add"}
        _, change = await control(snow, "POST", "act", bot)
        values = {"sysapproval": change["sys_id"], "approver": ALEX.sys_id, "state": "requested"}
        await control(
            snow, "POST", "act", {**bot, "table": "sysapproval_approver", "values": values}
        )
        alex = {"user": "alex.wilber", "number": change["number"], "comment": "Well."}
        seen = []
        for deed in ("approve", "reopen", "reject", "comment"):
            status, _ = await control(snow, "POST", "act", {**alex, "do": deed})
            _, state = await control(snow, "GET", "state")
            seen.append((status, state[0]["approvals"][0]["state"]))
        about = {"user": "admin", "sys_id": change["sys_id"]}
        edit = {**about, "do": "edit", "values": {"priority": "1"}}
        _, edited = await control(snow, "POST", "act", edit)
        deleted = await control(snow, "POST", "act", {**about, "do": "delete"})
        _, empty = await control(snow, "GET", "state")

        assert [
            (200, "approved"),
            (200, "requested"),
            (200, "rejected"),
            (200, "rejected"),
        ] == seen
        assert ("1", (200, None), []) == (edited["priority"], deleted, empty)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("act", {"user": "mallory.evil", "do": "delete", "sys_id": "0" * 32}, 404),
        ("act", {"user": "nobody", "do": "approve"}, 422),
        ("act", {"user": "admin", "do": "dance"}, 422),
        ("act", {"user": "admin", "do": "approve", "number": "CHG1"}, 422),
    ],
)
async def test_control_routes_say_what_is_wrong(
    path: str, body: dict[str, str], status: int
) -> None:
    async with ServiceNow.start() as snow:
        code, answer = await control(snow, "POST", path, body)

        assert status == code
        assert answer["error"]


@pytest.mark.asyncio
async def test_switches_can_be_turned_from_outside() -> None:
    async with ServiceNow.start() as snow:
        given = {
            "latency_s": 0.001,
            "clock_offset_s": 60,
            "rate_limit_per_hour": 5,
            "approval_rule": "everyone",
            "auto_approvals": "CAB Approval",
            "invalid_query_returns_no_rows": True,
        }
        _, shown = await control(snow, "PUT", "options", given)
        turned = (snow.latency_s, snow.invalid_query_returns_no_rows)
        off = {"rate_limit_per_hour": 0, "auto_approvals": "", "clock_offset_s": 0}
        _, lifted = await control(snow, "PUT", "options", off)
        _, rule = await control(snow, "PUT", "rule", {"url": "http://x", "secret": "s"})
        _, posts = await control(snow, "GET", "posts")

        assert {"rate_limit_per_hour": 5, "approval_rule": "everyone"}.items() <= shown.items()
        assert (0.001, True) == turned
        assert (None, None, 0) == (
            lifted["rate_limit_per_hour"],
            lifted["auto_approvals"],
            snow.clock_offset_s,
        )
        assert ({"url": "http://x"}, "s", []) == (rule, snow.rule_secret, posts)
        snow.latency_s = 0.0
        assert 0.0 == snow.faults.latency_s
        snow.grant("mallory.evil", "approval_admin")
        snow.as_person("mallory.evil").add("sysapproval_approver", {"state": "approved"})
