"""The Jira stand-in's bad days, its memory, and the switches over HTTP."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from countersign.sandbox._faults import Fault, Faults
from countersign.sandbox.jira import Jira
from tests.sandbox.jira_clients import account, http, new_issue
from tests.sandbox.programs import begin

ROOT = Path(__file__).parents[2]
DATE = "Wed, 21 Oct 2026 07:28:00 GMT"


async def test_answer_is_lost_after_the_issue_was_created() -> None:
    async with Jira.start() as jira, http(jira) as client:
        jira.faults.add(Fault(kind="error_after", status=503, retry_after_s=1, method="POST"))
        failed = await client.post("/rest/api/2/issue", json=new_issue(labels=["hitl"]))
        jira.faults.add(Fault(kind="reset_after", path="/issue$"))
        with pytest.raises(httpx.TransportError):
            await client.post("/rest/api/2/issue", json=new_issue(labels=["hitl"]))
        jira.faults.fail(503)
        before = await client.post("/rest/api/2/issue", json=new_issue(labels=["hitl"]))

        assert (503, "1") == (failed.status_code, failed.headers["Retry-After"])
        assert {"errorMessages", "errors"} == set(failed.json())
        assert 503 == before.status_code
        assert "Retry-After" not in before.headers
        assert 2 == len(jira.issues(label="hitl"))
        assert [503, 201, 503] == [r.status for r in jira.requests]


async def test_retry_after_may_be_a_date() -> None:
    async with Jira.start() as jira, http(jira) as client:
        await client.post("/_sandbox/fault", json={"status": 429, "retry_after": DATE})
        answer = await client.get("/rest/api/2/myself")

    assert (429, DATE) == (answer.status_code, answer.headers["Retry-After"])
    assert ["Rate limit exceeded."] == answer.json()["errorMessages"]


def test_verbatim_retry_after_wins_over_the_seconds() -> None:
    faults = Faults()
    faults.fail(429, retry_after_s=1, retry_after="1.5")
    taken = faults.take("GET", "/")

    assert taken is not None
    assert {"Retry-After": "1.5"} == taken.headers()


async def test_what_hangs_is_carried_out_afterwards() -> None:
    async with Jira.start() as jira, http(jira) as client:
        with jira.faults.hanging():
            asked = asyncio.create_task(client.post("/rest/api/2/issue", json=new_issue()))
            early, _ = await asyncio.wait([asked], timeout=0.2)
        answer = await asked

        assert (set(), 201) == (early, answer.status_code)


async def test_latency_slows_every_request() -> None:
    async with Jira.start() as jira, http(jira) as client:
        answer = await client.put("/_sandbox/latency", json={"latency_s": 0.2})
        wrong = await client.put("/_sandbox/latency", json={})
        started = time.monotonic()
        await client.get("/rest/api/2/myself")
        took_s = time.monotonic() - started
        assert 0.2 == jira.latency_s
        jira.latency_s = 0

    assert (200, 422) == (answer.status_code, wrong.status_code)
    assert took_s >= 0.2


async def test_switches_work_over_http() -> None:
    async with Jira.start() as jira, http(jira) as client:
        settings = {
            "index_lag_s": 1,
            "clock_offset_s": 60,
            "approvals_needed": 2,
            "changelog_limit": 7,
            "revoked": ["sam"],
            "required_fields": [],
            "webhooks_paused": True,
        }
        told = (await client.put("/_sandbox/settings", json=settings)).json()
        hooks = (await client.post("/_sandbox/webhooks", json={"url": "http://127.0.0.1:9"})).json()
        act = "/_sandbox/act"
        body = {"as": "bot", "action": "create", "project": "OPS", "summary": "S"}
        key = (await client.post(act, json=body)).json()["result"]
        move = {"as": "alex", "action": "transition", "key": key, "to_status": "Approved"}
        moved = await client.post(act, json=move)
        grant = {"person": "bot", "project": "OPS", "permissions": []}
        granted = await client.post("/_sandbox/permissions", json=grant)
        refused = [
            await client.post(act, json=move),
            await client.post(act, json={**move, "as": "eve"}),
            await client.post(act, json={**move, "action": "site"}),
            await client.post(act, json={"as": "alex"}),
            await client.post(act, json={"as": "alex", "action": "delete"}),
            await client.put("/_sandbox/settings", json={"colour": 1}),
        ]
        hidden = await client.post(act, json={**move, "as": "bot"})
        deliveries = (await client.get("/_sandbox/webhooks")).json()

        assert settings == told
        assert (60, 1) == (jira.clock_offset_s, jira.index_lag_s)
        assert ["http://127.0.0.1:9"] == hooks
        assert (200, 200) == (moved.status_code, granted.status_code)
        assert "10002" == jira.issue(key)["fields"]["status"]["id"]
        assert {422} == {answer.status_code for answer in refused}
        assert 404 == hidden.status_code
        # Nothing was announced: the webhooks were paused.
        assert [] == deliveries
        # The switches are no requests of a client.
        assert [] == jira.requests


async def test_restart_keeps_issues_numbers_and_webhooks(tmp_path: Path) -> None:
    path = tmp_path / "jira.db"
    async with Jira.start(db_path=path) as jira:
        jira.add_webhook("http://127.0.0.1:9/hook", None, ("comment_created",))
        key = jira.as_person("bot").create("OPS", "S", labels=["kept"])
        jira.as_person("alex").transition(key, "Approved")
        before = jira.issue(key)
        jira.as_person("alex").delete("HELP-1")
    async with Jira.start(db_path=path) as jira, http(jira) as client:
        after = jira.issue(key)
        params = {"jql": "labels = kept", "fields": "status"}
        found = (await client.get("/rest/api/3/search/jql", params=params)).json()["issues"]
        # What was deleted is not seeded again, and its number is not given again.
        assert [key] == [issue["key"] for issue in jira.issues()]
        assert "HELP-2" == jira.as_person("bot").create("HELP", "S")
        assert ("OPS-2", [key]) == (
            jira.as_person("bot").create("OPS", "T"),
            [i["key"] for i in found],
        )
        assert ["http://127.0.0.1:9/hook"] == [hook.url for hook in jira._webhooks.hooks]

    def bare(issue: dict[str, Any]) -> Any:
        return issue["fields"]["status"]["id"], [h["id"] for h in issue["changelog"]]

    assert bare(before) == bare(after)


async def test_site_that_was_emptied_stays_empty(tmp_path: Path) -> None:
    path = tmp_path / "jira.db"
    async with Jira.start(db_path=path) as jira:
        jira.as_person("alex").delete("HELP-1")
    async with Jira.start(db_path=path) as jira:
        assert [] == jira.issues()


def test_runs_alone_and_kill_9_loses_no_answered_write(tmp_path: Path) -> None:
    bot = account("bot")
    keys = []
    with begin("jira", tmp_path, "--port", "0") as program:
        assert program.stdout is not None
        ready = json.loads(program.stdout.readline())
        for _ in range(5):
            answer = httpx.post(
                f"{ready['url']}/rest/api/2/issue",
                json=new_issue(),
                auth=(ready["email"], ready["token"]),
            )
            keys.append(answer.json()["key"])
        program.send_signal(signal.SIGKILL)
        program.wait(20)
    with begin("jira", tmp_path, "--port", "0", "--webhook-secret", "") as program:
        assert program.stdout is not None
        again = json.loads(program.stdout.readline())
        statuses = [
            httpx.get(
                f"{again['url']}/rest/api/2/issue/{key}", auth=(bot.email, bot.token)
            ).status_code
            for key in keys
        ]
        program.send_signal(signal.SIGTERM)
        rest, complaints = program.communicate(timeout=20)

    assert {
        "url",
        "deployment",
        "project",
        "issue_type",
        "email",
        "token",
        "account_id",
        "jsm_key",
        "statuses",
        "webhook_secret",
        "oauth_url",
        "oauth_token",
        "users",
    } == set(ready)
    assert [200] * 5 == statuses
    assert ("", "", 0) == (rest, complaints, program.returncode)
