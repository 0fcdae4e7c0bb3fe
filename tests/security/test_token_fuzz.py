"""Tokens of the Bot Framework under a fuzzer: what is not exactly right lets nobody in.

`tests/bot/teams/test_auth.py` has the known attacks one by one; here are those that nobody thought
of. Every refusal is a 401 that stores nothing.
"""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from countersign.sandbox.botframework.tokens import ISSUER
from tests.bot.teams.conftest import _no_network as _no_network
from tests.bot.teams.conftest import signed as signed
from tests.bot.teams.stage import APP_ID, Stage
from tests.bot.teams.test_auth import message
from tests.security.fuzzing import fuzzed

pytestmark = pytest.mark.asyncio
FUZZED = fuzzed(80)
SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=40)
VALUES = st.recursive(
    SCALARS | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
NOW = int(time.time())
DAY_S = 24 * 3600
"""A run of all tests may take hours."""


def wrong_claims(good: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """One claim that is another value, also one that looks much like the right one."""

    def others(name: str) -> st.SearchStrategy[Any]:
        right = good[name]
        if isinstance(right, int):
            early = st.sampled_from([NOW - 7200, -1, 0, "soon", str(NOW + 600)])
            return early | VALUES.filter(lambda value: not isinstance(value, int | float))
        alike = st.sampled_from(
            [[right], {right: right}, right + " ", right + "\0", right.upper() + "/", right[:-1]]
        )
        return alike | VALUES

    def change(name: str) -> st.SearchStrategy[dict[str, Any]]:
        values = others(name).filter(lambda value: value != good[name])
        return values.map(lambda value: {**good, name: value})

    return st.sampled_from(["iss", "aud", "exp", "serviceurl"]).flatmap(change)


async def answered(world: Stage, authorization: str) -> int:
    answer = await world.teams.deliver(message(world), authorization=authorization)
    return answer.status


def claims(world: Stage) -> dict[str, Any]:
    url = world.teams.service_url
    return {"iss": ISSUER, "aud": APP_ID, "nbf": NOW - 9, "exp": NOW + DAY_S, "serviceurl": url}


def good_key(world: Stage) -> tuple[str, Any]:
    issuer = world.teams.issuer
    assert issuer is not None
    return issuer.kid, issuer._keys[issuer.kid]


async def test_good_token_passes(signed: Stage) -> None:
    """So that the refusals below are for the reason that is meant."""
    kid, key = good_key(signed)
    token = jwt.encode(claims(signed), key, algorithm="RS256", headers={"kid": kid})

    assert 202 == await answered(signed, f"Bearer {token}")


@FUZZED
@given(data=st.data())
async def test_wrong_claim_under_a_good_signature_lets_nobody_in(
    signed: Stage, data: st.DataObject
) -> None:
    kid, key = good_key(signed)
    payload = json.dumps(data.draw(wrong_claims(claims(signed)))).encode()
    token = jwt.api_jws.encode(payload, key, algorithm="RS256", headers={"kid": kid})

    assert 401 == await answered(signed, f"Bearer {token}")
    assert (0, 0) == await signed.stored()


@FUZZED
@given(data=st.data())
async def test_token_with_any_byte_changed_lets_nobody_in(
    signed: Stage, data: st.DataObject
) -> None:
    kid, key = good_key(signed)
    token = jwt.encode(claims(signed), key, algorithm="RS256", headers={"kid": kid})
    # Of the last character four bits are padding: changing those changes nothing.
    at = data.draw(st.integers(0, len(token) - 2))
    kind = data.draw(st.sampled_from(["replace", "drop", "insert", "cut"]))
    other = data.draw(st.sampled_from("Az0-_.=+/ %\xff").filter(lambda c: c != token[at]))
    changed = {
        "replace": token[:at] + other + token[at + 1 :],
        "drop": token[:at] + token[at + 1 :],
        "insert": token[:at] + other + token[at:],
        "cut": token[:at],
    }[kind]

    # Two equal neighbours: without one of them it is the same text as without the other.
    assert changed == token or 401 == await answered(signed, f"Bearer {changed}"), changed
    assert (0, 0) == await signed.stored()


HEADERS = st.fixed_dictionaries(
    {"alg": st.sampled_from(["none", "None", "nOnE", "HS256", "HS512", "RS256", "ES256", "", 1])},
    optional={
        "kid": st.sampled_from([None, "", 1, [], {}, "../../dev/null", "' OR 1=1 --", "x" * 2_000]),
        "typ": VALUES,
        "jku": st.just("https://evil.example/keys"),
        "x5u": st.just("https://evil.example/cert"),
        "jwk": st.just({"kty": "oct", "k": "AAAA"}),
        "crit": st.just(["b64"]),
        "b64": st.booleans(),
    },
)


@FUZZED
@given(header=HEADERS, signer=st.sampled_from(["empty", "public key", "noise"]))
async def test_token_that_names_its_own_way_of_being_checked_lets_nobody_in(
    signed: Stage, header: dict[str, Any], signer: str
) -> None:
    """No algorithm, an HMAC whose secret is the public key, a key that the token brings along."""
    kid, key = good_key(signed)
    first = _b64(json.dumps({"kid": kid, **header}).encode())
    text = f"{first}.{_b64(json.dumps(claims(signed)).encode())}"
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    algorithm = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    # PyJWT itself refuses to sign with a public key.
    mac = algorithm.sign(text.encode(), public)
    signature = {"empty": "", "public key": _b64(mac), "noise": _b64(b"x" * 256)}[signer]

    assert 401 == await answered(signed, f"Bearer {text}.{signature}")
    assert (0, 0) == await signed.stored()


@FUZZED
@given(
    st.text(st.characters(min_codepoint=33, max_codepoint=255, exclude_characters="\x7f"))
    | st.sampled_from(
        ["Bearer " + "a" * 8_000, "Bearer ..", "Bearer e30.e30.", "Bearer \xff.\xff."]
    )
)
async def test_no_other_header_lets_anybody_in(signed: Stage, header: str) -> None:
    assert 401 == await answered(signed, header)
    assert (0, 0) == await signed.stored()


@pytest.mark.parametrize("order", [("good", "bad"), ("bad", "good"), ("good", "good")])
async def test_two_tokens_let_nobody_in(signed: Stage, order: tuple[str, str]) -> None:
    kid, key = good_key(signed)
    token = jwt.encode(claims(signed), key, algorithm="RS256", headers={"kid": kid})
    given = {"good": f"Bearer {token}", "bad": "Bearer x"}
    assert signed.teams.bot_url is not None
    headers = [("Authorization", given[each]) for each in order]
    async with signed.teams._session.post(
        signed.teams.bot_url, json=message(signed), headers=headers
    ) as answer:
        assert 401 == answer.status
    assert (0, 0) == await signed.stored()


@pytest.mark.parametrize(
    "tenant",
    ["", "11111111-1111-1111-1111-111111111111", None, {"id": "x"}],
)
async def test_activity_of_another_tenant_is_not_heard(signed: Stage, tenant: Any) -> None:
    activity = message(signed)
    activity["conversation"] = {**activity["conversation"], "tenantId": tenant}
    activity["channelData"] = {"tenant": {"id": tenant}}
    answer = await signed.teams.deliver(activity)

    assert answer.status in (400, 401)
    assert (0, 0) == await signed.stored()


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
