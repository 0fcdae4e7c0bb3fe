"""The code flow against an issuer that behaves, and against each thing that it can get wrong."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import pytest_asyncio
from pydantic import SecretStr

from countersign.approvals.errors import UnavailableError
from countersign.bot.settings.sign_in import SignInSettings
from countersign.bot.sign_in.attempts import Purpose, begin, new_secret, resume
from countersign.bot.sign_in.flow import Flow, NotOursError, RefusedByIssuerError
from countersign.bot.sign_in.id_tokens import Expected, Named, UntrustedError, read
from countersign.bot.sign_in.issuer import Issuer
from countersign.sandbox._faults import Fault
from countersign.sandbox.oidc import OidcServer
from countersign.sandbox.oidc.misbehaviour import KINDS
from countersign.sandbox.oidc.people import TENANT_ID
from tests.bot.sign_in.browser import press

CALLBACK = "http://127.0.0.1:1/inbox/sign-in/callback"
ALEX = "00000000-0000-0000-0000-0000000000020"
HOME = Purpose(next="/inbox")
AGAIN = Purpose(
    kind="step_up", is_fresh=True, next="/inbox", person="alex", request="R-1", digest="d"
)


def settings_for(server: OidcServer, **changes: Any) -> SignInSettings:
    """Those that somebody would write for the stand-in."""
    given = {
        "issuer": server.issuer,
        "client_id": server.client_id,
        "client_secret": SecretStr(server.client_secret),
        "identity": "entra",
        **changes,
    }
    return SignInSettings.model_validate(given)


class Now:
    """Implements `Clock` by the time there is, and a shift."""

    def __init__(self) -> None:
        self.shift = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.shift


@dataclass
class World:
    """An issuer, the flow, and two browsers."""

    server: OidcServer
    client: httpx.AsyncClient
    clock: Now = field(default_factory=Now)
    monotonic_s: float = 0.0
    secret: str = field(default_factory=new_secret)

    def flow(self, **changes: Any) -> Flow:
        issuer = Issuer(settings_for(self.server, **changes), self.client, lambda: self.monotonic_s)
        return Flow(issuer, CALLBACK, self.clock)

    async def signed_in(self, flow: Flow, person: str = "alex", purpose: Purpose = HOME) -> Named:
        answer = await press(self.client, await flow.begin(self.secret, purpose), person)
        _, named = await flow.complete(self.secret, answer)
        return named


@pytest_asyncio.fixture
async def world() -> AsyncIterator[World]:
    async with OidcServer.start() as server, httpx.AsyncClient() as client:
        yield World(server, client)


async def test_who_signs_in_is_named_by_object_id_and_never_by_mail(world: World) -> None:
    named = await world.signed_in(world.flow())

    assert f"entra:{ALEX}" == named.identity
    assert "alex@example.com" == named.claims["email"]


async def test_another_issuer_names_people_by_its_subject(world: World) -> None:
    named = await world.signed_in(world.flow(identity="oidc"))

    assert ("oidc", f"sub-{ALEX}") == (named.kind, named.value)


async def test_the_secret_may_go_in_a_header_where_the_issuer_wants_that(world: World) -> None:
    """As RFC 6749 has it where a discovery document says nothing else."""
    flow = world.flow()
    metadata = await flow.issuer.metadata()
    flow.issuer._metadata = metadata.model_copy(
        update={"token_endpoint_auth_methods_supported": ("client_secret_basic",)}
    )
    named = await world.signed_in(flow)
    asked = world.server.recorder.matching("POST", "/token")[-1]

    assert ALEX == named.value
    assert asked.headers["Authorization"].startswith("Basic ")
    assert "client_secret" not in str(asked.body)


OF_FRESH = {"no_auth_time", "stale_auth_time", "weak_acr"}
HARMLESS = OF_FRESH


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in HARMLESS])
async def test_nobody_is_signed_in_by_what_is_wrong(kind: str, world: World) -> None:
    """Each one alone, and the next sign-in works: nothing is broken by it."""
    flow = world.flow()
    world.server.misbehaviour.add(kind)
    with pytest.raises((UntrustedError, UnavailableError)):
        await world.signed_in(flow)

    assert ALEX == (await world.signed_in(flow)).value


@pytest.mark.parametrize("kind", sorted(OF_FRESH))
async def test_an_old_or_weak_sign_in_is_no_proof(kind: str, world: World) -> None:
    """It signs somebody in, for that is not what was asked; it proves no presence."""
    flow = world.flow(acr_values=["c2"])
    world.server.misbehaviour.add(kind, 2)
    named = await world.signed_in(flow)
    with pytest.raises(UntrustedError):
        await world.signed_in(flow, purpose=AGAIN)
    again = await world.signed_in(flow, purpose=AGAIN)

    assert (ALEX, ALEX) == (named.value, again.value)
    assert again.authenticated_at is not None
    assert "c2" == again.claims["acr"]


async def test_a_step_up_asks_whoever_is_signed_in_again(world: World) -> None:
    flow = world.flow(acr_values=["c2"])
    await world.signed_in(flow)
    query = parse_qs(urlsplit(await flow.begin(world.secret, AGAIN)).query)

    assert (["login"], ["0"], ["c2"]) == (query["prompt"], query["max_age"], query["acr_values"])


async def test_what_another_browser_has_begun_signs_nobody_in(world: World) -> None:
    """Login CSRF: an attacker's way back, opened by somebody else."""
    flow = world.flow()
    answer = await press(world.client, await flow.begin(world.secret, HOME), "megan")
    for secret in (new_secret(), ""):
        with pytest.raises(NotOursError):
            await flow.complete(secret, answer)


async def test_a_way_back_is_good_for_ten_minutes(world: World) -> None:
    flow = world.flow()
    answer = await press(world.client, await flow.begin(world.secret, HOME), "alex")
    world.clock.shift = timedelta(minutes=11)
    with pytest.raises(NotOursError):
        await flow.complete(world.secret, answer)


async def test_a_code_of_another_attempt_does_not_fit(world: World) -> None:
    """Code injection: a stolen code in one's own way back. The verifier is another one; where the
    issuer does not look at it, the nonce is."""
    flow, theirs = world.flow(), new_secret()
    for habit in (False, True):
        world.server.misbehaviour.ignores_pkce = habit
        stolen = await press(world.client, await flow.begin(theirs, HOME), "megan")
        mine = await press(world.client, await flow.begin(world.secret, HOME), "alex")
        with pytest.raises(UntrustedError, match="nonce" if habit else "invalid_grant"):
            await flow.complete(world.secret, {**mine, "code": stolen["code"]})


async def test_a_code_is_redeemed_once(world: World) -> None:
    flow = world.flow()
    answer = await press(world.client, await flow.begin(world.secret, HOME), "alex")
    await flow.complete(world.secret, answer)
    with pytest.raises(UntrustedError, match="invalid_grant"):
        await flow.complete(world.secret, answer)


async def test_what_the_issuer_refuses_is_told_by_its_code(world: World) -> None:
    flow = world.flow()
    answer = await press(world.client, await flow.begin(world.secret, HOME), "nobody-there")
    with pytest.raises(RefusedByIssuerError) as caught:
        await flow.complete(world.secret, answer)

    assert "access_denied" == caught.value.code


async def test_a_wrong_secret_is_ours_to_mend(world: World) -> None:
    with pytest.raises(UntrustedError, match="invalid_client"):
        await world.signed_in(world.flow(client_secret=SecretStr("wrong")))


async def test_keys_are_fetched_again_for_a_new_one_and_not_for_each_forgery(world: World) -> None:
    flow = world.flow()

    def fetched() -> int:
        return len(world.server.recorder.matching("GET", "/keys"))

    await world.signed_in(flow)
    world.server.keys.rotate(withdraw=True)
    with pytest.raises(UntrustedError):  # it has looked a moment ago
        await world.signed_in(flow)
    before = fetched()
    world.monotonic_s += 61
    named = await world.signed_in(flow)
    after = fetched()
    world.server.misbehaviour.add("unknown_key", 3)
    for _ in range(3):
        with pytest.raises(UntrustedError):
            await world.signed_in(flow)

    assert ALEX == named.value
    assert (1, 2, 2) == (before, after, fetched())


async def test_an_issuer_that_is_away_is_remembered_for_a_day(world: World) -> None:
    flow = world.flow()
    await flow.begin(world.secret, HOME)
    world.server.faults.add(Fault(kind="reset", path="openid-configuration|keys", times=1000))
    world.monotonic_s += 3700
    remembered = await flow.begin(world.secret, HOME)
    world.monotonic_s += 24 * 3600
    with pytest.raises(UnavailableError, match="cannot be reached"):
        await flow.begin(world.secret, HOME)
    with pytest.raises(UnavailableError, match="a moment ago"):
        await flow.begin(world.secret, HOME)
    with pytest.raises(UnavailableError, match="a moment ago"):
        await flow.issuer.key("oidc-key-1")
    world.server.faults.clear()
    world.monotonic_s += 10

    assert "authorize?" in remembered
    assert "authorize?" in await flow.begin(world.secret, HOME)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="error", status=503, path="token"),
        Fault(kind="error", status=429, path="token"),
        Fault(kind="reset", path="token"),
        Fault(kind="slow", delay_s=5, path="token"),
        Fault(kind="slow", delay_s=5, path="openid-configuration"),
        Fault(kind="error", status=500, path="keys"),
    ],
    ids=lambda fault: f"{fault.kind} {fault.status} {fault.path}",
)
async def test_an_issuer_that_does_not_answer_is_unavailable(fault: Fault, world: World) -> None:
    flow = world.flow()
    flow.issuer.settings = flow.issuer.settings.model_copy(update={"timeout": 0.3})
    world.server.faults.add(fault)
    with pytest.raises(UnavailableError):
        await world.signed_in(flow)


DOCUMENTS: list[tuple[dict[str, Any], str]] = [
    ({"issuer": "https://evil.example"}, "calls itself https://evil.example"),
    ({"token_endpoint": None}, "no usable discovery document: token_endpoint"),
    ({"jwks_uri": "http://evil.example/keys"}, "not https"),
    ({"authorization_endpoint": "http://evil.example/"}, "not https"),
]


@pytest.mark.parametrize(("changes", "expected"), DOCUMENTS, ids=[said for _, said in DOCUMENTS])
async def test_a_discovery_document_that_is_not_the_issuers_is_not_used(
    changes: dict[str, Any], expected: str
) -> None:
    url = "https://id.example.com"
    right = {
        "issuer": url,
        "authorization_endpoint": f"{url}/authorize",
        "token_endpoint": f"{url}/token",
        "jwks_uri": f"{url}/keys",
    }
    answer = lambda _: httpx.Response(200, text=json.dumps({**right, **changes}))  # noqa: E731
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        settings = SignInSettings(issuer=url, client_id="c", client_secret=SecretStr("s"))
        with pytest.raises(UnavailableError, match=re.escape(expected)):
            await Issuer(settings, client, lambda: 0.0).check()


@pytest.mark.parametrize("text", ["<h1>", "[]", '{"keys": 1}', "x" * 2_000_000])
async def test_a_document_that_is_none_is_not_read(text: str) -> None:
    async with httpx.AsyncClient(
        transport=httpx.MockTransport(lambda _: httpx.Response(200, text=text))
    ) as client:
        settings = SignInSettings(
            issuer="https://id.example.com", client_id="c", client_secret=SecretStr("s")
        )
        with pytest.raises(UnavailableError):
            await Issuer(settings, client, lambda: 0.0).check()


async def test_keys_that_sign_nothing_are_left_out(world: World) -> None:
    strange = [
        {"kty": "oct", "kid": "mac", "k": "c2VjcmV0"},
        {"kty": "RSA", "kid": "enc", "use": "enc", "n": "AQAB", "e": "AQAB"},
        {"kty": "PQC", "kid": "new"},
        {"kty": "RSA", "kid": "broken", "n": "%"},
        {"kid": 7},
        "text",
    ]
    world.server.keys.jwks = lambda: {"keys": strange}  # type: ignore[method-assign]
    with pytest.raises(UnavailableError, match="publishes no key"):
        await world.flow().issuer.check()


ODD: list[tuple[dict[str, Any], str]] = [
    ({"exp": True}, "exp is no time"),
    ({"exp": "soon"}, "exp is no time"),
    ({"exp": 1e30}, "exp is no time"),
    ({"iat": None}, "for how long"),
    ({"aud": []}, "another application"),
    ({"aud": None}, "another application"),
    ({"oid": "  "}, "no oid"),
    ({"oid": ["a"]}, "no oid"),
    ({"oid": "a" * 300}, "no oid"),
    ({"tid": None}, "another tenant"),
    ({"auth_time": 4_000_000_000}, "later than now"),
]


@pytest.mark.parametrize(("claims", "expected"), ODD, ids=[f"{c}" for c, _ in ODD])
async def test_odd_claims_are_refused(claims: dict[str, Any], expected: str, world: World) -> None:
    flow, expects = world.flow(), Expected(audiences=("inbox",), authorised_parties=("teams",))
    right = world.server.tab_token("alex", "inbox", azp="teams")
    odd = world.server.tab_token("alex", "inbox", **{"azp": "teams", **claims})

    assert ALEX == (await read(right, flow.issuer, expects, world.clock.now())).value
    with pytest.raises(UntrustedError, match=expected):
        await read(odd, flow.issuer, expects, world.clock.now())


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c", "é.é.é", "a" * 40_000])
async def test_what_is_no_token_is_refused(token: str, world: World) -> None:
    with pytest.raises(UntrustedError):
        await read(token, world.flow().issuer, Expected(audiences=("x",)), world.clock.now())


def test_a_changed_state_is_nobodys() -> None:
    secret, now = new_secret(), datetime(2026, 11, 30, tzinfo=UTC)
    attempt = begin(secret, HOME, now)
    changed = attempt.state[:-4] + ("AAAA" if not attempt.state.endswith("AAAA") else "BBBB")

    assert attempt == resume(secret, attempt.state, now)
    assert [None] * 4 == [resume(secret, s, now) for s in (changed, "", "%%%", "A" * 5000)]


def test_attempts_of_one_browser_have_nothing_in_common() -> None:
    secret, now = new_secret(), datetime(2026, 11, 30, tzinfo=UTC)
    first, second = begin(secret, HOME, now), begin(secret, HOME, now)

    assert first.state != second.state
    assert first.nonce != second.nonce
    assert first.verifier != second.verifier
    assert TENANT_ID not in first.state
