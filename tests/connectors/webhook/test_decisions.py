"""Decisions that a program brings: signed, of whom it may speak for, once, on what was shown."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from countersign.approvals.errors import ConfigurationError
from countersign.approvals.models import RequestStatus
from countersign.connectors.webhook.decisions import PATH
from tests.connectors.webhook.hook_world import OTHER, SECRET, HookWorld, hooked, signed


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[HookWorld]:
    async with hooked(tmp_path) as running:
        yield running


async def test_a_decision_counts_and_says_who_spoke_for_whom(world: HookWorld) -> None:
    request = await world.mailed()
    status, said = await world.decide(world.said(request, comment="seen"))
    (vote,) = await world.records.votes(request.id)
    ledger = [e.body for e in await world.records.ledger(request.session_id) if e.kind == "voted"]

    assert (status, said["result"], said["status"]) == (200, "decided", "approved")
    assert (vote.principal_id, vote.via) == ("ben", "webhook")
    assert vote.identity == "webhook:ben, spoken for by caller n8n"
    assert ledger[0]["identity"] == vote.identity


async def test_the_same_message_counts_once(world: HookWorld) -> None:
    request = await world.mailed()
    first = await world.decide(world.said(request), message_id="msg_same")
    again = await world.decide(world.said(request), message_id="msg_same")

    assert (first[0], again[0], again[1]["result"]) == (200, 409, "replayed")
    assert len(await world.records.votes(request.id)) == 1


async def test_a_message_with_an_id_that_is_too_long_to_remember_is_refused(
    world: HookWorld,
) -> None:
    request = await world.mailed()
    longest = await world.decide(world.said(request), message_id="m" * 200)
    longer = await world.decide(world.said(request), message_id="m" * 201)

    assert (200, 422, "invalid") == (longest[0], longer[0], longer[1]["result"])


@pytest.mark.parametrize(
    ("actor", "result"),
    [("cara", "may-not-speak-for"), ("nobody", "unknown-actor")],
)
async def test_whom_a_caller_may_not_speak_for_decides_nothing(
    world: HookWorld, actor: str, result: str
) -> None:
    """Also not again with the same message; and the attempt is on the ledger."""
    request = await world.mailed()
    body = world.said(request, actor=actor)
    status, said = await world.decide(body, message_id="msg_x")
    entries = [e.body for e in await world.records.ledger(request.session_id)]

    assert (status, said["result"]) == (403, result)
    assert (await world.decide(body, message_id="msg_x"))[1]["result"] == "replayed"
    assert (await world.records.request(request.id)).status is RequestStatus.PENDING
    assert f"webhook:{actor}, spoken for by caller n8n" in json.dumps(entries)


async def test_what_is_not_signed_by_a_caller_is_refused(world: HookWorld) -> None:
    """By a stranger, too old, for another body, with no or a strange signature; never by a GET."""
    request = await world.mailed()
    body = world.said(request)
    good = signed(body, message_id="m")
    refused = [
        await world.decide(body, secret=OTHER),
        await world.decide(body, age_s=400),
        await world.decide(body, age_s=-400),
        await world.decide(world.said(request, verdict="reject"), headers=good),
        await world.decide(body, headers={}),
        await world.decide(body, headers={**good, "webhook-signature": "v1"}),
        await world.decide(body, headers={**good, "webhook-signature": "v1,%%%"}),
        await world.decide(body, headers={**good, "webhook-id": "other"}),
    ]
    async with aiohttp.ClientSession() as http, http.get(world.url + PATH, headers=good) as got:
        assert got.status == 405

    assert [status for status, _ in refused] == [401] * len(refused)
    assert await world.records.votes(request.id) == []


async def test_what_the_person_saw_has_to_be_what_is_asked_now(world: HookWorld) -> None:
    request = await world.mailed()
    stale = await world.decide(world.said(request, digest="0" * 64))
    gone = await world.decide(world.said(request, request="R-none"))
    unknown = await world.decide(world.said(request, request="R-none", actor="cara"))
    silent = await world.decide(world.said(request, verdict="reject"))
    no_form = await world.decide({"verdict": "maybe"})
    done = await world.decide(world.said(request, verdict="reject", comment="too much"))
    late = await world.decide(world.said(request))

    assert (stale[0], stale[1]["result"]) == (409, "stale")
    assert (gone[0], unknown[0]) == (404, 404)
    assert (silent[0], silent[1]["result"]) == (422, "invalid")
    assert (no_form[0], "verdict" in no_form[1]["detail"]) == (422, True)
    assert (done[0], done[1]["status"]) == (200, "rejected")
    assert (late[0], late[1]["result"]) == (409, "lost")


async def test_changed_arguments_are_checked_at_their_field(world: HookWorld) -> None:
    request = await world.mailed()
    wrong = {**request.arguments, "amount": "much"}
    status, said = await world.decide(world.said(request, verdict="modify", arguments=wrong))
    right = {**request.arguments, "amount": 7}
    done = await world.decide(world.said(request, verdict="modify", arguments=right))

    assert (status, list(said["errors"])) == (422, ["amount"])
    assert done[0] == 200
    assert (await world.records.request(request.id)).arguments["amount"] == 7


async def test_the_server_tries_its_own_door(world: HookWorld, tmp_path: Path) -> None:
    await world.opened.self_test(world.url)
    with pytest.raises(ConfigurationError, match="nobody has signed"):
        await world.opened.self_test(f"{world.url}/elsewhere")


async def test_without_callers_there_is_no_door(tmp_path: Path) -> None:
    async with hooked(tmp_path, callers=[]) as world:
        await world.opened.self_test(world.url)
        async with aiohttp.ClientSession() as http, http.post(world.url + PATH) as answer:
            assert answer.status == 404
    assert SECRET != OTHER
