"""The link of a mail that shows several calls: its recipient alone sees all, and decides."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from countersign.approvals.models import PrincipalId, Request
from countersign.approvals.store import mail as rows
from tests.bot.inbox.test_bundles import picked, together
from tests.bot.inbox_world import InboxWorld, inbox


async def linked(world: InboxWorld, kind: rows.Kind = "calls") -> tuple[tuple[Request, ...], str]:
    """Three calls of Sam's, and the address of a link of Alex's to all of them."""
    calls = await together(world.api, 1, 2, 3)
    now = world.api.clock.now()
    link = rows.MailLink(
        kind=kind,
        request_id=calls[0].id,
        principal_id=PrincipalId("alex"),
        expires_at=now + timedelta(days=7),
    )
    token = await world.api.store.write(lambda c: rows.add_link(c, link, now))
    return calls, f"/inbox/mail/{token}"


async def untouched(world: InboxWorld, calls: tuple[Request, ...]) -> bool:
    """Whether nothing was done and nothing noted."""
    found = [(await world.api.call("GET", f"/api/v1/requests/{c.id}"))[1] for c in calls]
    of = calls[0].session_id
    _, ledger = await world.api.call("GET", f"/api/v1/ledger?session={of}")
    kinds = {entry["kind"] for entry in ledger["items"]}
    return not any(c["votes"] for c in found) and not kinds & {"voted", "opened"}


async def test_recipient_sees_all_and_decides_some_and_it_came_by_mail(tmp_path: Path) -> None:
    async with inbox(tmp_path) as world:
        (one, two, three), path = await linked(world)
        alex = await world.signed_in("alex")
        text = await alex.open(path)
        assert "3 calls proposed together" in text
        assert f'action="{path}/bundle"' in text
        assert await untouched(world, (one, two, three))

        await alex.send(f"{path}/bundle", verdict="approve", comment="", **picked(one, three))
        votes = [
            [(vote["by"], vote["via"]) for vote in found["votes"]]
            for each in (one, two, three)
            for _, found in [await world.api.call("GET", f"/api/v1/requests/{each.id}")]
        ]
        assert [[("alex", "email")], [], [("alex", "email")]] == votes


async def test_one_of_them_is_decided_on_its_own_page_and_that_came_by_mail(tmp_path: Path) -> None:
    async with inbox(tmp_path) as world:
        (one, two, _), path = await linked(world)
        (other,) = await together(world.api, 9)
        alex = await world.signed_in("alex")
        await alex.open(path)
        assert f'href="{path}/requests/{two.id}"' in alex.text
        await alex.open(f"{path}/requests/{two.id}")
        await alex.send(
            f"{path}/requests/{two.id}/votes", digest=two.digest, verdict="approve", comment=""
        )
        _, after = await world.api.call("GET", f"/api/v1/requests/{two.id}")
        assert [("alex", "email")] == [(vote["by"], vote["via"]) for vote in after["votes"]]

        await alex.open(f"{path}/requests/{other.id}")
        assert 404 == alex.status
        megan = await world.signed_in("megan")
        await megan.open(f"{path}/requests/{one.id}")
        assert 403 == megan.status
        assert one.digest not in megan.text


async def test_forwarded_link_shows_and_decides_nothing_for_others(tmp_path: Path) -> None:
    """Whoever else opens it could even decide the calls: not by this link."""
    async with inbox(tmp_path) as world:
        calls, path = await linked(world)
        megan = await world.signed_in("megan")
        text = await megan.open(path)
        assert 403 == megan.status
        assert "sent to somebody else" in text
        assert not any(each.id in text for each in calls)

        await megan.open("/inbox")
        await megan.send(f"{path}/bundle", verdict="approve", comment="", **picked(*calls))
        assert 403 == megan.status
        assert await untouched(world, calls)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
@pytest.mark.parametrize("suffix", ["", "/bundle", "?utm_source=mail", "/bundle?verdict=approve"])
async def test_programs_that_fetch_it_decide_nothing_and_learn_nothing(
    tmp_path: Path, method: str, suffix: str
) -> None:
    async with inbox(tmp_path) as world:
        calls, path = await linked(world)
        scanner = world.browser()
        async with scanner.client.request(method, f"{path}{suffix}") as response:
            text = await response.text()

        assert not any(each.id in text for each in calls)
        assert "ceo" not in text
        assert await untouched(world, calls)


async def test_link_expires_and_is_no_link_to_a_single_request(tmp_path: Path) -> None:
    async with inbox(tmp_path) as world:
        calls, path = await linked(world)
        alex = await world.signed_in("alex")
        await alex.open(path)
        await alex.send(f"{path}/votes", digest=calls[0].digest, verdict="approve", comment="")
        assert 404 == alex.status

        world.api.clock.advance(timedelta(days=8).total_seconds())
        alex = await world.signed_in("alex")
        await alex.open(path)
        assert 410 == alex.status
        assert await untouched(world, calls)


async def test_link_to_one_request_is_none_to_all(tmp_path: Path) -> None:
    async with inbox(tmp_path) as world:
        calls, path = await linked(world, "request")
        alex = await world.signed_in("alex")
        await alex.open(path)
        assert "calls proposed together" not in alex.text
        await alex.send(f"{path}/bundle", verdict="approve", comment="", **picked(*calls))
        assert 404 == alex.status
        assert await untouched(world, calls)
