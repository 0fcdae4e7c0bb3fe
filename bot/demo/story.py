"""Tells the demo on one screen: who wants what, who decided, what the back end received."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rich.console import Console, Group
from rich.padding import Padding
from rich.panel import Panel
from rich.text import Text

from countersign.approvals.audit.canonical import short
from countersign.approvals.audit.ledger import Verification
from countersign.approvals.forms.wording import visible
from countersign.approvals.models import JsonObject, Request
from countersign.bot.demo.fronts import Seen
from countersign.bot.demo.options import STAND_INS, FrontName
from countersign.bot.demo.scenarios import (
    APPROVER,
    REQUESTER,
    Choice,
    Scenario,
)
from countersign.bot.demo.world import Effect, World

MAX_WIDTH = 100
MAX_LINE = 93
"""Of a value that a back end received."""


class Story:
    """Prints each step as it happens."""

    def __init__(self, console: Console):
        self._console = console
        self._width = min(console.width, MAX_WIDTH)
        self._names: dict[str, str] = {}
        self._shown = False

    def begins(self, scenario: Scenario, world: World, via: FrontName) -> None:
        """Who asks for what."""
        self._names = {who: world.name(who) for who in (REQUESTER, APPROVER)}
        where = "Microsoft Teams (stand-in)" if via == "teams" else "the REST API"
        if via in STAND_INS:
            self._say(f"[dim]{STAND_INS[via]} (stand-in) is where approvals are asked.[/]")
        self._say(
            f"[bold]{self._names[REQUESTER]}[/] asks the agents of [bold]{scenario.workflow}[/], "
            f"through {where}:"
        )
        self._plain(f"“{scenario.task}”")

    def proposed(self, request: dict[str, Any]) -> None:
        """The agent's call, on which the chat has stopped."""
        self._say("")
        self._say(
            f"[bold]{request['agent']}[/] calls [bold]{request['tool']}[/]. The chat stops here, "
            f"nothing has run: rule {request['rule']['id']} asks for a person."
        )
        arguments = ", ".join(
            f"{name}={json.dumps(value, ensure_ascii=False)}"
            for name, value in request["arguments"].items()
        )
        self._plain(f"{request['tool']}({arguments})", indent=2)
        self._plain(f"why: {request['rationale']}", indent=2)
        self._plain(f"digest: {short(request['digest'])}…", indent=2)

    def decided(self, choice: Choice, request: dict[str, Any], seen: Seen) -> None:
        """What the approver had before them, and what they did."""
        if seen.asked and not self._shown:
            self._shown = True  # one in full; the next ones look the same
            lines = [_indented(line) for line in seen.asked]
            self._console.print(
                Panel(Group(*lines), title=seen.title, width=self._width, border_style="cyan")
            )
        changed = ", ".join(
            f"{name} {request['arguments'].get(name)} → {value}"
            for name, value in choice.changes.items()
        )
        said = f" and writes “{choice.comment}”" if choice.comment else ""
        self._console.print(
            Text.assemble((self._names[APPROVER], "bold"), f" {seen.act}", said),
            width=self._width,
        )
        if changed:
            self._plain(f"{changed}")
        if seen.answered:
            self._plain(seen.answered)

    def told(self, lines: Sequence[str]) -> None:
        """What the approver's side was told in the end."""
        if lines:
            self._say("")
        for line in lines:
            self._plain(line)

    def ended(
        self,
        session: dict[str, Any],
        decided: Sequence[tuple[Request, list[Effect]]],
        ledger: Verification,
    ) -> None:
        """What the back ends received, the agents' last word, and the ledger."""
        self._say("")
        self._say("[bold]What the back ends received[/], from their own records:")
        for request, effects in decided:
            if not effects:
                self._plain(f"{request.tool}: nothing ({request.status})")
            for effect in effects:
                self._plain(f"{effect.system}: {effect.action}")
                self._values(effect.arguments, indent="    ")
        self._say("")
        self._say(f"[bold]The agents' last word[/] (session {session['status']}):")
        self._plain(f"{session['answer'] or session['error']}")
        self._say("")
        mark = "[green]✓ verified[/]" if ledger.verified else "[bold red]✗ NOT verified[/]"
        self._say(f"[bold]Ledger[/]: {ledger.entries} entries, {mark}")
        for problem in ledger.problems:
            self._plain(f"{problem}")

    def proven(self, request_id: str, size_bytes: int, key: str) -> None:
        """A receipt was taken, and verified with nothing but the public key."""
        self._say("")
        self._say(
            f"[bold]Receipt[/] of {request_id}: {size_bytes // 1024 + 1} KB, [green]✓ verified[/] "
            "offline with the public key"
        )
        self._plain(key)

    def _values(self, arguments: JsonObject, indent: str = "  ") -> None:
        for name, value in arguments.items():
            is_text = isinstance(value, str)
            said = str(value) if is_text else json.dumps(value, ensure_ascii=False, default=str)
            line = visible(f"{indent}{name:<18} {' '.join(said.split())}")
            if len(line) > min(self._width, MAX_LINE):
                line = f"{line[: min(self._width, MAX_LINE) - 1]}…"
            self._console.print(Text(line), width=self._width, no_wrap=True)

    def _say(self, markup: str) -> None:
        self._console.print(markup, width=self._width, highlight=False)

    def _plain(self, text: str, indent: int = 2) -> None:
        self._console.print(
            Padding(Text(visible(text.strip())), (0, 0, 0, indent), expand=False), width=self._width
        )


def _indented(line: str) -> Padding:
    """A line whose indentation stays when it is wrapped."""
    text = line.lstrip(" ") or " "
    return Padding(Text(text), (0, 0, 0, len(line) - len(text)), expand=False)
