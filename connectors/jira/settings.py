"""Settings of a Jira site: where it is, who we are there, and what counts as what."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, field_validator, model_validator

from countersign.approvals.models import Value, Verdict
from countersign.approvals.rules.durations import Seconds
from countersign.approvals.tickets import TicketOutcome
from countersign.connectors.addresses import LOOPBACK
from countersign.connectors.secrets import EnvSecret, Section, named
from countersign.connectors.ticketing.settings import TicketSettings, site

EXAMPLE = "https://example.atlassian.net"
GATEWAY = "https://api.atlassian.com"
"""Where OAuth 2.0 calls go. Source: developer.atlassian.com, "OAuth 2.0 (3LO) apps", read
2026-11-25."""
OURS = frozenset(
    {"project", "issuetype", "summary", "description", "labels", "assignee", "reporter", "status"}
)
"""Fields that no setting may write."""
_CUSTOM = r"^customfield_\d{1,12}$"
_ENDED = (
    TicketOutcome.EXPIRED,
    TicketOutcome.CANCELLED,
    TicketOutcome.SUPERSEDED,
    TicketOutcome.DUPLICATE,
    TicketOutcome.MIXED,
)


def _as_id(value: Any) -> Any:
    """A status id as text. Raises ValueError for a name."""
    text = str(value).strip()
    if isinstance(value, bool) or not re.fullmatch(r"\d{1,18}", text):
        raise ValueError(
            f"{text!r} is not the id of a status; names are translated and renamed. The ids are in "
            "<url>/rest/api/2/project/<project>/statuses, which a browser can open"
        )
    return text


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


StatusId = Annotated[str, BeforeValidator(_as_id)]
Text = Annotated[str, BeforeValidator(_as_text), Field(min_length=1)]
CustomField = Annotated[str, Field(pattern=_CUSTOM)]


class ApiToken(Section):
    """Cloud: an account's email and one of its API tokens."""

    kind: Literal["basic"]
    email: str = Field(min_length=3)
    token: EnvSecret = named("token")


class Password(Section):
    """Data Center: name and password."""

    kind: Literal["password"]
    user: str = Field(min_length=1)
    password: EnvSecret = named("password")


class AccessToken(Section):
    """Data Center: a personal access token."""

    kind: Literal["pat"]
    token: EnvSecret = named("token")


class OAuthToken(Section):
    """Cloud: an OAuth 2.0 access token."""

    kind: Literal["oauth"]
    token: EnvSecret = named("token")
    cloud_id: str = Field(pattern=r"^[0-9a-fA-F-]{8,64}$")
    """In `https://<site>/_edge/tenant_info`."""
    gateway: str = GATEWAY

    @field_validator("gateway")
    @classmethod
    def _is_safe(cls, value: str) -> str:
        parts = urlsplit(value.strip())
        if not parts.hostname or parts.query or parts.fragment or parts.username:
            raise ValueError("must be like https://api.atlassian.com")
        if parts.scheme != "https" and (parts.scheme, parts.hostname in LOOPBACK) != ("http", True):
            raise ValueError("must be https: the token travels with every call")
        return value.strip().rstrip("/")


Auth = Annotated[ApiToken | Password | AccessToken | OAuthToken, Field(discriminator="kind")]


class Statuses(Value):
    """Which status, by id, means what."""

    pending: tuple[StatusId, ...] = Field(min_length=1)
    """Where people are asked; the first is where a new issue begins and is put back to."""
    approved: tuple[StatusId, ...] = Field(min_length=1)
    rejected: tuple[StatusId, ...] = Field(min_length=1)
    changes: tuple[StatusId, ...] = ()
    """Approved with changes to the arguments."""
    closed: StatusId | None = None
    """Where an issue goes that needs no answer any more; without it, the first rejected one."""

    @model_validator(mode="after")
    def _disjoint(self) -> Self:
        every = [*self.pending, *self.approved, *self.rejected, *self.changes]
        for status in every:
            if every.count(status) > 1:
                raise ValueError(f"status {status} stands there twice; it can mean one thing only")
        if self.closed in (*self.pending, *self.approved, *self.changes):
            raise ValueError(f"closed: status {self.closed} means something else")
        return self

    @property
    def mapped(self) -> frozenset[str]:
        """Every status that means something."""
        return frozenset((*self.pending, *self.approved, *self.rejected, *self.changes))

    def verdict(self, status: str) -> Verdict | None:
        """What setting this status says."""
        if status in self.approved:
            return Verdict.APPROVE
        if status in self.changes:
            return Verdict.MODIFY
        return Verdict.REJECT if status in self.rejected else None

    def of(self, outcome: TicketOutcome) -> tuple[str, ...]:
        """Where a ticket belongs that ended so; the first is where to bring it."""
        if outcome in _ENDED:
            return (self.closed,) if self.closed else self.rejected
        return self.rejected if outcome is TicketOutcome.REJECTED else self.approved


class JiraSettings(TicketSettings):
    """The section `connectors.jira`."""

    deployment: Literal["cloud", "datacenter"] = "cloud"
    auth: Auth
    project: str = Field(pattern=r"^([A-Z][A-Z0-9_]{0,254}|\d{1,18})$")
    issue_type: Text
    statuses: Statuses
    approval: Literal["status", "jsm"] = "status"
    """`jsm`: people answer the approvals of a service project instead of moving the issue."""
    approver_field: CustomField | None = None
    """A user picker that we fill with whoever may answer."""
    approver_field_multiple: bool = True
    assign: bool = True
    """Assign each issue to the first of those who may answer."""
    fields: dict[str, Any] = Field(default_factory=dict)
    """More fields of each issue, as the REST API takes them."""
    changes_field: CustomField | None = None
    """A text field for changes to the arguments."""
    label: str = Field("agent-approval", pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,60}$")
    overlap: Seconds = 300.0
    """The search index lags behind."""
    index_lag: Seconds = 60.0
    """How long a new issue may be missing from searches."""

    @model_validator(mode="before")
    @classmethod
    def _say_new_name(cls, raw: Any) -> Any:
        if isinstance(raw, dict) and "settle" in raw:
            raise ValueError("settle is called index_lag now; rename the key")
        return raw

    @field_validator("url")
    @classmethod
    def _is_site(cls, value: str) -> str:
        parts = site(value, like=EXAMPLE, instead="give the address of the site only")
        return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"

    @field_validator("fields")
    @classmethod
    def _adds_fields(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name in value:
            if name in OURS:
                raise ValueError(f"{name} cannot be set here")
        return value

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        cloud = isinstance(self.auth, ApiToken | OAuthToken)
        if cloud != (self.deployment == "cloud"):
            kinds = "basic or oauth" if self.deployment == "cloud" else "pat or password"
            raise ValueError(f"auth.kind must be {kinds} with deployment {self.deployment}")
        if self.approval == "jsm" and self.approver_field is None:
            raise ValueError("approver_field: required with approval jsm; it says who may answer")
        for name in (self.approver_field, self.changes_field):
            if name in self.fields:
                raise ValueError(f"fields: {name} is written by us")
        return self

    @property
    def cloud(self) -> bool:
        """Whether this is Jira Cloud."""
        return self.deployment == "cloud"

    @property
    def api_url(self) -> str:
        """Where calls go."""
        if isinstance(self.auth, OAuthToken):
            return f"{self.auth.gateway.rstrip('/')}/ex/jira/{self.auth.cloud_id}"
        return self.url

    @property
    def open_label(self) -> str:
        """On every issue that waits."""
        return f"{self.label}-open"

    @property
    def closed_label(self) -> str:
        """On every issue that needs no answer any more."""
        return f"{self.label}-closed"

    def order_label(self, key: str) -> str:
        """By which the issue of an order is found."""
        return f"{self.label}-{key}"
