"""Who has written: somebody of our workspace whom the directory knows, or somebody to be told."""

from __future__ import annotations

from dataclasses import replace

from countersign.approvals.audit.canonical import sha256_hex
from countersign.approvals.models import Actor, Via
from countersign.approvals.ports import Directory
from countersign.approvals.tickets import ActKey
from countersign.connectors.conversing.said import Said
from countersign.connectors.slack.client import SlackClient
from countersign.connectors.slack.heard import Heard, require_own
from countersign.connectors.slack.message import NAME
from countersign.connectors.slack.settings import SlackSettings
from countersign.connectors.slack.threads import key_of


class Writers:
    """Finds principals; a message itself never says who they are here."""

    def __init__(self, settings: SlackSettings, client: SlackClient, directory: Directory) -> None:
        self._settings, self._client, self._directory = settings, client, directory

    async def said(self, heard: Heard) -> Said | None:
        """None from somebody whom the directory does not know. Raises StrangerError for people of
        another workspace; UnavailableError."""
        if not heard.teams:  # some events do not say where a person is at home
            user = heard.user
            answer = await self._client.call("users.info", lambda web: web.users_info(user=user))
            heard = replace(heard, teams=(str(answer["user"].get("team_id") or "?"),))
        require_own(heard, self._settings)
        identity = self._settings.identity(heard.user)
        principal = self._directory.by_identity(NAME, identity)
        actor = Actor(principal=principal, via=Via(NAME), identity=f"{NAME}:{identity}")
        return as_said(heard, actor)

    def unknown(self, user: str) -> str:
        """Tells somebody whom nobody knows what an administrator has to do."""
        return (
            "Sorry, I do not know you yet, so I cannot do anything for you. Please ask your "
            "administrator to add you to `people:` in the configuration. In the directory you "
            f"would be `{NAME}: {self._settings.identity(user)}`."
        )


def as_said(heard: Heard, actor: Actor) -> Said | None:
    """What was written, by this actor; None if that is nobody we know."""
    if actor.principal is None:
        return None
    here = key_of(heard.channel)
    return Said(
        words=heard.words,
        here=here,
        kind=heard.kind,
        asker=actor,
        clicker=actor,
        owner=actor.principal,
        act=ActKey(
            channel=NAME,
            ticket_id=sha256_hex(here.encode())[:32],
            act_id=sha256_hex(heard.ts.encode())[:32],
        ),
    )
