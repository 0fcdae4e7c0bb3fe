"""Lines: where in the file a setting stands, for messages on rules."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml

_LOCATED = tuple(
    f"policy.{part}" for part in ("rules", "calendars", "reversibility", "budgets", "examples")
)
"""Places of which one file has many that look alike."""


def located(source: str, problem: str) -> str:
    """A problem, `path: what`, with the file before it, and the line if it is with the rules."""
    line = line_of(source, problem.partition(": ")[0]) if problem.startswith(_LOCATED) else None
    return f"{source}: {problem}" if line is None else f"{source}:{line}: {problem}"


def line_of(source: str, path: str) -> int | None:
    """The line on which a dotted path stands, or the nearest part of it that is there. A rule may
    be named by its id. None if the file cannot be read."""
    try:
        node = yaml.compose(Path(source).read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, yaml.YAMLError, UnicodeDecodeError):
        return None
    if node is None:
        return None
    line, steps = node.start_mark.line, path.split(".")
    while steps:
        found = _step(node, steps)
        if found is None:
            break
        line, node, steps = found
    return line + 1


def _step(node: yaml.Node, steps: Sequence[str]) -> tuple[int, yaml.Node, list[str]] | None:
    """One step down: the line, what is there, and the steps that are left. A key may have dots."""
    for taken in range(1, len(steps) + 1):
        name, rest = ".".join(steps[:taken]), list(steps[taken:])
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if str(key.value) == name:
                    return key.start_mark.line, value, rest
        elif isinstance(node, yaml.SequenceNode):
            for number, each in enumerate(node.value):
                if name in (str(number), _id_of(each)):
                    return each.start_mark.line, each, rest
    return None


def _id_of(node: yaml.Node) -> str | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((str(value.value) for key, value in node.value if key.value == "id"), None)
