"""Workflows that are installed: packages name their modules by an entry point."""

from __future__ import annotations

from importlib.metadata import entry_points

GROUP = "countersign.workflows"


def installed_modules() -> tuple[str, ...]:
    """The modules that entry points of `countersign.workflows` name, each once, sorted."""
    return tuple(sorted({point.module for point in entry_points(group=GROUP)}))
