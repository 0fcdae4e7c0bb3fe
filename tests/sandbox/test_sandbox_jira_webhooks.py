"""Webhooks of the Jira stand-in: payloads, signatures, headers, retries and what never comes."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from countersign.sandbox._serve import serve
from countersign.sandbox.jira import SECRET, Jira


@dataclass
class Receiver:
    """What a webhook endpoint got; it answers `answers` in turn, then 200."""

    url: str = ""
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    def bodies(self) -> list[dict[str, Any]]:
        """The bodies, parsed."""
        return [json.loads(raw) for _, raw in self.got]


@asynccontextmanager
async def receiver(*answers: int) -> AsyncIterator[Receiver]:
    found = Receiver(answers=list(answers))

    async def take(request: web.Request) -> web.Response:
        found.got.append((dict(request.headers), await request.read()))
        return web.Response(status=found.answers.pop(0) if found.answers else 200)

    app = web.Application()
    app.router.add_post("/hook", take)
    async with serve(app) as url:
        found.url = f"{url}/hook"
        yield found


async def test_move_is_announced_as_recorded_sites_do() -> None:
    async with receiver() as hook, Jira.start() as jira:
        key = jira.as_person("bot").create("OPS", "S")
        jira.add_webhook(hook.url)
        jira.as_person("mallory").transition(key, "Rejected")
        await jira.settled()
        (body,) = hook.bodies()

    assert ("jira:issue_updated", "issue_generic") == (
        body["webhookEvent"],
        body["issue_event_type_name"],
    )
    assert "712020:mallory" == body["user"]["accountId"]
    assert ("10003", key) == (body["issue"]["fields"]["status"]["id"], body["issue"]["key"])
    assert {"id", "items"} == set(body["changelog"])
    assert {
        "field": "status",
        "fieldtype": "jira",
        "fieldId": "status",
        "from": "10001",
        "fromString": "Pending",
        "to": "10003",
        "toString": "Rejected",
    } == body["changelog"]["items"][1]
    assert isinstance(body["timestamp"], int)


async def test_body_is_signed_with_the_secret_and_named_for_all_retries() -> None:
    async with receiver(500, 429) as hook, Jira.start(webhook_url=hook.url) as jira:
        jira.as_person("bot").create("OPS", "S")
        await jira.settled()
        ((first, raw), (second, _), (third, _)) = hook.got
        (delivery,) = jira.webhooks

    mac = hmac.new(SECRET.encode(), raw, hashlib.sha256).hexdigest()
    assert f"sha256={mac}" == first["X-Hub-Signature"]
    name = "X-Atlassian-Webhook-Identifier"
    assert 1 == len({first[name], second[name], third[name], delivery.identifier})
    assert [None, "1", "2"] == [
        headers.get("X-Atlassian-Webhook-Retry") for headers in (first, second, third)
    ]
    assert "Primary" == first["X-Atlassian-Webhook-Flow"]
    assert ([500, 429, 200], True) == (delivery.statuses, delivery.delivered)
    assert "jira:issue_created" == delivery.as_json()["payload"]["webhookEvent"]


async def test_nothing_is_signed_without_a_secret() -> None:
    async with receiver() as hook, Jira.start(webhook_url=hook.url, webhook_secret=None) as jira:
        jira.as_person("bot").create("OPS", "S")
        await jira.settled()

    assert "X-Hub-Signature" not in hook.got[0][0]


@pytest.mark.parametrize("status", [401, 404, 302])
async def test_refusal_of_the_receiver_is_not_retried(status: int) -> None:
    async with receiver(status) as hook, Jira.start(webhook_url=hook.url) as jira:
        jira.as_person("bot").create("OPS", "S")
        await jira.settled()

        assert [[status]] == [delivery.statuses for delivery in jira.webhooks]
        assert not jira.webhooks[0].delivered


async def test_receiver_that_is_down_is_tried_again_and_given_up() -> None:
    async with Jira.start(webhook_url="http://127.0.0.1:9/hook") as jira:
        jira.as_person("bot").create("OPS", "S")
        await jira.settled()

        assert [[None] * 4] == [delivery.statuses for delivery in jira.webhooks]


async def test_comment_is_announced_without_a_user() -> None:
    async with receiver() as hook, Jira.start() as jira:
        key = jira.as_person("bot").create("OPS", "S")
        jira.add_webhook(hook.url)
        jira.as_person("sam").comment(key, "Reason: fine")
        await jira.settled()
        (body,) = hook.bodies()

    assert {"timestamp", "webhookEvent", "comment", "issue"} == set(body)
    assert ("712020:sam", "Reason: fine") == (
        body["comment"]["author"]["accountId"],
        body["comment"]["body"],
    )
    assert "emailAddress" not in body["comment"]["author"]
    assert {"summary", "issuetype", "project", "assignee", "priority", "status"} == set(
        body["issue"]["fields"]
    )


async def test_edits_assignments_and_deletions_have_their_own_names() -> None:
    async with receiver() as hook, Jira.start() as jira:
        alex = jira.as_person("alex")
        key = alex.create("OPS", "S")
        jira.add_webhook(hook.url)
        alex.edit(key, update={"labels": [{"add": "x"}]})
        alex.edit(key, {"assignee": {"accountId": "712020:sam"}})
        alex.delete(key)
        await jira.settled()

    assert [
        ("jira:issue_updated", "issue_updated"),
        ("jira:issue_updated", "issue_assigned"),
        ("jira:issue_deleted", "issue_deleted"),
    ] == sorted(
        ((body["webhookEvent"], body["issue_event_type_name"]) for body in hook.bodies()),
        key=lambda pair: ("deleted" in pair[0], pair[1] == "issue_assigned"),
    )


async def test_webhook_gets_only_its_events_and_may_be_removed_or_paused() -> None:
    async with receiver() as hook, Jira.start() as jira:
        bot = jira.as_person("bot")
        jira.add_webhook(hook.url)
        jira.add_webhook(hook.url, events=("comment_created",))
        key = bot.create("OPS", "S")
        bot.comment(key, "one")
        await jira.settled()
        jira.webhooks_paused = True
        bot.comment(key, "lost")
        assert jira.webhooks_paused
        jira.webhooks_paused = False
        jira.remove_webhook(hook.url)
        bot.comment(key, "unheard")
        await jira.settled()
        with pytest.raises(LookupError, match="unknown events"):
            jira.add_webhook(hook.url, events=("sprint_started",))

    assert ["one"] == [body["comment"]["body"] for body in hook.bodies()]


async def test_delivery_may_come_twice_with_one_identifier() -> None:
    async with receiver() as hook, Jira.start(webhook_url=hook.url) as jira:
        jira.as_person("bot").create("OPS", "S")
        await jira.settled()
        jira.redeliver(jira.webhooks[0])
        await jira.settled()

    assert 2 == len(hook.got)
    assert 1 == len({headers["X-Atlassian-Webhook-Identifier"] for headers, _ in hook.got})


async def test_data_center_names_people_differently_and_does_not_retry() -> None:
    async with receiver(500) as hook, Jira.start(deployment="Server") as jira:
        key = jira.as_person("bot").create("OPS", "S")
        jira.add_webhook(hook.url)
        jira.as_person("alex").transition(key, "Rejected", comment="no")
        await jira.settled()
        bodies = sorted(hook.bodies(), key=lambda body: body["timestamp"])
        moved = next(body for body in bodies if "changelog" in body)
        commented = next(b for b in bodies if b["webhookEvent"] == "comment_created")
        updated = next(b for b in bodies if b.get("issue_event_type_name") == "issue_commented")

    assert 3 == len(hook.got)
    assert "issue_resolved" == moved["issue_event_type_name"]
    assert ("alex", False) == (moved["user"]["name"], "accountId" in moved["user"])
    assert not any("fieldId" in item for item in moved["changelog"]["items"])
    # As a recorded Data Center comment: no issue, its id only in the address of the comment.
    assert {"timestamp", "webhookEvent", "comment"} == set(commented)
    assert "/issue/10102/comment/" in commented["comment"]["self"]
    assert "no" == updated["comment"]["body"]
