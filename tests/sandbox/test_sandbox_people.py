"""The people's side, against a bot that answers by hand; and the tokens, checked by botbuilder."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from aiohttp import web
from botbuilder.integration.aiohttp import ConfigurationBotFrameworkAuthentication
from botbuilder.schema import Activity
from botframework.connector.auth import ChannelValidation
from botframework.connector.auth.jwt_token_extractor import JwtTokenExtractor

from countersign.sandbox._serve import serve
from countersign.sandbox.botframework import BotFramework, BotUnreachableError, CardError

pytestmark = pytest.mark.asyncio

APP_ID = "11111111-2222-3333-4444-555555555555"
CARD_TYPE = "application/vnd.microsoft.card.adaptive"


def card(kind: str = "Action.Execute", **more: Any) -> dict[str, Any]:
    action = {"type": kind, "title": "Approve", "data": {"request": "r-1"}}
    action.update({"verb": "approve"} if kind == "Action.Execute" else {})
    action["data"] = (
        {"request": "r-1"} if kind == "Action.Execute" else {"request": "r-1", "verb": "approve"}
    )
    back = {"type": "Action.Execute", "title": "Back", "verb": "back", "associatedInputs": "none"}
    return {
        "type": "AdaptiveCard",
        "version": "1.5",
        "body": [
            {
                "type": "Container",
                "items": [
                    {
                        "type": "Input.Number",
                        "id": "amount",
                        "value": 900,
                        "min": 1,
                        "max": 1000,
                        "errorMessage": "1 to 1000",
                    },
                    {"type": "Input.Toggle", "id": "notify", "title": "Notify", "value": "true"},
                    {
                        "type": "Input.Text",
                        "id": "comment",
                        "isRequired": True,
                        "errorMessage": "say why",
                        "value": "ok",
                    },
                ],
            },
        ],
        "actions": [action, back],
        **more,
    }


class HandMadeBot:
    """Keeps what it gets and answers what it was told to."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.headers: list[Any] = []
        self.answer: dict[str, Any] = {
            "statusCode": 200,
            "type": CARD_TYPE,
            "value": {"type": "AdaptiveCard"},
        }

    async def handle(self, request: web.Request) -> web.Response:
        activity = await request.json()
        self.got.append(activity)
        self.headers.append(request.headers)
        return (
            web.json_response(self.answer)
            if activity["type"] == "invoke"
            else web.Response(status=202)
        )


@asynccontextmanager
async def stage(**options: Any) -> AsyncIterator[tuple[BotFramework, HandMadeBot]]:
    bot = HandMadeBot()
    app = web.Application()
    app.router.add_post("/api/messages", bot.handle)
    async with (
        serve(app) as url,
        BotFramework.start(bot_url=f"{url}/api/messages", **options) as teams,
    ):
        yield teams, bot


async def post_card(teams: BotFramework, content: dict[str, Any]) -> None:
    body = {"type": "message", "attachments": [{"contentType": CARD_TYPE, "content": content}]}
    async with httpx.AsyncClient() as http:
        await http.post(
            f"{teams.service_url}v3/conversations/{teams.world.group_id}/activities", json=body
        )


@pytest.mark.parametrize(
    ("where", "kind", "mention"),
    [
        ("personal", "personal", False),
        ("group", "groupChat", True),
        ("channel", "channel", True),
    ],
)
async def test_writes_as_teams_does(where: str, kind: str, mention: bool) -> None:
    async with stage() as (teams, bot):
        answer = await teams.send_message("Megan Bowen", "quote for Contoso", conversation=where)
        (got,) = bot.got

    assert 202 == answer.status
    assert ("message", "msteams", teams.service_url) == (
        got["type"],
        got["channelId"],
        got["serviceUrl"],
    )
    assert {
        "id": "user-id-1",
        "name": "Megan Bowen",
        "aadObjectId": "00000000-0000-0000-0000-0000000000021",
    } == got["from"]
    assert kind == got["conversation"]["conversationType"]
    assert (
        teams.frame.tenant_id
        == got["conversation"]["tenantId"]
        == got["channelData"]["tenant"]["id"]
    )
    assert (
        mention
        == (got["entities"][0]["type"] == "mention")
        == got["text"].startswith("<at>Countersign</at> ")
    )
    assert (where == "channel") == ("team" in got["channelData"])
    assert (where != "channel") or got["conversation"]["id"].endswith(f";messageid={got['id']}")


async def test_click_merges_inputs_as_strings_and_keeps_the_answer_for_that_person() -> None:
    async with stage() as (teams, bot):
        await post_card(teams, card())
        message = await teams.wait_for_card()
        answer = await teams.click(
            message, "approve", {"amount": 900.5, "notify": False}, person="user-id-2"
        )
        value = bot.got[0]["value"]
        megan, adele = teams.world.person("user-id-1"), teams.world.person("user-id-2")

        assert 200 == answer.status == answer.status_code
        assert ("invoke", "adaptiveCard/action") == (bot.got[0]["type"], bot.got[0]["name"])
        assert "manual" == value["trigger"]
        assert {
            "type": "Action.Execute",
            "title": "Approve",
            "verb": "approve",
            "data": {"request": "r-1", "amount": "900.5", "notify": "false", "comment": "ok"},
        } == value["action"]
        assert message.id == bot.got[0]["replyToId"]
        assert {"type": "AdaptiveCard"} == message.card(adele)
        assert card() == message.card(megan)


async def test_submit_is_a_message_with_a_value() -> None:
    async with stage() as (teams, bot):
        await post_card(teams, card("Action.Submit"))
        await teams.click(await teams.wait_for_card(), "approve", person="user-id-2")

    assert "message" == bot.got[0]["type"]
    assert "text" not in bot.got[0]
    assert {
        "request": "r-1",
        "verb": "approve",
        "amount": "900",
        "notify": "true",
        "comment": "ok",
    } == bot.got[0]["value"]


async def test_client_blocks_inputs_that_do_not_validate() -> None:
    async with stage() as (teams, bot):
        await post_card(teams, card())
        message = await teams.wait_for_card()
        for inputs, words in (
            ({"amount": 5000}, "1 to 1000"),
            ({"comment": ""}, "say why"),
            ({"x": 1}, "no input"),
        ):
            with pytest.raises(CardError, match=words):
                await teams.click(message, "approve", inputs, person="user-id-2")
        with pytest.raises(CardError, match="no button"):
            await teams.click(message, "reject", person="user-id-2")
        await teams.click(message, "back", person="user-id-2", data={"request": "forged"})

    assert [{"request": "forged"}] == [got["value"]["action"]["data"] for got in bot.got]


async def test_refresh_asks_for_the_listed_people_only() -> None:
    refresh = {
        "action": {"type": "Action.Execute", "verb": "refresh", "data": {"request": "r-1"}},
        "userIds": ["user-id-1"],
    }
    async with stage() as (teams, bot):
        await post_card(teams, card(refresh=refresh))
        message = await teams.wait_for_card()
        await teams.refresh(message, person="user-id-1")
        with pytest.raises(CardError):
            await teams.refresh(message, person="user-id-2")

    assert ("automatic", "refresh") == (
        bot.got[0]["value"]["trigger"],
        bot.got[0]["value"]["action"]["verb"],
    )


async def test_installs_removes_edits_and_deletes() -> None:
    async with stage() as (teams, bot):
        await teams.install("user-id-0")
        sent = await teams.send_message("user-id-0", "hello")
        await teams.edit_message(sent.activity["id"], "hello!", person="user-id-0")
        await teams.delete_message(sent.activity["id"], person="user-id-0")
        await teams.uninstall("user-id-0")

        assert [
            "conversationUpdate",
            "installationUpdate",
            "message",
            "messageUpdate",
            "messageDelete",
            "installationUpdate",
        ] == [got["type"] for got in bot.got]
        assert [teams.frame.bot] == bot.got[0]["membersAdded"]
        assert ("add", "remove") == (bot.got[1]["action"], bot.got[-1]["action"])
        assert not teams.conversation("personal", teams.world.person("user-id-0")).installed


async def test_says_when_the_bot_is_down_and_what_was_posted_instead() -> None:
    async with BotFramework.start(bot_url="http://127.0.0.1:9/api/messages") as teams:
        with pytest.raises(BotUnreachableError, match=r"127\.0\.0\.1:9"):
            await teams.send_message("user-id-0", "hello")
        with pytest.raises(TimeoutError, match="the bot posted"):
            await teams.wait_for_card(timeout_s=0.01)


async def test_wait_returns_as_soon_as_the_card_comes() -> None:
    async with stage() as (teams, _):
        waiting = asyncio.create_task(teams.wait_for_card(timeout_s=5))
        await asyncio.sleep(0)
        await post_card(teams, card())
        message = await waiting

    assert message.from_bot


async def test_control_surface_does_the_same_over_http() -> None:
    async with stage() as (teams, bot), httpx.AsyncClient(base_url=teams.url) as http:
        said = await http.post(
            "/_sandbox/messages", json={"from": "user-id-0", "text": "hi", "conversation": "group"}
        )
        await post_card(teams, card())
        listed = (await http.get("/_sandbox/activities", params={"after": 1, "wait_s": 1})).json()
        (posted,) = listed["activities"]
        clicked = await http.post(
            "/_sandbox/click",
            json={
                "activity_id": posted["id"],
                "verb": "approve",
                "from": "user-id-1",
                "inputs": {"amount": 7},
            },
        )
        wrong = await http.post(
            "/_sandbox/click", json={"activity_id": "1", "verb": "x", "from": "user-id-1"}
        )
        missing = await http.post("/_sandbox/messages", json={"text": "hi"})

    assert (200, 202) == (said.status_code, said.json()["status"])
    assert ["approve", "back"] == posted["verbs"]
    assert (200, 200) == (clicked.status_code, clicked.json()["status"])
    assert "7" == bot.got[-1]["value"]["action"]["data"]["amount"]
    assert (422, 422) == (wrong.status_code, missing.status_code)


async def authenticate(
    teams: BotFramework, header: str | None, service_url: str | None = None
) -> None:
    """What botbuilder does with a request, in its public cloud configuration."""
    assert teams.issuer is not None
    JwtTokenExtractor.metadataCache.clear()
    configured = SimpleNamespace(
        APP_ID=APP_ID, APP_PASSWORD="x", APP_TYPE="SingleTenant", APP_TENANTID="t"
    )
    activity = Activity().deserialize(
        {"type": "message", "channelId": "msteams", "serviceUrl": service_url or teams.service_url}
    )

    def check() -> None:
        asyncio.run(
            ConfigurationBotFrameworkAuthentication(configured).authenticate_request(
                activity, header
            )
        )

    await asyncio.to_thread(check)


async def test_tokens_are_good_or_wrong_in_one_way(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(app_id=APP_ID) as (teams, bot):
        issuer = teams.issuer
        assert issuer is not None
        monkeypatch.setattr(ChannelValidation, "open_id_metadata_endpoint", issuer.metadata_url)
        await teams.send_message("user-id-0", "hello")
        await teams.send_message("user-id-0", "hello", authorization=None)
        right = bot.headers[0]["Authorization"]
        url = teams.service_url
        await authenticate(teams, right)
        issuer.rotate()
        await authenticate(teams, f"Bearer {issuer.token(serviceurl=url)}")
        await authenticate(teams, right)
        for token in (
            issuer.token(serviceurl=url, forged=True),
            issuer.expired(serviceurl=url),
            issuer.token(serviceurl=url, aud="another-app"),
            issuer.token(serviceurl="https://evil.example/"),
            issuer.token(serviceurl=url, iss="https://evil.example"),
            issuer.token(serviceurl=url, headers={"kid": "x"}),
        ):
            # Refused, whatever it raises: 4.17.1 raises IndexError for an unknown key.
            with pytest.raises(Exception):  # noqa: B017, PT011
                await authenticate(teams, f"Bearer {token}")

    assert "Authorization" not in bot.headers[1]
