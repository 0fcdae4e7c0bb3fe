"""What somebody has written to the app: a message to it, a mention of it, or its command.

Sources: docs.slack.dev/apis/events-api, docs.slack.dev/reference/events/message.im and app_mention,
docs.slack.dev/interactivity/implementing-slash-commands, docs.slack.dev/messaging/
formatting-message-text, as known in 2026-11.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from countersign.approvals.audit.canonical import well_formed
from countersign.approvals.errors import InvalidError
from countersign.connectors.conversing.said import Kind
from countersign.connectors.slack.interactions import StrangerError
from countersign.connectors.slack.settings import SlackSettings

WRITTEN = frozenset({"", "file_share", "thread_broadcast"})
"""Subtypes of messages that people write; edits and what Slack itself says are others."""
ELSEWHERE = "This comes from a Slack workspace whose people start and decide nothing here."
_LINK = re.compile(r"<((?:https?|mailto|tel):[^|>\s]+)(?:\|([^>]*))?>")
_NAMED = re.compile(r"<([@#!])([^|>]+)(?:\|([^>]*))?>")


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Authorization(_Wire):
    user_id: str = ""
    is_bot: bool = False


class _Event(_Wire):
    type: str
    subtype: str | None = None
    user: str = ""
    bot_id: str | None = None
    text: str = ""
    ts: str = ""
    thread_ts: str | None = None
    channel: str = ""
    channel_type: str = ""
    team: str | None = None
    user_team: str | None = None
    source_team: str | None = None


class _Callback(_Wire):
    team_id: str = ""
    enterprise_id: str | None = None
    event: _Event
    authorizations: tuple[_Authorization, ...] | None = None


@dataclass(frozen=True)
class Heard:
    """A message to us, by a person; who that is in the directory has to be looked up."""

    user: str
    words: str
    """Without the mention of the app, as people read it."""
    channel: str
    kind: Kind
    ts: str = ""
    """Names the message in its channel; a command has none."""
    thread: str = ""
    """The message that began its thread; "" outside of one."""
    teams: tuple[str, ...] = ()
    """What Slack says of the user's own workspace; nothing in some kinds of events."""
    trigger_id: str = ""

    @property
    def root(self) -> str:
        """What its thread begins with."""
        return self.thread or self.ts


def event(payload: Mapping[str, Any], settings: SlackSettings) -> Heard | None:
    """What was written; None if it is nothing that people write to the app. Raises StrangerError
    for another workspace's people, InvalidError for what is no event."""
    try:
        told = _Callback.model_validate(payload)
    except ValidationError as exc:
        raise InvalidError("This is no event of Slack.") from exc
    it = told.event
    is_personal = it.channel.startswith("D")
    is_ours = it.type == "app_mention" and not is_personal
    if not (is_ours or (it.type == "message" and it.channel_type == "im")):
        return None
    if (it.subtype or "") not in WRITTEN or it.bot_id or not it.user or not it.ts:
        return None
    _require_here(told.team_id, told.enterprise_id or "", settings)
    bots = [each.user_id for each in told.authorizations or () if each.is_bot]
    return Heard(
        user=it.user,
        words=words_of(it.text, bots),
        channel=it.channel,
        kind="personal" if is_personal else "channel",
        ts=it.ts,
        thread=it.thread_ts or "",
        teams=tuple(filter(None, (it.team, it.user_team, it.source_team))),
    )


def command(fields: Mapping[str, str], settings: SlackSettings) -> Heard:
    """What was written behind the slash command. Raises StrangerError."""
    _require_here(fields.get("team_id", ""), fields.get("enterprise_id", ""), settings)
    return Heard(
        user=fields.get("user_id", ""),
        words=words_of(fields.get("text", ""), ()),
        channel=fields.get("channel_id", ""),
        kind="personal",
        teams=(settings.team_id,),
        trigger_id=fields.get("trigger_id", ""),
    )


def require_own(heard: Heard, settings: SlackSettings) -> None:
    """Raise StrangerError for people of another workspace, and for what is no person."""
    if any(team not in settings.where for team in heard.teams):
        raise StrangerError(f"{ELSEWHERE} Nothing was done.")
    if not heard.user.startswith(("U", "W")) or heard.user == "USLACKBOT":
        raise StrangerError("Only people can ask for something. Nothing was done.")


def words_of(text: str, bots: tuple[str, ...] | list[str]) -> str:
    """The text as the person wrote it: no mention of the app, links as their addresses, the three
    entities of Slack decoded once."""
    for bot in bots:
        text = text.replace(f"<@{bot}>", " ")
    text = _NAMED.sub(_name, _LINK.sub(_link, text))
    decoded = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return well_formed(re.sub(r"[ \t\u00a0]{2,}", " ", decoded)).strip()


def _require_here(team: str, enterprise: str, settings: SlackSettings) -> None:
    if team != settings.team_id or enterprise != settings.enterprise_id:
        raise StrangerError(f"{ELSEWHERE} Nothing was done.")


def _link(found: re.Match[str]) -> str:
    address, shown = found[1], found[2]
    bare = address.removeprefix("mailto:").removeprefix("tel:")
    if not shown or shown in (address, bare) or f"http://{shown}" == address:
        return shown or bare
    return f"{shown} ({bare})"


def _name(found: re.Match[str]) -> str:
    sign = "#" if found[1] == "#" else "@"
    return f"{sign}{found[3] or found[2]}"
