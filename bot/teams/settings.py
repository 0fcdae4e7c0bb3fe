"""What the Teams side needs to know; a part of the application's settings."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from pydantic import SecretStr, field_validator, model_validator

from countersign.approvals.errors import ConfigurationError
from countersign.approvals.models import Placing
from countersign.connectors.addresses import LOOPBACK
from countersign.connectors.secrets import EnvSecret, Section, named

WHERE_IT_BEGAN = {
    "auto": frozenset({"group", "channel"}),
    "thread": frozenset({"personal", "group", "channel"}),
    "approvers": frozenset[str](),
}
"""By the setting `deliver`: in which conversations everybody sees the card."""


class TeamsSettings(Section):
    """The bot registration, and where cards go. An empty `app_id` means: local clients only."""

    app_id: str = ""
    """The bot's Entra application id (a GUID)."""
    app_password: EnvSecret = named("app_password", default=SecretStr(""))
    app_type: Literal["SingleTenant", "UserAssignedMSI"] = "SingleTenant"
    """Microsoft no longer creates multi-tenant bots (since 2025-07-31)."""
    tenant_id: str = ""
    """Only people of this tenant are heard."""
    service_url: str = "https://smba.trafficmanager.net/teams/"
    """Where a first one-to-one chat is opened with somebody who has not written yet."""
    deliver: Literal["auto", "thread", "approvers"] = "auto"
    """`auto`: a session begun in a group chat or channel is decided there, any other one in the
    approvers' own chats. `thread`: wherever it began, also one-to-one. `approvers`: own chats; a
    group chat or channel then hears who decided and that it ran, but no reasons and values."""
    local_requester: str = ""
    """Local mode: the principal who counts as having asked for a session."""
    local_approver: str = ""
    """Local mode: the principal who counts as clicking in clients without identities."""
    extra_service_hosts: tuple[str, ...] = ()
    """Local mode: more hosts to which the bot may send."""
    openid_metadata_url: str = "https://login.botframework.com/v1/.well-known/openidconfiguration"
    """Where the keys that sign the channel's tokens are published. The issuer accepted is that of
    the public cloud, whatever stands here."""

    @model_validator(mode="before")
    @classmethod
    def _needs_no_password_without_a_bot(cls, raw: Any) -> Any:
        if isinstance(raw, dict) and not raw.get("app_id"):
            return {key: value for key, value in raw.items() if key != "app_password_env"}
        return raw

    @property
    def placing(self) -> Placing:
        """Where requests are shown."""
        return Placing(where_it_began=WHERE_IT_BEGAN[self.deliver], together=True, redrawn=True)

    @field_validator("app_id")
    @classmethod
    def _guid_or_empty(cls, value: str) -> str:
        return str(UUID(value)) if value else ""

    def require_usable(self, *, local: bool, host: str, unused: bool = False) -> None:
        """Refuse settings under which anybody could speak as anybody.

        `host` is the address the server binds to; `unused` says that nobody is asked in Teams, so
        that without an app id every activity is refused. Raises ConfigurationError with every
        problem.
        """
        off = unused and not self.app_id
        problems = [] if off else [*self._identity_problems(local=local, host=host)]
        if not local:
            problems += [
                f"teams.{name}: only allowed in local mode (COUNTERSIGN_ENV=local)"
                for name in ("local_requester", "local_approver", "extra_service_hosts")
                if getattr(self, name)
            ]
        if problems:
            raise ConfigurationError(problems)

    def _identity_problems(self, *, local: bool, host: str) -> list[str]:
        if not self.app_id:
            # Without an id the vendor's library accepts every unsigned request.
            if local and host in LOOPBACK:
                return []
            return [
                "teams.app_id: required where people are asked in Teams, unless "
                "COUNTERSIGN_ENV=local and the server listens on loopback only"
                + (f" (it would listen on {host})" if host else "")
            ]
        problems = []
        if not self.tenant_id:
            problems.append("teams.tenant_id: required with teams.app_id")
        if self.app_type == "SingleTenant" and not self.app_password.get_secret_value():
            problems.append("teams.app_password: required for app_type SingleTenant")
        if not self.openid_metadata_url.startswith("https://") and not local:
            problems.append("teams.openid_metadata_url: must be https")
        return problems
