"""Who is let in: every row that is not a valid, complete, current token of the channel is 401."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from aiohttp.test_utils import make_mocked_request
from cryptography.hazmat.primitives.asymmetric import rsa

from countersign.approvals.errors import ConfigurationError
from countersign.bot.teams import keys
from countersign.bot.teams.adapter import TeamsAdapter
from countersign.bot.teams.auth import CLOCK_TOLERANCE_S
from countersign.bot.teams.wire import IncomingActivity
from countersign.sandbox._faults import Fault
from countersign.sandbox.botframework.tokens import ISSUER
from tests.bot.teams.stage import APP_ID, SAM, Stage, stage

pytestmark = pytest.mark.asyncio

Activity = dict[str, Any]


def message(world: Stage, **changes: Any) -> Activity:
    """A message that would start a session."""
    sender = world.teams.world.person(SAM)
    place = world.teams.conversation("personal", sender)
    activity = world.teams.frame.message(
        place, sender, "quote for Contoso", mention=False, id="1001"
    )
    merged = {**activity, **changes}
    return {name: value for name, value in merged.items() if value is not None}


def token(world: Stage, **claims: Any) -> str:
    assert world.teams.issuer is not None
    given = {"serviceurl": world.teams.service_url, **claims}
    return f"Bearer {world.teams.issuer.token(**given)}"


async def post(world: Stage, activity: Activity, authorization: str | None) -> int:
    answer = await world.teams.deliver(activity, authorization=authorization)
    await world.settle()
    return answer.status


def _claims(world: Stage) -> dict[str, Any]:
    now = int(time.time())
    url = world.teams.service_url
    return {"iss": ISSUER, "aud": APP_ID, "nbf": now - 9, "exp": now + 600, "serviceurl": url}


def _alg_none(world: Stage) -> str:
    kid = world.teams.issuer.kid  # type: ignore[union-attr]
    return "Bearer " + jwt.encode(_claims(world), "", algorithm="none", headers={"kid": kid})


def _hs256(world: Stage) -> str:
    kid = world.teams.issuer.kid  # type: ignore[union-attr]
    return "Bearer " + jwt.encode(_claims(world), "x" * 64, algorithm="HS256", headers={"kid": kid})


def _unnamed_key(world: Stage) -> str:
    issuer = world.teams.issuer
    assert issuer is not None
    return "Bearer " + jwt.encode(_claims(world), issuer._keys[issuer.kid], algorithm="RS256")


def _emulator_token(world: Stage) -> str:
    """As other Azure applications can get one: the vendor's emulator path would look at it."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    claims = {
        **_claims(world),
        "iss": "https://sts.windows.net/d6d49420-f39b-4df7-a1dc-d59a935871db/",
        "appid": APP_ID,
        "ver": "1.0",
    }
    return "Bearer " + jwt.encode(claims, key, algorithm="RS256", headers={"kid": "k"})


Header = Callable[[Stage], str | None]
TOKENS: dict[str, Header] = {
    "none": lambda w: None,
    "empty bearer": lambda w: "Bearer ",
    "other scheme": lambda w: "Basic YTpi",
    "garbage": lambda w: "Bearer abc",
    "three parts": lambda w: token(w) + " x",
    "forged signature": lambda w: token(w, forged=True),
    "unknown kid": lambda w: token(w, headers={"kid": "zzz"}),
    "no kid": lambda w: _unnamed_key(w),
    "alg none": _alg_none,
    "HS256": _hs256,
    "expired": lambda w: token(w, exp=int(time.time()) - CLOCK_TOLERANCE_S - 60),
    "no exp": lambda w: token(w, exp=None),
    "nbf in the future": lambda w: token(w, nbf=int(time.time()) + 3600),
    "wrong audience": lambda w: token(w, aud="22222222-2222-3333-4444-555555555555"),
    "no audience": lambda w: token(w, aud=None),
    "wrong issuer": lambda w: token(w, iss="https://evil.example"),
    "emulator issuer": _emulator_token,
    "wrong service url claim": lambda w: token(w, serviceurl="https://evil.example/"),
    "no service url claim": lambda w: token(w, serviceurl=None),
}


@pytest.mark.parametrize("row", TOKENS)
async def test_bad_token_is_401_and_nothing_is_stored(signed: Stage, row: str) -> None:
    status = await post(signed, message(signed), TOKENS[row](signed))

    assert status == 401
    assert await signed.stored() == (0, 0)
    assert signed.texts() == []


ACTIVITIES: dict[str, dict[str, Any]] = {
    "no service url": {"serviceUrl": None},
    "no channel id": {"channelId": None},
    "another tenant": {"conversation": {"id": "a:1", "tenantId": "other"}},
    "no tenant": {"conversation": {"id": "a:1"}, "channelData": {}},
    "a channel where the client writes the identity": {"channelId": "directline"},
    "a channel that the key does not vouch for": {"channelId": "slack"},
}


@pytest.mark.parametrize("row", ACTIVITIES)
async def test_incomplete_activity_is_401_even_with_a_good_token(signed: Stage, row: str) -> None:
    activity = message(signed, **ACTIVITIES[row])
    for claim in (activity.get("serviceUrl"), signed.teams.service_url):
        status = await post(signed, activity, token(signed, serviceurl=claim))

        assert status == 401
    assert await signed.stored() == (0, 0)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/",
        "http://smba.trafficmanager.net/teams/",
        "https://smba.trafficmanager.net.evil.example/",
        "https://evil.example\\.botframework.com/",
        "https://smba.trafficmanager.net@evil.example/",
        "http://169.254.169.254/metadata",
    ],
)
async def test_service_url_off_the_list_is_401(signed: Stage, url: str) -> None:
    """The bot's bearer token would go there."""
    status = await post(signed, message(signed, serviceUrl=url), token(signed, serviceurl=url))

    assert status == 401
    assert await signed.stored() == (0, 0)


async def test_key_must_vouch_for_the_channel(signed: Stage) -> None:
    """Microsoft signs for other channels with keys that do not vouch for Teams."""
    assert signed.teams.issuer is not None
    signed.teams.issuer.endorsements = ["webchat"]

    assert await post(signed, message(signed), token(signed)) == 401
    assert await signed.stored() == (0, 0)


async def test_good_token_is_let_in(signed: Stage) -> None:
    assert await post(signed, message(signed), token(signed)) == 202
    assert await signed.stored() == (1, 1)


async def test_token_within_the_leeway_is_let_in(signed: Stage) -> None:
    recent = token(signed, exp=int(time.time()) - CLOCK_TOLERANCE_S + 60)

    assert await post(signed, message(signed), recent) == 202


async def test_activity_without_recipient_survives(signed: Stage) -> None:
    assert await post(signed, message(signed, recipient=None), token(signed)) == 202
    assert (await signed.stored())[0] == 1


async def test_new_signing_key_works_at_once(tmp_path: Path) -> None:
    """The vendor refuses it for up to a day."""
    seconds = [0.0]
    async with stage(tmp_path, monotonic=lambda: seconds[0]) as world:
        assert await post(world, message(world), token(world)) == 202
        assert world.teams.issuer is not None
        world.teams.issuer.rotate()
        seconds[0] += 61
        assert await post(world, message(world), token(world)) == 202


async def test_unknown_keys_are_not_looked_up_again_and_again(tmp_path: Path) -> None:
    """Key ids are free to forge; each would be a request to Microsoft."""
    seconds = [0.0]
    async with stage(tmp_path, monotonic=lambda: seconds[0]) as world:
        assert await post(world, message(world), token(world)) == 202
        seconds[0] += 61
        looked_up = _key_reads(world)
        for number in range(5):
            forged = token(world, headers={"kid": f"unknown-{number}"})
            assert await post(world, message(world), forged) == 401

        assert _key_reads(world) == looked_up + 1
        assert await post(world, message(world), token(world)) == 202


async def test_known_key_survives_an_outage_of_the_key_server(tmp_path: Path) -> None:
    seconds = [0.0]
    async with stage(tmp_path, monotonic=lambda: seconds[0]) as world:
        assert await post(world, message(world), token(world)) == 202
        seconds[0] += 25 * 3600
        world.teams.faults.fail(503, path="openidconfiguration", times=9)

        assert await post(world, message(world), token(world)) == 202


async def test_slow_key_server_is_not_waited_for(
    signed: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The vendor waits for ever, and stops the event loop meanwhile (here: also the key server)."""
    monkeypatch.setattr(keys, "FETCH_TIMEOUT_S", 0.05)
    signed.teams.faults.add(Fault(kind="slow", delay_s=30, path="openidconfiguration"))
    async with asyncio.timeout(10):
        assert await post(signed, message(signed), token(signed)) == 401


async def test_keys_that_cannot_be_read_let_nobody_in(signed: Stage) -> None:
    signed.teams.faults.fail(503, path="well-known", times=9)

    assert await post(signed, message(signed), token(signed)) == 401


def _key_reads(world: Stage) -> int:
    return len([r for r in world.teams._recorder.matching() if r.path.endswith("/keys")])


@pytest.mark.parametrize("missing", [{"type": ""}, {"conversation": {}}])
async def test_activity_that_leads_nowhere_is_400(local: Stage, missing: dict[str, Any]) -> None:
    assert await post(local, message(local, **missing), None) == 400
    assert await local.stored() == (0, 0)


BODIES = [
    ("text/plain", b"{}", 415),
    ("application/json", b"not json", 400),
    ("application/json", b"[1, 2]", 400),
    ("application/json", b'{"conversation": "x"}', 400),
    ("application/json", b"[" * 50_000, 400),
    ("application/json", b'{"text": "' + b"x" * 300_000 + b'"}', 413),
]


@pytest.mark.parametrize(("kind", "body", "status"), BODIES, ids=[str(b[2]) for b in BODIES])
async def test_unreadable_bodies_are_client_errors(
    signed: Stage, kind: str, body: bytes, status: int
) -> None:
    assert await _raw(signed, kind, body) == status
    assert await signed.stored() == (0, 0)


async def test_body_that_is_not_packed_as_it_says_is_a_client_error(signed: Stage) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    assert signed.teams.bot_url is not None
    async with signed.teams._session.post(
        signed.teams.bot_url, data=b"no gzip", headers=headers
    ) as answer:
        assert answer.status == 400


async def test_half_characters_are_replaced_wherever_they_are(local: Stage) -> None:
    sender = {**message(local)["from"], "name": "Sam \ud83d"}

    assert await post(local, message(local, text="quote \ud83d", **{"from": sender}), None) == 202
    assert await local.stored() == (1, 1)


async def test_large_body_without_a_length_is_413(signed: Stage) -> None:
    async def chunks() -> Any:
        for _ in range(40):
            yield b"x" * 10_000

    assert await _raw(signed, "application/json", chunks()) == 413


async def _raw(world: Stage, kind: str, body: Any) -> int:
    session, url = world.teams._session, world.teams.bot_url
    assert url is not None
    async with session.post(url, data=body, headers={"Content-Type": kind}) as answer:
        return answer.status


async def test_local_clients_need_no_token(local: Stage) -> None:
    assert await post(local, message(local), None) == 202
    assert await local.stored() == (1, 1)


async def test_local_mode_refuses_other_host_names(local: Stage) -> None:
    """A web page whose name was pointed at this machine (DNS rebinding)."""
    session, url = local.teams._session, local.teams.bot_url
    assert url is not None
    headers = {"Host": "evil.example"}
    async with session.post(url, json=message(local), headers=headers) as answer:
        assert answer.status == 401
    assert await local.stored() == (0, 0)


@pytest.mark.parametrize(
    ("remote", "is_local", "reason"),
    [
        ("10.0.0.8", True, "from this machine only"),
        (None, True, "from this machine only"),
        ("127.0.0.1", False, "service url|no app id"),
    ],
)
async def test_unsigned_requests_need_local_mode_and_this_machine(
    local: Stage, remote: str | None, is_local: bool, reason: str
) -> None:
    """Even if the server listens on more than it should."""
    request = make_mocked_request("POST", "/api/messages", headers={"Host": "127.0.0.1"})
    activity = IncomingActivity.model_validate(message(local))
    auth = (await local.adapter.library()).auth
    auth._local = is_local
    if not is_local:
        teams = {"serviceUrl": "https://smba.trafficmanager.net/teams/"}
        activity = IncomingActivity.model_validate({**message(local), **teams})
    given = request.clone(remote=remote) if remote else request
    with pytest.raises(PermissionError, match=reason):
        await auth.verify(activity, given)


async def test_local_mode_refuses_foreign_service_urls(local: Stage) -> None:
    assert await post(local, message(local, serviceUrl="http://10.0.0.8/"), None) == 401
    assert await local.stored() == (0, 0)


async def test_self_test_wants_401(signed: Stage) -> None:
    assert signed.teams.bot_url is not None
    await signed.adapter.self_test(signed.teams.bot_url)


async def test_self_test_finds_an_open_door(signed: Stage) -> None:
    """Anything else that answers the unsigned activity is not our endpoint, or not guarded."""
    open_door = f"{signed.teams.url}/_sandbox/activities"
    with pytest.raises(ConfigurationError, match="instead of 401"):
        await signed.adapter.self_test(open_door)


@pytest.mark.parametrize(
    ("changes", "local", "host", "named"),
    [
        ({}, False, "127.0.0.1", "teams.app_id"),
        ({}, True, "0.0.0.0", "teams.app_id"),
        ({"app_id": APP_ID, "app_password": "x"}, False, "127.0.0.1", "teams.tenant_id"),
        ({"app_id": APP_ID, "tenant_id": "t"}, False, "127.0.0.1", "teams.app_password"),
        (
            {"app_id": APP_ID, "tenant_id": "t", "app_password": "x", "local_requester": "sam"},
            False,
            "127.0.0.1",
            "teams.local_requester",
        ),
        (
            {"app_id": APP_ID, "tenant_id": "t", "app_password": "x", "local_approver": "sam"},
            False,
            "127.0.0.1",
            "teams.local_approver",
        ),
        (
            {
                "app_id": APP_ID,
                "tenant_id": "t",
                "app_password": "x",
                "extra_service_hosts": ("x",),
            },
            False,
            "127.0.0.1",
            "teams.extra_service_hosts",
        ),
    ],
)
async def test_unsafe_settings_are_refused(
    changes: dict[str, Any], local: bool, host: str, named: str
) -> None:
    from countersign.bot.teams.settings import TeamsSettings

    with pytest.raises(ConfigurationError, match=named):
        TeamsAdapter(TeamsSettings(**changes), local=local, host=host)
