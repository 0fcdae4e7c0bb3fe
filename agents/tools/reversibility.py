"""Reversibility: how what a tool did can be undone, as workflows declare it."""

from __future__ import annotations

from collections.abc import Mapping

from countersign.approvals.models import Reversibility


def classes(declared: Mapping[str, Reversibility | str]) -> dict[str, Reversibility]:
    """The classes by tool. Raises ValueError for one that there is not."""
    found: dict[str, Reversibility] = {}
    for tool, name in declared.items():
        try:
            found[tool] = Reversibility(name)
        except ValueError:
            known = ", ".join(Reversibility)
            raise ValueError(f"reversibility of {tool}: {name!r} is none of {known}") from None
    return found
