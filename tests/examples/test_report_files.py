"""The files of a report, opened again: what is in them, and what nobody's program runs."""

from __future__ import annotations

import io
import re
import zlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from openpyxl import load_workbook

from countersign.examples.report_figures import Figures, Line, Variance
from countersign.examples.report_files import (
    Signature,
    UnprintableError,
    Words,
    as_pdf,
    as_workbook,
    require_printable,
)

FIGURES = Figures(
    "2026-10",
    14,
    "EUR",
    (
        Variance("4000", "Subscriptions", -43_460_000, -41_200_000, -40_950_000),
        Variance("6200", "Travel", 2_098_500, 900_000, 845_000),
    ),
)
WORDS = Words("A profit of \u20ac 1 \u2013 fine.", "6200: the conference in Lisbon.\nNothing else.")
SIGNATURE = Signature("R-7K2M9QXW4T1B", datetime(2026, 11, 2, 9, 30, tzinfo=UTC))


def text_of(pdf: bytes) -> str:
    """The words of a PDF that fpdf2 has made with its built-in fonts."""
    said = []
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        try:
            content = zlib.decompress(stream)
        except zlib.error:
            continue
        for shown in re.findall(rb"\(((?:\\.|[^\\()])*)\)\s*Tj", content, re.DOTALL):
            said.append(re.sub(rb"\\(.)", rb"\1", shown).decode("cp1252"))
    return " ".join(said)


@pytest.mark.parametrize(
    "text",
    [
        '=HYPERLINK("http://payments.example","Invoice")',
        "=1+1",
        "+49 30 1234",
        "-2+3",
        "@SUM(A1)",
        "\t=1+1",
        "#N/A",
        "#REF!",
        "TRUE",
        "2026-10-01",
        "'=1",
    ],
)
def test_texts_from_outside_are_texts_in_the_workbook(text: str) -> None:
    lines = [Line(1, "6500", 100, text, "ap")]
    book = load_workbook(
        io.BytesIO(as_workbook(FIGURES, Words(text, text), SIGNATURE, lines)), data_only=False
    )

    cell = book["Journal lines"]["D2"]
    headline = book["Report"]["B2"]
    assert (text, text) == (cell.value, headline.value)
    assert {"s"} <= {cell.data_type, headline.data_type} <= {"s", "inlineStr"}
    assert (text[0] in "=+-@\t") == bool(cell.quotePrefix)


def test_workbook_has_the_figures_as_numbers() -> None:
    book = load_workbook(io.BytesIO(as_workbook(FIGURES, WORDS, SIGNATURE, [])))
    rows = list(book["Variances"].iter_rows(min_row=2, values_only=True))

    assert ("6200", "Travel", 20985, 9000, 11985, 133.2) == rows[1]
    assert [False, True] == [bool(book["Variances"][f"A{row}"].font.bold) for row in (2, 3)]
    assert "R-7K2M9QXW4T1B" == book["Report"]["B6"].value
    assert WORDS.commentary == book["Report"]["B3"].value


def test_control_characters_are_marked_and_nothing_is_cut_off() -> None:
    book = load_workbook(io.BytesIO(as_workbook(FIGURES, Words("a\x0bb", "c"), SIGNATURE, [])))

    assert "a\N{REPLACEMENT CHARACTER}b" == book["Report"]["B2"].value
    with pytest.raises(ValueError, match="32,768 characters does not fit"):
        as_workbook(FIGURES, Words("a", "x" * 32_768), SIGNATURE, [])


def test_paper_has_words_figures_and_who_signed() -> None:
    said = text_of(as_pdf(FIGURES, WORDS, SIGNATURE, None))

    for part in (
        "Financial report 2026-10",
        "A profit of \u20ac 1 \u2013 fine.",
        "EUR 20,985.00",
        "+133.2",
        "6200: the conference in Lisbon.",
        "2026-11-02 09:30 UTC, request R-7K2M9QXW4T1B",
    ):
        assert part in said, said


def test_character_that_the_font_has_not_is_refused_before_anybody_is_asked() -> None:
    with pytest.raises(UnprintableError, match=r"'Ż' .* `report_font`"):
        require_printable(["Fine.", "Żaba"], None)
    require_printable(["Żaba"], Path("a-font.ttf"))


def test_notable_is_what_is_far_off_and_large() -> None:
    def notable(actual: int, budget: int) -> bool:
        return Variance("1", "One", actual, budget, 0).notable

    assert [True, False, False, True, False] == [
        notable(*pair)
        for pair in (
            (2_098_500, 900_000),
            (1_300_000, 900_000),  # not large
            (-43_460_000, -41_200_000),  # 5.5 %
            (600_000, 0),
            (400_000, 0),
        )
    ]
    assert 41_361_500 == FIGURES.result_cents
