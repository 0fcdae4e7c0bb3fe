"""The `connectors.slack` section: the app in one workspace, and where its messages go."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from countersign.approvals.rules.durations import Seconds
from countersign.connectors.addresses import LOOPBACK
from countersign.connectors.secrets import EnvSecret, EnvSecrets, Section, named
from countersign.connectors.system import Situation

API_URL = "https://slack.com/api/"
PATH = "/webhooks/slack"
"""Where Slack calls us."""
_TEAM = re.compile(r"T[A-Z0-9]{2,30}")
_ENTERPRISE = re.compile(r"E[A-Z0-9]{2,30}")
_CHANNEL = re.compile(r"[CG][A-Z0-9]{2,30}")


class SlackSettings(Section):
    """One app, installed in one workspace."""

    team_id: str
    """The workspace (`T…`); nobody of another one is heard."""
    enterprise_id: str = ""
    """The Enterprise Grid (`E…`) that the workspace belongs to, if it does."""
    token: EnvSecret = named("token")
    """The bot token (`xoxb-…`)."""
    signing_secrets: EnvSecrets = named("signing_secret", "signing_secrets", default=())
    """With which Slack signs what it sends to `POST /webhooks/slack`; several while one is replaced
    by the next."""
    app_token: EnvSecret = named("app_token", default=SecretStr(""))
    """An app-level token (`xapp-…`) opens a socket to Slack instead, for a machine that cannot be
    reached from outside."""
    channel: str = ""
    """Where everything is shown (`C…`); without it each approver is written to."""
    api_url: str = API_URL
    timeout: Seconds = Field(default=10.0, gt=0)
    """For one call of Slack's API."""

    @field_validator("team_id")
    @classmethod
    def _team(cls, value: str) -> str:
        return _like(_TEAM, value, "the id of a workspace, like T024BE7LD")

    @field_validator("enterprise_id")
    @classmethod
    def _enterprise(cls, value: str) -> str:
        return value and _like(_ENTERPRISE, value, "the id of an Enterprise Grid, like E024BE7LD")

    @field_validator("channel")
    @classmethod
    def _channel(cls, value: str) -> str:
        return value and _like(_CHANNEL, value, "the id of a channel, like C024BE91L, no name")

    @property
    def where(self) -> tuple[str, ...]:
        """What identities of people begin with."""
        return (self.enterprise_id, self.team_id) if self.enterprise_id else (self.team_id,)

    def identity(self, user_id: str) -> str:
        """By which the directory knows a user of this workspace: `T024BE7LD/U024BE7LH`."""
        return "/".join((*self.where, user_id))


def _like(shape: re.Pattern[str], value: str, what: str) -> str:
    if not shape.fullmatch(value):
        raise ValueError(f"write {what}")
    return value


def problems(settings: SlackSettings, situation: Situation) -> Iterator[str]:
    """What does not fit, with the path of its key."""
    path = "connectors.slack"
    if not settings.signing_secrets and not settings.app_token.get_secret_value():
        yield (
            f"{path}: give signing_secret_env, or app_token_env for Socket Mode; else no answer "
            "of anybody arrives."
        )
    if settings.api_url != API_URL:
        url = urlsplit(settings.api_url)
        is_here = situation.local and url.hostname in LOOPBACK
        is_slack = url.scheme == "https" and (url.hostname or "").endswith(".slack-gov.com")
        if not is_here and not is_slack:
            yield f"{path}.api_url: is no address of Slack; leave it out."
        elif not settings.api_url.endswith("/"):
            yield f"{path}.api_url: has to end with a slash."
