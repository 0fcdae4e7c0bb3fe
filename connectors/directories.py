"""Sections of `directory`: which groups of a directory give what, and how people are told apart."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from countersign.approvals.models import Value
from countersign.connectors.secrets import Section


class GroupGrant(Value):
    """What being in a group gives."""

    roles: frozenset[str] = Field(min_length=1)
    domains: frozenset[str] = frozenset()


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
