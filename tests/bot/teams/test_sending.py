"""What goes out: retries, what becomes of errors, where the token may go, shared clients."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path

import pytest
from botbuilder.integration.aiohttp import ConfigurationServiceClientCredentialFactory
from structlog.testing import capture_logs

from countersign.approvals.errors import (
    MisdirectedError,
    NotFoundError,
    UnavailableError,
    UnreachableError,
)
from countersign.approvals.models import (
    Conversation,
    ConversationKey,
    JsonObject,
    Notice,
    PrincipalId,
    SessionId,
)
from countersign.approvals.rules import placing
from countersign.bot.teams import connector
from countersign.bot.teams.channel import TeamsChannel, safe_markdown
from countersign.bot.teams.connector import _error_code
from countersign.bot.teams.hosts import service_url_allowed
from countersign.bot.teams.messages import Text
from countersign.connectors.conversing.said import TEXT_LIMIT
from tests.bot.teams import gallery
from tests.bot.teams.stage import ALEX, SAM, Stage, stage

pytestmark = pytest.mark.asyncio
HELLO = Text("hello")


async def reference(world: Stage, who: str = SAM) -> JsonObject:
    """The stored reference of a personal chat."""
    await world.start(person=who)
    principal = PrincipalId("sam" if who == SAM else "alex")
    conversation = await world.conversations.personal(principal, "teams")
    assert conversation is not None
    return conversation.reference


async def test_post_is_repeated_as_the_channel_asks(signed: Stage) -> None:
    """The vendor repeats a POST never."""
    where = await reference(signed)
    signed.teams.faults.fail(429, retry_after_s=2, times=2, path="/activities")
    activity_id = await signed.adapter.send(where, HELLO)

    assert signed.sleeps.waits == [2.0, 2.0]
    assert [m.id for m in signed.teams.messages() if m.text == "hello"] == [activity_id]


async def test_wait_of_a_part_of_a_second_is_kept_to(signed: Stage) -> None:
    where = await reference(signed)
    signed.teams.faults.fail(429, retry_after="1.5", path="/activities")
    await signed.adapter.send(where, HELLO)

    assert signed.sleeps.waits == [1.5]


@pytest.mark.parametrize("status", [412, 502, 503, 504])
async def test_transient_answers_are_waited_out_with_jitter(signed: Stage, status: int) -> None:
    where = await reference(signed)
    signed.teams.faults.fail(status, times=3, path="/activities")
    await signed.adapter.send(where, HELLO)

    assert signed.sleeps.waits == [0.5, 1.0, 2.0]


async def test_long_waits_belong_to_the_job(signed: Stage) -> None:
    where = await reference(signed)
    signed.teams.faults.fail(429, retry_after_s=30, path="/activities")
    with pytest.raises(UnavailableError) as caught:
        await signed.adapter.send(where, HELLO)

    assert caught.value.retry_after_s == 30
    assert signed.sleeps.waits == []


async def test_patience_ends(signed: Stage) -> None:
    where = await reference(signed)
    signed.teams.faults.fail(503, times=9, path="/activities")
    with pytest.raises(UnavailableError, match="status 503"):
        await signed.adapter.send(where, HELLO)

    assert len(signed.sleeps.waits) == 3


async def test_a_broken_connection_is_not_repeated_blindly(signed: Stage) -> None:
    """The message may have arrived."""
    from countersign.sandbox._faults import Fault

    where = await reference(signed)
    signed.teams.faults.add(Fault(kind="reset_after", path="/activities"))
    with pytest.raises(UnavailableError):
        await signed.adapter.send(where, HELLO)

    assert [m.text for m in signed.teams.messages()].count("hello") == 1


@pytest.mark.parametrize(
    ("status", "code", "means"),
    [
        (404, "ConversationNotFound", NotFoundError),
        (403, "BotNotInConversationRoster", UnreachableError),
        (403, "SomethingNew", UnreachableError),
        (403, "InvalidBotApiHost", MisdirectedError),
        (400, "BadArgument", MisdirectedError),
        (413, "MessageSizeTooBig", MisdirectedError),
        (500, "ServiceError", UnavailableError),
    ],
)
async def test_refusals_are_told_apart(
    signed: Stage, status: int, code: str, means: type[Exception]
) -> None:
    where = await reference(signed)
    signed.teams.faults.fail(status, code=code, path="/activities")
    with pytest.raises(means, match=code) as caught:
        await signed.adapter.send(where, HELLO)

    assert type(caught.value) is means


async def test_code_is_read_where_the_chat_service_puts_it() -> None:
    body = {"errorCode": 209, "message": '{"subCode": "MessageWritesBlocked", "details": "x"}'}

    assert _error_code(json.dumps(body).encode()) == "MessageWritesBlocked"
    assert [_error_code(odd) for odd in (b"", b"[]", b'{"message": "x"}', b'{"error": {}}')] == [
        "",
        "",
        "",
        "",
    ]


async def test_update_of_a_message_that_is_gone_is_not_found(signed: Stage) -> None:
    where = await reference(signed)
    with pytest.raises(NotFoundError):
        await signed.adapter.update(where, "404404", HELLO)


async def test_refused_token_is_fetched_anew(
    signed: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = await reference(signed)
    tokens = iter(f"token-{number}" for number in range(9))
    _count_tokens(monkeypatch, lambda: next(tokens))
    signed.teams.faults.fail(401, path="/activities")
    with pytest.raises(UnavailableError, match="credentials"):
        await signed.adapter.send(where, HELLO)
    await signed.adapter.send(where, HELLO)

    assert signed.teams.requests[-1].headers["Authorization"] == "Bearer token-0"


async def test_no_token_is_unavailable_and_names_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> str:
        raise PermissionError("AADSTS7000215: secret expired")

    async with stage(tmp_path) as world:
        _count_tokens(monkeypatch, refuse)
        with pytest.raises(UnavailableError, match=r"teams\.app_id, app_password"):
            await world.channel.check()


async def test_one_token_and_one_client_for_many_sends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The vendor asks Microsoft for a token on every turn and builds two clients."""
    fetched: list[str] = []
    built: list[int] = []

    def fetch() -> str:
        fetched.append("token")
        return "token"

    build = connector.ConnectorClient  # type: ignore[attr-defined]

    def counted(*args: object, **more: object) -> object:
        built.append(1)
        return build(*args, **more)

    async with stage(tmp_path) as world:
        _count_tokens(monkeypatch, fetch)
        monkeypatch.setattr(connector, "ConnectorClient", counted)
        where = await reference(world)
        await asyncio.gather(*(world.adapter.send(where, HELLO) for _ in range(32)))

    assert (len(fetched), len(built)) == (1, 1)


def _count_tokens(monkeypatch: pytest.MonkeyPatch, fetch: object) -> None:
    from botframework.connector.auth.microsoft_app_credentials import MicrosoftAppCredentials

    def get(_self: object, force_refresh: bool = False) -> str:
        assert callable(fetch)
        return str(fetch())

    monkeypatch.setattr(MicrosoftAppCredentials, "get_access_token", get)


async def test_slow_channel_does_not_hold_up_others(signed: Stage) -> None:
    """Sends are not limited by a thread pool: sixty-four wait at the same time."""
    from countersign.sandbox._faults import Fault

    where = await reference(signed)
    faults = signed.teams.faults
    faults.add(Fault(kind="slow", delay_s=60, times=64, path="/activities"))
    sends = [asyncio.ensure_future(signed.adapter.send(where, HELLO)) for _ in range(64)]
    while faults.pending():  # noqa: ASYNC110 - a stand-in says how many; each takes one
        await asyncio.sleep(0.01)
    answered = [send for send in sends if send.done()]
    for send in sends:
        send.cancel()
    await asyncio.gather(*sends, return_exceptions=True)

    assert answered == []


async def test_redirects_are_not_followed(signed: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bearer token must not travel on."""
    from aiohttp import web
    from aiohttp.test_utils import TestServer

    seen = []

    async def elsewhere(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Authorization"))
        return web.json_response({"id": "1"})

    async def here(request: web.Request) -> web.Response:
        raise web.HTTPTemporaryRedirect("/elsewhere")

    app = web.Application()
    app.router.add_route("*", "/elsewhere", elsewhere)
    app.router.add_route("*", "/v3/{rest:.*}", here)
    async with TestServer(app) as server:
        where = {**await reference(signed), "serviceUrl": str(server.make_url("/"))}
        with pytest.raises(UnavailableError):
            await signed.adapter.send(where, HELLO)

    assert seen == []


async def test_token_never_goes_to_a_stored_url_off_the_list(signed: Stage) -> None:
    """A second lock: the database may have been tampered with."""
    where = {**await reference(signed), "serviceUrl": "http://10.0.0.8/"}
    before = len(signed.teams.requests)
    with pytest.raises(NotFoundError, match="service url"):
        await signed.adapter.send(where, HELLO)

    assert len(signed.teams.requests) == before


async def test_chats_are_opened_at_connectors_only(tmp_path: Path) -> None:
    async with stage(tmp_path, service_url="http://127.0.0.2:9/") as world:
        with pytest.raises(NotFoundError, match="service url"):
            await world.adapter.open_personal("00000000-0000-0000-0000-0000000000020", "Alex")


@pytest.mark.parametrize(
    ("url", "local", "allowed"),
    [
        ("https://smba.trafficmanager.net/emea/", False, True),
        ("https://webchat.botframework.com/", False, True),
        ("https://smba.infra.gov.teams.microsoft.us/", False, True),
        ("http://smba.trafficmanager.net/emea/", False, False),
        ("https://trafficmanager.net/", False, False),
        ("https://evil.trafficmanager.net/", False, False),
        ("https://botframework.com.evil.example/", False, False),
        ("https://notbotframework.com/", False, False),
        ("http://localhost:56150/_connector", True, True),
        ("http://localhost:56150/_connector", False, False),
        ("http://127.0.0.1:1/", True, True),
        ("http://127.0.0.1.evil.example/", True, False),
        ("http://sandbox:8804/", True, True),
        ("http://sandbox:8804/", False, False),
        ("ftp://localhost/", True, False),
        ("https://user:pw@smba.trafficmanager.net/", False, False),
        ("https://smba.trafficmanager.net:x/", False, False),
        ("", True, False),
    ],
)
async def test_service_urls(url: str, local: bool, allowed: bool) -> None:
    assert service_url_allowed(url, local=local, extra=("sandbox",)) is allowed


async def test_managed_identity_is_understood() -> None:
    """A misspelt type would silently be multi-tenant with authentication off in the vendor."""
    from countersign.bot.teams.auth import vendor_configuration
    from countersign.bot.teams.settings import TeamsSettings
    from tests.bot.teams.stage import APP_ID

    settings = TeamsSettings(app_id=APP_ID, app_type="UserAssignedMSI", tenant_id="t")
    factory = ConfigurationServiceClientCredentialFactory(vendor_configuration(settings))

    assert not await factory.is_authentication_disabled()
    assert await factory.is_valid_app_id(APP_ID)


# The channel


def targets(channel: TeamsChannel, kind: str | None, name: str = "teams") -> list[str]:
    view = gallery.view()
    conversation = kind and Conversation(
        key=ConversationKey("msteams:x"),
        channel=name,
        kind=kind,
        principal_id=None,
        reference={},
        updated_at=gallery.NOW,
    )
    approvers = [p for p in channel._directory.with_roles(["sales_manager"]) if p.id != "sam"]
    at = conversation or None
    return list(placing.targets("teams", channel.placing, view.request, approvers, at))


PEOPLE, THREAD = ["person:alex", "person:isaiah"], ["conversation:msteams:x"]


@pytest.mark.parametrize(
    ("deliver", "kind", "expected"),
    [
        ("auto", "group", THREAD),
        ("auto", "channel", THREAD),
        ("auto", "personal", PEOPLE),
        ("auto", None, PEOPLE),
        ("thread", "personal", THREAD),
        ("thread", None, PEOPLE),
        ("approvers", "group", PEOPLE),
    ],
)
async def test_targets(tmp_path: Path, deliver: str, kind: str | None, expected: list[str]) -> None:
    async with stage(tmp_path, deliver=deliver) as world:
        assert targets(world.channel, kind) == expected


async def test_sessions_of_another_channel_go_to_the_approvers(signed: Stage) -> None:
    assert targets(signed.channel, "group", name="slack") == PEOPLE


async def test_approver_gets_the_card_in_a_chat_of_their_own(signed: Stage) -> None:
    """Nobody has written to the bot before; the chats are opened."""
    session_id = await signed.start(conversation="personal")
    await signed.propose(session_id)
    where = {message.conversation_id for message in signed.cards()}

    assert len(where) == 2
    created = [r for r in signed.teams.requests if r.path.endswith("/v3/conversations")]
    assert [r.body["isGroup"] for r in created] == [False, False]


async def test_approver_without_the_app_is_waited_for(signed: Stage) -> None:
    code = "ForbiddenOperationException"
    signed.teams.faults.fail(403, code=code, path="/v3/conversations$", times=9)
    session_id = await signed.start(conversation="personal")
    with capture_logs() as logged:
        await signed.propose(session_id)
    (request,) = (await signed.records.requests(session_id=session_id)).items
    deliveries = await signed.records.deliveries(request.id)

    assert {each.status for each in deliveries} == {"unreachable"}
    assert sorted(each.error or "" for each in deliveries) == [
        "Alex Wilber cannot be reached in Microsoft Teams: has not installed the app.",
        "Isaiah Langer cannot be reached in Microsoft Teams: has not installed the app.",
    ]
    assert {"delivery waits": 2} == Counter(e["event"] for e in logged if "waits" in e["event"])
    assert "channel unreachable" not in {e["event"] for e in logged}

    signed.teams.faults.clear()
    await signed.teams.install(ALEX)
    await signed.settle()

    alex = [d for d in await signed.records.deliveries(request.id) if d.target == "person:alex"]
    assert alex[0].status == "live"


async def test_local_approver_is_waited_for(local: Stage) -> None:
    """The Playground shows chats only that it has begun itself."""
    session = await local.runs.start(
        workflow="sales_quote", workflow_version="1", task="t", owner=PrincipalId("sam")
    )
    with capture_logs() as logged:
        await local.propose(session.id)
    (request,) = (await local.records.requests()).items
    errors = [each.error or "" for each in await local.records.deliveries(request.id)]

    assert "Alex Wilber cannot be reached in Microsoft Teams: has not written" in str(errors)
    assert "channel unreachable" not in {e["event"] for e in logged}
    await local.teams.install(ALEX)
    await local.settle()
    assert len(local.cards()) == 1


async def test_thread_of_a_channel_gets_the_card(signed: Stage) -> None:
    session_id = await signed.start(conversation="channel")
    await signed.propose(session_id)
    (card,) = signed.cards()

    assert ";messageid=" in card.conversation_id


async def test_notices_arrive_without_links_and_mentions(signed: Stage) -> None:
    where = await reference(signed)
    text = "**agent**: see [report](https://evil.example) <at>Everyone</at> ![x](https://e/p)"
    conversation = Conversation(
        key=ConversationKey("k"),
        channel="teams",
        kind="personal",
        principal_id=None,
        reference=where,
        updated_at=signed.clock.now(),
    )
    notice = Notice(id=1, session_id=SessionId("S"), conversation=conversation.key, text=text)
    await signed.channel.say(conversation, notice)
    said = signed.texts()[-1]

    assert said.startswith("**agent**")
    assert "](" not in said
    assert "<" not in said


@pytest.mark.parametrize(
    "text", ["[a](b)", "[a] (b)", "[a]\n(b)", "[a][b]", "[a]: http://b", "![a](b)", "<http://b>"]
)
async def test_every_way_to_write_a_link_is_undone(text: str) -> None:
    from markdown_it import MarkdownIt

    made = MarkdownIt().render(safe_markdown(f"{text}\n\n[b]: http://b"))

    assert "<a" not in made
    assert "<img" not in made


async def test_long_texts_are_cut_and_say_so(signed: Stage) -> None:
    where = await reference(signed)
    await signed.adapter.send(where, Text("x" * (TEXT_LIMIT + 5_000)))

    assert signed.texts()[-1].endswith("… (25,000 characters in all)")


async def test_a_stop_ends_if_all_has_been_sent_a_moment_ago(tmp_path: Path) -> None:
    """Before it is known: then waiting must let go of the loop, which `gather` of Python 3.12 and
    newer does not."""
    async with stage(tmp_path) as world:
        sent = asyncio.create_task(asyncio.sleep(0))
        await sent
        tasks = world.bot._replies._tasks
        tasks.add(sent)
        sent.add_done_callback(tasks.discard)
        await world.bot.drain()

    assert not tasks
