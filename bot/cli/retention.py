"""`countersign ledger hold`, `lift`, `holds`, `archive` and `restore`: what stays, and where."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from countersign.approvals.audit.archives import SUFFIX, Archive
from countersign.approvals.errors import InvalidError
from countersign.approvals.forms.wording import visible
from countersign.bot.cli.options import ConfigOption, Json, Limit
from countersign.bot.cli.pauses import PersonOption
from countersign.bot.cli.records import auditing
from countersign.bot.cli.server import Server, ServerOption
from countersign.bot.console import console, errors, show_json

ReasonOption = Annotated[str, typer.Option("--reason", help="Why; it stays on the ledger.")]


def hold(
    reason: ReasonOption,
    session: Annotated[str | None, typer.Option(help="This session.")] = None,
    of: Annotated[
        str | None, typer.Option("--person", help="All sessions that name this person.")
    ] = None,
    tool: Annotated[
        str | None, typer.Option(help="All sessions in which this tool was proposed.")
    ] = None,
    person: PersonOption = "",
    server: ServerOption = None,
    config: ConfigOption = None,
) -> None:
    """Put a session, a person or a tool on legal hold: nothing of it is archived or erased until
    the hold is lifted."""
    named = {"session": session, "person": of, "tool": tool}
    given = {kind: name for kind, name in named.items() if name is not None}
    if len(given) != 1:
        raise InvalidError("Name exactly one of --session, --person and --tool.")
    api = Server(config, person, server)
    placed = api.call("POST", "/api/v1/ledger/holds", {**given, "reason": reason})
    _say(f"{placed['id']}: the {placed['scope']['kind']} {placed['scope']['name']} is on hold.")


def lift(
    hold: Annotated[str, typer.Argument(help="The id of a hold.")],
    reason: ReasonOption,
    person: PersonOption = "",
    server: ServerOption = None,
    config: ConfigOption = None,
) -> None:
    """Lift a legal hold."""
    api = Server(config, person, server)
    lifted = api.call("POST", "/api/v1/ledger/liftings", {"hold": hold, "reason": reason})
    scope = lifted["scope"]
    _say(f"{lifted['id']}: the {scope['kind']} {scope['name']} is no longer on hold.")


def holds(
    lifted: Annotated[bool, typer.Option("--lifted", help="Also those that were lifted.")] = False,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """What is on legal hold, by whom, since when and why."""
    found = auditing(lambda trail: trail.holds(limit=limit, lifted=lifted))
    if as_json:
        show_json([each.model_dump(mode="json") for each in found])
        return
    for each in found:
        text = (
            f"{each.id} {each.scope}: by {each.by_name} since {each.at:%Y-%m-%d %H:%M} UTC: "
            f"{each.reason}"
        )
        if each.lifted_at is not None:
            until = f"{each.lifted_at:%Y-%m-%d %H:%M} UTC"
            text += f" (lifted {until} by {each.lifted_by_name}: {each.lifted_reason})"
        _say(text)
    if not found:
        _say("Nothing is on hold.")


def archive(
    older_than: Annotated[
        int, typer.Option(min=1, help="Days since a session has moved last, and is over.")
    ],
    person: PersonOption = "",
    server: ServerOption = None,
    config: ConfigOption = None,
) -> None:
    """Move sessions that are over for long into files in `ledger.archive_dir`. Receipts and
    checkpoints stay true, and `ledger verify --archive FILE` verifies what is in a file."""
    api = Server(config, person, server)
    kept: dict[str, str] = {}
    more, count = True, 0
    while more:
        run = api.call("POST", "/api/v1/ledger/archives", {"older_than_days": older_than})
        more, count = run["more"], count + run["sessions"]
        kept |= {each["session"]: each["why"] for each in run["kept"]}
        if run["file"] is not None:
            _say(f"{run['file']}: {run['sessions']} sessions with {run['entries']} entries.")
    if not count:
        _say("There is nothing to archive.")
    for session, why in kept.items():
        errors.print(visible(f"session {session} {why}"), markup=False, soft_wrap=True)


def restore(
    file: Annotated[Path, typer.Argument(help="An archive file in `ledger.archive_dir`.")],
    reason: ReasonOption,
    session: Annotated[str | None, typer.Option(help="Only this session.")] = None,
    person: PersonOption = "",
    server: ServerOption = None,
    config: ConfigOption = None,
) -> None:
    """Bring archived sessions back into the database, as they were."""
    asked: dict[str, Any] = {"file": file.name, "session": session, "reason": reason}
    done = Server(config, person, server).call("POST", "/api/v1/ledger/restorations", asked)
    if not done["sessions"]:
        _say(f"Nothing of {file.name} is archived now: it is in the database.")
        return
    _say(f"{done['sessions']} sessions with {done['entries']} entries are restored.")


def opened(places: Sequence[Path]) -> list[Archive]:
    """The archive files at these places. Raises ArchiveFormatError, or InvalidError for a folder
    without any."""
    found: list[Archive] = []
    for place in places:
        files = sorted(place.glob(f"*{SUFFIX}")) if place.is_dir() else [place]
        if not files:
            raise InvalidError(f"--archive {place}: there is no file *{SUFFIX} in it.")
        found += map(Archive, files)
    return found


def _say(text: str) -> None:
    console.print(visible(text), markup=False, highlight=False, soft_wrap=True)
