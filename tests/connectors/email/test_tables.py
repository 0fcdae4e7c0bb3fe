"""A table that a tool shows, in a mail: as text, and as a table in the HTML."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from countersign.connectors.document import Row
from countersign.connectors.email.letter import Letter, Section
from countersign.connectors.email.writing import Envelope, html, mail

ROWS = (
    ("Account", "EUR"),
    ("6200 Travel", "20,985.00"),
    ("<b>evil.example</b>", "-5"),
)
AT = datetime(2026, 12, 1, tzinfo=UTC)


def letter(**row: Any) -> Letter:
    """A letter in which a tool says this."""
    section = Section(heading="What the tool says", rows=(Row(**row),))
    return Letter(
        subject="S", badge="Waits", tone="asks", heading="H", lead=(), sections=(section,)
    )


def test_table_is_drawn_with_its_numbers_aligned_and_nothing_of_others_in_it() -> None:
    drawn = html(letter(name="What would happen", text="as text", table=ROWS))

    assert "as text" not in drawn
    assert ["left", "right"] * 3 == [
        cell.split(";")[0].removeprefix("text-align:")
        for cell in drawn.split("padding:6px 10px 6px 0;border-top:1px solid #e9edf1;")[1:]
    ]
    assert "&lt;b&gt;evil<span>.</span>example&lt;/b&gt;" in drawn
    assert "<b>" not in drawn


def test_mail_says_the_same_as_text() -> None:
    envelope = Envelope(
        sender="a@b.example", name="A", address="c@d.example", message_id="<1@b>", at=AT
    )
    made = message_from_bytes(
        mail(letter(name="What would happen", text="a | b", table=(("a", "b"),)), envelope),
        policy=default,
    )
    assert isinstance(made, EmailMessage)
    plain, _ = made.iter_parts()

    assert "What would happen: a | b" in plain.get_content()
