"""`countersign verify FILE`: checks a receipt with no database and no server."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from countersign.approvals.audit import bundles
from countersign.approvals.audit.archives import Archive
from countersign.approvals.audit.fields import COMMITMENTS
from countersign.approvals.audit.notes import VerifierKey
from countersign.approvals.audit.private import KIND
from countersign.approvals.audit.receipts import (
    ENDS,
    FORMAT,
    ReceiptError,
    ReceiptFormatError,
    UntrustedError,
    parse,
)
from countersign.approvals.audit.receipts import verify as verified
from countersign.approvals.errors import InvalidError
from countersign.approvals.forms.changers import changes_in
from countersign.approvals.forms.wording import visible
from countersign.approvals.models import JsonObject
from countersign.approvals.store.archive_checks import proven
from countersign.bot.audit.cose import SIGN1, is_cose
from countersign.bot.audit.cose import opened as opened_cose
from countersign.bot.cli.ledger import NO_KEY, KeyOption, public_keys, read_text
from countersign.bot.cli.notaries import (
    Notaries,
    QuorumOption,
    StampOption,
    WitnessOption,
    given,
    said,
)
from countersign.bot.cli.options import Json
from countersign.bot.console import console, errors, show_json

MAX_BYTES = 64 * 2**20
UNTRUE, UNREADABLE, UNTRUSTED = 1, 3, 4
"""Exit statuses; 2 is of a command that was typed wrong."""


def verify(
    file: Annotated[
        Path, typer.Argument(help="A receipt (JSON or COSE), a bundle, or an archive file.")
    ],
    key: KeyOption = None,
    witness: WitnessOption = None,
    quorum: QuorumOption = None,
    timestamp_roots: StampOption = None,
    as_json: Json = False,
) -> None:
    """Check a receipt, a bundle or an archive file offline. Exit status 0: it is true. 1: it is
    not. 3: it cannot be read, or is none. 4: it is not signed with a key that is trusted."""
    try:
        keys = public_keys(key)
        notaries = given(witness, quorum, timestamp_roots)
        if zipfile.is_zipfile(file):
            found, note = _archive(file, keys)
            _say_bundle(found, _notarised(note, notaries), as_json=as_json)
            return
        receipt = _read(file, keys)
        if not keys:
            raise UntrustedError(NO_KEY)
        if receipt["format"] == bundles.FORMAT:
            found = bundles.verify(receipt, keys)
            _say_bundle(found, _notarised(receipt["checkpoint"], notaries), as_json=as_json)
            return
        told = verified(receipt, keys)
        more = _notarised(receipt["checkpoint"], notaries)
    except UntrustedError as exc:
        raise _ended(f"NOT verified: {exc}", UNTRUSTED) from exc
    except ReceiptError as exc:
        raise _ended(f"NOT verified: {exc}", UNTRUE) from exc
    except ReceiptFormatError as exc:
        raise _ended(f"{file}: {exc}", UNREADABLE) from exc
    except InvalidError as exc:
        raise _ended(str(exc), UNREADABLE) from exc
    if as_json:
        show_json(told | ({"notaries": more} if notaries else {}))
        return
    for line in (*in_words(told), *more):
        console.print(escape(visible(line)), highlight=False, soft_wrap=True)


def _read(file: Path, keys: list[VerifierKey]) -> JsonObject:
    """The receipt or the bundle; of a COSE_Sign1 what is in it, whose signatures are true. Raises
    InvalidError."""
    try:
        with file.open("rb") as opened:
            is_binary = is_cose(opened.read(1))
            data = opened.read(MAX_BYTES) if is_binary and keys else b""
    except OSError as exc:
        raise InvalidError(f"{file}: cannot be read: {exc.strerror}.") from exc
    if not is_binary:
        return parse(read_text(file, most=MAX_BYTES), FORMAT, bundles.FORMAT)
    if not keys:
        raise UntrustedError(NO_KEY)
    if len(data) == MAX_BYTES:
        raise InvalidError(f"{file}: at most {MAX_BYTES:,} bytes are read.")
    return opened_cose(SIGN1 + data, keys)


def _archive(file: Path, keys: list[VerifierKey]) -> tuple[bundles.Bundled, str]:
    if not keys:
        raise UntrustedError(NO_KEY)
    with Archive(file) as archive:
        return proven(archive, keys), archive.manifest.checkpoint


def _notarised(note: str, notaries: Notaries | None) -> list[str]:
    """What those that were asked for say of its checkpoint. Raises UntrustedError."""
    if notaries is None:
        return []
    lines, wrong = said([note], notaries)
    if wrong:
        raise UntrustedError("; ".join(wrong))
    return lines


def _say_bundle(found: bundles.Bundled, more: Sequence[str], *, as_json: bool) -> None:
    if as_json:
        show_json(found.model_dump(mode="json") | ({"notaries": list(more)} if more else {}))
        return
    without = f", {found.withheld} of them without their bodies" if found.withheld else ""
    if found.fields:
        without += f", {found.fields} fields withheld"
    console.print(
        f"verified: {found.entries} entries of {found.sessions} sessions{without}",
        highlight=False,
        soft_wrap=True,
    )
    for line in more:
        console.print(escape(visible(line)), highlight=False, soft_wrap=True)


def _ended(message: str, status: int) -> typer.Exit:
    errors.print(escape(visible(f"countersign: {message}")), highlight=False, soft_wrap=True)
    return typer.Exit(status)


def in_words(told: JsonObject) -> list[str]:
    """What a receipt says, a line each."""
    decision, execution = told["decision"], told["execution"]
    lines = [
        *_call_words(told),
        *(
            f"changed by {each.get('name') or each['by']} through {each.get('via', '?')} at "
            f"{each['entry_at']}"
            for each in changes_in(told["history"])
        ),
        *(
            f"{vote['verdict']} by {vote['name']} ({vote['identity']}) through {vote['via']} at "
            f"{vote['entry_at']}"
            for vote in told["votes"]
        ),
    ]
    if decision is None:
        lines.append("not decided by people")
    else:
        lines.append(f"decided: {decision['verdict']} through {decision['via']}")
    kinds = sorted({each["entry"] for each in told["withheld"]})
    if execution is None and set(kinds) & set(ENDS):
        lines.append("whether it has run is not shown")
    else:
        lines.append("has not run" if execution is None else f"then: {execution['entry']}")
    lines += [
        f"erased by {each['name']} ({each['identity']}) under rule {each['rule']} at "
        f"{each['entry_at']}: {each['reason']}"
        for each in told["history"]
        if each["entry"] == KIND
    ]
    lines += [
        f"withheld of {each['entry']}: {', '.join(sorted(each[COMMITMENTS]))}"
        for each in told["history"]
        if each.get(COMMITMENTS) and not told["authorization_details"]
    ]
    if kinds:
        lines.append(f"{len(told['withheld'])} entries are not shown: {', '.join(kinds)}")
    return lines


def _call_words(told: JsonObject) -> list[str]:
    if not told["authorization_details"]:
        return [f"verified: request {told['request']}; its call is private or was erased"]
    (call,) = told["authorization_details"]
    return [
        f"verified: request {told['request']}, {call['actions'][0]}, asked for by "
        f"{told['requested_by']} under rule {told['rule']['id']} of policy "
        f"{told['policy_version']}",
        *(f"  {name}: {value}" for name, value in call["arguments"].items()),
    ]
