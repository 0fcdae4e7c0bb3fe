"""Signing in to the inbox with an issuer, as browsers do it, and what attackers would try."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest
import pytest_asyncio

from countersign.sandbox._faults import Fault
from tests.bot.sign_in.world import ALEX, World, signing_in

COOKIE, ATTEMPT = "countersign", "countersign-sign-in"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with signing_in(tmp_path_factory.mktemp("sign-in")) as started:
        yield started


pytestmark = pytest.mark.asyncio(loop_scope="module")


def csrf(page: str) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', page)
    assert found, page
    return found[1]


async def test_somebody_signs_in_and_lands_where_they_wanted_to_go(world: World) -> None:
    browser = world.browser()
    asked = await browser.get("/inbox/me")
    page = await browser.get(asked.headers["Location"])
    link = re.search(r'href="(/inbox/sign-in/oidc[^"]*)"', page.text)
    assert link, page.text
    answer = await browser.sign_in("alex", link[1])
    shown = await browser.get(answer.headers["Location"])

    assert "Sign in with Microsoft" in page.text
    assert (303, "/inbox/me") == (answer.status_code, answer.headers["Location"])
    assert "Alex Wilber" in shown.text
    assert f"entra:{ALEX}" in shown.text


async def test_the_cookie_of_before_is_worth_nothing_after(world: World) -> None:
    """Fixation: what was planted in a browser names nobody once they have signed in."""
    await _gives_another_cookie(world)


async def test_the_cookie_of_before_is_worth_nothing_on_postgresql(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    async with signing_in(tmp_path_factory.mktemp("fixation"), "postgresql") as other:
        await _gives_another_cookie(other)


async def _gives_another_cookie(world: World) -> None:
    browser = world.browser()
    await browser.get("/inbox/sign-in")
    planted = browser.jar[COOKIE]
    await browser.sign_in("alex")
    attacker = world.browser()
    attacker.jar[COOKIE] = planted
    first = browser.jar[COOKIE]
    await browser.sign_in("alex")
    old = world.browser()
    old.jar[COOKIE] = first

    assert len({planted, first, browser.jar[COOKIE]}) == 3
    assert 303 == (await attacker.get("/inbox/me")).status_code
    assert 303 == (await old.get("/inbox/me")).status_code
    assert ATTEMPT not in browser.jar


async def test_a_stranger_gets_a_clear_no_with_what_an_administrator_needs(world: World) -> None:
    browser = world.browser()
    answer = await browser.sign_in("stranger")
    after = await browser.get("/inbox")

    assert 403 == answer.status_code
    assert "You are not known here" in answer.text
    assert "entra:00000000-0000-0000-0000-0000000000099" in answer.text
    assert "stranger@example.com" not in answer.text
    assert 303 == after.status_code


async def test_nobody_is_found_by_their_mail(world: World) -> None:
    """Whoever may choose their address at the issuer becomes nobody else by it."""
    world.issuer.accounts.add("mallory", "Mallory", "00000000-evil", "alex@example.com")

    assert 403 == (await world.browser().sign_in("mallory")).status_code


async def test_a_way_back_of_somebody_else_signs_nobody_in(world: World) -> None:
    """Login CSRF: an attacker has signed in, and has a victim follow the last link."""
    attacker, victim = world.browser(), world.browser()
    link = await attacker.sent_back("megan")
    await victim.get("/inbox/sign-in/oidc")
    answer = await victim.get(link)
    page = await victim.get("/inbox/me")

    assert 400 == answer.status_code
    assert "not begun in this browser" in answer.text
    assert 303 == page.status_code


async def test_a_way_back_counts_once_even_if_the_issuer_takes_codes_again(world: World) -> None:
    world.issuer.misbehaviour.takes_codes_again = True
    try:
        browser = world.browser()
        link = await browser.sent_back("alex")
        await browser.get(link)
        page = (await browser.get("/inbox/me")).text
        await browser.post("/inbox/sign-out", csrf=csrf(page))
        again = await browser.get(link)
        after = await browser.get("/inbox/me")
    finally:
        world.issuer.misbehaviour.clear()

    assert 400 == again.status_code
    assert 303 == after.status_code


@pytest.mark.parametrize(
    "away",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/inbox/..//evil",
        "javascript:1",
    ],
)
async def test_nobody_is_led_away(away: str, world: World) -> None:
    answer = await world.browser().sign_in(
        "alex", f"/inbox/sign-in/oidc?next={quote(away, safe='')}"
    )

    assert "/inbox" == answer.headers["Location"]


async def test_two_tabs_can_sign_in_at_once(world: World) -> None:
    browser = world.browser()
    first = await browser.sent_back("alex", "/inbox/sign-in/oidc?next=/inbox/me")
    second = await browser.sent_back("alex")
    answers = [await browser.get(first), await browser.get(second)]

    assert ["/inbox/me", "/inbox"] == [answer.headers["Location"] for answer in answers]


@pytest.mark.parametrize(
    "kind", ["wrong_nonce", "alg_none", "wrong_tenant", "wrong_iss", "expired"]
)
async def test_what_cannot_be_believed_signs_nobody_in(kind: str, world: World) -> None:
    world.issuer.misbehaviour.add(kind)
    browser = world.browser()
    answer = await browser.sign_in("alex")

    assert 403 == answer.status_code
    assert "cannot be believed" in answer.text
    assert 303 == (await browser.get("/inbox")).status_code


async def test_whoever_says_no_at_the_issuer_is_told_so(world: World) -> None:
    answer = await world.browser().sign_in("nobody-there")

    assert 403 == answer.status_code
    assert "has not signed you in" in answer.text


async def test_an_issuer_that_is_away_keeps_nobody_out_who_is_in(world: World) -> None:
    browser, late = await world.signed_in("alex"), world.browser()
    link = await late.sent_back("alex")
    world.issuer.faults.add(Fault(kind="error", status=503, path="token"))
    answer = await late.get(link)

    assert 503 == answer.status_code
    assert "does not answer" in answer.text
    assert 200 == (await browser.get("/inbox/me")).status_code


async def test_signing_out_is_for_good_and_leads_to_the_issuer(world: World) -> None:
    browser = await world.signed_in("alex")
    held = browser.jar[COOKIE]
    page = (await browser.get("/inbox/me")).text
    await browser.post("/inbox/sign-out", csrf=csrf(page))
    browser.jar[COOKIE] = held
    (link,) = re.findall(r'href="([^"]+/leave)"', (await browser.get("/inbox/sign-in")).text)
    left = await browser.get(link)
    query = parse_qs(urlsplit(left.headers["Location"]).query)

    assert 303 == (await browser.get("/inbox/me")).status_code
    assert [f"{world.url}/inbox/sign-in"] == query["post_logout_redirect_uri"]


async def test_signing_out_everywhere_ends_every_browser(world: World) -> None:
    one, other = await world.signed_in("megan"), await world.signed_in("megan")
    page = (await one.get("/inbox/me")).text
    await one.post("/inbox/me/sign-out-everywhere", csrf=csrf(page))

    assert page.count("<tr><td") >= 2
    assert [303, 303] == [(await b.get("/inbox/me")).status_code for b in (one, other)]


async def test_cookies_of_a_server_on_the_net_are_its_own(tmp_path: Path) -> None:
    """`__Host-`: no other host, also none of the same domain, can have set it."""
    async with signing_in(tmp_path, public_url="https://gate.example") as served:
        browser = served.browser()
        sent = await browser.get("/inbox/sign-in/oidc")
        (line,) = [c for c in sent.headers.get_list("Set-Cookie") if "sign-in" in c]

    assert line.startswith("__Host-countersign-sign-in=")
    assert {"HttpOnly", "Secure", "SameSite=Lax", "Path=/"} <= set(line.split("; "))
