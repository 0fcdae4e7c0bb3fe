"""Narrowing: what can be named at a place of a condition, and what is not null there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from countersign.approvals.rules.conditions.syntax import Node, literal
from countersign.approvals.rules.conditions.types import Type

NULL_LITERAL = literal(None)


@dataclass(frozen=True)
class Scope:
    """What can be named at a place, and what is not null there."""

    names: Mapping[str, Type]
    sure: frozenset[Node]

    def knowing(self, nodes: frozenset[Node]) -> Scope:
        """Where these are not null as well."""
        return replace(self, sure=self.sure | nodes)

    def having(self, name: str, one: Type) -> Scope:
        """Where a name stands for one of these."""
        return replace(self, names={**self.names, name: one})


def not_null(node: Node, *, said: bool) -> frozenset[Node]:
    """What is not null where a condition has said this."""
    if node.op == "not":
        return not_null(node.parts[0], said=not said)
    if node.op == ("and" if said else "or"):
        return frozenset().union(*(not_null(part, said=said) for part in node.parts))
    if node.op == ("ne" if said else "eq") and NULL_LITERAL in node.parts:
        return frozenset(part for part in node.parts if part != NULL_LITERAL)
    return frozenset()
