"""Ordered rules: those of `policy.rules`, each for some tools and under a condition."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Annotated, Any

from pydantic import AfterValidator, Field, field_validator

from countersign.approvals.rules.conditions.syntax import Node, parse
from countersign.approvals.rules.edit_terms import readable
from countersign.approvals.rules.tool_rules import Rule

TAKEN = frozenset({"unknown-tool", "arguments", "precondition", "not_offered", "human_input"})
"""Ids that say on the ledger what decided where no rule did."""
TOOLS_PREFIX = "tools."
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_PATTERN = re.compile(r"[A-Za-z0-9_.*?-]+")


def _id(name: str) -> str:
    if not _ID.fullmatch(name):
        raise ValueError(
            f"{name!r} is no name of a rule: up to 63 letters, digits, `.`, `_` and `-`"
        )
    if name in TAKEN or name.startswith(TOOLS_PREFIX):
        raise ValueError(f"{name!r} says something else on the ledger; use another name")
    return name


def _pattern(text: str) -> str:
    if not text.strip():
        raise ValueError("is no name of a tool; write the name that the workflow registers")
    if not _PATTERN.fullmatch(text):
        raise ValueError(
            f"{text!r} is no name of a tool and no pattern of names; `*` stands for any "
            "characters and `?` for one"
        )
    return text


Pattern = Annotated[str, AfterValidator(_pattern)]
"""The name of a tool, or a pattern of names."""
Readable = Annotated[str, AfterValidator(readable)]
"""A text in CEL that can be read."""


class OrderedRule(Rule):
    """One entry of `policy.rules`: the first one that matches a call rules on it."""

    id: Annotated[str, AfterValidator(_id)]
    tool: tuple[Pattern, ...] = Field(min_length=1)
    """Names of tools, or patterns of them."""
    when: Readable | None = None
    """In CEL; without it the rule matches every call of its tools."""

    @field_validator("tool", mode="before")
    @classmethod
    def _one(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @property
    def condition(self) -> Node | None:
        """The condition as it was read."""
        return None if self.when is None else parse(self.when)

    def is_for(self, tool: str) -> bool:
        """Whether it is for this tool."""
        return any(fnmatchcase(tool, pattern) for pattern in self.tool)


def is_pattern(name: str) -> bool:
    """Whether it stands for more than one name."""
    return "*" in name or "?" in name
