"""What axe-core finds on a page: rules of WCAG up to 2.2 AA."""

from __future__ import annotations

import json
from typing import Any

from tests.e2e.conftest import NODE_MODULES, missing

SCRIPT = NODE_MODULES / "axe-core" / "axe.min.js"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
_OPTIONS = json.dumps({"runOnly": {"type": "tag", "values": WCAG}})
RUN = f"axe.run(document, {_OPTIONS})"
"""Gives what `told` reads, in a page where `source` was evaluated."""


def source() -> str:
    """The script. As evaluated code it is not bound by the page's policy, which forbids foreign
    scripts."""
    if not SCRIPT.exists():
        missing("axe-core", "run `make test`")
    return SCRIPT.read_text("utf-8") + "; 0"


def told(found: Any, where: str) -> list[str]:
    """A line for each thing that somebody could not use."""
    return [
        f"{where}: {each['id']}: {each['help']}: {node['html']}: {node['failureSummary']}"
        for each in found["violations"]
        for node in each["nodes"]
    ]
