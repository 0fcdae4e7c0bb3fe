"""The `directory` section: from where people are read besides the file, and how old that may be."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Self

from pydantic import Field, model_validator

from countersign.approvals.audit.canonical import canonical_json
from countersign.approvals.directory.linking import Grant, SourceRules
from countersign.approvals.models import Value
from countersign.approvals.rules.durations import Seconds
from countersign.connectors.directories import (
    DirectorySection,
    JiraGroupsSection,
    ServiceNowGroupsSection,
)
from countersign.connectors.entra.settings import EntraDirectorySettings
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

    @model_validator(mode="after")
    def _is_read_in_time(self) -> Self:
        if self.max_age < 2 * self.every:
            raise ValueError(
                "max_age is less than twice `every`: one reading that fails would keep everybody "
                "from deciding; make it longer"
            )
        if not self.sections():
            raise ValueError(f"name at least one of {', '.join(SOURCES)}")
        return self

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
        said = {"groups": of, "entra": entra, "delegates": delegates}
        return hashlib.sha256(canonical_json(said)).hexdigest()


def directory_problems(directory: DirectorySettings | None, systems: set[str]) -> Iterator[str]:
    """Directories that are read through a connector which is not there."""
    for name in () if directory is None else ("jira", "servicenow"):
        if getattr(directory, name) is not None and name not in systems:
            yield f"directory.{name}: is read through connectors.{name}; add that."
