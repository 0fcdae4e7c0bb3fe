"""The client: errors of ours, waits that Slack asks for, and nothing that is sent twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from countersign.approvals.errors import (
    BusyError,
    CountersignError,
    MisdirectedError,
    NoRecipientError,
    NotFoundError,
    UnansweredError,
    UnavailableError,
    UnreachableError,
)
from countersign.connectors.slack.client import SlackClient
from countersign.connectors.slack.settings import SlackSettings
from countersign.sandbox._faults import Fault
from countersign.sandbox.slack.server import Slack
from countersign.sandbox.slack.workspace import Conversation
from tests.connectors.slack.slack_world import section


@pytest_asyncio.fixture
async def slack() -> AsyncIterator[Slack]:
    async with Slack.start() as running:
        yield running


@pytest_asyncio.fixture
async def client(slack: Slack) -> AsyncIterator[SlackClient]:
    settings = SlackSettings.model_validate(section(slack, timeout="2s"))
    async with SlackClient.open(settings) as opened:
        yield opened


async def post(client: SlackClient, channel: str = "C0SALES", **more: Any) -> Any:
    return await client.call(
        "chat.postMessage",
        lambda web: web.chat_postMessage(channel=channel, text="Hello", **more),
        channel=channel,
    )


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("channel_not_found", NotFoundError),
        ("is_archived", UnreachableError),
        ("user_disabled", NoRecipientError),
        ("msg_blocks_too_long", MisdirectedError),
        ("invalid_auth", UnavailableError),
    ],
)
async def test_answers_of_slack_are_errors_of_ours(
    client: SlackClient, slack: Slack, code: str, error: type[CountersignError]
) -> None:
    slack.faults.add(Fault(status=400, code=code))
    with pytest.raises(error) as caught:
        await post(client)

    assert type(caught.value) is error
    assert code in str(caught.value)


async def test_missing_scope_and_refused_blocks_are_named(
    client: SlackClient, slack: Slack
) -> None:
    with pytest.raises(MisdirectedError, match="unsupported type"):
        await post(client, blocks=[{"type": "image"}])
    slack.scopes = "im:write"
    with pytest.raises(UnavailableError, match="it needs chat:write"):
        await post(client)


async def test_wait_that_slack_asks_for_is_kept_for_that_channel_only(
    client: SlackClient, slack: Slack
) -> None:
    slack.workspace.conversations["C0OTHER"] = Conversation("C0OTHER", "other", {"U0GATE"})
    slack.faults.add(Fault(status=429, retry_after_s=3_000, path="postMessage"))
    with pytest.raises(UnavailableError) as caught:
        await post(client)
    asked = len(slack.requests)
    with pytest.raises(BusyError):
        await post(client)
    await post(client, "C0OTHER")

    assert 3_000 == caught.value.retry_after_s
    assert asked + 1 == len(slack.requests)
    assert 0 == client.busy_s("C0OTHER") < client.busy_s("C0SALES")


async def test_other_methods_wait_as_a_whole(client: SlackClient, slack: Slack) -> None:
    slack.faults.add(Fault(status=429, retry_after_s=3_000, path="users.info"))
    for error in (UnavailableError, BusyError):
        with pytest.raises(error):
            await client.call("users.info", lambda web: web.users_info(user="U0ALEX"))
    await post(client)

    assert ["/api/users.info", "/api/chat.postMessage"] == [r.path for r in slack.requests]


@pytest.mark.parametrize("kind", ["reset", "reset_after", "slow"])
async def test_broken_connection_sends_nothing_again(slack: Slack, kind: str) -> None:
    """Perhaps it was done: whoever keeps the delivery decides when it is sent again."""
    settings = SlackSettings.model_validate(section(slack, timeout="1s"))
    slack.faults.add(Fault.model_validate({"kind": kind, "delay_s": 3.0, "times": 3}))
    async with SlackClient.open(settings) as client:
        with pytest.raises(UnansweredError):
            await post(client)

    assert 1 == len(slack.requests)


async def test_slack_that_is_not_there_is_unavailable() -> None:
    settings = SlackSettings.model_validate(
        {"team_id": "T0ACME", "token": "x", "api_url": "http://127.0.0.1:9/api/"}
    )
    async with SlackClient.open(settings) as client:
        with pytest.raises(UnavailableError, match="cannot be reached") as caught:
            await post(client)

    assert not isinstance(caught.value, UnansweredError)


async def test_answer_that_is_no_json_is_unavailable(slack: Slack) -> None:
    settings = SlackSettings.model_validate(section(slack, api_url=f"{slack.url}/nowhere/"))
    async with SlackClient.open(settings) as client:
        with pytest.raises(UnavailableError):
            await post(client)
