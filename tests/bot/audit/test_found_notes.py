"""Checkpoints in text that was handled by others."""

from __future__ import annotations

import pytest

from countersign.approvals.audit.notes import Checkpoint
from countersign.approvals.errors import InvalidError
from countersign.bot.audit.found_notes import notes_among, notes_in, short
from tests.bot.api_world import SEALING_KEY


def note(size: int, *extensions: str) -> str:
    return SEALING_KEY.sign(Checkpoint(SEALING_KEY.name, size, bytes(32), extensions).text)


def test_a_note_is_found_whatever_a_system_made_of_the_text_around_it() -> None:
    whole = note(7)
    text = whole.rstrip("\n")
    handled = [
        whole,
        f"\ufeff\n{whole}",
        f"Some words.\n{{noformat}}\n{whole}{{noformat}}\n",
        f"2026-11-30 10:00:00 - Bot (Additional comments)\nWords.\n\n{whole}\n\n",
        text.replace("\n", "\r\n"),
        text.replace("\n\n", "\n"),
        text.replace("\n", " \n  "),
        text.replace(" ", "\u00a0"),
    ]
    for each in handled:
        assert [whole] == notes_in(each), each

    extended = note(9, "an extension", "another")
    assert [whole, extended, whole] == notes_in(f"{whole}{extended}\n\n{whole}")


def test_half_a_note_is_not_passed_over_where_only_we_write() -> None:
    origin, _, rest = note(7).partition("\n")
    for half in (rest, note(7).replace("AAAA", "AA"), note(7).replace("\n7\n", "\n07\n"), origin):
        with pytest.raises(InvalidError, match="checkpoint"):
            notes_in(f"{half}\n" if half is origin else f"{note(3)}\n{half}")
        assert [] == notes_among(half)
    assert [note(3)] == notes_among(f"{note(3)}\n{rest}")


def test_what_is_too_long_for_a_comment_is_left_out_of_it() -> None:
    assert note(7) == short(f"{note(7)}\u2014 stamps.example {'A' * 4000}\n")
