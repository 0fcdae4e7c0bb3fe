"""Sections of `directory`: which groups of a directory give what, and how people are told apart."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from countersign.approvals.models import Value
from countersign.connectors.role_entries import RoleEntry, split
from countersign.connectors.secrets import Section


class GroupGrant(Value):
    """What being in a group gives."""

    roles: frozenset[str] = frozenset()
    limited: tuple[RoleEntry, ...] = ()
    """Roles that are held for some calls only; in the file they stand among `roles`."""
    domains: frozenset[str] = frozenset()
    """Of which everything may be read."""

    @model_validator(mode="before")
    @classmethod
    def _some_limited(cls, raw: Any) -> Any:
        return split(raw)

    @model_validator(mode="after")
    def _gives_something(self) -> Self:
        if not (self.roles or self.limited or self.domains):
            raise ValueError("gives nothing; name at least one role")
        return self

    @property
    def all_roles(self) -> frozenset[str]:
        """The roles that are held for any calls."""
        return self.roles | {entry.role for entry in self.limited}


def _written_short(value: Any) -> Any:
    """`manager` and `[manager, controller]` stand for their roles."""
    if isinstance(value, str):
        return {"roles": [value]}
    return {"roles": value} if isinstance(value, list) else value


Groups = dict[str, Annotated[GroupGrant, BeforeValidator(_written_short)]]


class DirectorySection(Section):
    """What every directory is told."""

    groups: Groups = Field(min_length=1)
    """By the group's id, which stays when it is renamed: roles, or roles and domains."""
    link_by_email: bool = False
    """Whether its e-mail addresses may say that somebody is the same person elsewhere. They are
    only as good as whoever may change them there."""


class JiraGroupsSection(DirectorySection):
    """Groups of the Jira of `connectors.jira`: by group id on Cloud, by name on Data Center."""


class ServiceNowGroupsSection(DirectorySection):
    """Groups of the instance of `connectors.servicenow`, by sys_id."""

    delegates: bool = False
    """Whether whom people name as delegates there decides for them."""
