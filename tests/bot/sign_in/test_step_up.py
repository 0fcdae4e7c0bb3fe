"""Proofs of presence: what counts, and everything that does not."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import insert, update
from webauthn.helpers import base64url_to_bytes

from countersign.approvals.errors import InvalidError
from countersign.approvals.models import (
    Actor,
    Principal,
    PrincipalId,
    Request,
    RequestStatus,
    Via,
)
from countersign.approvals.store import codec
from countersign.approvals.store import presence as rows
from countersign.approvals.store.schema import browser_sessions, passkeys, proofs
from countersign.bot.step_up import challenges
from countersign.bot.step_up.presence import Presence
from countersign.bot.step_up.relying_party import RelyingParty
from tests.bot.sign_in.soft_device import SoftDevice
from tests.bot.sign_in.world import Browser, World, signing_in

pytestmark = pytest.mark.asyncio(loop_scope="module")
NOW = datetime(2026, 11, 30, tzinfo=UTC)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with signing_in(tmp_path_factory.mktemp("step-up")) as started:
        yield started


def path(request: Request) -> str:
    return f"/inbox/requests/{request.id}/step-up"


def csrf(page: httpx.Response) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', page.text)
    assert found, page.text
    return found[1]


async def added(world: World, browser: Browser) -> SoftDevice:
    """A new passkey of whoever is signed in there."""
    device = SoftDevice(world.url)
    page = await browser.get("/inbox/me")
    options = await browser.get("/inbox/me/passkeys/options")
    fields = {"csrf": csrf(page), "name": "Soft", "answer": device.made(options.text)}
    answer = await browser.post("/inbox/me/passkeys", **fields)
    assert 303 == answer.status_code, answer.text
    return device


async def signed(browser: Browser, device: SoftDevice, request: Request, **how: Any) -> str:
    options = await browser.get(f"{path(request)}/options")
    assert 200 == options.status_code, options.text
    return device.signed(options.text, **how)


async def sent(browser: Browser, request: Request, **fields: str) -> httpx.Response:
    page = await browser.get(path(request))
    return await browser.post(
        path(request), **{"csrf": csrf(page), "digest": request.digest, **fields}
    )


async def is_pending(world: World, request: Request) -> bool:
    return (await world.now(request)).status is RequestStatus.PENDING


async def test_a_vote_without_a_proof_leads_to_the_page_that_takes_one(world: World) -> None:
    """Whatever the channel: this one is the API."""
    request = await world.waiting()
    async with httpx.AsyncClient() as api:
        answer = await api.post(
            f"{world.url}/api/v1/requests/{request.id}/votes",
            json={"verdict": "approve", "digest": request.digest},
            headers={"Authorization": "Bearer token-of-alex"},
        )
    browser = await world.signed_in("alex")
    bare = await sent(browser, request)

    assert 403 == answer.status_code
    assert f"give it at {world.url}{path(request)}." in answer.json()["detail"]
    assert 200 == bare.status_code
    assert "with a proof that it is you" in bare.text
    assert await is_pending(world, request)


async def test_approving_on_the_page_of_a_request_leads_on_with_what_was_typed(
    world: World,
) -> None:
    browser, request = await world.signed_in("alex"), await world.waiting()
    await added(world, browser)
    page = await browser.get(f"/inbox/requests/{request.id}")
    form = {"csrf": csrf(page), "verdict": "approve", "digest": request.digest, "comment": "Fine."}
    led = await browser.post(f"/inbox/requests/{request.id}/votes", **form)
    shown = await browser.post(led.headers["Location"], **form)

    assert (307, path(request)) == (led.status_code, led.headers["Location"])
    assert "Nothing is decided yet" in shown.text
    assert "Fine." in shown.text
    assert await is_pending(world, request)


async def test_nothing_is_granted_where_each_approval_has_to_be_proven(world: World) -> None:
    """By the button of a page that was drawn before the rule asked for proofs, and by the API."""
    browser, request = await world.signed_in("alex"), await world.waiting()
    page = await browser.get(f"/inbox/requests/{request.id}")
    form = {"csrf": csrf(page), "verdict": "grant", "digest": request.digest}
    terms = {"grant.uses": "5", "grant.for": "4h", "comment": "Fine."}
    told = await browser.post(f"/inbox/requests/{request.id}/votes", **form, **terms)
    async with httpx.AsyncClient() as api:
        answer = await api.post(
            f"{world.url}/api/v1/requests/{request.id}/votes",
            json={"verdict": "approve", "digest": request.digest, "grant": {"uses": 5}},
            headers={"Authorization": "Bearer token-of-alex"},
        )

    assert 'verdict" value="grant"' not in page.text
    assert 403 == told.status_code
    assert "so nothing is granted here" in told.text
    assert "What you typed" in told.text
    assert "Fine.</p>" in told.text
    assert 403 == answer.status_code, answer.text
    assert [] == await world.records.grants()
    assert await is_pending(world, request)


async def test_a_proof_with_a_grant_beside_it_gives_none(world: World) -> None:
    browser, request = await world.signed_in("alex"), await world.waiting()
    await browser.sign_in("alex", f"{path(request)}/sign-in")
    given = await sent(browser, request, **{"verdict": "grant", "grant.uses": "5"})

    assert "It is approved" in given.text
    assert [] == await world.records.grants()


async def test_what_a_device_signs_names_the_digest_for_whoever_checks_it_later(
    world: World,
) -> None:
    browser = await world.signed_in("alex")
    device, request = await added(world, browser), await world.waiting()
    answer = await sent(browser, request, answer=await signed(browser, device, request))
    (vote,) = await world.records.votes(request.id)
    assert vote.proof is not None, answer.text
    proof = vote.proof
    given = await world.store.read(lambda c: rows.of_id(c, proof.id))
    assert given is not None
    client = json.loads(base64url_to_bytes(given.evidence["clientDataJSON"]))
    value = base64url_to_bytes(client["challenge"])

    assert given.used_at is not None
    assert challenges.is_for(value, challenges.approving(request.id, request.digest))
    assert not challenges.is_for(value, challenges.approving(request.id, "0" * 64))


async def test_an_answer_counts_once_for_one_request_and_one_browser(world: World) -> None:
    browser, other = await world.signed_in("alex"), await world.signed_in("alex")
    device = await added(world, browser)
    one, two = await world.waiting(to="a"), await world.waiting(to="b")
    answer = await signed(browser, device, one)
    elsewhere = await sent(browser, two, answer=answer)
    theirs = await sent(other, one, answer=answer)
    counted = await sent(browser, one, answer=answer)
    three = await world.waiting(to="c")
    again = await sent(browser, three, answer=answer)

    assert [403, 403, 200, 403] == [a.status_code for a in (elsewhere, theirs, counted, again)]
    assert "It is approved" in counted.text
    assert await is_pending(world, two)
    assert await is_pending(world, three)


async def test_a_device_has_to_know_its_user_and_count_on(world: World) -> None:
    browser = await world.signed_in("alex")
    device, request = await added(world, browser), await world.waiting()
    unverified = await signed(browser, device, request, verified=False)
    assert 403 == (await sent(browser, request, answer=unverified)).status_code
    await sent(browser, request, answer=await signed(browser, device, request))
    next_one = await world.waiting(to="next")
    device.count = 0  # a copy of the key
    copied = await signed(browser, device, next_one)

    assert 403 == (await sent(browser, next_one, answer=copied)).status_code
    assert await is_pending(world, next_one)


async def test_a_passkey_of_another_site_person_or_past_proves_nothing(world: World) -> None:
    alex, megan = await world.signed_in("alex"), await world.signed_in("megan")
    request, device = await world.waiting(), await added(world, alex)
    device.origin = "https://evil.example"
    phished = await sent(alex, request, answer=await signed(alex, device, request))
    device.origin = world.url
    theirs = await sent(megan, request, answer=await signed(megan, device, request))
    page = await alex.get("/inbox/me")
    (passkey,) = [name for name in re.findall(r'name="passkey" value="([^"]+)"', page.text)
                  if base64url_to_bytes(name) == device.id]  # fmt: skip
    stranger = await megan.post(
        "/inbox/me/passkeys/remove", csrf=csrf(await megan.get("/inbox/me")), passkey=passkey
    )
    await alex.post("/inbox/me/passkeys/remove", csrf=csrf(page), passkey=passkey)
    removed = await sent(alex, request, answer=await signed(alex, device, request))
    again = await alex.post("/inbox/me/passkeys/remove", csrf=csrf(page), passkey=passkey)

    assert [403, 403, 404, 403, 404] == [
        a.status_code for a in (phished, theirs, stranger, removed, again)
    ]
    assert await is_pending(world, request)
    assert () == (await world.records.verify()).problems


async def test_a_passkey_that_was_written_into_the_database_proves_nothing(world: World) -> None:
    browser = await world.signed_in("alex")
    device, request = await added(world, browser), await world.waiting()
    (mine, *_) = [
        each
        for each in await world.store.read(lambda c: rows.passkeys_of(c, PrincipalId("alex")))
        if base64url_to_bytes(each.id) == device.id
    ]
    await world.store.write(
        lambda c: c.execute(
            update(passkeys).where(passkeys.c.id == mine.id).values(principal_id="megan")
        )
    )
    megan = await world.signed_in("megan")
    answer = await sent(megan, request, answer=await signed(megan, device, request))
    found = (await world.records.verify()).problems
    await world.store.write(
        lambda c: c.execute(
            update(passkeys).where(passkeys.c.id == mine.id).values(principal_id="alex")
        )
    )

    assert "does not count" in answer.text
    assert await is_pending(world, request)
    assert any("passkeys" in each for each in found)


async def test_a_removed_passkey_stays_removed_whatever_the_database_says(world: World) -> None:
    browser = await world.signed_in("alex")
    device, request = await added(world, browser), await world.waiting()
    page = await browser.get("/inbox/me")
    (mine,) = [name for name in re.findall(r'name="passkey" value="([^"]+)"', page.text)
               if base64url_to_bytes(name) == device.id]  # fmt: skip
    await browser.post("/inbox/me/passkeys/remove", csrf=csrf(page), passkey=mine)
    at = (await world.store.read(lambda c: rows.passkey(c, mine))).removed_at
    assert at is not None

    def write(removed_at: str | None) -> Any:
        written = update(passkeys).where(passkeys.c.id == mine).values(removed_at=removed_at)
        return world.store.write(lambda c: c.execute(written))

    await write(None)
    answer = await sent(browser, request, answer=await signed(browser, device, request))
    await write(codec.to_text(at))

    assert "does not count" in answer.text
    assert await is_pending(world, request)


@pytest.mark.parametrize("answer", ["{", "[]", '{"response":1}', "x" * 30_000, "{}",
                                    '{"response":{"clientDataJSON":"%%"}}'])  # fmt: skip
async def test_what_is_no_answer_of_a_device_does_nothing(answer: str, world: World) -> None:
    browser, request = await world.signed_in("alex"), await world.waiting()
    approved = await sent(browser, request, answer=answer)
    page = await browser.get("/inbox/me")
    made = await browser.post("/inbox/me/passkeys", csrf=csrf(page), name="x", answer=answer)

    assert (403, 422) == (approved.status_code, made.status_code)
    assert await is_pending(world, request)


async def test_what_changed_meanwhile_is_looked_at_again(world: World) -> None:
    browser, request = await world.signed_in("alex"), await world.waiting()
    await added(world, browser)
    answer = await sent(browser, request, digest="0" * 64, comment="Fine.")

    assert 409 == answer.status_code
    assert "changed meanwhile" in answer.text
    assert "Fine." in answer.text


async def test_a_fresh_sign_in_is_for_what_was_shown_then(world: World) -> None:
    browser, request = await world.signed_in("alex"), await world.waiting()
    back = await browser.sign_in("alex", f"{path(request)}/sign-in")
    page = await browser.get(back.headers["Location"])
    elsewhere = await (await world.signed_in("alex")).get(path(request))
    counted = await sent(browser, request)
    again = await sent(browser, await world.waiting(to="other"))

    assert "You have signed in again" in page.text
    assert "You have signed in again" not in elsewhere.text
    assert "It is approved" in counted.text
    assert "Nothing is decided yet" in again.text


async def test_a_fresh_sign_in_of_before_or_of_nobody_proves_nothing(world: World) -> None:
    browser, request = await world.signed_in("alex"), await world.waiting()
    world.issuer.misbehaviour.add("stale_auth_time")
    stale = await browser.sign_in("alex", f"{path(request)}/sign-in")
    link = await browser.sent_back("alex", f"{path(request)}/sign-in")
    page = await browser.get("/inbox/me")
    await browser.post("/inbox/sign-out", csrf=csrf(page))
    out = await browser.get(link)

    assert 403 == stale.status_code
    assert 403 == out.status_code
    assert await is_pending(world, request)


async def test_a_proof_is_used_up_by_the_first_vote_that_names_it(world: World) -> None:
    browser, request = await world.signed_in("alex"), await world.waiting()
    await browser.sign_in("alex", f"{path(request)}/sign-in")
    alex = PrincipalId("alex")
    (token,) = await world.store.read(
        lambda c: (
            c.execute(proofs.select().where(proofs.c.request_id == request.id)).scalars().all()
        )
    )

    class Clock:
        at = datetime.now(UTC)

        def now(self) -> datetime:
            return self.at

    clock = Clock()
    presence = Presence(world.store, clock, world.url)
    for person, digest in (("megan", request.digest), ("alex", "0" * 64)):
        with pytest.raises(InvalidError, match="not one of yours"):
            await presence.verified(token, PrincipalId(person), digest)
    clock.at += timedelta(minutes=11)
    with pytest.raises(InvalidError):
        await presence.verified(token, alex, request.digest)
    clock.at -= timedelta(minutes=11)
    proof = await presence.verified(token, alex, request.digest)
    with pytest.raises(InvalidError):
        await presence.verified(token, alex, request.digest)
    with pytest.raises(InvalidError, match="used already"):
        await presence.give(
            request, alex, proof_id=token, method="sign_in", session_id="s", at=NOW, evidence={}
        )

    assert ("sign_in", request.digest) == (proof.method, proof.digest)


async def test_whoever_signed_in_long_ago_adds_no_passkey(world: World) -> None:
    """A browser that was left alone must not become a way to prove presence."""
    browser = await world.signed_in("megan")
    page = await browser.get("/inbox/me")
    options = await browser.get("/inbox/me/passkeys/options")
    shift = {"authenticated_at": codec.to_text(datetime.now(UTC) - timedelta(minutes=11))}
    await world.store.write(
        lambda c: c.execute(
            update(browser_sessions).where(browser_sessions.c.principal_id == "megan").values(shift)
        )
    )
    made = SoftDevice(world.url).made(options.text)
    answer = await browser.post("/inbox/me/passkeys", csrf=csrf(page), name="x", answer=made)
    refused = await browser.get("/inbox/me/passkeys/options")
    later = await browser.get("/inbox/me")

    assert (422, 422) == (answer.status_code, refused.status_code)
    assert "sign in again first" in later.text
    assert "/inbox/sign-in/oidc?again=1" in later.text


async def test_nobody_has_more_passkeys_than_a_person_can_look_after(world: World) -> None:
    browser, written = await world.signed_in("alex"), codec.to_text(NOW)
    await world.store.write(
        lambda c: c.execute(
            insert(passkeys),
            [
                {
                    "id": f"k{n}",
                    "principal_id": "alex",
                    "name": "k",
                    "public_key": "k",
                    "created_at": written,
                    "sign_count": 0,
                }
                for n in range(20)
            ],
        )
    )
    options = await browser.get("/inbox/me/passkeys/options")
    made = SoftDevice(world.url).made(options.text)
    page = await browser.get("/inbox/sign-in")
    answer = await browser.post("/inbox/me/passkeys", csrf=csrf(page), name="x", answer=made)
    await world.store.write(lambda c: c.execute(passkeys.delete().where(passkeys.c.name == "k")))

    assert "too many passkeys" in answer.text


async def test_what_is_over_or_others_to_decide_says_so(world: World) -> None:
    browser, request = await world.signed_in("alex"), await world.waiting()
    sam = world.directory.by_id("sam")
    assert sam is not None
    await world.approvals.cancel(request.session_id, _as(sam))
    page = await browser.get(path(request))
    nowhere = await browser.get("/inbox/requests/R-nothing/step-up")

    assert "Nothing is left to decide" in page.text
    assert 404 == nowhere.status_code


def _as(person: Principal) -> Actor:
    return Actor(principal=person, via=Via("api"), identity=f"api:{person.id}")


async def test_without_an_issuer_nobody_is_asked_to_sign_in_again(tmp_path: Path) -> None:
    async with signing_in(tmp_path, issued=False) as served:
        request = await served.waiting()
        browser = served.browser()
        page = await browser.get("/inbox/sign-in")
        answer = await browser.post("/inbox/sign-in/local", csrf=csrf(page), person="alex")
        shown = await browser.get(path(request))
        nothing = await browser.get(f"{path(request)}/sign-in")
        mine = await browser.get("/inbox/me")

    assert 303 == answer.status_code
    assert "Sign in again to approve" not in shown.text
    assert "Add a passkey" in shown.text
    assert 404 == nothing.status_code
    assert "Name of the new passkey" in mine.text


@pytest.mark.parametrize(
    ("url", "rp_id", "origin", "works"),
    [
        ("https://gate.example", "gate.example", "https://gate.example", True),
        ("https://gate.example:8443", "gate.example", "https://gate.example:8443", True),
        ("https://gate.example:443", "gate.example", "https://gate.example", True),
        ("http://127.0.0.1:3978", "localhost", "http://localhost:3978", True),
        ("http://[::1]:3978", "localhost", "http://localhost:3978", True),
        ("https://10.0.0.7", "10.0.0.7", "https://10.0.0.7", False),
        ("http://gate.example", "gate.example", "http://gate.example", False),
    ],
)
async def test_passkeys_belong_to_the_name_of_the_server(
    url: str, rp_id: str, origin: str, works: bool
) -> None:
    party = RelyingParty.of(url)

    assert (rp_id, origin, works) == (party.id, party.origin, party.works)
    assert works == party.is_here(rp_id)
    assert not party.is_here("other.example")


async def test_a_challenge_is_of_one_browser_for_one_thing_for_five_minutes() -> None:
    value = challenges.challenge("cookie", "approve R-1 d", NOW)
    later = NOW + timedelta(minutes=4)

    assert NOW == challenges.given_at("cookie", "approve R-1 d", value, later)
    assert [None] * 5 == [
        challenges.given_at("other", "approve R-1 d", value, later),
        challenges.given_at("cookie", "approve R-2 d", value, later),
        challenges.given_at("cookie", "approve R-1 d", value[:-1] + b"\0", later),
        challenges.given_at("cookie", "approve R-1 d", value[:-1], later),
        challenges.given_at("cookie", "approve R-1 d", value, NOW + timedelta(minutes=6)),
    ]
