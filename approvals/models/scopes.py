"""Scopes: for which calls somebody holds a role, and what belongs to a domain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pydantic import Field

from countersign.approvals.models.base import Value


class Subject(NamedTuple):
    """What a call is, as far as scopes and domains go by that."""

    tool: str
    agent: str
    workflow: str


class Domain(Value):
    """What belongs together for those who may see or decide it: a call of one of these tools, or
    any call in one of these workflows."""

    tools: frozenset[str] = frozenset()
    workflows: frozenset[str] = frozenset()

    def covers(self, subject: Subject) -> bool:
        """Whether the call belongs to it."""
        return subject.tool in self.tools or subject.workflow in self.workflows


Domains = Mapping[str, Domain]


def domains_of(subject: Subject, domains: Domains) -> frozenset[str]:
    """The names of the domains that a call belongs to."""
    return frozenset(name for name, domain in domains.items() if domain.covers(subject))


class Scope(Value):
    """For which calls a role is held; what is left out limits nothing."""

    tools: frozenset[str] | None = Field(default=None, min_length=1)
    agents: frozenset[str] | None = Field(default=None, min_length=1)
    workflows: frozenset[str] | None = Field(default=None, min_length=1)
    domains: frozenset[str] | None = Field(default=None, min_length=1)

    def covers(self, subject: Subject, domains: frozenset[str]) -> bool:
        """Whether it is held for a call that belongs to these domains."""
        return (
            (self.tools is None or subject.tool in self.tools)
            and (self.agents is None or subject.agent in self.agents)
            and (self.workflows is None or subject.workflow in self.workflows)
            and (self.domains is None or bool(self.domains & domains))
        )
