"""Texts of the pages: every one of them has its German, with the same places for values."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from babel.messages.pofile import read_po

from countersign.bot.inbox.words import LOCALES, preferred, words
from countersign.connectors.email.languages import LOCALES as MAIL_LOCALES
from countersign.connectors.sentences import LOCALES as RULED_LOCALES
from tests.bot.inbox.catalogue import FOLDERS, texts

_PLACE = re.compile(r"%\(\w+\)s")


def places(text: Any) -> list[list[str]]:
    forms = [text] if isinstance(text, str) else list(text)
    return [sorted(_PLACE.findall(form)) for form in forms]


@pytest.mark.parametrize(
    ("locales", "folders"),
    [
        (LOCALES, FOLDERS),
        (MAIL_LOCALES, [MAIL_LOCALES.parent]),
        (RULED_LOCALES, [RULED_LOCALES.parent]),
    ],
)
def test_every_text_has_its_german_and_none_is_left_over(
    locales: Path, folders: list[Path]
) -> None:
    with (locales / "de.po").open("rb") as file:
        german = {m.id: m for m in read_po(file, locale="de") if m.id}
    wanted = {m.id for m in texts(folders) if m.id}

    assert wanted == set(german)
    for text, message in german.items():
        said = message.string or ""
        assert all([said] if isinstance(said, str) else said), text
        assert places(text) == places(said), text
        assert not message.fuzzy


def test_dates_numbers_and_spans_are_written_as_the_language_does() -> None:
    at, english, german = datetime(2026, 3, 2, 9, 5, tzinfo=UTC), words("en"), words("de")

    assert "Mar 2, 2026, 9:05:00\u202fAM UTC" == english.date(at)
    assert "02.03.2026, 09:05:00 UTC" == german.date(at)
    assert ("1,234.5", "1.234,5") == (english.number(1234.5), german.number(1234.5))
    assert ("3 hours", "3 Stunden") == tuple(
        each.span(timedelta(hours=3)) for each in (english, german)
    )
    just = at + timedelta(microseconds=300)
    assert ("just now", "gerade eben") == (english.until(at, just), german.until(at, just))
    assert ("in 3 hours", "vor 3 Stunden") == (
        english.until(at + timedelta(hours=3), at),
        german.until(at - timedelta(hours=3), at),
    )


def test_the_preferred_language_is_one_that_there_is() -> None:
    said = {
        "": "en", "de": "de", "fr": "en", "en-GB,de;q=0.9": "en", "de-CH;q=0.8, en;q=0.3": "de",
        "de;q=0": "en", "de;q=0.0.1, en": "en", ";;;": "en",
    }  # fmt: skip

    assert said == {accepted: preferred(accepted) for accepted in said}


def test_what_scrolls_sideways_is_reached_by_keyboard_and_has_a_name() -> None:
    """Of wide tables on a phone; axe sees it only where one does not fit."""
    pages = (LOCALES.parent / "templates").glob("*.html")
    boxes = [
        tag for page in pages for tag in re.findall(r'<div class="scroll[^>]*>', page.read_text())
    ]

    assert len(boxes) > 5
    assert [] == [box for box in boxes if 'tabindex="0"' not in box or "aria-label=" not in box]
