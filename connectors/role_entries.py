"""Roles as they stand in the configuration: a name, or a name and the calls for which it is held.

roles: [auditor, {role: manager, domains: [finance]}, {role: manager, tools: [send_email]}]
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from countersign.approvals.models import Scope


class RoleEntry(Scope):
    """A role with its scope."""

    role: str = Field(min_length=1)

    def scope(self) -> Scope:
        """For which calls it is held."""
        return Scope.model_validate(self.model_dump(exclude={"role"}))


def split(raw: Any) -> Any:
    """A section with `roles` and `limited` in the place of `roles` that may be both."""
    if not isinstance(raw, dict) or not isinstance(raw.get("roles"), list | tuple):
        return raw
    whole = [entry for entry in raw["roles"] if not isinstance(entry, dict)]
    limited = [entry for entry in raw["roles"] if isinstance(entry, dict)]
    return {**raw, "roles": whole, **({"limited": limited} if limited else {})}


def scopes_of(
    whole: frozenset[str], limited: tuple[RoleEntry, ...]
) -> dict[str, tuple[Scope, ...]]:
    """By role, for which calls it is held; a role that is also held without limits has none."""
    found: dict[str, tuple[Scope, ...]] = {}
    for entry in limited:
        if entry.role not in whole:
            found[entry.role] = (*found.get(entry.role, ()), entry.scope())
    return found
