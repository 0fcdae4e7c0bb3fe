"""Signing in to the inbox and out of it: cookies, tokens, and what production refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from countersign.approvals.models import PrincipalId
from countersign.bot.inbox import guard
from countersign.bot.inbox.browser_sessions import BrowserSessions, row_id
from countersign.bot.inbox.shell import safe_next
from countersign.bot.settings.inbox import InboxSettings
from tests.bot.inbox_world import inbox
from tests.doubles.clock import ManualClock
from tests.doubles.database import empty_store

ALEX = PrincipalId("alex")

BOTH = pytest.mark.parametrize("database", ["sqlite", "postgresql"])


async def test_a_browser_session_is_found_by_its_cookie_until_it_ends(tmp_path: Path) -> None:
    clock = ManualClock()
    async with empty_store(tmp_path, "sqlite") as store:
        sessions = BrowserSessions(store, clock, InboxSettings())

        async def begin(replaces: str = "") -> str:
            return await sessions.begin(
                ALEX, method="oidc", identity="oidc:1", replaces=replaces, claims={"acr": "2"}
            )

        token = await begin()
        found = await sessions.find(token)
        assert found is not None
        assert (row_id(token), ALEX, "oidc", "oidc:1", {"acr": "2"}) == (
            found.id, found.principal_id, found.method, found.identity, found.claims,
        )  # fmt: skip
        assert token not in found.model_dump_json()
        assert await sessions.find(token[:-1]) is None
        assert await sessions.find("x" * 43) is None

        rotated = await begin(replaces=token)
        assert await sessions.find(token) is None

        clock.advance(minutes=59)
        assert await sessions.find(rotated) is not None  # which is use of it
        clock.advance(minutes=59)
        assert await sessions.find(rotated) is not None
        clock.advance(minutes=61)
        assert await sessions.find(rotated) is None
        assert await sessions.of(ALEX) == []

        one, two = await begin(), await begin()
        assert {row_id(one), row_id(two)} == {each.id for each in await sessions.of(ALEX)}
        await sessions.end(one)
        assert await sessions.find(one) is None
        assert await sessions.end_all(ALEX) == 1
        assert await sessions.find(two) is None


async def test_nobody_stays_signed_in_for_longer_than_the_longest(tmp_path: Path) -> None:
    clock = ManualClock()
    settings = InboxSettings.model_validate({"idle": "1h", "longest": "90m"})
    async with empty_store(tmp_path, "sqlite") as store:
        sessions = BrowserSessions(store, clock, settings)
        token = await sessions.begin(ALEX, method="oidc", identity="oidc:1")
        clock.advance(minutes=50)
        assert await sessions.find(token) is not None
        clock.advance(minutes=40)
        assert await sessions.find(token) is None


def test_settings_that_make_no_sense_are_refused() -> None:
    for wrong in ({"idle": "30s"}, {"idle": "2h", "longest": "1h"}):
        with pytest.raises(ValueError, match="idle is at least 60s"):
            InboxSettings.model_validate(wrong)


@BOTH
async def test_signing_in_by_choosing_a_name_gives_another_cookie(
    database: str, tmp_path: Path
) -> None:
    async with inbox(tmp_path, database=database) as world:
        browser = world.browser()
        await browser.open("/inbox?risk=high")
        assert "/inbox/sign-in" in browser.path
        assert browser.hidden("next") == "/inbox?risk=high"
        planted = {c.key: c.value for c in browser.client.session.cookie_jar}
        await browser.send("/inbox/sign-in/local", person="alex", next="/inbox")
        held = {c.key: c.value for c in browser.client.session.cookie_jar}

        assert (browser.status, browser.path) == (200, "/inbox")
        assert "Alex Wilber" in browser.text
        assert planted["countersign"] != held["countersign"]
        (cookie,) = [c for c in browser.client.session.cookie_jar if c.key == "countersign"]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"

        stranger = world.browser()
        await stranger.open("/inbox", Cookie=f"countersign={planted['countersign']}")
        assert stranger.path.startswith("/inbox/sign-in")

        await browser.send("/inbox/sign-out")
        assert browser.path == "/inbox/sign-in"
        thief = world.browser()
        await thief.open("/inbox", Cookie=f"countersign={held['countersign']}")
        assert thief.path.startswith("/inbox/sign-in")


@BOTH
async def test_a_form_of_another_site_decides_nothing(database: str, tmp_path: Path) -> None:
    """With the cookie and all that a form has: browsers say where it comes from."""
    async with inbox(tmp_path, database=database) as world:
        request = await world.api.waiting()
        path = f"/inbox/requests/{request['id']}"
        alex = await world.signed_in("alex")
        vote = {"digest": request["digest"], "verdict": "approve", "comment": "mine"}
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
            for form, fields in (
                (f"{path}/votes", vote),
                (f"{path}/edits", {**vote, "arg.to": "thief"}),
                ("/inbox/bundle", {f"pick.{request['id']}": request["digest"], **vote}),
            ):
                await alex.open(path)
                await alex.send(form, headers=headers, **fields)
                assert alex.status == 403, (headers, form)
        _, after = await world.api.call("GET", f"/api/v1/requests/{request['id']}")

        assert ("pending", [], 1) == (after["status"], after["votes"], after["revision"])
        await alex.open(path)
        await alex.send(f"{path}/votes", **vote)
        assert "Your decision counts." in alex.text


@BOTH
async def test_forms_of_others_sign_nobody_in_or_out(database: str, tmp_path: Path) -> None:
    async with inbox(tmp_path, database=database) as world:
        browser = await world.signed_in("alex")
        for headers, csrf in (
            ({}, "0" * 64),
            ({"Sec-Fetch-Site": "cross-site"}, ""),
            ({"Sec-Fetch-Site": "same-site"}, ""),
            ({"Origin": "https://evil.example"}, ""),
            ({"Origin": "null"}, ""),
            ({"Origin": "http://["}, ""),
        ):
            await browser.open("/inbox")
            await browser.send("/inbox/sign-out", headers=headers, csrf=csrf)
            assert browser.status == 403, headers
            assert "Nothing was done" in browser.text

        await browser.open("/inbox")
        assert "Alex Wilber" in browser.text
        await browser.send("/inbox/sign-out", headers={"Origin": "http://127.0.0.1"})
        assert browser.path == "/inbox/sign-in"


async def test_production_has_no_people_picker_and_says_what_to_configure(tmp_path: Path) -> None:
    async with inbox(tmp_path, local=False) as world:
        browser = world.browser()
        text = await browser.open("/inbox")
        assert browser.status == 503
        assert "sign_in" in text
        assert "Alex" not in text
        assert "__Host-countersign=" in browser.headers["Set-Cookie"]
        assert "Secure" in browser.headers["Set-Cookie"]
        await browser.send("/inbox/sign-in/local", person="alex")
        assert browser.status == 404


async def test_pages_cannot_be_framed_and_load_nothing_from_elsewhere(tmp_path: Path) -> None:
    async with inbox(tmp_path) as world:
        browser = world.browser()
        await browser.open("/inbox")
        policy = browser.headers["Content-Security-Policy"]

        assert guard.SECURITY_POLICY == policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert (browser.headers["X-Frame-Options"], browser.headers["Cache-Control"]) == (
            "DENY",
            "no-store",
        )
        assert " style=" not in browser.text
        assert "http://" not in browser.text.replace("http://www.w3.org", "")


async def test_assets_are_kept_by_browsers_under_the_hash_of_what_they_hold(tmp_path: Path) -> None:
    async with inbox(tmp_path) as world:
        browser = world.browser()
        await browser.open("/inbox")
        _, _, rest = browser.text.partition('rel="stylesheet" href="')
        path, _, _ = rest.partition('"')
        await browser.open(path)
        assert "immutable" in browser.headers["Cache-Control"]
        assert browser.headers["Content-Type"].startswith("text/css")
        version = path.split("/")[3]
        for wrong in (
            path.replace(version, "0" * 16),
            path.replace("inbox.css", "htmx.LICENSE.txt"),
            path.replace("inbox.css", "..%2Fapp.py"),
        ):
            await browser.open(wrong)
            assert browser.status == 404, wrong


async def test_the_language_is_the_browsers_or_the_chosen_one(tmp_path: Path) -> None:
    async with inbox(tmp_path) as world:
        browser = world.browser()
        assert '<html lang="de">' in await browser.open(
            "/inbox/sign-in", **{"Accept-Language": "fr, de-AT;q=0.9, en;q=0.5, de;q=x"}
        )
        assert '<html lang="en">' in await browser.open("/inbox/sign-in")
        await browser.send("/inbox/language", language="de", next="/inbox/sign-in")
        assert browser.path == "/inbox/sign-in"
        assert '<html lang="de">' in browser.text
        await browser.send("/inbox/language", language="xx", next="https://evil.example")
        assert browser.path.startswith("/inbox/sign-in")


def test_nobody_is_led_away_after_signing_in() -> None:
    ours = "/inbox/requests/R-1?from=mail"
    assert safe_next(ours) == ours
    for wrong in (
        "https://evil.example", "//evil.example", "/inbox//evil", "/inboxes", "/inbox/\\evil",
        "/inbox\r\nX: 1", "/" * 3000, "",
    ):  # fmt: skip
        assert safe_next(wrong) == "/inbox"
