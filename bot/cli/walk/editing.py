"""Changing the arguments in a terminal: field by field, or all of them in an editor."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

from countersign.approvals.forms.display import label_of
from countersign.approvals.forms.fields import Field, fields
from countersign.approvals.forms.parsing import ProblemError, coerced, edited_arguments, typed_text
from countersign.approvals.forms.values import value_text
from countersign.approvals.forms.wording import visible
from countersign.approvals.models import JsonObject
from countersign.bot.api.request_bodies import RequestBody
from countersign.bot.cli.server import ServerRefusedError
from countersign.bot.cli.walk.page import changes
from countersign.bot.cli.walk.terminal import BAD, HEAD, PLAIN, SOFT, WARN, Line, Terminal, quoted
from countersign.bot.console import json_text

EMPTY_IT = '""'
WRONG = ("invalid-arguments", "invalid")
"""Problems of the arguments, which another edit can mend."""


class Foresees(Protocol):
    """Says what would become of a request with other arguments."""

    def foresee(self, request: RequestBody, arguments: JsonObject) -> JsonObject:
        """The server's preview. Raises ServerRefusedError."""


class Editing:
    """One edit of one request, as it was shown."""

    def __init__(self, terminal: Terminal, server: Foresees, request: RequestBody, editor: str):
        self._terminal, self._server, self._editor = terminal, server, editor
        self._request = request
        self._draft: JsonObject = dict(request.arguments)
        self._problems: dict[str, str] = {}

    def run(self) -> JsonObject | None:
        """The arguments to approve, None to leave everything as it was. Raises Left."""
        while True:
            known = fields(self._request.arguments_schema, self._draft)
            self._terminal.show(self._shown(known))
            in_editor = f", v to edit all in {self._editor}" if self._editor else ""
            typed = self._terminal.ask(
                f"Number to change{in_editor}, d when done, Enter to leave> "
            )
            if not typed:
                return None
            if typed == "v" and self._editor:
                self._edit_all()
            elif typed == "d":
                if self._confirmed():
                    return self._draft
            elif typed.isascii() and typed.isdecimal() and 1 <= int(typed) <= len(known):
                self._edit_one(known, known[int(typed) - 1])
            else:
                self._terminal.show([(WARN, "There is no such choice.")])

    def _shown(self, known: tuple[Field, ...]) -> Iterator[Line]:
        yield HEAD, "The arguments, as they would be approved"
        for number, field in enumerate(known, 1):
            given = field.name in self._draft
            text = value_text(self._draft[field.name]) if given else "(left out)"
            first, *rest = text.split("\n")
            yield PLAIN, f"  {number}. {label_of(field)}: {first}"
            yield from ((PLAIN, f"      | {line}") for line in rest)
            if problem := self._problems.get(field.name):
                yield BAD, f"     ! {visible(problem)}"
        names = {field.name for field in known}
        for name, problem in self._problems.items():
            if name not in names:
                yield BAD, visible(f"  ! {name}: {problem}" if name else f"  ! {problem}")

    def _edit_one(self, known: tuple[Field, ...], field: Field) -> None:
        hint = " (JSON, on one line)" if field.kind == "json" else ""
        if field.choices:
            listed = ", ".join(typed_text(choice) for choice in field.choices)
            self._terminal.show([(SOFT, visible(f"  One of: {listed}"))])
        self._terminal.show([(SOFT, f"  Enter keeps it as it is, {EMPTY_IT} empties it.")])
        typed = self._terminal.ask(f"{label_of(field)}{hint}> ")
        if not typed:
            return
        text = "" if typed == EMPTY_IT else typed
        edited, problems = edited_arguments(known, self._draft, {field.name: text})
        self._problems.pop(field.name, None)
        self._problems.update(problems)
        if not problems:
            self._draft = edited

    def _edit_all(self) -> None:
        text = json_text(self._draft)
        while True:
            changed = in_editor(self._editor, text)
            if changed is None:
                self._terminal.show([(WARN, "The editor has failed; nothing was changed.")])
                return
            try:
                self._draft, self._problems = _object(changed), {}
                return
            except ProblemError as problem:
                self._terminal.show([(BAD, f"  ! {visible(str(problem))}")])
            text = changed
            if self._terminal.ask("Enter opens it again, n drops it> ") == "n":
                return

    def _confirmed(self) -> bool:
        """Whether the server takes it and the person, having seen what it means, too."""
        try:
            foreseen = self._server.foresee(self._request, self._draft)
        except ServerRefusedError as refusal:
            if refusal.kind not in WRONG:
                raise
            self._problems = _by_field(refusal)
            return False
        self._problems = {}
        shown = list(
            changes(self._request.arguments, foreseen["arguments"], self._request.arguments_schema)
        )
        if not shown:
            self._terminal.show([(WARN, "Nothing is changed; approve it as it is, or leave.")])
            return False
        self._terminal.show([(HEAD, "What you change"), *shown])
        if foreseen["others"]:
            self._terminal.show([(WARN, "Then:"), *quoted(foreseen["others"])])
        go_on = "Approve it so?" if foreseen["counts"] else "Have it asked so?"
        return self._terminal.ask(f"{go_on} yes, or Enter to go on editing> ") == "yes"


def in_editor(command: str, text: str) -> str | None:
    """What somebody has made of a text in their editor; None if that failed."""
    with tempfile.TemporaryDirectory(prefix="countersign-") as folder:  # readable by its owner only
        path = Path(folder) / "arguments.json"
        path.write_text(text, encoding="utf-8")
        try:
            ran = subprocess.run([*shlex.split(command), str(path)], check=False)  # noqa: S603
            return path.read_text(encoding="utf-8") if ran.returncode == 0 else None
        except (OSError, ValueError):
            return None


def editor_of(environ: Mapping[str, str] = os.environ) -> str:
    """The command of the person's editor; "" if they have named none."""
    return environ.get("VISUAL", "").strip() or environ.get("EDITOR", "").strip()


def _object(text: str) -> JsonObject:
    value = coerced(Field("", "json", required=True, nullable=False, schema={}), text)
    if not isinstance(value, dict):
        raise ProblemError("This must be a JSON object, with all arguments by name.")
    return value


def _by_field(refusal: ServerRefusedError) -> dict[str, str]:
    """The server's problems by argument; what belongs to none by ""."""
    found = {}
    for error in refusal.errors or (str(refusal),):
        where, _, why = error.partition(": ")
        name = where.removeprefix("arguments.")
        found[name if why and name != where else ""] = why if name != where else error
    return found
