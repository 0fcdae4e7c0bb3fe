"""Settings of an instance: where it is, who we are there, and what counts as what."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from countersign.approvals.models import Value, Verdict
from countersign.approvals.rules.durations import Seconds
from countersign.approvals.tickets import TicketOutcome
from countersign.connectors.secrets import EnvSecret, Section, named
from countersign.connectors.ticketing.settings import TicketSettings, site

EXAMPLE = "https://example.service-now.com"
INSTANCE_ONLY = f"give the instance only, such as {EXAMPLE}"
NAME = re.compile(r"[a-z][a-z0-9_]*")
"""A table or a column; it becomes a part of queries and paths."""
OURS = ("correlation_id", "correlation_display", "short_description", "description", "approval")
"""Columns of the record that no setting may write."""


def _as_text(value: Any) -> Any:
    """What a column is set to, as the Table API takes it: YAML makes numbers of `state: 3`."""
    return json.dumps(value) if isinstance(value, bool | int | float) else value


def _as_steps(value: Any) -> Any:
    return [value] if isinstance(value, dict) else value


Text = Annotated[str, BeforeValidator(_as_text)]
Columns = dict[str, Text]
Steps = Annotated[tuple[Columns, ...], BeforeValidator(_as_steps)]


class BasicAuth(Section):
    """The name and password of an integration user."""

    kind: Literal["basic"]
    user: str = Field(min_length=1)
    password: EnvSecret = named("password")


class OAuthClient(Section):
    """OAuth 2.0 client credentials (Washington and later)."""

    kind: Literal["oauth"]
    client_id: str = Field(min_length=1)
    client_secret: EnvSecret = named("client_secret")


class FieldDecision(Value):
    """A column of the record that people set, where there are no approvals to answer."""

    field: str
    approved: tuple[Text, ...] = Field(min_length=1)
    rejected: tuple[Text, ...] = Field(min_length=1)
    pending: tuple[Text, ...] = Field(min_length=1)
    """Where the record waits for its answer; the first is where it is put back to."""

    @field_validator("field")
    @classmethod
    def _is_column(cls, value: str) -> str:
        return _named(value)

    @model_validator(mode="after")
    def _disjoint(self) -> Self:
        every = [*self.approved, *self.rejected, *self.pending]
        if len(every) != len(set(every)):
            raise ValueError("a value stands in two of approved, rejected and pending")
        return self


class ServiceNowSettings(TicketSettings):
    """The section `connectors.servicenow`."""

    auth: Annotated[BasicAuth | OAuthClient, Field(discriminator="kind")]
    user: str = ""
    """Our own `user_name` there; that of `auth` unless it is OAuth."""
    table: str = "change_request"
    """The records that are made: any table that extends `task`."""
    decide_by: Literal["approvers"] | FieldDecision = "approvers"
    create_approvals: bool = True
    """Ask each approver with a row of `sysapproval_approver`; no: a flow of the instance does."""
    fields: Columns = Field(default_factory=dict)
    """More columns of each record."""
    delegates: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Who may answer in whose place, both by `user_name`."""
    changes_field: str = ""
    """Column of the approval (or record) for changes to the arguments; empty: in comments only."""
    prefix: str = Field("agent-approval", pattern=r"^[a-z][a-z0-9-]{0,60}$")
    """What `correlation_display` begins with, followed by `:open` or `:closed`."""
    close: dict[TicketOutcome, Steps] = Field(default_factory=dict)
    """What to set on the record at the end, one update after the other."""
    description_limit: int = Field(4_000, ge=1_500, le=60_000)
    """Characters that the column `description` takes."""
    overlap: Seconds = 120.0

    @field_validator("url")
    @classmethod
    def _is_instance(cls, value: str) -> str:
        parts = site(value, like=EXAMPLE, instead=INSTANCE_ONLY)
        if parts.path.strip("/"):
            raise ValueError(INSTANCE_ONLY)
        return f"{parts.scheme}://{parts.netloc}"

    @field_validator("table")
    @classmethod
    def _is_table(cls, value: str) -> str:
        return _named(value)

    @field_validator("changes_field")
    @classmethod
    def _is_column(cls, value: str) -> str:
        return _named(value) if value else value

    @field_validator("fields")
    @classmethod
    def _adds_columns(cls, value: Columns) -> Columns:
        _leave_ours_alone(value)
        return value

    @field_validator("close")
    @classmethod
    def _ends(cls, value: dict[TicketOutcome, Steps]) -> dict[TicketOutcome, Steps]:
        for steps in value.values():
            for step in steps:
                _leave_ours_alone(step)
        return value

    @model_validator(mode="after")
    def _knows_us(self) -> Self:
        if isinstance(self.auth, OAuthClient) and not self.user:
            raise ValueError(
                "user: required with auth.kind oauth; the user_name of the OAuth application user"
            )
        return self

    @property
    def own_user(self) -> str:
        """Our own `user_name`: what we make is made by it, what it decides does not count."""
        return self.user or (self.auth.user if isinstance(self.auth, BasicAuth) else "")

    @property
    def open_mark(self) -> str:
        """`correlation_display` of what waits."""
        return f"{self.prefix}:open"

    @property
    def closed_mark(self) -> str:
        """`correlation_display` of what needs no answer any more."""
        return f"{self.prefix}:closed"

    def verdict(self, state: str) -> Verdict | None:
        """What an approval state means; None if it is no answer."""
        approved, rejected = (
            (("approved",), ("rejected",))
            if self.decide_by == "approvers"
            else (self.decide_by.approved, self.decide_by.rejected)
        )
        if state in approved:
            return Verdict.APPROVE
        return Verdict.REJECT if state in rejected else None

    def may_answer(self, user: str, approver: str) -> bool:
        """Whether `user` is the approver or one of their delegates."""
        who, whose = user.casefold(), approver.casefold()
        if who == whose:
            return True
        return any(
            whose == named.casefold() and who in (d.casefold() for d in delegates)
            for named, delegates in self.delegates.items()
        )

    def is_own(self, user: str) -> bool:
        """Whether this is the account that we use."""
        return user.casefold() == self.own_user.casefold()


def _leave_ours_alone(columns: Columns) -> None:
    """Nobody approves by configuration, and the text is what people decide about."""
    for name in columns:
        if _named(name) in OURS:
            raise ValueError(f"{name} cannot be set here")


def _named(value: str) -> str:
    if not NAME.fullmatch(value):
        raise ValueError(f"{value!r} is no name of a table or column (lower case, digits, _)")
    return value
