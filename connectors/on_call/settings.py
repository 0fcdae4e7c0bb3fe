"""Settings of on-call schedules: from where each one is read, and who is meant by its names."""

from __future__ import annotations

from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import (
    BeforeValidator,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from countersign.approvals.models import PrincipalId
from countersign.approvals.rules.budgets.budget import zone_name
from countersign.approvals.rules.durations import Seconds
from countersign.connectors.addresses import LOOPBACK
from countersign.connectors.secrets import EnvSecret, Section, named

ScheduleName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,29}$")]
_WAYS = ("ics", "ics_url_env", "pagerduty", "jsm")


def source_of(schedule: str) -> str:
    """The name of the directory that is this schedule."""
    return f"on_call.{schedule}"


class PagerDutySection(Section):
    """The section `directory.pagerduty`: an API key that may read is enough."""

    token: EnvSecret = named("token")
    url: str = "https://api.pagerduty.com"
    """Another one in the EU: https://api.eu.pagerduty.com."""
    timeout: Seconds = 30.0
    """How long one answer may take."""

    @field_validator("url")
    @classmethod
    def _is_site(cls, value: str) -> str:
        parts = urlsplit(value)
        return f"{parts.scheme}://{parts.netloc}" if _is_safe(value) else _refused("this")


class JsmSection(Section):
    """The section `directory.jsm`: the operations of a site of Jira Service Management."""

    cloud_id: str = Field(pattern=r"^[0-9a-fA-F-]{36}$")
    """Of the site: https://SITE.atlassian.net/_edge/tenant_info tells it."""
    email: str = ""
    """Whose API token it is; "" for a bearer token."""
    token: EnvSecret = named("token")
    url: str = "https://api.atlassian.com"
    timeout: Seconds = 30.0
    """How long one answer may take."""

    @field_validator("url")
    @classmethod
    def _is_site(cls, value: str) -> str:
        return value.rstrip("/") if _is_safe(value) else _refused("this")


class ScheduleSection(Section):
    """One of `directory.schedules`."""

    ics: str | None = Field(default=None, min_length=1)
    """A calendar: the path of a file, or an https address that is no secret."""
    ics_url: EnvSecret | None = named("ics_url", default=None)
    """The address of a calendar that is one, as most are."""
    pagerduty: str | None = Field(default=None, pattern=r"^[A-Za-z0-9]{1,40}$")
    """The id of a schedule there."""
    jsm: str | None = Field(default=None, pattern=r"^[0-9a-fA-F-]{36}$")
    """The id of a schedule of Jira Service Management's operations."""
    zone: Annotated[str, BeforeValidator(zone_name)] = "UTC"
    """In which its times are told, and those of a calendar are meant that name none."""
    otherwise: tuple[str, ...] = ()
    """The roles that are asked while nobody is on call."""
    people: dict[str, PrincipalId] = Field(default_factory=dict)
    """Who is meant by a name, an address or an id of the schedule, beside the addresses of
    `people`."""
    timeout: Seconds = 30.0

    @field_validator("otherwise", mode="before")
    @classmethod
    def _one_role(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _read_one_way(self) -> Self:
        given = [self.ics, self.ics_url, self.pagerduty, self.jsm]
        if sum(each is not None for each in given) != 1:
            raise ValueError(f"write one of {', '.join(_WAYS)}")
        if self.address and not _is_safe(self.address):
            _refused("the calendar")
        return self

    @property
    def address(self) -> str:
        """Where the calendar is fetched; "" if it is a file, or no calendar."""
        told = self.ics_url.get_secret_value() if self.ics_url else self.ics or ""
        told = told.replace("webcal://", "https://", 1) if told.startswith("webcal://") else told
        return told if "://" in told or self.ics_url else ""

    @property
    def read_from(self) -> list[str]:
        """The same as long as the same is read."""
        return [self.ics or "", self.pagerduty or self.jsm or "", self.zone]


def _is_safe(value: str) -> bool:
    parts = urlsplit(value)
    local = parts.scheme == "http" and parts.hostname in LOOPBACK
    return bool(parts.hostname) and (parts.scheme == "https" or local)


def _refused(what: str) -> str:
    raise ValueError(f"{what} is fetched from an https address; write one")
