"""What can be wrong with the app in its workspace, and with how people are known there."""

from __future__ import annotations

from collections.abc import Sequence

from countersign.approvals.errors import CountersignError, NotFoundError, UnavailableError
from countersign.approvals.forms.wording import visible
from countersign.approvals.models import JsonObject, Principal
from countersign.approvals.tickets import CheckResult
from countersign.connectors.slack.channel import user_of
from countersign.connectors.slack.client import SlackClient
from countersign.connectors.slack.message import NAME
from countersign.connectors.slack.settings import SlackSettings

SCOPES = (
    "chat:write",
    "im:write",
    "users:read",
    "im:history",
    "app_mentions:read",
    "commands",
)
CHANNEL_SCOPES = ("channels:read", "groups:read")
"""One of these, where everything is shown in a channel."""
MOST_PEOPLE = 50


class Checks:
    """What `doctor` asks Slack."""

    def __init__(
        self, settings: SlackSettings, client: SlackClient, approvers: Sequence[Principal]
    ) -> None:
        self._settings, self._client, self._approvers = settings, client, approvers

    async def run(self) -> Sequence[CheckResult]:
        """Raises UnavailableError if Slack cannot be asked."""
        found = await self._client.call("auth.test", lambda web: web.auth_test())
        results = [self._workspace(found), self._scopes(found)]
        if self._settings.channel:
            results.append(await self._channel())
        if self._approvers:
            results.append(await self._people())
        return results

    def _workspace(self, found: JsonObject) -> CheckResult:
        here, there = "/".join(self._settings.where), str(found.get("team_id", ""))
        enterprise = str(found.get("enterprise_id") or "")
        known = "/".join(filter(None, [enterprise, there]))
        bot = visible(str(found.get("user", "")))
        if known == here:
            return CheckResult(name="workspace", ok=True, said=f"{bot} is at home in {known}")
        said = f"the token is of {visible(known)}; set team_id and enterprise_id to that"
        return CheckResult(name="workspace", ok=False, said=said)

    def _scopes(self, found: JsonObject) -> CheckResult:
        given = {
            each.strip() for each in str(found["headers"].get("x-oauth-scopes", "")).split(",")
        }
        missing = [scope for scope in SCOPES if scope not in given]
        if self._settings.channel and not given.intersection(CHANNEL_SCOPES):
            missing.append(CHANNEL_SCOPES[0])
        if missing:
            said = f"add {', '.join(missing)} to the app and install it again"
            return CheckResult(name="scopes", ok=False, said=said)
        return CheckResult(name="scopes", ok=True, said=", ".join(sorted(given)))

    async def _channel(self) -> CheckResult:
        channel = self._settings.channel
        try:
            answer = await self._client.call(
                "conversations.info", lambda web: web.conversations_info(channel=channel)
            )
        except NotFoundError:
            said = f"{channel} is not there for the app; if it is private, invite the app there"
            return CheckResult(name="channel", ok=False, said=said)
        found = answer["channel"]
        name = visible(str(found.get("name", channel)))
        if found.get("is_archived"):
            return CheckResult(name="channel", ok=False, said=f"#{name} is archived")
        if not found.get("is_member"):
            said = f"the app is not in #{name}; write /invite to it there"
            return CheckResult(name="channel", ok=False, said=said)
        shared = ", shared with others, who decide nothing" if found.get("is_ext_shared") else ""
        return CheckResult(name="channel", ok=True, said=f"everything is shown in #{name}{shared}")

    async def _people(self) -> CheckResult:
        wrong = []
        for person in self._approvers[:MOST_PEOPLE]:
            if said := await self._wrong_with(person):
                wrong.append(f"{visible(person.name)} {said}")
        count = min(len(self._approvers), MOST_PEOPLE)
        said = "; ".join(wrong) if wrong else f"{count} who may be asked are known there"
        return CheckResult(name="people", ok=not wrong, said=said)

    async def _wrong_with(self, person: Principal) -> str:
        identity = person.identities.get(NAME, "")
        user = user_of(self._settings, identity)
        if not user:
            return (
                f"has the identity {visible(identity)}, which is none of {self._settings.team_id}"
            )
        try:
            answer = await self._client.call("users.info", lambda web: web.users_info(user=user))
        except UnavailableError as exc:
            if exc.outage:
                raise
            return f"is not there as {user}"
        except CountersignError as exc:
            return f"cannot be looked up ({exc})"
        found = answer["user"]
        if found.get("deleted"):
            return f"is deactivated as {user}"
        if found.get("is_bot"):
            return f"is a bot as {user}"
        if found.get("team_id") not in (None, *self._settings.where):
            return f"belongs to another workspace as {user}"
        return ""
