"""Commands on the audit trail: check and export it, take receipts, make sealing keys."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from countersign.approvals.audit.notes import SigningKey, VerifierKey
from countersign.approvals.audit.private import PrivateRule
from countersign.approvals.audit_trail import AuditTrail
from countersign.approvals.errors import ConfigurationError, InvalidError
from countersign.approvals.models import LedgerEntry
from countersign.approvals.store.exporting import Wanted
from countersign.bot.audit.csv_lines import COLUMNS, csv_line, row_text
from countersign.bot.cli.options import ConfigOption, read_part
from countersign.bot.cli.records import auditing, reading
from countersign.bot.console import errors, json_text
from countersign.bot.settings.ledger_keys import write_new

ledger = typer.Typer(no_args_is_help=True, help="Check and export the audit trail.")

OutputOption = Annotated[Path | None, typer.Option(help="A file instead of stdout.")]
KeyOption = Annotated[
    list[str] | None,
    typer.Option("--key", help="A public key that is trusted, or a file with one; repeatable."),
]
RedactOption = Annotated[
    bool, typer.Option("--redact", help="Without what `ledger.private` in the configuration names.")
]
TOKEN_VARIABLE = "COUNTERSIGN_PUBLISH_TOKEN"  # noqa: S105 - the name of a variable
NO_KEY = "Say whose signature counts: --key with a public key, or with a file that holds one."


def private_rules(config: Path | None) -> tuple[PrivateRule, ...]:
    """The rules of what is private. Raises ConfigurationError, also if there is none."""
    part = read_part(config)
    found = part.ledger().private_rules
    part.require_sound()
    if not found:
        raise ConfigurationError(["--redact: the configuration has no `ledger.private`."])
    return found


def public_keys(given: Sequence[str] | None) -> list[VerifierKey]:
    """The keys of `--key`. Raises InvalidError."""
    found = []
    for each in given or ():
        path = Path(each)
        text = read_text(path) if "+" not in each or path.is_file() else each
        found += [VerifierKey.parse(line) for line in text.split("\n") if line.strip()]
    return found


def read_text(path: Path, *, most: int = 2**20) -> str:
    """A file's text. Raises InvalidError, also if it is larger than `most` bytes."""
    try:
        size = path.stat().st_size
        if size > most:
            raise InvalidError(f"{path}: is {size:,} bytes long; at most {most:,} are read.")
        return path.read_text(encoding="utf-8")
    except OSError as exc:
        raise InvalidError(f"{path}: cannot be read: {exc.strerror}.") from exc
    except UnicodeDecodeError as exc:
        raise InvalidError(f"{path}: is no text in UTF-8.") from exc


def write_out(content: str | bytes, output: Path | None) -> None:
    """To a file, or to stdout; text as UTF-8. Raises InvalidError."""
    if output is None:
        typer.echo(content, nl=False)
        return
    try:
        output.write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as exc:
        raise InvalidError(f"--output {output}: cannot be written: {exc.strerror}.") from exc


def token_of() -> str | None:
    """The bearer token for where checkpoints are published."""
    return os.environ.get(TOKEN_VARIABLE, "").strip() or None


class Format(StrEnum):
    """What an export is written as."""

    JSONL = "jsonl"
    CSV = "csv"
    BUNDLE = "bundle"


When = Annotated[datetime | None, typer.Option(help="A time in UTC: 2026-11-30T09:00:00.")]


@ledger.command("export")
def export(
    session: Annotated[str | None, typer.Option(help="Of this session.")] = None,
    governance: Annotated[
        bool, typer.Option("--governance", help="What belongs to no session.")
    ] = False,
    written: Annotated[Format, typer.Option("--format", help="As what.")] = Format.JSONL,
    person: Annotated[
        str | None, typer.Option(help="Of sessions that this person asked for or voted in.")
    ] = None,
    tool: Annotated[str | None, typer.Option(help="Of sessions that proposed this tool.")] = None,
    since: When = None,
    until: When = None,
    bodies: Annotated[
        bool, typer.Option(help="A bundle verifies without the bodies as well.")
    ] = True,
    redact: RedactOption = False,
    config: ConfigOption = None,
    output: OutputOption = None,
) -> None:
    """Write entries as JSON Lines or CSV, or whole sessions as a bundle that can be verified."""
    wanted = Wanted(session=session, person=person, tool=tool, since=_utc(since), until=_utc(until))
    private = private_rules(config) if redact else ()
    if governance:
        if wanted != Wanted() or written is Format.BUNDLE:
            raise InvalidError("--governance: it has no sessions, people or tools to choose from.")
        found = reading(lambda records: records.governance())
        write_out(_lines(found, written), output)
        return
    if session is not None:
        reading(lambda records: records.session(session))
    else:
        for line in auditing(lambda trail: trail.archived()):
            errors.print(f"not in it: {line}", markup=False, highlight=False, soft_wrap=True)
    if written is Format.BUNDLE:
        made = auditing(lambda trail: trail.bundle(wanted, bodies=bodies), private)
        write_out(json_text(made), output)
        return

    async def work(trail: AuditTrail) -> None:
        with _writing(output) as write:
            if written is Format.CSV:
                write(row_text(COLUMNS))
            async for entry in trail.entries(wanted):
                write(_line(entry, written))

    auditing(work, private)


def _utc(at: datetime | None) -> datetime | None:
    return None if at is None else at.replace(tzinfo=UTC)


@contextmanager
def _writing(output: Path | None) -> Iterator[Callable[[str], object]]:
    """To a file, or to stdout, bit by bit. Raises InvalidError."""
    if output is None:
        yield lambda text: typer.echo(text, nl=False)
        return
    try:
        with output.open("w", encoding="utf-8", newline="") as file:
            yield file.write
    except OSError as exc:
        raise InvalidError(f"--output {output}: cannot be written: {exc.strerror}.") from exc


def _lines(entries: Sequence[LedgerEntry], written: Format) -> str:
    first = row_text(COLUMNS) if written is Format.CSV else ""
    return first + "".join(_line(entry, written) for entry in entries)


def _line(entry: LedgerEntry, written: Format) -> str:
    return csv_line(entry) if written is Format.CSV else entry.model_dump_json() + "\n"


class ReceiptFormat(StrEnum):
    """What a receipt is written as."""

    JSON = "json"
    COSE = "cose"


@ledger.command("receipt")
def receipt(
    request: str,
    redact: RedactOption = False,
    written: Annotated[ReceiptFormat, typer.Option("--format", help="As what.")] = (
        ReceiptFormat.JSON
    ),
    signing_key: Annotated[
        Path | None, typer.Option(help="The file with the sealing key, which signs a COSE_Sign1.")
    ] = None,
    config: ConfigOption = None,
    output: OutputOption = None,
) -> None:
    """Write the receipt of a request: what became of it, for anybody to check."""
    private = private_rules(config) if redact else ()
    if written is ReceiptFormat.COSE and signing_key is None:
        raise InvalidError("--format cose: is signed; name the sealing key's file: --signing-key.")
    made: dict[str, Any] = auditing(lambda trail: trail.receipt(request), private)
    if written is ReceiptFormat.JSON or signing_key is None:
        write_out(json_text(made), output)
        return
    from countersign.bot.audit.cose import signed

    write_out(signed(made, SigningKey.parse(read_text(signing_key))), output)


@ledger.command("checkpoint")
def checkpoint(output: OutputOption = None) -> None:
    """Write the newest signed checkpoint, to be kept elsewhere."""
    _, note = auditing(lambda trail: trail.checkpoint())
    write_out(note, output)


@ledger.command("keys")
def keys() -> None:
    """The public keys that have signed checkpoints, oldest first."""
    for each in auditing(lambda trail: trail.keys()):
        typer.echo(each)


@ledger.command("keygen")
def keygen(
    name: Annotated[str, typer.Argument(help="Whose ledger: example.com/ledger.")],
    output: Annotated[Path, typer.Option(help="The file for the key; it must not be there yet.")],
) -> None:
    """Make a sealing key; its public key is printed, and may be known to everybody."""
    key = SigningKey.new(name)
    try:
        write_new(output, f"{key}\n")
    except OSError as exc:
        raise InvalidError(f"--output {output}: cannot be written: {exc.strerror}.") from exc
    typer.echo(str(key.verifier))
