"""The personal tab of Teams: whom its token signs in, and whom it does not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import async_playwright, expect

from countersign.bot.sign_in.tab import TEAMS
from tests.bot.sign_in.world import ALEX, Browser, World, signing_in
from tests.e2e.conftest import FLAGS, chromium
from tests.e2e.looked_at import looked_at

pytestmark = pytest.mark.asyncio(loop_scope="module")
FRAME = {"Sec-Fetch-Dest": "iframe"}
COOKIE = "__Host-countersign-tab"
NEAR = "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests"
"""A page of the net may show one of this machine."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    folder = tmp_path_factory.mktemp("tab")
    async with signing_in(folder, public_url="https://gate.example", teams_tab=True) as started:
        yield started


def token(world: World, person: str = "alex", wrong: str = "", **claims: Any) -> str:
    resource = f"api://gate.example/{world.issuer.client_id}"
    return world.issuer.tab_token(person, resource, wrong=wrong, **claims)


async def entered(browser: Browser, given: str, following: str = "/inbox/me") -> httpx.Response:
    return await browser.post("/inbox/teams", token=given, next=following)


async def test_whom_teams_names_is_signed_in_in_its_frame(world: World) -> None:
    browser = world.browser()
    asked = await browser.http.get(f"{world.url}/inbox/me", headers=FRAME)
    answer = await entered(browser, token(world))
    (line,) = [c for c in answer.headers.get_list("Set-Cookie") if c.startswith(COOKIE)]
    page = await browser.get("/inbox/me")
    policy = page.headers["Content-Security-Policy"]

    assert "/inbox/teams?next=%2Finbox%2Fme" == asked.headers["Location"]
    assert (303, "/inbox/me") == (answer.status_code, answer.headers["Location"])
    assert {"Secure", "HttpOnly", "SameSite=None", "Partitioned"} <= set(line.split("; "))
    assert f"entra:{ALEX}" in page.text
    assert "frame-ancestors https://teams.microsoft.com" in policy
    assert "script-src 'self'" in policy
    assert "X-Frame-Options" not in page.headers


async def test_a_tab_is_no_fresh_sign_in(world: World) -> None:
    browser = world.browser()
    await entered(browser, token(world))
    refused = await browser.get("/inbox/me/passkeys/options")

    assert 422 == refused.status_code


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("wrong_issuer", {}),
    ("wrong_audience", {}),
    ("other_audience_too", {}),
    ("wrong_tenant", {}),
    ("expired", {}),
    ("not_yet", {}),
    ("no_person", {}),
    ("alg_none", {}),
    ("alg_hs256", {}),
    ("forged", {}),
    ("", {"azp": "another-application"}),
    ("", {"azp": None}),
    ("", {"scp": "openid profile"}),
    ("", {"scp": None}),
    ("", {"aud": "api://evil.example/app"}),
]


@pytest.mark.parametrize(("wrong", "claims"), WRONG, ids=[f"{w}{c}" for w, c in WRONG])
async def test_a_token_that_is_not_for_the_tab_signs_nobody_in(
    wrong: str, claims: dict[str, Any], world: World
) -> None:
    browser = world.browser()
    answer = await entered(browser, token(world, wrong=wrong, **claims))

    assert 403 == answer.status_code
    assert COOKIE not in browser.jar


async def test_the_id_token_of_a_sign_in_is_no_token_of_a_tab(world: World) -> None:
    """It is for the same application, and its `azp` is not Teams."""
    given = world.issuer.tab_token("alex", world.issuer.client_id, scp=None, azp=None)

    assert 403 == (await entered(world.browser(), given)).status_code


@pytest.mark.parametrize("client", TEAMS)
async def test_either_teams_may_ask(client: str, world: World) -> None:
    assert 303 == (await entered(world.browser(), token(world, azp=client))).status_code


async def test_a_stranger_and_a_form_from_elsewhere_are_refused(world: World) -> None:
    stranger = await entered(world.browser(), token(world, "stranger"))
    async with httpx.AsyncClient() as elsewhere:
        forged = await elsewhere.post(
            f"{world.url}/inbox/teams",
            data={"token": token(world)},
            headers={"Sec-Fetch-Site": "cross-site"},
        )
        large = await elsewhere.post(f"{world.url}/inbox/teams", data={"token": "x" * 50_000})

    assert (403, 403, 413) == (stranger.status_code, forged.status_code, large.status_code)
    assert "You are not known here" in stranger.text
    assert "set-cookie" not in forged.headers or COOKIE not in forged.headers["set-cookie"]


async def test_nobody_is_led_round_in_circles_whose_browser_keeps_no_cookie(world: World) -> None:
    browser = world.browser()
    came = {**FRAME, "Referer": f"{world.url}/inbox/teams?next=%2Finbox"}
    asked = await browser.http.get(f"{world.url}/inbox", headers=came)
    page = await browser.http.get(f"{world.url}/inbox/sign-in", headers=FRAME)

    assert "/inbox/sign-in?next=%2Finbox" == asked.headers["Location"]
    assert "Open the inbox in a browser" in page.text


async def test_the_step_up_leads_out_of_the_frame(world: World) -> None:
    browser, request = world.browser(), await world.waiting()
    await entered(browser, token(world))
    page = await browser.http.get(
        f"{world.url}/inbox/requests/{request.id}/step-up",
        headers={**FRAME, "Cookie": f"{COOKIE}={browser.jar[COOKIE]}"},
    )

    assert "open this page there" in page.text


async def test_in_a_frame_of_teams_the_script_asks_teams_and_signs_in(world: World) -> None:
    """In Chromium, in a frame of another site, with Teams played by the test: what it answers, and
    that it answers nothing."""
    frame = f'<iframe src="{world.url}/inbox/teams?next=/inbox/me"></iframe>'
    played = "window.microsoftTeams={app:{initialize:async()=>{},notifySuccess(){}},"
    given = f"{played}authentication:{{getAuthToken:async()=>{token(world)!r}}}}};"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=[*FLAGS, NEAR])
        page = await browser.new_page()
        for host in ("teams.microsoft.com", "evil.example"):
            await page.route(
                f"https://{host}/*", lambda r: r.fulfill(body=frame, content_type="text/html")
            )
        await page.route(
            "**/teams.min.js", lambda r: r.fulfill(body=given, content_type="text/javascript")
        )
        inner = page.frame_locator("iframe")
        await page.goto("https://teams.microsoft.com/v2")
        await expect(inner.get_by_role("heading", name="How you sign in")).to_be_visible()
        await page.unroute("**/teams.min.js")
        await page.goto("https://evil.example/")
        hidden = await inner.get_by_role("heading").count()
        await page.goto(f"{world.url}/inbox/teams")
        alone = page.get_by_role("link", name="Open the inbox in a browser")
        await expect(alone).to_be_visible(timeout=60_000)
        await looked_at(page, "teams-tab")
        await page.evaluate("document.cookie = 'countersign_language=de'")
        await page.reload()
        await expect(page.get_by_role("link", name="Posteingang")).to_be_visible(timeout=60_000)
        await looked_at(page, "teams-tab-german")
        await browser.close()

    assert 0 == hidden
