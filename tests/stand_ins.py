"""The stand-ins as programs that a nursery forks: to import one takes most of its CPU."""

from __future__ import annotations

import importlib
import runpy
import sys
from collections.abc import Sequence

NAMES = (
    "asana",
    "botframework",
    "crm",
    "jira",
    "mailbox",
    "openai",
    "provisioning",
    "servicenow",
    "slack",
)


def prepare() -> None:
    """Import what they import; nothing runs yet."""
    for name in NAMES:
        importlib.import_module(f"countersign.sandbox.{name}.__main__")
    importlib.import_module("countersign.sandbox.openai.scripts")


def main(argv: Sequence[str]) -> None:
    """`python -m countersign.sandbox.NAME` with these options."""
    name, *options = argv
    module = f"countersign.sandbox.{name}"
    sys.argv = [module, *options]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
