"""Asks witnesses to cosign a checkpoint (C2SP tlog-witness, the side of the log)."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import NamedTuple

import httpx

from countersign.approvals.audit.cosignatures import WitnessKey, cosignatures
from countersign.approvals.audit.notes import NoteError
from countersign.approvals.errors import IntegrityError, InvalidError, UnavailableError
from countersign.bot.audit.witness import PATH

TIMEOUT_S = 10.0
ATTEMPTS = 3
"""A witness that others ask as well may have moved on between its answer and our next call."""
Proof = Callable[[int, int], list[bytes]]
"""`proof(old, new)`: that the tree of size `new` begins with that of size `old`."""


class Asked(NamedTuple):
    """A witness, and where it is asked."""

    key: WitnessKey
    url: str


def ask(witness: Asked, size: int, note: str, proof: Proof) -> str:
    """The line by which it cosigns.

    Raises IntegrityError if it has seen the ledger otherwise; InvalidError if it does not know this
    ledger, or answers what is no cosignature of its own; UnavailableError.
    """
    old = 0
    with httpx.Client(timeout=TIMEOUT_S, trust_env=False) as client:
        for _ in range(ATTEMPTS):
            lines = [base64.b64encode(each).decode() for each in proof(old, size)]
            body = "".join(f"{line}\n" for line in (f"old {old}", *lines, "")) + note
            answer = _sent(client, witness, body)
            if answer.status_code == httpx.codes.CONFLICT:
                old = _seen(witness, answer, old, size)
                continue
            return _line(witness, note, answer)
    raise UnavailableError(f"The witness {witness.key.name} has moved on again and again.")


def _sent(client: httpx.Client, witness: Asked, body: str) -> httpx.Response:
    try:
        answer = client.post(f"{witness.url.rstrip('/')}{PATH}", content=body.encode())
    except httpx.HTTPError as exc:
        raise UnavailableError(f"The witness {witness.key.name} cannot be reached: {exc}.") from exc
    if answer.status_code >= 500 or answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
        raise UnavailableError(f"The witness {witness.key.name} answers {answer.status_code}.")
    return answer


def _seen(witness: Asked, answer: httpx.Response, old: int, size: int) -> int:
    """Which size it has seen last. Raises IntegrityError."""
    text = answer.text.strip()
    if not text.isdecimal():
        raise InvalidError(f"The witness {witness.key.name} answers 409 without a size.")
    seen = int(text)
    if seen > size:
        raise IntegrityError(
            f"The witness {witness.key.name} has seen this ledger with {seen} leaves, and it has "
            f"signed {size} last: its database was set back."
        )
    if seen == old:
        raise IntegrityError(
            f"The witness {witness.key.name} has seen another tree of the size {size}: something "
            "in the ledger was replaced."
        )
    return seen


def _line(witness: Asked, note: str, answer: httpx.Response) -> str:
    name = witness.key.name
    if answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY:
        raise IntegrityError(
            f"The witness {name} says that the ledger is no continuation of what it has seen: "
            "something in it was replaced."
        )
    if answer.is_error or answer.is_redirect:
        why = {404: ": it does not look at this ledger", 403: ": it knows another key of it"}
        more = why.get(answer.status_code, "")
        raise InvalidError(f"The witness {name} answers {answer.status_code}{more}.")
    for line in answer.text.splitlines(keepends=True):
        try:
            if cosignatures(note + line, [witness.key]):
                return line
        except NoteError as exc:
            raise InvalidError(f"The witness {name} answers something else: {exc}") from exc
    raise InvalidError(f"The witness {name} answers, and not with its own key.")


def asked(
    witnesses: Sequence[Asked], needed: int, size: int, note: str, proof: Proof
) -> tuple[list[str], list[str]]:
    """The lines of those that have not cosigned the note yet, and what was wrong with others.

    Raises IntegrityError as soon as one has seen the ledger otherwise; UnavailableError if fewer
    than `needed` have cosigned in the end.
    """
    there = {each.key for each in cosignatures(note, [w.key for w in witnesses])}
    lines: list[str] = []
    wrong: list[str] = []
    for witness in witnesses:
        if witness.key in there:
            continue
        try:
            lines.append(ask(witness, size, note, proof))
        except (UnavailableError, InvalidError) as exc:
            wrong.append(str(exc))
    if len(there) + len(lines) < needed:
        raise UnavailableError(
            f"{len(there) + len(lines)} of {len(witnesses)} witnesses have cosigned the checkpoint "
            f"of size {size}, and {needed} are needed. {' '.join(wrong)}"
        )
    return lines, wrong
