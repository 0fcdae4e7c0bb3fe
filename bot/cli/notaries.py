"""Who cosigns and stamps checkpoints: asked when one is published, looked at in verifying."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from countersign.approvals.audit.cosignatures import WitnessKey, added, cosignatures
from countersign.approvals.audit.notes import Checkpoint, NoteError, opened_unchecked
from countersign.approvals.errors import InvalidError
from countersign.approvals.ports import Moment
from countersign.approvals.store import checkpoints, open_store
from countersign.bot.audit import stamps
from countersign.bot.cli.ledger import read_text
from countersign.bot.cli.options import database_url, read_environment, read_part
from countersign.bot.cli.records import auditing
from countersign.bot.clock import SystemClock
from countersign.bot.console import errors
from countersign.bot.settings.file import DEFAULT_FILE
from countersign.bot.settings.ledger import LedgerSettings

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

WitnessOption = Annotated[
    list[str] | None,
    typer.Option(
        "--witness", help="A witness's public key, or a file with one; repeatable. Required then."
    ),
]
QuorumOption = Annotated[
    int | None,
    typer.Option("--quorum", min=1, help="How many of them are needed; else more than half."),
]
StampOption = Annotated[
    Path | None,
    typer.Option(
        "--timestamp-roots", help="Certificates (PEM) of a time-stamping authority. Required then."
    ),
]


@dataclass(frozen=True)
class Notaries:
    """Whose cosignatures and time stamps count."""

    witnesses: Sequence[WitnessKey] = ()
    quorum: int = 0
    roots: Sequence[Certificate] = ()
    required: bool = False
    """Whether it is wrong if there are none of them."""


def ledger_section(config: Path | None) -> LedgerSettings:
    """The section `ledger`; an empty one where no configuration is named and there is none. Raises
    ConfigurationError."""
    if config is None and read_environment().config is None and not DEFAULT_FILE.is_file():
        return LedgerSettings()
    part = read_part(config)
    found = part.ledger()
    part.require_sound()
    return found


def needed_of(witnesses: int, quorum: int | None) -> int:
    """How many have to cosign: more than half, unless it is said."""
    return quorum if quorum is not None else witnesses // 2 + 1 if witnesses else 0


def given(witness: Sequence[str] | None, quorum: int | None, roots: Path | None) -> Notaries | None:
    """Those of the options; None without any. Raises InvalidError."""
    if not witness and roots is None:
        if quorum is not None:
            raise InvalidError("--quorum: of which witnesses? Name them with --witness.")
        return None
    keys: list[WitnessKey] = []
    for each in witness or ():
        text = read_text(Path(each)) if "+" not in each or Path(each).is_file() else each
        keys += [WitnessKey.parse(line) for line in text.split("\n") if line.strip()]
    keys = list(dict.fromkeys(keys))
    if quorum is not None and quorum > len(keys):
        raise InvalidError(f"--quorum: is {quorum}, of {len(keys)} witnesses.")
    found = stamps.roots_in(roots) if roots else []
    return Notaries(keys, needed_of(len(keys), quorum), found, required=True)


def configured(config: Path | None) -> Notaries:
    """Those of the configuration. Raises ConfigurationError or InvalidError."""
    section = ledger_section(config)
    keys = [WitnessKey.parse(each.key) for each in section.witnesses]
    roots = [root for each in section.timestamps for root in stamps.roots_in(each.roots)]
    return Notaries(keys, needed_of(len(keys), section.quorum), roots)


def notarised(size: int, note: str, config: Path | None) -> str:
    """The note with what the witnesses and authorities of the configuration say of it, which is
    kept with the checkpoint. Raises IntegrityError if a witness has seen the ledger otherwise;
    UnavailableError if too few of them answer, or an authority does not."""
    section = ledger_section(config)
    if not section.witnesses and not section.timestamps:
        return note
    from countersign.bot.audit.witnesses import Asked, asked

    witnesses = [Asked(WitnessKey.parse(each.key), each.url) for each in section.witnesses]
    needed = needed_of(len(witnesses), section.quorum)

    def proof(old: int, new: int) -> list[bytes]:
        return auditing(lambda trail: trail.consistency(old, new))

    lines, wrong = asked(witnesses, needed, size, note, proof)
    missing = [each.url for each in section.timestamps if not stamps.has_stamp(note, each.url)]
    lines += [stamps.stamp(url, note) for url in missing]
    for each in wrong:
        errors.print(f"countersign: {each}", markup=False, highlight=False, soft_wrap=True)
    if not lines:
        return note
    configured_roots = configured(config)
    stamps.stamps(added(note, lines), configured_roots.roots)  # nothing is kept that is not true
    return asyncio.run(_kept(size, lines))


async def _kept(size: int, lines: Sequence[str]) -> str:
    async with open_store(database_url()) as store:
        moment = Moment(SystemClock().now())
        return await store.unit(lambda unit: checkpoints.notarise(unit, size, lines), moment)


def said(notes: Iterable[str], notaries: Notaries) -> tuple[list[str], list[str]]:
    """What of these checkpoints is cosigned and stamped, in words; and what is wrong with it."""
    newest_first = sorted(set(notes), key=_size, reverse=True)
    lines: list[str] = []
    problems: list[str] = []
    for look in (_witnessed, _stamped):
        try:
            found = look(newest_first, notaries)
        except (NoteError, InvalidError) as exc:
            problems.append(str(exc))
            continue
        if found is not None:
            (lines if found[0] else problems if notaries.required else lines).append(found[1])
    return lines, problems


def _size(note: str) -> int:
    return Checkpoint.parse(opened_unchecked(note)).size


def _witnessed(notes: Sequence[str], notaries: Notaries) -> tuple[bool, str] | None:
    keys, needed = notaries.witnesses, notaries.quorum
    if not keys:
        return None
    most = 0
    for note in notes:
        by = cosignatures(note, keys)
        if len(by) >= needed:
            names = ", ".join(f"{each.key.name} at {each.at.isoformat()}" for each in by)
            of = f"{len(by)} of {len(keys)} witnesses ({needed} needed): {names}"
            return True, f"the checkpoint of size {_size(note)} is cosigned by {of}"
        most = max(most, len(by))
    return (
        False,
        f"no checkpoint is cosigned by {needed} of {len(keys)} witnesses; by {most} at most",
    )


def _stamped(notes: Sequence[str], notaries: Notaries) -> tuple[bool, str] | None:
    if not notaries.roots:
        return None
    for note in notes:
        found = stamps.stamps(note, notaries.roots)
        if found:
            words = ", ".join(f"{each.authority} at {each.at.isoformat()}" for each in found)
            return True, f"the checkpoint of size {_size(note)} was there at the latest: {words}"
    return False, "no checkpoint has a time stamp"
