"""What `countersign run` says when everything runs: where to click, what to write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import wrap

from rich.markup import escape

from countersign.bot.local.parts import Part
from countersign.bot.local.playground import clicker
from countersign.bot.local.ports import Moved
from countersign.bot.settings.production import WELL_KNOWN_TOKEN
from countersign.bot.settings.sections import Settings
from countersign.bot.teams.settings import TeamsSettings

WIDTH = 80


@dataclass(frozen=True)
class Shown:
    """What runs."""

    settings: Settings
    parts: Sequence[Part]
    server: str
    playground: str | None
    examples: Mapping[str, str]
    """Messages that start a workflow, by its name."""
    moved: Moved = field(default_factory=dict)
    """Ports that are not those of the configuration."""


def places(shown: Shown) -> dict[str, str]:
    """Names and addresses, the Playground's first."""
    found = {"Agents Playground": shown.playground} if shown.playground else {}
    found["server"] = shown.server
    return found | {part.name: part.url for part in shown.parts}


def banner(shown: Shown) -> str:
    """With rich's markup, in lines of 80."""
    lines = ["", "[bold]Countersign is running.[/] Ctrl-C ends everything.", ""]
    if shown.moved:
        ports = ", ".join(f"{new} for {old}" for old, new in sorted(shown.moved.items()))
        said = f"Other ports than in the configuration: {ports}."
        lines += [*wrap(said, WIDTH, initial_indent="  ", subsequent_indent="    "), ""]
    user = _name(shown.settings, clicker(shown.settings))
    if shown.playground:
        lines += [
            f"  [bold]1.[/] Open the Agents Playground: [bold]{shown.playground}[/]",
            f"     You are {user}.",
        ]
    else:
        lines += ["  [bold]1.[/] Take the command line or the Emulator, see below."]
    for number, example in enumerate(shown.examples.values()):
        start = "  [bold]2.[/] Write:  " if number == 0 else "     or:     "
        lines += [f"{start}[bold]{escape(example)}[/]"]
    lines += [
        "  [bold]3.[/] A card comes: approve it, edit it, or reject it with a reason.",
        f"     Or on a page, as whom you choose: [bold]{shown.server}/inbox[/]",
    ]
    if stand_ins := [part for part in shown.parts if part.name != "scripted model"]:
        lines += ["", "  Played here, each with a page of what it has received:"]
        lines += [f"     {part.name + ':':14} {part.url}" for part in stand_ins]
    return "\n".join([*lines, "", *_command_line(shown), "", *_elsewhere(shown)])


def _command_line(shown: Shown) -> list[str]:
    """The same by commands."""
    settings = shown.settings
    teams = settings.section(TeamsSettings)
    asks = (teams and teams.local_requester) or "PERSON"
    server = [] if shown.server == settings.public_url else [f"--server {shown.server}"]
    lines = [
        "  The same by commands, in a second terminal in this folder:",
        "     export COUNTERSIGN_ENV=local",
        f"     export COUNTERSIGN_DATABASE_URL={escape(_shortest(settings.database_url))}",
    ]
    if shown.examples:
        name, example = next(iter(shown.examples.items()))
        start = [f'countersign sessions start {name} "{escape(example)}"', f"--as {asks}", *server]
        lines += wrapped(start)
    lines += ["     countersign requests list --status pending"]
    decide = ["countersign decide R-…", f"approve --as {clicker(settings) or 'PERSON'}", *server]
    return lines + wrapped(decide)


def wrapped(words: Sequence[str]) -> list[str]:
    """A command in lines of at most 80, which a shell puts together again."""
    lines = [f"     {words[0]}"]
    for word in words[1:]:
        if len(lines[-1]) + len(word) + len("  \\") > WIDTH:
            lines[-1] += " \\"
            lines.append(f"       {word}")
        else:
            lines[-1] += f" {word}"
    return lines


def _shortest(url: str) -> str:
    """Of a database below this folder: relative to it."""
    here = f"sqlite:///{Path.cwd()}/"
    return f"sqlite:///./{url.removeprefix(here)}" if url.startswith(here) else url


def _elsewhere(shown: Shown) -> list[str]:
    settings = shown.settings
    provider, script = settings.model.provider, settings.run.model
    model = f"{settings.model.name} ({provider})"
    if provider == "scripted":
        model = f"scripted, {script}" if script else "scripted"
    tokens = (token.get_secret_value() for token in settings.tokens.values())
    known = next((token for token in tokens if token.startswith(WELL_KNOWN_TOKEN)), "")
    bearer = known and f"`Authorization: Bearer {known}`"
    lines = [
        f"  Bot Framework Emulator: Open Bot, URL {shown.server}/api/messages,",
        "  app id and password empty.",
        f"  REST API: {shown.server}/api/openapi.json ,",
    ]
    lines += [f"  for example with {bearer}."] if bearer else []
    return [*lines, f"  Model: {escape(model)}. State and logs: .local"]


def _name(settings: Settings, person_id: str) -> str:
    return next((escape(p.name) for p in settings.people if p.id == person_id), "nobody yet")
