"""`countersign ledger verify`: every link, every table, and what was kept outside."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from countersign.approvals.audit.handover import Reign, reigns, signed_checkpoint
from countersign.approvals.audit.ledger import Verification, combine
from countersign.approvals.audit.notes import Checkpoint, NoteError
from countersign.approvals.audit.notes import opened as opened_note
from countersign.approvals.audit_trail import AuditTrail
from countersign.approvals.errors import InvalidError
from countersign.approvals.forms.wording import visible
from countersign.approvals.models import SessionId
from countersign.bot.audit.found_notes import notes_among, notes_in
from countersign.bot.audit.people_places import kind_of
from countersign.bot.audit.publishing import published
from countersign.bot.cli.ledger import NO_KEY, KeyOption, public_keys, token_of
from countersign.bot.cli.notaries import (
    QuorumOption,
    StampOption,
    WitnessOption,
    configured,
    given,
    said,
)
from countersign.bot.cli.options import ConfigOption
from countersign.bot.cli.records import auditing
from countersign.bot.cli.retention import opened
from countersign.bot.console import console, errors


def verify(
    session: Annotated[str | None, typer.Option(help="Only this session.")] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="A checkpoint that was kept outside, to compare with.")
    ] = None,
    against: Annotated[
        list[str] | None,
        typer.Option(
            help="Where checkpoints are published: a file, a directory, a URL, jira:OPS-12 or "
            "servicenow:CHG0030001; repeatable."
        ),
    ] = None,
    key: KeyOption = None,
    archive: Annotated[
        list[Path] | None,
        typer.Option(help="A file with archived sessions, or a folder of them; repeatable."),
    ] = None,
    witness: WitnessOption = None,
    quorum: QuorumOption = None,
    timestamp_roots: StampOption = None,
    config: ConfigOption = None,
) -> None:
    """Check every link of the ledger; exit status 1 if one does not hold."""
    notaries = given(witness, quorum, timestamp_roots) or configured(config)
    kept = _outside([*([str(checkpoint)] if checkpoint else []), *(against or ())], key, config)
    outside = [each for each, _ in kept]

    archives = opened(archive or ())

    async def work(trail: AuditTrail) -> Verification:
        of = SessionId(session) if session else None
        words = TextColumn("{task.completed:,} entries checked")
        shown = sys.stderr.isatty() and session is None
        with Progress(
            words, TimeElapsedColumn(), console=errors, transient=True, disable=not shown
        ) as bar:
            task = bar.add_task("", total=None)
            return await trail.verify(
                of,
                outside=outside,
                archives=archives,
                tell=lambda n: bar.update(task, completed=n),
            )

    result = auditing(work)
    ours = auditing(lambda trail: trail.notarised()) if session is None else None
    told, wrong = said([*([ours] if ours else []), *(note for _, note in kept)], notaries)
    result = combine([result, Verification(entries=0, problems=tuple(wrong))])
    for problem in result.problems:
        console.print(escape(visible(problem)), soft_wrap=True, highlight=False)
    verdict = "verified" if result.verified else f"NOT verified: {len(result.problems)} problems"
    console.print(f"{result.entries} entries {verdict}", markup=False)
    read = {each.path.name for each in archives}
    for note in result.notes:
        also = " (verified)" if result.verified and note.rpartition(" ")[2] in read else ""
        console.print(f"{note}{also}", markup=False, highlight=False, soft_wrap=True)
    if outside and result.verified:
        sizes = f"{len(outside)} outside checkpoints, the newest of size {outside[-1].size}"
        console.print(f"the ledger is a continuation of {sizes}", markup=False, soft_wrap=True)
    for line in told if session is None or kept else ():
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    if not result.verified:
        raise typer.Exit(1)


def _outside(
    places: Sequence[str], key: list[str] | None, config: Path | None
) -> list[tuple[Checkpoint, str]]:
    """The checkpoints that are kept at these places and their notes, the newest last. Raises
    InvalidError."""
    if not places:
        return []
    keys = public_keys(key)
    if not keys:
        raise InvalidError(NO_KEY)
    known = reigns(keys, auditing(lambda trail: trail.handovers()))
    found: list[tuple[Checkpoint, str]] = []
    for place in places:
        text = published(place, token_of(), config)
        shared = kind_of(place) is not None
        ours, others = sorted_out(notes_among(text), known) if shared else (notes_in(text), 0)
        if not ours:
            raise InvalidError(f"{place}: no checkpoint there is signed with a key of --key.")
        if others:
            say_others(place, others)
        found += [(signed_checkpoint(note, known), note) for note in ours]
    return sorted(found, key=lambda each: each[0].size)


def sorted_out(notes: Sequence[str], known: Sequence[Reign]) -> tuple[list[str], int]:
    """Those that one of these keys has signed, and how many others there are: where people write,
    somebody may have written what looks like a checkpoint."""
    ours = [note for note in notes if _is_by(note, known)]
    return ours, len(notes) - len(ours)


def _is_by(note: str, known: Sequence[Reign]) -> bool:
    try:
        opened_note(note, [each.key for each in known])
    except NoteError:
        return False
    return True


def say_others(place: str, others: int) -> None:
    """That there is something at a place which does not count."""
    words = f"{place}: {others} there are not signed with a known key, and are not compared"
    errors.print(words, markup=False, highlight=False, soft_wrap=True)
