"""The signed-off report as files: a PDF for the board, and a workbook with every figure.

What comes from outside (the texts of suppliers' invoices) is text in both. In a workbook openpyxl
makes a formula of what begins with "=", an error of "#N/A", and cuts off what is longer than 32,767
characters without a word; in a PDF fpdf2 writes with its built-in fonts only what is in latin-1
(openpyxl 3.1.5, fpdf2 2.8.9, run on 2026-11-30).
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from countersign.examples.report_figures import Figures, Line, Variance, money

MOST_OF_A_CELL = 32_767
"""Characters. Source: support.microsoft.com, "Excel specifications and limits", read 2026-11-30."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What programs take for the beginning of a formula. Source: OWASP, "CSV Injection"."""
_CORE_FONT = "helvetica"
_ENCODING = "cp1252"
"""Of the built-in fonts: fpdf2 declares them as WinAnsi and would write latin-1, without euros."""
_AMOUNT = "#,##0.00;[Red]-#,##0.00"


class UnprintableError(ValueError):
    """A text that the font of the PDF cannot show."""


@dataclass(frozen=True)
class Words:
    """What people write into the report."""

    headline: str
    commentary: str


@dataclass(frozen=True)
class Signature:
    """Who signs it off: the request in which it was approved."""

    request_id: str
    at: datetime


def require_printable(texts: Sequence[str], font: Path | None) -> None:
    """Raises UnprintableError for a character that the PDF could not show."""
    if font is not None:
        return
    for character in "".join(texts):
        if character in "\n\t":
            continue
        try:
            character.encode(_ENCODING)
        except UnicodeEncodeError as error:
            raise UnprintableError(
                f"The PDF cannot show {character!r} with its built-in font: write it without, or "
                "name a TrueType font in `report_font`."
            ) from error


def as_pdf(figures: Figures, words: Words, signature: Signature, font: Path | None) -> bytes:
    """The report on paper. Raises UnprintableError."""
    from fpdf import FPDF
    from fpdf.fonts import FontFace

    require_printable([words.headline, words.commentary], font)
    pdf = FPDF(format="A4")
    pdf.set_creation_date(signature.at)
    pdf.set_title(f"Financial report {figures.period}")
    pdf.set_margin(20)
    family = _CORE_FONT
    if font is None:
        pdf.core_fonts_encoding = _ENCODING
    else:
        family = "report"
        for style in ("", "B"):
            pdf.add_font(family, style, str(font))
    pdf.add_page()
    pdf.set_font(family, "B", 18)
    pdf.multi_cell(
        0, 9, f"Financial report {figures.period}", align="L", new_x="LMARGIN", new_y="NEXT"
    )
    pdf.set_font(family, "", 12)
    pdf.multi_cell(0, 7, words.headline, align="L", new_x="LMARGIN", new_y="NEXT")
    pdf.ln(4)
    pdf.set_font(family, "", 9)
    heads, strong = FontFace(emphasis="BOLD", fill_color=(232, 237, 245)), FontFace(emphasis="BOLD")
    pdf.set_draw_color(200)
    with pdf.table(
        col_widths=(16, 44, 30, 30, 30, 20),
        text_align=("LEFT", "LEFT", "RIGHT", "RIGHT", "RIGHT", "RIGHT"),
        headings_style=heads,
        line_height=6,
        borders_layout="HORIZONTAL_LINES",
    ) as table:
        table.row([*HEADS])
        for each in figures.variances:
            table.row(_shown(each, figures.currency), style=strong if each.notable else None)
        result = money(figures.result_cents, figures.currency)
        table.row(["", "Result", result, "", "", ""], style=strong)
    pdf.ln(5)
    pdf.set_font(family, "B", 12)
    pdf.multi_cell(0, 7, "Commentary", align="L", new_x="LMARGIN", new_y="NEXT")
    pdf.set_font(family, "", 10)
    pdf.multi_cell(0, 5.5, words.commentary, align="L", new_x="LMARGIN", new_y="NEXT")
    pdf.ln(6)
    pdf.set_font(family, "", 8)
    pdf.set_text_color(90)
    signed = signature.at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    pdf.multi_cell(
        0,
        4.5,
        f"Signed off by the controller on {signed}, request {signature.request_id}. Books at entry "
        f"{figures.ledger_version}. Bold: more than 10 % and EUR 5,000 off the budget. "
        "Income is negative in the books.",
        align="L",
        new_x="LMARGIN",
        new_y="NEXT",
    )
    return bytes(pdf.output())


HEADS = ("Account", "Name", "Actual", "Budget", "Difference", "%")


def _shown(each: Variance, currency: str) -> list[str]:
    amounts = (each.actual_cents, each.budget_cents, each.difference_cents)
    return [
        each.account,
        each.name,
        *(money(cents, currency) for cents in amounts),
        f"{each.percent:+.1f}",
    ]


def as_workbook(
    figures: Figures, words: Words, signature: Signature, lines: Sequence[Line]
) -> bytes:
    """The report as an XLSX: the commentary, the variances, and the lines of what is notable.

    Raises ValueError for a text that does not fit into a cell.
    """
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font, PatternFill

    book = Workbook()
    book.properties.creator = "Countersign"
    book.properties.created = signature.at.astimezone(UTC).replace(tzinfo=None)
    report, variances, journal = book.active, book.create_sheet(), book.create_sheet()
    if report is None:
        raise ValueError("openpyxl has made a workbook without a sheet.")
    report.title, variances.title, journal.title = "Report", "Variances", "Journal lines"
    bold, shade = Font(bold=True), PatternFill("solid", start_color="E8EDF5")

    def put(sheet: Any, row: int, column: int, value: str | Decimal) -> Any:
        cell = sheet.cell(row, column)
        if isinstance(value, Decimal):
            cell.value, cell.number_format = value, _AMOUNT
        else:
            _text(cell, value)
        return cell

    def head(sheet: Any, names: Sequence[str], widths: Sequence[int]) -> None:
        for column, (name, width) in enumerate(zip(names, widths, strict=True), start=1):
            cell = put(sheet, 1, column, name)
            cell.font, cell.fill = bold, shade
            sheet.column_dimensions[cell.column_letter].width = width
        sheet.freeze_panes = "A2"

    facts = (
        ("Month", figures.period),
        ("Headline", words.headline),
        ("Commentary", words.commentary),
        ("Books at entry", str(figures.ledger_version)),
        ("Currency", figures.currency),
        ("Signed off in", signature.request_id),
    )
    for row, (label, text) in enumerate(facts, start=1):
        put(report, row, 1, label).font = bold
        cell = put(report, row, 2, text)
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    report.column_dimensions["A"].width, report.column_dimensions["B"].width = 18, 90
    head(variances, HEADS, (10, 24, 16, 16, 16, 10))
    for row, each in enumerate(figures.variances, start=2):
        values: list[str | Decimal] = [each.account, each.name]
        values += [_decimal(c) for c in (each.actual_cents, each.budget_cents)]
        values += [_decimal(each.difference_cents), Decimal(str(round(each.percent, 1)))]
        for column, value in enumerate(values, start=1):
            cell = put(variances, row, column, value)
            if each.notable:
                cell.font = bold
    head(journal, ("Entry", "Account", "Amount", "Text", "Posted by"), (8, 10, 16, 80, 12))
    for row, line in enumerate(lines, start=2):
        amount = _decimal(line.amount_cents)
        values = [str(line.entry), line.account, amount, line.text, line.posted_by]
        for column, value in enumerate(values, start=1):
            put(journal, row, column, value)
    stored = io.BytesIO()
    book.save(stored)
    return stored.getvalue()


def _text(cell: Any, text: str) -> None:
    """Write what is text as text, whatever it looks like."""
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    shown = ILLEGAL_CHARACTERS_RE.sub("\N{REPLACEMENT CHARACTER}", text)
    if len(shown) > MOST_OF_A_CELL:
        raise ValueError(f"A text of {len(shown):,} characters does not fit into a cell.")
    cell.value = shown
    cell.data_type = "s"  # not a formula, nor an error value
    if shown.startswith(_FORMULA):
        cell.quotePrefix = True  # and none once somebody has edited it, either


def _decimal(cents: int) -> Decimal:
    return Decimal(cents) / 100
