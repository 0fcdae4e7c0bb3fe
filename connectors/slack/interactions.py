"""What Slack tells us that somebody did: a button pressed, or a modal sent; and who they are.

Source: docs.slack.dev/reference/interaction-payloads, as known in 2026-11.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from countersign.approvals.errors import InvalidError
from countersign.approvals.tickets import ActKey
from countersign.connectors.slack.message import NAME
from countersign.connectors.slack.settings import SlackSettings


class _Payload(BaseModel):
    """Of what Slack sends only what we use."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Named(_Payload):
    id: str = ""


class _Team(_Named):
    enterprise_id: str | None = None


class _User(_Named):
    team_id: str | None = None


class _Action(_Payload):
    action_id: str
    value: str = ""
    action_ts: str = ""


class _Container(_Payload):
    channel_id: str = ""
    message_ts: str = ""


class _State(_Payload):
    values: dict[str, Any] = Field(default_factory=dict)


class _View(_Named):
    callback_id: str = ""
    hash: str = ""
    private_metadata: str = ""
    state: _State = _State()


class Interaction(_Payload):
    """One of either kind."""

    type: str
    team: _Team | None = None
    enterprise: _Named | None = None
    user: _User
    trigger_id: str = ""
    actions: tuple[_Action, ...] = ()
    container: _Container = _Container()
    view: _View | None = None


def interaction(payload: Any) -> Interaction:
    """Raises InvalidError for what is none."""
    try:
        return Interaction.model_validate(payload)
    except ValidationError as exc:
        raise InvalidError("This is no interaction of Slack.") from exc


class StrangerError(InvalidError):
    """Somebody who cannot be anybody whom the directory knows; the text is for them."""


def identity(acted: Interaction, settings: SlackSettings) -> str:
    """By which the directory knows whoever did it. Raises StrangerError for people of another
    workspace, also in a channel that is shared with it, and for bots of Slack's own."""
    team = "" if acted.team is None else acted.team.id
    enterprise = "" if acted.enterprise is None else acted.enterprise.id
    if not enterprise and acted.team is not None:
        enterprise = acted.team.enterprise_id or ""
    if team != settings.team_id or enterprise != settings.enterprise_id:
        raise StrangerError(
            "This comes from a Slack workspace whose people decide nothing here. Nothing was done."
        )
    home = acted.user.team_id
    if home not in (None, *settings.where):
        raise StrangerError(
            "You are here as a guest of another Slack workspace, and only people of "
            f"{settings.team_id} decide this. Nothing was done."
        )
    if not acted.user.id.startswith(("U", "W")) or acted.user.id == "USLACKBOT":
        raise StrangerError("Only people decide this. Nothing was done.")
    return settings.identity(acted.user.id)


def act_of(acted: Interaction) -> ActKey:
    """The same for the same press, however often it is told."""
    at = acted.container
    where = f"{at.channel_id}:{at.message_ts}"
    return ActKey(channel=NAME, ticket_id=where, act_id=acted.actions[0].action_ts)
