"""What the scripts understand of a task or of feedback: names, numbers, dates, stages."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NUMBER = r"(\d{1,3}(?:[,'\u00a0 ]\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
_PERCENT = re.compile(r"(\d+(?:[.,]\d+)?)\s*(?:%|per\s?cent)", re.IGNORECASE)
_DAYS = re.compile(r"(\d+)\s*days?\b", re.IGNORECASE)
_SEATS = re.compile(r"(\d[\d,]*)\s*(?:seats?|users?|licen[cs]es?|people)\b", re.IGNORECASE)
_DATE = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")
_MONEY = r"(?:EUR|USD|GBP|CAD|CHF|€|\$|£)"
_AMOUNT = re.compile(
    rf"(?:{_MONEY}\s*{_NUMBER}(k?)\b)|(?:{_NUMBER}(k?)\s*{_MONEY})|"
    r"(?:(?:amount|total|at least|less than|below|minimum|worth)"
    rf"(?:\s+(?:of|to|is|should be))?\s+{_NUMBER}(k?)\b)",
    re.IGNORECASE,
)
_STAGES = ("prospecting", "qualification", "proposal", "negotiation", "closed_won", "closed_lost")
_STOP = re.compile(
    r"\b(?:cancel|stop|withdraw|forget (?:it|about)|drop (?:it|this)|"
    r"do(?: not|n't) (?:send|quote|release|offer|update))",
    re.IGNORECASE,
)
# A name ends where the terms begin.
_NAME_END = re.compile(
    r"[,;:.!?\n]|'s\b|\s[(\d]|$|"
    r"\s(?:with|at|over|to|and|from|valid|stage|amount|please|today|now)\b",
    re.IGNORECASE,
)
_LEADS = (
    r"\bfor\s+",
    r"\b(?:quote|renew|move|update|set|change|put):?\s+(?:the\s+)?(?:opportunity\s+(?:of\s+)?)?",
)


@dataclass(frozen=True)
class Terms:
    """The terms a sentence names; None for those it does not."""

    discount_percent: float | None = None
    valid_days: int | None = None
    seats: int | None = None
    amount: float | None = None
    close_date: str | None = None
    stage: str | None = None
    stop: bool = False

    @property
    def any(self) -> bool:
        """Whether it names anything that can be changed."""
        return any(
            value is not None
            for value in (
                self.discount_percent,
                self.valid_days,
                self.seats,
                self.amount,
                self.close_date,
                self.stage,
            )
        )


def _plain(number: str) -> float:
    return float(re.sub(r"[,'\u00a0 ]", "", number))


def terms(text: str) -> Terms:
    """Read a sentence."""
    date = _DATE.search(text)
    without_date = _DATE.sub(" ", text)
    percent = _PERCENT.search(text)
    days = _DAYS.search(text)
    seats = _SEATS.search(text)
    found = _AMOUNT.search(without_date)
    amount = None
    if found:
        number, thousand = next(
            (n, k) for n, k in zip(found.groups()[::2], found.groups()[1::2], strict=True) if n
        )
        amount = _plain(number) * (1000 if thousand else 1)
    discount = float(percent.group(1).replace(",", ".")) if percent else None
    if percent is None and re.search(
        r"\b(?:no|without(?: any| a)?) discount\b|\blist price\b", text, re.IGNORECASE
    ):
        discount = 0.0
    flat = text.lower().replace(" ", "_")
    return Terms(
        discount_percent=discount,
        valid_days=int(days.group(1)) if days else None,
        seats=int(_plain(seats.group(1))) if seats else None,
        amount=amount,
        close_date=date.group(0) if date else None,
        stage=next((stage for stage in _STAGES if stage in flat), None),
        stop=bool(_STOP.search(text)),
    )


def customer_name(task: str) -> str:
    """The customer a task names: what follows "for", or else the verb; empty if there is none."""
    for lead in _LEADS:
        for start in re.finditer(lead, task, re.IGNORECASE):
            rest = task[start.end() :]
            end = _NAME_END.search(rest)
            name = rest[: end.start() if end else None].strip(" \"'")
            if re.search(r"[A-Za-z]", name) and not re.match(
                r"(?:(?:a|an|the|me|us|for|please|new)\b|\d)", name, re.IGNORECASE
            ):
                return name
    return ""


def money(amount: float, currency: str) -> str:
    """An amount as a person writes it: EUR 25,080.00."""
    return f"{currency} {amount:,.2f}"
