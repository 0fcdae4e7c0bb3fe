"""The workspace refuses what Slack refuses, and its people see what Slack shows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from countersign.sandbox.slack.blocks import message_problems, view_problems
from countersign.sandbox.slack.server import TOKEN, Slack
from countersign.sandbox.slack.workspace import SlackError


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


SECTION = {"type": "section", "text": plain("x")}
BUTTON = {"type": "button", "action_id": "a", "text": plain("Go"), "value": "v"}
ACTIONS = {"type": "actions", "elements": [BUTTON]}
INPUT = {
    "type": "input",
    "block_id": "b",
    "label": plain("Why"),
    "element": {"type": "plain_text_input", "action_id": "a"},
}
VIEW = {"type": "modal", "title": plain("T"), "submit": plain("Go"), "blocks": [INPUT]}


@pytest_asyncio.fixture
async def slack() -> AsyncIterator[Slack]:
    async with Slack.start() as running:
        yield running


@pytest.fixture
def web(slack: Slack) -> AsyncWebClient:
    return AsyncWebClient(token=TOKEN, base_url=f"{slack.url}/api/", retry_handlers=[])


@pytest.mark.parametrize(
    ("blocks", "said"),
    [
        ([], "must not be empty"),
        ("x", "must be an array"),
        ([SECTION] * 51, "no more than 50 items"),
        ([{"type": "image"}], "unsupported type: image"),
        (["x"], "unsupported type: None"),
        ([{"type": "section"}], "needs text or fields"),
        ([{**SECTION, "colour": "red"}], "invalid additional property: colour"),
        ([{"type": "section", "text": plain("x" * 3001)}], "less than 3001 characters"),
        ([{"type": "section", "text": plain("")}], "more than 0 characters"),
        ([{"type": "section", "text": {**plain("x"), "verbatim": True}}], "verbatim"),
        ([{"type": "section", "text": {**plain("x"), "emoji": 1}}], "must be a boolean"),
        ([{"type": "section", "fields": [plain("x")] * 11}], "1 to 10 items"),
        ([{"type": "section", "fields": [plain("x" * 2001)]}], "less than 2001"),
        ([{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}], "unsupported type: mrkdwn"),
        ([{"type": "actions"}], "missing required field: elements"),
        ([{"type": "actions", "elements": [{**BUTTON, "style": "bold"}]}], "must be one of"),
        ([{"type": "actions", "elements": [{**BUTTON, "value": "v" * 2001}]}], "less than 2001"),
        ([{"type": "actions", "elements": [{**BUTTON, "value": 1}]}], "must be a string"),
        ([{"type": "actions", "elements": ["x"]}], "unsupported type: None"),
        ([{**SECTION, "block_id": "b"}] * 2, "block_id must be unique"),
        ([INPUT], "unsupported type: input"),
    ],
)
def test_blocks_that_slack_refuses(blocks: Any, said: str) -> None:
    assert any(said in each for each in message_problems(blocks))


@pytest.mark.parametrize(
    ("view", "said"),
    [
        (None, "must be an object"),
        ({**VIEW, "type": "home"}, "must be modal"),
        ({**VIEW, "title": plain("x" * 25)}, "less than 25 characters"),
        ({k: v for k, v in VIEW.items() if k != "submit"}, "submit is required"),
        ({**VIEW, "private_metadata": "x" * 3001}, "less than 3001"),
        ({**VIEW, "blocks": [SECTION] * 101}, "no more than 100 items"),
        ({**VIEW, "blocks": [ACTIONS]}, "unsupported type: actions"),
        (
            {**VIEW, "blocks": [{**INPUT, "element": {"type": "static_select", "options": [1]}}]},
            "must be an object",
        ),
        ({**VIEW, "colour": "red"}, "invalid additional property"),
    ],
)
def test_views_that_slack_refuses(view: Any, said: str) -> None:
    assert any(said in each for each in view_problems(view))


def test_what_slack_takes_has_no_problems() -> None:
    assert [] == message_problems([SECTION, ACTIONS])
    assert [] == view_problems(VIEW)


async def refused(call: Any) -> str:
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])


async def test_methods_refuse_as_slack_does(slack: Slack, web: AsyncWebClient) -> None:
    channel = "C0SALES"
    posted = await web.chat_postMessage(channel=channel, text="x", blocks=[SECTION, ACTIONS])
    ts = str(posted["ts"])
    big = [{"type": "section", "text": plain("x" * 2900)}] * 5
    theirs = slack.workspace.post(_by_alex(channel))
    assert [
        await refused(web.chat_postMessage(channel="C0NONE", text="x")),
        await refused(web.api_call("chat.postMessage", json={"channel": channel})),
        await refused(web.chat_postMessage(channel=channel, text="x" * 40_001)),
        await refused(web.chat_postMessage(channel=channel, text="x", blocks=big)),
        await refused(web.chat_postMessage(channel=channel, text="x", thread_ts="9.9")),
        await refused(web.chat_update(channel=channel, ts="9.9", text="x")),
        await refused(web.chat_update(channel=channel, ts=theirs.ts, text="x")),
        await refused(web.chat_update(channel=channel, ts=ts, text="x" * 4_001)),
        await refused(web.chat_postEphemeral(channel=channel, user="U0NONE", text="x")),
        await refused(web.conversations_open(users="U0OTHERBOT")),
        await refused(web.conversations_open(users=["U0ALEX", "U0SAM"])),
        await refused(web.users_lookupByEmail(email="nobody@example.com")),
        await refused(web.views_open(trigger_id="t", view=VIEW)),
        await refused(web.views_open(trigger_id="t", view={**VIEW, "type": "home"})),
        await refused(web.views_update(view_id="V0", view=VIEW)),
        await refused(web.api_call("chat.delete")),
        await refused(web.api_call("chat.postMessage", data={"channel": channel, "blocks": "{"})),
        await refused(AsyncWebClient("", base_url=web.base_url).auth_test()),
        await refused(AsyncWebClient("xoxb-2", base_url=web.base_url).auth_test()),
        await refused(
            AsyncWebClient("", base_url=web.base_url).apps_connections_open(app_token="x")
        ),
    ] == [
        "channel_not_found",
        "no_text",
        "msg_too_long",
        "msg_blocks_too_long",
        "thread_not_found",
        "message_not_found",
        "cant_update_message",
        "msg_too_long",
        "user_not_in_channel",
        "cannot_dm_bot",
        "users_list_not_supplied",
        "users_not_found",
        "invalid_trigger_id",
        "invalid_arguments",
        "not_found",
        "unknown_method",
        "invalid_blocks",
        "not_authed",
        "invalid_auth",
        "invalid_auth",
    ]
    slack.workspace.conversation(channel).is_archived = True
    assert "is_archived" == await refused(web.chat_update(channel=channel, ts=ts, text="x"))
    assert "is_archived" == await refused(web.chat_postMessage(channel=channel, text="x"))


def _by_alex(channel: str) -> Any:
    from countersign.sandbox.slack.workspace import Message

    return Message(channel, "", "U0ALEX", "Hello")


async def test_messages_and_people_are_found_again(slack: Slack, web: AsyncWebClient) -> None:
    about = {"event_type": "asked", "event_payload": {"id": "1"}}
    first = await web.chat_postMessage(channel="C0SALES", text="x", metadata=about)
    await web.chat_postMessage(channel="C0SALES", text="y", thread_ts=str(first["ts"]))
    known = await web.conversations_history(channel="C0SALES", include_all_metadata=True)
    bare = await web.conversations_history(channel="C0SALES")
    found = await web.users_lookupByEmail(email="AlexW@example.com")

    assert [about] == [m["metadata"] for m in known["messages"]]
    assert [False] == ["metadata" in m for m in bare["messages"]]
    assert "U0ALEX" == found["user"]["id"]


async def test_trigger_opens_one_modal_and_not_for_long(slack: Slack, web: AsyncWebClient) -> None:
    trigger, late = slack.workspace.trigger("U0ALEX"), slack.workspace.trigger("U0ALEX")
    slack.workspace._triggers[late] = ("U0ALEX", 0.0)
    await web.views_open(trigger_id=trigger, view=VIEW)

    assert "exchanged_trigger_id" == await refused(web.views_open(trigger_id=trigger, view=VIEW))
    assert "expired_trigger_id" == await refused(web.views_open(trigger_id=late, view=VIEW))


async def test_app_that_answers_wrongly_is_complained_of(slack: Slack) -> None:
    view = slack.workspace.open_view(slack.workspace.trigger("U0ALEX"), VIEW)
    for answer in (
        {"errors": {"b": "No."}},
        {"response_action": "errors", "errors": {"other": "No."}},
        {"response_action": "update", "view": {}},
        {"response_action": "explode"},
        None,
    ):
        slack._answered(view, answer)
    slack.hook_url = f"{slack.url}/nowhere"
    await slack.send({"type": "block_actions"})

    assert 5 == len(slack.complaints)
    assert view.is_open


async def test_people_do_only_what_they_could(slack: Slack, web: AsyncWebClient) -> None:
    posted = await web.chat_postMessage(channel="C0SALES", text="x", blocks=[ACTIONS])
    (message,) = slack.messages()
    slack.workspace.conversation("C0SALES").members.remove("U0ADELE")
    view = slack.workspace.open_view(slack.workspace.trigger("U0ALEX"), VIEW)
    for wrong in (
        slack.click(message, "U0ADELE", "a"),
        slack.click(message, "U0ALEX", "b"),
        slack.submit(view, {"other": "x"}),
        slack.submit(view, {"b": ""}),
    ):
        with pytest.raises(SlackError):
            await wrong

    assert message.ts == posted["ts"]


async def test_page_shows_what_somebody_sees_and_lets_them_act(
    slack: Slack, web: AsyncWebClient
) -> None:
    await web.chat_postMessage(channel="C0SALES", text="*Hello* <@U0ALEX> &lt;b&gt;")
    await web.chat_postMessage(channel="C0SALES", text="x", blocks=[SECTION, ACTIONS])
    await web.chat_postEphemeral(channel="C0SALES", user="U0SAM", text="For Sam")
    slack.workspace.open_view(slack.workspace.trigger("U0ALEX"), VIEW)
    slack.hook_url = f"{slack.url}/_sandbox/hook"
    async with httpx.AsyncClient(base_url=slack.url, trust_env=False) as http:
        alex = (await http.get("/", params={"as": "U0ALEX"})).text
        sam = (await http.get("/", params={"as": "U0SAM"})).text
        nobody = await http.get("/", params={"as": "U0NONE"})
        closed = await http.post("/", data={"user": "U0ALEX", "close": "1"})
        (listed,) = [
            m for m in (await http.get("/_sandbox/messages")).json()["messages"] if m["blocks"]
        ]
        gone = await http.post("/_sandbox/act", json={"user": "U0ALEX", "submit": {}})
        missing = await http.post("/_sandbox/act", json={"channel": "C0SALES", "ts": "1"})
        click = {"user": "U0ALEX", "channel": "C0SALES", "ts": listed["ts"], "click": "a"}
        pressed = await http.post("/_sandbox/act", json=click)

    assert "<b>Hello</b> @Alex Wilber &lt;b&gt;" in alex
    assert 'name="in.b"' in alex
    assert "For Sam" in sam
    assert "For Sam" not in alex
    assert 404 == nobody.status_code
    assert 303 == closed.status_code
    assert (409, 409) == (gone.status_code, missing.status_code)
    assert ["the app answered 500"] == pressed.json()["complaints"]
