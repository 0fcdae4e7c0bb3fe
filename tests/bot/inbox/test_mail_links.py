"""Links of mails: whoever fetches one learns nothing, and only its recipient decides behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from countersign.approvals.models import Actor, PrincipalId, RequestId, Via
from countersign.approvals.rules.policy import Policy
from countersign.approvals.store import mail as rows
from countersign.approvals.tickets import ActKey
from tests.bot.inbox_world import Browser, InboxWorld, inbox

SECRET_WORDS = ("ceo@example.com", "The customer asked for it.", "send it")
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[InboxWorld]:
    async with inbox(tmp_path) as found:
        yield found


async def linked(
    world: InboxWorld, kind: rows.Kind = "request", person: str = "alex"
) -> tuple[dict[str, Any], str]:
    """A request of Sam's, and the address of a link to it as it stands in a mail."""
    request = await world.api.waiting({"to": "ceo@example.com", "amount": 10})
    now = world.api.clock.now()
    link = rows.MailLink(
        kind=kind,
        request_id=RequestId(request["id"]),
        principal_id=PrincipalId(person),
        expires_at=now + timedelta(days=7),
    )
    token = await world.api.store.write(lambda c: rows.add_link(c, link, now))
    base = "/inbox/mail" if kind == "request" else "/inbox/mail/unsubscribe"
    return request, f"{base}/{token}"


async def untouched(world: InboxWorld, request: dict[str, Any]) -> bool:
    """Whether nothing was done and nothing noted."""
    _, now = await world.api.call("GET", f"/api/v1/requests/{request['id']}")
    _, before = await world.api.call("GET", f"/api/v1/ledger?session={request['session_id']}")
    kinds = {entry["kind"] for entry in before["items"]}
    return now["status"] == "pending" and not now["votes"] and not kinds & {"voted", "opened"}


def says_nothing(browser: Browser) -> bool:
    return not any(words in browser.text for words in SECRET_WORDS)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
@pytest.mark.parametrize(
    "suffix",
    ["", "?utm_source=mail", "/", "/votes", "/edits", "?verdict=approve", "%0D", "?part=facts"],
)
async def test_programs_that_fetch_links_decide_nothing_and_learn_nothing(
    world: InboxWorld, method: str, suffix: str
) -> None:
    """Previews, scanners, and whatever makes other links of ours."""
    request, path = await linked(world)
    scanner = world.browser()
    async with scanner.client.request(method, f"{path}{suffix}") as response:
        text = await response.text()

    assert not any(words in text for words in SECRET_WORDS)
    assert request["id"] not in text
    assert await untouched(world, request)


async def test_recipient_who_is_not_signed_in_signs_in_and_comes_back(world: InboxWorld) -> None:
    request, path = await linked(world)
    alex = world.browser()
    await alex.open(path)
    assert alex.path.startswith("/inbox/sign-in?next=")
    assert says_nothing(alex)

    await alex.send("/inbox/sign-in/local", person="alex", next=path)
    assert alex.path == path
    assert all(words in alex.text for words in SECRET_WORDS)
    assert await untouched(world, request)


async def test_recipient_decides_and_it_came_by_mail(world: InboxWorld) -> None:
    request, path = await linked(world)
    alex = await world.signed_in("alex")
    await alex.open(path)
    assert f'action="{path}/votes"' in alex.text
    await alex.send(f"{path}/votes", digest=request["digest"], verdict="approve", comment="")
    _, after = await world.api.call("GET", f"/api/v1/requests/{request['id']}")

    assert alex.path == f"{path}?said=decided"
    assert "Your decision counts." in alex.text
    assert [("alex", "approve", "email")] == [
        (vote["by"], vote["verdict"], vote["via"]) for vote in after["votes"]
    ]


@pytest.mark.parametrize("by", ["email", "inbox"])
async def test_a_vote_is_taken_back_and_an_approval_revoked(world: InboxWorld, by: str) -> None:
    """Behind the link of a mail as on the page of the inbox, which it is."""
    two = {"effect": "require_approval", "stages": [{"roles": ["manager"], "quorum": 2}]}
    world.api.policies.replace(Policy.load({"tools": {"send": two}}))
    request, link = await linked(world)
    here = f"/inbox/requests/{request['id']}"
    path = link if by == "email" else here
    alex, megan = [await world.signed_in(name) for name in ("alex", "megan")]
    await alex.open(path)
    assert "Take my vote back" not in alex.text
    await alex.send(f"{path}/votes", digest=request["digest"], verdict="approve")
    assert f'action="{path}/withdrawal"' in alex.text
    await alex.send(f"{path}/withdrawal")
    _, left = await world.api.call("GET", f"/api/v1/requests/{request['id']}")
    await alex.send(f"{path}/votes", digest=request["digest"], verdict="approve")
    await megan.open(here)
    await megan.send(f"{here}/votes", digest=request["digest"], verdict="approve")
    await alex.open(path)
    await alex.send(f"{path}/revocation", reason="Wrong customer.")
    _, after = await world.api.call("GET", f"/api/v1/requests/{request['id']}")
    _, told = await world.api.call("GET", f"/api/v1/ledger?session={request['session_id']}")
    found = {each["kind"]: each["body"].get("via") for each in told["items"]}

    assert ("pending", []) == (left["status"], left["votes"])
    assert "rejected" == after["status"]
    assert "Wrong customer." in alex.text
    assert (by, by) == (found["vote_withdrawn"], found["revoked"])


async def test_recipient_changes_the_arguments(world: InboxWorld) -> None:
    request, path = await linked(world)
    alex = await world.signed_in("alex")
    await alex.open(path)
    fields = {"arg.to": "ceo@example.com", "arg.amount": "9", "comment": ""}
    await alex.send(f"{path}/edits", digest=request["digest"], **fields)
    _, after = await world.api.call("GET", f"/api/v1/requests/{request['id']}")

    assert 9 == after["arguments"]["amount"]
    assert alex.path.startswith(f"{path}?said=")


async def test_whoever_was_forwarded_a_link_sees_and_decides_nothing(world: InboxWorld) -> None:
    """Not even somebody who may decide the same request: there they have their own page."""
    request, path = await linked(world)
    megan = await world.signed_in("megan")
    await megan.open(path)
    assert 403 == megan.status
    assert says_nothing(megan)
    await megan.send(f"{path}/votes", digest=request["digest"], verdict="approve", comment="")

    assert 403 == megan.status
    assert says_nothing(megan)
    assert await untouched(world, request)


async def test_post_without_the_token_of_the_form_or_from_elsewhere_counts_for_nothing(
    world: InboxWorld,
) -> None:
    request, path = await linked(world)
    alex = await world.signed_in("alex")
    await alex.open(path)
    fields = {"digest": request["digest"], "verdict": "approve", "comment": ""}
    await alex.send(f"{path}/votes", csrf="0" * 64, **fields)
    assert await untouched(world, request)
    await alex.open(path)
    await alex.send(f"{path}/votes", {"Sec-Fetch-Site": "cross-site"}, **fields)
    assert 403 == alex.status
    assert await untouched(world, request)


async def test_link_is_over_when_its_time_is(world: InboxWorld) -> None:
    _, path = await linked(world)
    world.api.clock.advance(8 * 86400)
    alex = await world.signed_in("alex")
    await alex.open(path)

    assert 410 == alex.status
    assert says_nothing(alex)


@pytest.mark.parametrize("token", ["x", "x" * 43, "x" * 500, "%00", "..%2f..", "é"])
async def test_made_up_link_is_none(world: InboxWorld, token: str) -> None:
    alex = await world.signed_in("alex")
    await alex.open(f"/inbox/mail/{token}")

    assert 404 == alex.status


async def test_link_that_ends_reminders_leads_to_no_request_and_the_other_way_round(
    world: InboxWorld,
) -> None:
    _, stop = await linked(world, "reminders")
    _, path = await linked(world)
    alex = await world.signed_in("alex")
    await alex.open(stop.replace("/unsubscribe", ""))
    assert 404 == alex.status
    await alex.open(path.replace("/mail/", "/mail/unsubscribe/"))
    assert 404 == alex.status


async def muted(world: InboxWorld) -> frozenset[str]:
    return await world.api.store.read(lambda c: rows.muted(c, "alex"))


async def test_reminders_end_with_one_click_of_a_program_and_not_by_looking(
    world: InboxWorld,
) -> None:
    _, path = await linked(world, "reminders")
    nobody = world.browser()
    await nobody.open(path)
    async with nobody.client.head(path) as response:
        assert 200 == response.status
    assert frozenset() == await muted(world)
    assert says_nothing(nobody)

    for _ in range(2):
        async with nobody.client.post(path, data=ONE_CLICK) as response:
            assert 200 == response.status
        assert {"reminders"} == await muted(world)
    assert "no more of these" in await nobody.open(path)
    async with nobody.client.post(path, data={"again": "1"}) as response:
        assert "You get these." in await response.text()
    assert frozenset() == await muted(world)


async def test_answer_by_mail_is_seen_on_the_page_of_the_session(world: InboxWorld) -> None:
    request = await world.api.waiting()
    alex = await world.signed_in("alex")
    actor = Actor(principal=None, via=Via("email"), identity="email:alex@acme.example")
    act = ActKey(channel="email", ticket_id="m", act_id="1")
    await world.api.approvals.comment(RequestId(request["id"]), actor, "For <b>whom</b>?", act=act)
    text = await alex.open(f"/inbox/sessions/{request['session_id']}")

    assert "Commented" in text
    assert "For &lt;b&gt;whom&lt;/b&gt;?" in text
