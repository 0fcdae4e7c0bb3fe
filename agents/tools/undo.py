"""Undo: by which other tool a workflow takes back what one of its tools has done."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from countersign.approvals.models import JsonObject, UndoOffer

log = structlog.get_logger(__name__)

WITHIN_S = 24 * 3600.0
"""How long it is offered, unless the workflow says otherwise."""
_ROOTS = ("args", "result")


@dataclass(frozen=True)
class Undo:
    """The compensating tool of another one, and what it is called with.

    `arguments` says by name where each comes from: `args.order` and `result.refund.id` are paths
    into the call and into what it returned (as JSON), `result` is all of that; a text in quotes
    (`"'duplicate'"`) and whatever is no text stand for themselves. `expects` says likewise what the
    compensating tool's check has to find: the version of the record as the call has left it. It is
    offered for `within_s` seconds.
    """

    tool: str
    arguments: Mapping[str, Any]
    expects: Mapping[str, Any] = field(default_factory=dict)
    within_s: float = WITHIN_S

    def faults(self) -> Iterator[str]:
        """What is wrong with it, before it is used."""
        for name, source in [*self.arguments.items(), *self.expects.items()]:
            if isinstance(source, str) and not _is_quoted(source):
                root, *rest = source.split(".")
                if root not in _ROOTS or not all(rest) or (root == "args" and not rest):
                    yield (
                        f"its {name} comes from {source!r}, which is no path into args or result; "
                        "a text of its own is put into quotes"
                    )
        if self.within_s <= 0:
            yield "within_s has to be more than 0"

    def offer(self, executor: str, arguments: JsonObject, content: str) -> UndoOffer | None:
        """The call that takes back one with these effective arguments, which returned `content`;
        None where something that it needs is not there."""
        try:
            return UndoOffer(
                tool=self.tool,
                executor=executor,
                arguments=_filled(self.arguments, arguments, content),
                expects=_filled(self.expects, arguments, content),
                within_s=self.within_s,
            )
        except LookupError as exc:
            log.warning("undo not offered", undo=self.tool, missing=str(exc))
            return None


def _filled(sources: Mapping[str, Any], arguments: JsonObject, content: str) -> JsonObject:
    return {name: _value(source, arguments, content) for name, source in sources.items()}


def _value(source: Any, arguments: JsonObject, content: str) -> Any:
    """Raises LookupError with the path where nothing is there."""
    if not isinstance(source, str):
        return source
    if _is_quoted(source):
        return source[1:-1]
    root, *path = source.split(".")
    if root == "result" and not path:
        return content
    found: Any = arguments if root == "args" else _read(content)
    for name in path:
        if not isinstance(found, Mapping) or name not in found:
            raise LookupError(source)
        found = found[name]
    return found


def _is_quoted(source: str) -> bool:
    return len(source) >= 2 and source[0] == source[-1] == "'"


def _read(content: str) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None
