"""Tracked changes as Word keeps them, read back from the XML of the file."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from docx import Document
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree  # type: ignore[import-untyped, unused-ignore]

from countersign.examples.redline_runs import DocumentError
from countersign.examples.redline_words import marked, steps
from countersign.examples.redlining import Contract
from countersign.sandbox.clm.seed import contracts, document

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
AT = datetime(2026, 11, 30, 10, 15, tzinfo=timezone(timedelta(hours=2)))
US, THEM = "Contoso Legal", "Fabrikam Legal"
NINETY = "Invoices are due within ninety (90) days of receipt."
SIXTY = NINETY.replace("ninety (90)", "sixty (60)")


def fabrikam() -> Contract:
    return Contract(document(next(iter(contracts()))))


def tracked(data: bytes) -> list[tuple[str, str, str, str]]:
    """Every change in the file: what it is, by whom, when, and its words. Without python-docx."""
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        root = etree.fromstring(file.read("word/document.xml"))
    found = []
    for node in root.iter(f"{W}ins", f"{W}del"):
        words = "".join(str(each.text) for each in node.iter(f"{W}t", f"{W}delText"))
        kind = etree.QName(node).localname
        found.append((kind, str(node.get(f"{W}author")), str(node.get(f"{W}date")), words))
    return found


def made_of(*paragraphs: str) -> bytes:
    made, stored = Document(), io.BytesIO()
    for text in paragraphs:
        made.add_paragraph(text)
    made.save(stored)
    return stored.getvalue()


def body_of(xml: str) -> bytes:
    """A document with one paragraph, of this XML."""
    made, stored = Document(), io.BytesIO()
    made.element.body.insert(0, parse_xml(f"<w:p {nsdecls('w', 'r')}>{xml}</w:p>"))
    made.save(stored)
    return stored.getvalue()


def test_clause_is_read_with_what_the_other_side_has_changed() -> None:
    """python-docx reads neither: "Invoices are due within  days of receipt."."""
    clause = fabrikam().clause("2.1")

    assert NINETY == clause.text
    assert NINETY.replace("ninety (90)", "thirty (30)") == clause.before
    assert [("deleted", "thirty (30)", THEM), ("inserted", "ninety (90)", THEM)] == [
        (each.kind, each.text, each.author) for each in clause.changes
    ]


def test_change_is_tracked_with_author_and_time_and_theirs_stays() -> None:
    contract = fabrikam()
    before = tracked(contract.as_bytes())

    contract.redline("2.1", NINETY, SIXTY, author=US, at=AT)

    data = contract.as_bytes()
    ours = [each for each in tracked(data) if each[1] == US]
    at = "2026-11-30T08:15:00Z"
    assert [("del", US, at, "ninety (90)"), ("ins", US, at, "sixty (60)")] == ours
    assert before == [each for each in tracked(data) if each[1] == THEM]
    assert SIXTY == Contract(data).clause("2.1").text


def test_what_they_had_inserted_is_deleted_within_their_insertion() -> None:
    """Else whoever rejects our change would lose theirs as well."""
    contract = fabrikam()
    contract.redline("2.1", NINETY, SIXTY, author=US, at=AT)
    with zipfile.ZipFile(io.BytesIO(contract.as_bytes())) as file:
        root = etree.fromstring(file.read("word/document.xml"))

    (ours,) = (node for node in root.iter(f"{W}del") if node.get(f"{W}author") == US)
    around = ours.getparent()
    assert around is not None
    assert (f"{W}ins", THEM) == (around.tag, around.get(f"{W}author"))
    ids = [node.get(f"{W}id") for node in root.iter(f"{W}ins", f"{W}del")]
    assert len(ids) == len(set(ids))


def test_second_thought_replaces_our_first_one_and_the_way_back_leaves_nothing() -> None:
    contract = fabrikam()
    untouched = tracked(contract.as_bytes())
    contract.redline("2.1", NINETY, SIXTY, author=US, at=AT)
    contract.redline("2.1", SIXTY, SIXTY.replace("sixty (60)", "ten (10)"), author=US, at=AT)

    ours = [each[3] for each in tracked(contract.as_bytes()) if each[1] == US]
    contract.redline("2.1", contract.clause("2.1").text, NINETY, author=US, at=AT)

    assert ["ninety (90)", "ten (10)"] == ours
    assert untouched == tracked(contract.as_bytes())


def test_format_stays_and_new_words_take_that_of_the_words_before() -> None:
    contract = Contract(
        body_of(
            '<w:r><w:rPr><w:b/></w:rPr><w:t xml:space="preserve">7.1 </w:t></w:r>'
            '<w:r><w:t xml:space="preserve">Fees are </w:t></w:r><w:r><w:rPr><w:i/></w:rPr>'
            "<w:t>low</w:t></w:r><w:r><w:tab/><w:t>and</w:t><w:br/><w:t>fixed.</w:t></w:r>"
        )
    )
    contract.redline(
        "7.1", "Fees are low\tand\nfixed.", "Fees are fair\tand\nfixed.", author=US, at=AT
    )

    root = etree.fromstring(
        zipfile.ZipFile(io.BytesIO(contract.as_bytes())).read("word/document.xml")
    )
    shown = [
        (
            "".join(str(t.text) for t in run.iter(f"{W}t", f"{W}delText")),
            [etree.QName(p).localname for p in run.iterfind(f"{W}rPr/*")],
        )
        for run in root.iter(f"{W}r")
    ]
    assert [
        ("7.1 ", ["b"]),
        ("Fees are ", []),
        ("low", ["i"]),
        ("fair", ["i"]),
        ("andfixed.", []),
    ] == shown
    assert "Fees are fair\tand\nfixed." == contract.clause("7.1").text


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"PK, but no more", "no Word document"),
        (b"x" * (10 * 1024 * 1024 + 1), "larger than 10 MB"),
    ],
)
def test_what_is_no_document_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(DocumentError, match=said):
        Contract(data)


@pytest.mark.parametrize(
    ("current", "wanted", "said"),
    [
        ("One.", "Two.", "says something else now: \u201cOne day."),
        ("One day.", " ", "Intentionally omitted"),
        ("One day.", "One day.", "say what it shall be"),
    ],
)
def test_change_that_does_not_fit_changes_nothing(current: str, wanted: str, said: str) -> None:
    contract = Contract(made_of("1.1 One day."))
    with pytest.raises(DocumentError, match=said):
        contract.redline("1.1", current, wanted, author=US, at=AT)

    assert [] == tracked(contract.as_bytes())


@pytest.mark.parametrize(("number", "said"), [("2.9", "no clause 2.9"), ("1.1", "more than one")])
def test_clause_has_to_be_there_once(number: str, said: str) -> None:
    with pytest.raises(DocumentError, match=said):
        Contract(made_of("1.1 One day.", "1.1 Two days.")).clause(number)


@pytest.mark.parametrize(
    "inside",
    [
        '<w:hyperlink w:anchor="x"><w:r><w:t>here</w:t></w:r></w:hyperlink>',
        '<w:r><w:fldChar w:fldCharType="begin"/></w:r>',
        '<w:r><w:footnoteReference w:id="2"/></w:r>',
    ],
)
def test_link_field_or_footnote_is_not_cut_in_two(inside: str) -> None:
    contract = Contract(body_of(f'<w:r><w:t xml:space="preserve">1.1 See </w:t></w:r>{inside}'))
    before = contract.as_bytes()
    with pytest.raises(DocumentError, match="Change it in Word"):
        contract.redline("1.1", contract.clause("1.1").text, "Else.", author=US, at=AT)

    assert contract.clause("1.1") == Contract(before).clause("1.1")


@pytest.mark.parametrize(
    ("looks", "said"),
    [
        ('<w:vertAlign w:val="superscript"/>', "raised or lowered"),
        ("<w:strike/>", "struck through"),
        ('<w:dstrike w:val="1"/>', "struck through"),
        ("<w:b/><w:vanish/>", "hidden"),
    ],
)
def test_what_a_text_without_its_looks_says_otherwise_is_not_changed(looks: str, said: str) -> None:
    shown = f"<w:r><w:rPr>{looks}</w:rPr><w:t>1</w:t></w:r>"
    contract = Contract(body_of(f"<w:r><w:t>1.1 At most EUR 500</w:t></w:r>{shown}"))
    before = contract.as_bytes()
    with pytest.raises(DocumentError, match=f"text that is {said}.*Change it in Word"):
        contract.redline("1.1", contract.clause("1.1").text, "Else.", author=US, at=AT)

    assert contract.clause("1.1") == Contract(before).clause("1.1")


@pytest.mark.parametrize("looks", ['<w:strike w:val="0"/>', '<w:vertAlign w:val="baseline"/>'])
def test_looks_that_are_switched_off_are_none(looks: str) -> None:
    text = '<w:t xml:space="preserve">1.1 One day.</w:t>'
    contract = Contract(body_of(f"<w:r><w:rPr>{looks}</w:rPr>{text}</w:r>"))
    contract.redline("1.1", "One day.", "Two days.", author=US, at=AT)

    assert "Two days." == contract.clause("1.1").text


WORDS = st.lists(
    st.sampled_from(["thirty", "(30)", "days", "party's", "and", ",", ".", " ", "  ", "\u2013"]),
    min_size=1,
    max_size=14,
).map("".join)


@settings(deadline=None, max_examples=60)
@given(st.lists(WORDS.filter(str.strip), min_size=1, max_size=3))
def test_whatever_is_wanted_is_what_the_clause_says_and_rejecting_ours_gives_theirs(
    wanted: list[str],
) -> None:
    contract = fabrikam()
    now = NINETY
    for text in (each.lstrip() for each in wanted):
        if text != now:
            contract.redline("2.1", now, text, author=US, at=AT)
            now = text

    assert now == Contract(contract.as_bytes()).clause("2.1").text
    data = contract.as_bytes()
    assert NINETY == without(US, data)


def without(author: str, data: bytes) -> str:
    """The clause as Word shows it when all changes of this author are rejected."""
    root = etree.fromstring(zipfile.ZipFile(io.BytesIO(data)).read("word/document.xml"))
    said = ""
    for paragraph in root.iter(f"{W}p"):
        text = "".join(_kept(paragraph, author))
        if text.startswith("2.1 "):
            said = text.removeprefix("2.1 ")
    return said


def _kept(node: Any, author: str, gone: bool = False) -> list[str]:
    mine = node.get(f"{W}author") == author
    if node.tag == f"{W}ins" and mine:
        return []
    gone = gone or (node.tag == f"{W}del" and not mine)
    if node.tag in (f"{W}t", f"{W}delText"):
        return [] if gone else [str(node.text)]
    return [text for child in node for text in _kept(child, author, gone)]


def test_words_are_marked_whole_and_in_one_piece() -> None:
    assert "due within [-thirty (30)-] {+sixty (60)+} days" == marked(
        "due within thirty (30) days", "due within sixty (60) days"
    )
    assert [("kept", 4, ""), ("deleted", 0, "more ")] == steps("one ", "one more ")
    assert AT.astimezone(UTC).hour == 8
