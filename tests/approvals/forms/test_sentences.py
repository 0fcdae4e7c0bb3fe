"""What is wrong with a setting is said by what to write instead."""

from __future__ import annotations

import pytest

from countersign.approvals.forms.sentences import NAMED, unknown_key


@pytest.mark.parametrize(
    ("name", "known", "says"),
    [
        ("polcy", ["people", "policy"], "unknown key; did you mean policy?"),
        ("zzz", ["people", "policy"], "unknown key; known are people, policy."),
        ("zzz", [], "unknown key; check the spelling, or remove it."),
        ("zzz", [f"k{i}" for i in range(NAMED + 1)], "unknown key; check the spelling, or remove"),
    ],
)
def test_unknown_key_is_told_what_it_was_meant_to_be(
    name: str, known: list[str], says: str
) -> None:
    assert unknown_key(name, known).startswith(says)
