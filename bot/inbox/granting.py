"""Granting: the fields in which somebody says yes to later calls while they approve one. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from pydantic import ValidationError

from countersign.approvals.errors import InvalidError
from countersign.approvals.forms.wording import duration_words
from countersign.approvals.models import Terms
from countersign.approvals.ports import RequestView
from countersign.approvals.rules.durations import duration_s

FIELDS = ("uses", "for", "total", "when")
PREFIX = "grant."
"""Before the names of the fields in the form of a request."""
HOW = "Write how many as a whole number, how long as 4h or 7d, and how much as a number."


@dataclass(frozen=True)
class Most:
    """What the rule of a request permits to be given, at most; "" where it names no such bound."""

    uses: str
    lasts: str
    total: str
    alike: Sequence[str]


def most_of(view: RequestView) -> Most | None:
    """What may be given with an approval of this request; None if nothing."""
    if not view.offers:
        return None
    terms = [offer.terms for offer in view.offers]
    uses = max((each.uses for each in terms if each.uses), default=None)
    lasts = max((each.for_s for each in terms if each.for_s), default=None)
    total = max((each.total for each in terms if each.total), default=None)
    return Most(
        uses="" if uses is None else str(uses),
        lasts="" if lasts is None else duration_words(lasts),
        total="" if total is None else str(total),
        alike=view.alike,
    )


def terms_of(fields: Mapping[str, str]) -> Terms:
    """What was typed into the fields of a grant. Raises InvalidError."""
    typed = {name: fields.get(f"{PREFIX}{name}", "").strip() for name in FIELDS}
    try:
        return Terms(
            uses=int(typed["uses"]) if typed["uses"] else None,
            for_s=duration_s(typed["for"]) if typed["for"] else None,
            total=Decimal(typed["total"]) if typed["total"] else None,
            when=typed["when"] or None,
        )
    except (ValidationError, InvalidOperation, ValueError):
        raise InvalidError(f"Nothing was approved or granted. {HOW}") from None
