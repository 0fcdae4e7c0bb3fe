"""The issuer: a sign-in as browsers do it, what it refuses, and all that it can get wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import jwt
import pytest
import pytest_asyncio

from countersign.sandbox.oidc import OidcServer
from countersign.sandbox.oidc.codes import challenge_of
from countersign.sandbox.oidc.misbehaviour import KINDS, OF_SIGNATURE, OF_WAY_BACK

VERIFIER = "v" * 43
CALLBACK = "http://127.0.0.1:1/inbox/sign-in/callback"


@pytest_asyncio.fixture
async def issuer() -> AsyncIterator[OidcServer]:
    async with OidcServer.start() as started:
        yield started


@pytest_asyncio.fixture
async def browser(issuer: OidcServer) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as client:
        yield client


async def metadata(browser: httpx.AsyncClient, issuer: OidcServer) -> dict[str, Any]:
    found = await browser.get(f"{issuer.issuer}/.well-known/openid-configuration")
    return dict(found.json())


def asked(issuer: OidcServer, **changes: str) -> dict[str, str]:
    right = {
        "client_id": issuer.client_id,
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "scope": "openid profile",
        "state": "state-1",
        "nonce": "nonce-1",
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
    }
    return {name: value for name, value in {**right, **changes}.items() if value}


async def back(
    browser: httpx.AsyncClient, issuer: OidcServer, person: str = "alex", **changes: str
) -> dict[str, str]:
    """What the issuer tells the application once somebody has pressed their button."""
    url = (await metadata(browser, issuer))["authorization_endpoint"]
    answer = await browser.post(url, data={**asked(issuer, **changes), "person": person})
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


async def redeemed(
    browser: httpx.AsyncClient, issuer: OidcServer, code: str, **changes: str
) -> httpx.Response:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
        "client_id": issuer.client_id,
        "client_secret": issuer.client_secret,
        **changes,
    }
    return await browser.post((await metadata(browser, issuer))["token_endpoint"], data=form)


async def claims(browser: httpx.AsyncClient, issuer: OidcServer, token: str) -> dict[str, Any]:
    """Those of a token, by the key that is published for it."""
    keys = (await browser.get((await metadata(browser, issuer))["jwks_uri"])).json()
    key = jwt.PyJWKSet.from_dict(keys)[jwt.get_unverified_header(token)["kid"]]
    return dict(jwt.decode(token, key, algorithms=["RS256"], audience=issuer.client_id))


async def test_a_sign_in_ends_in_a_token_of_whoever_pressed_the_button(
    issuer: OidcServer, browser: httpx.AsyncClient
) -> None:
    said = await back(browser, issuer, "megan")
    answer = await redeemed(browser, issuer, said["code"])
    found = await claims(browser, issuer, answer.json()["id_token"])

    assert ("state-1", issuer.issuer) == (said["state"], said["iss"])
    assert "00000000-0000-0000-0000-0000000000021" == found["oid"]
    assert (issuer.issuer, "nonce-1", "1") == (found["iss"], found["nonce"], found["acr"])


async def test_whoever_is_signed_in_is_not_asked_unless_it_has_to_be_fresh(
    issuer: OidcServer, browser: httpx.AsyncClient
) -> None:
    url = (await metadata(browser, issuer))["authorization_endpoint"]
    quiet = await browser.get(url, params=asked(issuer, prompt="none"))
    await back(browser, issuer)
    statuses = [
        (await browser.get(url, params=asked(issuer, **more))).status_code
        for more in ({}, {"prompt": "login"}, {"max_age": "0"}, {"max_age": "600"})
    ]

    assert "error=login_required" in quiet.headers["Location"]
    assert [302, 200, 200, 302] == statuses


async def test_a_sign_in_is_of_the_class_that_was_asked_for(
    issuer: OidcServer, browser: httpx.AsyncClient
) -> None:
    said = await back(browser, issuer, acr_values="c2 c3")
    answer = await redeemed(browser, issuer, said["code"])

    assert "c2" == (await claims(browser, issuer, answer.json()["id_token"]))["acr"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"code_verifier": "w" * 43}, "AADSTS501481"),
        ({"redirect_uri": "http://127.0.0.1:2/"}, "AADSTS50011"),
        ({"client_secret": "guessed"}, "AADSTS7000215"),
        ({"grant_type": "password"}, "AADSTS70003"),
        ({"code": "made-up"}, "AADSTS70008"),
    ],
)
async def test_a_code_is_refused(
    changes: dict[str, str], expected: str, issuer: OidcServer, browser: httpx.AsyncClient
) -> None:
    said = await back(browser, issuer)
    answer = await redeemed(browser, issuer, **{"code": said["code"], **changes})

    assert answer.is_client_error
    assert expected in answer.text


async def test_a_code_counts_once_unless_the_issuer_has_bad_habits(
    issuer: OidcServer, browser: httpx.AsyncClient
) -> None:
    said = await back(browser, issuer)
    statuses = [(await redeemed(browser, issuer, said["code"])).status_code for _ in range(2)]
    await browser.post(f"{issuer.url}/_sandbox/misbehave", json={"takes_codes_again": True})
    again = await redeemed(browser, issuer, said["code"])

    assert [200, 400, 200] == [*statuses, again.status_code]


async def test_others_are_not_sent_anywhere(issuer: OidcServer, browser: httpx.AsyncClient) -> None:
    url = (await metadata(browser, issuer))["authorization_endpoint"]
    for changes in ({"client_id": "other"}, {"redirect_uri": "https://evil.example/cb"}):
        answer = await browser.get(url, params=asked(issuer, **changes))
        posted = await browser.post(url, data={**asked(issuer, **changes), "person": "alex"})

        assert (400, 400) == (answer.status_code, posted.status_code)
    for changes in ({"code_challenge": ""}, {"scope": "profile"}, {"response_type": "token"}):
        answer = await browser.get(f"{url}?{urlencode(asked(issuer, **changes))}")

        assert "error=invalid_request" in answer.headers["Location"]


async def test_old_keys_are_published_until_they_are_withdrawn(
    issuer: OidcServer, browser: httpx.AsyncClient
) -> None:
    async def kids() -> list[str]:
        keys = (await browser.get((await metadata(browser, issuer))["jwks_uri"])).json()["keys"]
        return [key["kid"] for key in keys]

    await browser.post(f"{issuer.url}/_sandbox/rotate")
    both = await kids()
    await browser.post(f"{issuer.url}/_sandbox/rotate", json={"withdraw": True})

    assert ["oidc-key-1", "oidc-key-2"] == both
    assert ["oidc-key-3"] == await kids()


@pytest.mark.parametrize("kind", KINDS)
async def test_each_thing_that_it_gets_wrong_is_wrong_once(
    kind: str, issuer: OidcServer, browser: httpx.AsyncClient
) -> None:
    """A token that is good but for one thing, or an answer, and the next one is right again."""
    await browser.post(f"{issuer.url}/_sandbox/misbehave", json={"kind": kind})
    spoiled, right = [await back(browser, issuer) for _ in range(2)]
    bad = await redeemed(browser, issuer, spoiled["code"])
    good = await redeemed(browser, issuer, right["code"])
    expected = await claims(browser, issuer, good.json()["id_token"])

    if kind in OF_WAY_BACK:
        assert {**right, "code": ""} != {**spoiled, "code": ""}
    elif kind in OF_SIGNATURE:
        with pytest.raises((jwt.PyJWTError, KeyError)):
            await claims(browser, issuer, bad.json()["id_token"])
    elif kind in ("not_json", "no_id_token"):
        assert b"id_token" not in bad.content
    else:
        unchecked = jwt.decode(bad.json()["id_token"], options={"verify_signature": False})
        changed = {n for n in {*unchecked, *expected} if unchecked.get(n) != expected.get(n)}
        assert changed - {"iat", "nbf", "exp", "auth_time", "sid"} or kind in (
            "expired", "not_yet", "never_expires", "no_auth_time", "stale_auth_time"
        )  # fmt: skip


async def test_the_switches_say_what_they_do_not_know(
    issuer: OidcServer, browser: httpx.AsyncClient
) -> None:
    control = f"{issuer.url}/_sandbox"
    refused = await browser.post(f"{control}/misbehave", json={"kind": "rude"})
    made = await browser.post(f"{control}/people", json={"key": "eve", "name": "Eve", "oid": "e-1"})
    given = {"person": "eve", "resource": issuer.client_id}
    token = (await browser.post(f"{control}/tab-token", json=given)).json()["token"]
    await browser.delete(f"{control}/misbehave")

    assert (422, 201) == (refused.status_code, made.status_code)
    assert "e-1" == (await claims(browser, issuer, token))["oid"]


async def test_signing_out_ends_the_session_of_the_issuer(
    issuer: OidcServer, browser: httpx.AsyncClient
) -> None:
    found = await metadata(browser, issuer)
    await back(browser, issuer)
    out = await browser.get(
        found["end_session_endpoint"],
        params={"post_logout_redirect_uri": "http://127.0.0.1:1/inbox"},
    )
    again = await browser.get(found["authorization_endpoint"], params=asked(issuer))
    elsewhere = await browser.get(
        found["end_session_endpoint"], params={"post_logout_redirect_uri": "https://evil.example"}
    )

    assert "http://127.0.0.1:1/inbox" == out.headers["Location"]
    assert (200, 200) == (again.status_code, elsewhere.status_code)
