"""What calls that were proposed together come to: the worst class of any, and sums of money."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from countersign.approvals.models import Request, RequestKind, RequestStatus, Reversibility

AMOUNT, CURRENCY = "amount", "currency"
"""The arguments that say how much of what; a call without both says nothing of money."""
CLASSES = {
    Reversibility.READ_ONLY: "they only read",
    Reversibility.REVERSIBLE: "all can be undone",
    Reversibility.EXTERNALLY_REVERSIBLE: "at least one can be undone by others only",
    Reversibility.IRREVERSIBLE: "at least one cannot be undone",
}


def comes_to(calls: Sequence[Request], worst: Reversibility | None) -> str:
    """`In total 1,200 EUR. Of these 2 calls all can be undone.`; "" where nothing is to be said."""
    total = totals_in_words(calls)
    said = [f"In total {total}."] if total else []
    if worst is not None:
        said.append(f"Of these {len(calls)} calls {CLASSES[worst]}.")
    return " ".join(said)


def branch_of(request: Request) -> str:
    """`, branch crm` behind a call of chats that work side by side; else ""."""
    return "" if request.parallel is None else f", branch {request.parallel.branch}"


def failed_branches(request: Request) -> tuple[str, ...]:
    """What people should know of branches that are not in its checkpoint: each in a sentence."""
    failed = {} if request.parallel is None else request.parallel.failed
    return tuple(f"Branch {name} failed: {why}" for name, why in failed.items())


def waiting(requests: Sequence[Request]) -> tuple[Request, ...]:
    """The calls among them that wait for people, in order."""
    return tuple(
        each
        for each in sorted(requests, key=lambda request: request.position)
        if each.status is RequestStatus.PENDING and each.kind is RequestKind.TOOL
    )


def digest_of(requests: Sequence[Request]) -> str:
    """Names exactly these revisions: whoever decides all of them has been shown these."""
    text = "\n".join(sorted(f"{each.id} {each.digest}" for each in requests))
    return hashlib.sha256(text.encode()).hexdigest()


def name_of(requests: Sequence[Request]) -> str:
    """Names calls of one checkpoint by their positions, each a bit of a hexadecimal number: as
    short for every second one of many calls as for all of them."""
    return f"{sum({1 << each.position for each in requests}):x}"


def named_by(name: str, requests: Sequence[Request]) -> tuple[Request, ...]:
    """The calls among them that `name_of` named so, in order; () for what is no such name."""
    if not _NAME.fullmatch(name):
        return ()
    bits = int(name, 16)
    found = [each for each in requests if bits >> each.position & 1]
    return tuple(sorted(found, key=lambda request: request.position))


def on_same_terms(request: Request, siblings: Sequence[Request]) -> tuple[Request, ...]:
    """The request, and those beside it that one message can show with it: calls which the same
    people decide in the same steps until the same time; in order."""
    terms = _terms(request)
    found = [each for each in siblings if each.id != request.id and _terms(each) == terms]
    return tuple(sorted([request, *found], key=lambda each: each.position))


def _terms(request: Request) -> tuple[object, ...]:
    return request.kind, request.stages, request.expires_at, request.channels


_NAME = re.compile(r"[0-9a-f]{1,250}")
"""Of a thousand calls; what a click carries is no longer."""


def totals(requests: Sequence[Request]) -> dict[str, Decimal]:
    """By currency, the sum of what calls say as `amount` and `currency`."""
    found: dict[str, Decimal] = {}
    for each in requests:
        amount, currency = each.arguments.get(AMOUNT), each.arguments.get(CURRENCY)
        if isinstance(amount, bool) or not isinstance(amount, int | float | str):
            continue
        if not isinstance(currency, str) or not currency:
            continue
        try:
            value = Decimal(str(amount))
        except InvalidOperation:
            continue
        if value.is_finite():
            found[currency] = found.get(currency, Decimal(0)) + value
    return {currency: found[currency] for currency in sorted(found)}


def totals_in_words(requests: Sequence[Request]) -> str:
    """`1,200 EUR and 80 USD`; "" where nothing is said of money."""
    texts = [f"{value:,f} {currency}" for currency, value in totals(requests).items()]
    *others, last = texts or [""]
    return f"{', '.join(others)} and {last}" if others else last
