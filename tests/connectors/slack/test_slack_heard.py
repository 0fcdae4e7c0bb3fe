"""What of Slack's events people have written to the app, and who they may be."""

from __future__ import annotations

from typing import Any

import pytest

from countersign.approvals.errors import InvalidError
from countersign.connectors.slack.heard import command, event, require_own, words_of
from countersign.connectors.slack.interactions import StrangerError
from countersign.connectors.slack.settings import SlackSettings

OURS = SlackSettings.model_validate({"team_id": "T0ACME", "token": "xoxb-1"})


def payload(team: str = "T0ACME", **more: Any) -> dict[str, Any]:
    """As docs.slack.dev/reference/events/message.im shows it."""
    it = {
        "type": "message",
        "channel": "D0SAM",
        "channel_type": "im",
        "user": "U0SAM",
        "team": "T0ACME",
        "text": "Hello &amp; welcome",
        "ts": "1355517523.000005",
        "event_ts": "1355517523.000005",
        **more,
    }
    bots = [{"user_id": "U0GATE", "is_bot": True, "team_id": "T0ACME"}]
    return {"type": "event_callback", "team_id": team, "event": it, "authorizations": bots}


def test_message_in_a_chat_with_the_app_is_heard() -> None:
    heard = event(payload(thread_ts="1355517000.000001"), OURS)

    assert heard is not None
    assert ("U0SAM", "Hello & welcome", "personal") == (heard.user, heard.words, heard.kind)
    assert ("1355517523.000005", "1355517000.000001") == (heard.ts, heard.thread)


@pytest.mark.parametrize(
    "more",
    [
        {"subtype": "message_changed"},
        {"subtype": "message_deleted"},
        {"subtype": "bot_message"},
        {"bot_id": "B1"},
        {"user": ""},
        {"ts": ""},
        {"channel": "C0SALES", "channel_type": "channel"},
        {"type": "app_mention"},
        {"type": "app_home_opened"},
    ],
)
def test_what_is_not_written_to_the_app_is_nothing(more: dict[str, Any]) -> None:
    """Of what is said in channels only mentions; edits, other bots and our own messages never."""
    assert event(payload(**more), OURS) is None


def test_mention_in_a_channel_is_taken_off() -> None:
    more = {"type": "app_mention", "channel": "C0SALES", "channel_type": ""}
    heard = event(payload(**more, text="Hey <@U0GATE> quote for <@U0ANN>"), OURS)

    assert heard is not None
    assert ("Hey quote for @U0ANN", "channel") == (heard.words, heard.kind)


def test_people_of_elsewhere_are_strangers() -> None:
    heard = event(payload(user_team="T9PARTNER"), OURS)

    assert heard is not None
    with pytest.raises(StrangerError, match="workspace"):
        require_own(heard, OURS)
    with pytest.raises(StrangerError):
        event(payload(team="T9PARTNER"), OURS)
    with pytest.raises(StrangerError):
        command({"team_id": "T0ACME", "enterprise_id": "E1CORP", "user_id": "U0SAM"}, OURS)
    robot = event(payload(user="USLACKBOT"), OURS)
    assert robot is not None
    with pytest.raises(StrangerError, match="Only people"):
        require_own(robot, OURS)


def test_what_is_no_event_is_refused() -> None:
    with pytest.raises(InvalidError):
        event({"type": "event_callback"}, OURS)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<https://a.example/x?a=1&amp;b=2>", "https://a.example/x?a=1&b=2"),
        ("<http://contoso.com|contoso.com> please", "contoso.com please"),
        ("<https://a.example|the page>", "the page (https://a.example)"),
        ("<mailto:a@b.example|a@b.example>", "a@b.example"),
        ("in <#C0SALES|sales> for <!here>", "in #sales for @here"),
        ("&lt;INV-7&gt; &amp;lt;", "<INV-7> &lt;"),
        ("half \ud83d emoji", "half ? emoji"),
    ],
)
def test_words_are_what_people_read(text: str, words: str) -> None:
    assert words == words_of(text, ())
