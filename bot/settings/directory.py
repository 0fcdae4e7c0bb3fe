"""The `directory` section: from where people are read besides the file, and how old that may be."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Self

from pydantic import Field, model_validator

from countersign.approvals.audit.canonical import canonical_json
from countersign.approvals.directory.linking import (
    EMAIL,
    Grant,
    ScheduleRules,
    SourceRules,
    small,
)
from countersign.approvals.models import JsonObject, Value
from countersign.approvals.rules.durations import Seconds
from countersign.connectors.directories import (
    DirectorySection,
    JiraGroupsSection,
    ServiceNowGroupsSection,
)
from countersign.connectors.entra.settings import EntraDirectorySettings
from countersign.connectors.on_call.settings import (
    JsmSection,
    PagerDutySection,
    ScheduleName,
    ScheduleSection,
    source_of,
)
from countersign.connectors.role_entries import scopes_of

SOURCES = ("entra", "jira", "servicenow")
"""In this order they name people whom several of them know."""


class DirectorySettings(Value):
    """What is read, how often, and until when it is gone by."""

    every: Seconds = 900.0
    max_age: Seconds = 3600.0
    """After so long without a reading nobody whom a directory names can decide."""
    most_gone: float = Field(default=0.5, gt=0, le=1)
    """The share of people or memberships that one reading may remove unasked."""
    entra: EntraDirectorySettings | None = None
    jira: JiraGroupsSection | None = None
    servicenow: ServiceNowGroupsSection | None = None
    pagerduty: PagerDutySection | None = None
    """The account from which schedules are read."""
    jsm: JsmSection | None = None
    """The operations of Jira Service Management from which schedules are read."""
    schedules: dict[ScheduleName, ScheduleSection] = Field(default_factory=dict)
    """Who is on call, for stages that ask them."""

    @model_validator(mode="after")
    def _is_read_in_time(self) -> Self:
        if self.max_age < 2 * self.every:
            raise ValueError(
                "max_age is less than twice `every`: one reading that fails would keep everybody "
                "from deciding; make it longer"
            )
        if not (self.sections() or self.schedules):
            raise ValueError(f"name at least one of {', '.join(SOURCES)}, schedules")
        for name, schedule in self.schedules.items():
            if schedule.pagerduty is not None and self.pagerduty is None:
                raise ValueError(
                    f"schedules.{name} is read from PagerDuty; add directory.pagerduty"
                )
            if schedule.jsm is not None and self.jsm is None:
                raise ValueError(
                    f"schedules.{name} is read from Jira's operations; add directory.jsm"
                )
        return self

    def sources(self) -> list[str]:
        """The names of all that is read."""
        return [*self.sections(), *map(source_of, self.schedules)]

    @property
    def known_pagerduty(self) -> PagerDutySection:
        """The account; there is one where a schedule is read from it."""
        assert self.pagerduty is not None  # noqa: S101 - checked when it was read
        return self.pagerduty

    @property
    def known_jsm(self) -> JsmSection:
        """The site; there is one where a schedule is read from it."""
        assert self.jsm is not None  # noqa: S101 - checked when it was read
        return self.jsm

    def rotas(self) -> list[ScheduleRules]:
        """How what schedules say becomes who is on call."""
        return [
            ScheduleRules(
                name=name,
                source=source_of(name),
                identity=EMAIL if section.jsm is None else "jira",
                zone=section.zone,
                otherwise=frozenset(section.otherwise),
                people={small(text.strip()): id_ for text, id_ in section.people.items()},
            )
            for name, section in self.schedules.items()
        ]

    def sections(self) -> dict[str, DirectorySection]:
        """What is configured, by name, in order."""
        found = {name: getattr(self, name) for name in SOURCES}
        return {name: section for name, section in found.items() if section is not None}

    def rules(self) -> list[SourceRules]:
        """How what is read becomes people."""
        return [
            SourceRules(
                name=name,
                identity=name,
                grants={
                    group: Grant(
                        roles=grant.all_roles,
                        scopes=scopes_of(grant.roles, grant.limited),
                        domains=grant.domains,
                    )
                    for group, grant in section.groups.items()
                },
                links_by_email=section.link_by_email,
            )
            for name, section in self.sections().items()
        ]

    def roles(self) -> frozenset[str]:
        """The roles that being in a group gives."""
        grants = [g for section in self.sections().values() for g in section.groups.values()]
        return frozenset(role for grant in grants for role in grant.all_roles)

    def fingerprint(self) -> str:
        """The same as long as the same is read: a change means to read all of it again."""
        of = {name: sorted(section.groups) for name, section in self.sections().items()}
        entra = [self.entra.tenant_id, self.entra.client_id] if self.entra else []
        delegates = bool(self.servicenow and self.servicenow.delegates)
        said: JsonObject = {"groups": of, "entra": entra, "delegates": delegates}
        if self.schedules:  # what was read of one that is read from elsewhere now does not hold
            said["schedules"] = {n: each.read_from for n, each in self.schedules.items()}
        return hashlib.sha256(canonical_json(said)).hexdigest()


def directory_problems(directory: DirectorySettings | None, systems: set[str]) -> Iterator[str]:
    """Directories that are read through a connector which is not there."""
    for name in () if directory is None else ("jira", "servicenow"):
        if getattr(directory, name) is not None and name not in systems:
            yield f"directory.{name}: is read through connectors.{name}; add that."
