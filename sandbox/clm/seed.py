"""The contracts that a fresh CLM has: one came back redlined, one is agreed."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

COUNTERPARTY = "Fabrikam Legal"
SENT_BACK = "2026-11-27T15:42:00Z"

Part = str | tuple[str, str]
"""Text, or what the other side deleted (`-`) or inserted (`+`)."""


@dataclass(frozen=True)
class Seed:
    """One workflow of the CLM with its document."""

    id: str
    title: str
    counterparty: str
    step: str
    uploaded_by: str
    clauses: tuple[tuple[Part, ...], ...]
    signers: tuple[dict[str, str], ...] = ()
    attributes: dict[str, Any] = field(default_factory=dict)

    def row(self) -> tuple[str, ...]:
        """The row of the table."""
        attributes = {"counterpartyName": self.counterparty, "signers": list(self.signers)}
        stored = json.dumps({**attributes, **self.attributes})
        return (self.id, self.title, self.step, stored)


def contracts() -> Iterator[Seed]:
    """In the order of their ids."""
    yield Seed(
        id="CTR-3001",
        title="Master services agreement with Fabrikam Inc",
        counterparty="Fabrikam Inc",
        step="Review",
        uploaded_by=COUNTERPARTY,
        clauses=(
            ("1. ", "Services"),
            (
                "1.1 ",
                "Contoso provides the services that the order forms describe, with the care of "
                "a prudent business.",
            ),
            ("2. ", "Payment"),
            (
                "2.1 ",
                "Invoices are due within ",
                ("-", "thirty (30)"),
                ("+", "ninety (90)"),
                " days of receipt.",
            ),
            ("2.2 ", "Amounts that are overdue bear interest of 0.5 % per month."),
            ("3. ", "Liability"),
            (
                "3.1 ",
                ("-", "Each party's liability is limited to the fees of the last twelve months."),
                (
                    "+",
                    "Contoso's liability is unlimited; Fabrikam's liability is limited to "
                    "EUR 10,000.",
                ),
            ),
            ("4. ", "Term"),
            (
                "4.1 ",
                "This agreement runs for one year and ",
                ("+", "renews for five years unless ended a year before, "),
                "ends by notice of three months.",
            ),
            ("5. ", "Law"),
            ("5.1 ", "The law of Ireland applies. The courts of Dublin decide."),
        ),
    )
    yield Seed(
        id="CTR-3002",
        title="Mutual NDA with Northwind Traders",
        counterparty="Northwind Traders",
        step="Sign",
        uploaded_by="Northwind Legal",
        clauses=(
            ("1. ", "Confidential information"),
            ("1.1 ", "Each party keeps secret what the other one marks as confidential."),
            ("2. ", "Term"),
            ("2.1 ", "The duties of this agreement last for three years."),
        ),
        signers=(
            {"name": "Priya Nair", "email": "priya@northwind.example", "side": "Northwind"},
            {"name": "Alex Wilber", "email": "alexw@example.com", "side": "Contoso"},
        ),
    )


def document(seed: Seed) -> bytes:
    """The DOCX, with the other side's changes tracked as Word tracks them."""
    from docx import Document

    made = Document()
    made.core_properties.author = seed.uploaded_by
    made.add_heading(seed.title, level=0)
    number = 1
    for head, *parts in seed.clauses:
        title = isinstance(head, str) and head.rstrip(" .").isdecimal()
        paragraph = made.add_heading(level=1) if title else made.add_paragraph()
        paragraph.add_run(str(head)).bold = True
        for part in parts:
            if isinstance(part, str):
                paragraph.add_run(part)
            else:
                paragraph._p.append(_tracked(part, number))
                number += 1
    stored = io.BytesIO()
    made.save(stored)
    return stored.getvalue()


def _tracked(part: tuple[str, str], number: int) -> Any:
    from docx.oxml.ns import qn
    from docx.oxml.parser import OxmlElement

    kind, text = part
    change = OxmlElement("w:del" if kind == "-" else "w:ins")
    for name, value in (("id", str(number)), ("author", COUNTERPARTY), ("date", SENT_BACK)):
        change.set(qn(f"w:{name}"), value)
    run, said = OxmlElement("w:r"), OxmlElement("w:delText" if kind == "-" else "w:t")
    said.text = text
    said.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
    run.append(said)
    change.append(run)
    return change
