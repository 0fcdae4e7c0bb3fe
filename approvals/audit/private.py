"""Private data on the ledger: which entries say it, by rules of the configuration.

An entry commits to its body with a salt, so a body can be left out, or erased, and the chain is
verified all the same. A rule says which bodies: those with these arguments of these tools, with
their results, or with words of people and agents.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import Field

from countersign.approvals.models import JsonObject, LedgerEntry, Value

EVERY = "*"
ERASED = "[erased]"
"""What stands in the tables for what was erased."""
KIND = "erased"
"""The ledger's kind of an erasure."""
BY_ARGUMENTS = frozenset({"arguments", "proposed_arguments"})
"""Members and columns with arguments."""
TRANSCRIPT = "transcript_sha256"
"""The hash, without a salt, of all that was said in a chat: arguments, results and words."""
CALL, SALT = "call_hash", "digest_salt"
"""The hash, without a salt, of a tool and arguments; what was signed with them."""
FROM_ARGUMENTS = frozenset({
    "facts", "preview", "injected", "written", "defaulted", "seen", "undo", "budgets", "amount",
    "scope", CALL, SALT, TRANSCRIPT,
})  # fmt: skip
"""Those that are made of arguments, or that let them be guessed, and are private as soon as one
of them is."""
RESULTS = frozenset({"content", "content_sha256", "result", "undo", TRANSCRIPT})
WORDS = frozenset({
    "rationale", "comment", "text", "answer", "why", "calls", "note", "message", "task", "error",
    "decision", "asked_again", "same_calls", "undoing", "parallel", TRANSCRIPT,
})  # fmt: skip
"""Of people and agents: reasons, comments, questions and answers, tasks."""


OF_SESSIONS = frozenset({"sessions", "session_messages"})
"""Tables whose rows belong to no call."""


class PrivateRule(Value):
    """What is private, and how people call the rule that says so."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")
    tools: tuple[str, ...] = (EVERY,)
    arguments: tuple[str, ...] = ()
    """Paths: `customer.email`; `*` is all of them."""
    results: bool = False
    words: bool = False

    def covers(self, tool: str | None) -> bool:
        """Whether it is about calls of a tool; None is of what is said apart from any call."""
        return EVERY in self.tools or tool in self.tools

    def says(self, name: str, value: Any) -> bool:
        """Whether this member of a body, or this column, says something private."""
        if value in (None, "", "[]", "{}", [], {}):
            return False
        if name in BY_ARGUMENTS:
            return any(_within(_read(value), path) for path in self.arguments)
        return (
            (bool(self.arguments) and name in FROM_ARGUMENTS)
            or (self.results and name in RESULTS)
            or (self.words and name in WORDS)
        )


class _OfChats(PrivateRule):
    """Where anything is private, the hash of a whole chat is as well, whatever is in it."""

    def says(self, name: str, value: Any) -> bool:
        """Whether this is that hash."""
        return name == TRANSCRIPT


class Privacy:
    """Goes through the entries of one chain, in order, and says which of them are private."""

    def __init__(self, rules: Sequence[PrivateRule]):
        self._rules, self._tools = rules, dict[str, str]()

    def rule_of(self, entry: LedgerEntry) -> PrivateRule | None:
        """The first rule by which the body has to go; None if it need not for the hash of the
        chat, which is there for the calls of all tools."""
        return next(iter(self._of_calls(entry)), None)

    def rules_of(self, entry: LedgerEntry) -> list[PrivateRule]:
        """All rules by which something in the body is private."""
        found = self._of_calls(entry)
        if self._rules and TRANSCRIPT in entry.body:
            found.append(_OfChats(id=self._rules[0].id))
        return found

    def _of_calls(self, entry: LedgerEntry) -> list[PrivateRule]:
        body = {name: value for name, value in entry.body.items() if name != TRANSCRIPT}
        about = body.get("request")
        if isinstance(about, str) and isinstance(body.get("tool"), str):
            self._tools[about] = body["tool"]
        if entry.kind == KIND:
            return []
        return [rule for rule in self._rules if self._is_private(rule, body)]

    def _is_private(self, rule: PrivateRule, body: JsonObject) -> bool:
        if self._covers(rule, body.get("request")) and _says(rule, body):
            return True
        return any(
            self._covers(rule, None if row["table"] in OF_SESSIONS else row["key"][0])
            and _says(rule, row["set"])
            for row in body.get("rows", ())
        )

    def _covers(self, rule: PrivateRule, request: str | None) -> bool:
        """A call whose proposal is not among the entries may be of any tool."""
        tool = self._tools.get(request or "")
        return rule.covers(tool) or (request is not None and tool is None)


def _says(rule: PrivateRule, members: JsonObject) -> bool:
    return any(rule.says(name, value) for name, value in members.items())


def without(value: JsonObject, paths: Iterable[str]) -> JsonObject:
    """Arguments with `[erased]` in place of what is there at these paths."""
    found = dict(value)
    for path in paths:
        if path == EVERY:
            return dict.fromkeys(found, ERASED)
        name, _, rest = path.partition(".")
        if name in found:
            inner = found[name]
            deeper = rest and isinstance(inner, Mapping)
            found[name] = without(dict(inner), [rest]) if deeper else ERASED
    return found


def _read(value: Any) -> Any:
    """A column as what it says; a hash stays a text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _within(value: Any, path: str) -> bool:
    """Whether something is there at a path, or may be: of a text only the hash may be known."""
    if isinstance(value, str):
        return True
    name, _, rest = path.partition(".")
    if path == EVERY:
        return bool(value)
    if not isinstance(value, Mapping) or name not in value:
        return False
    return not rest or not isinstance(value[name], Mapping) or _within(value[name], rest)
