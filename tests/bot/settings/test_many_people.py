"""A company has thousands of people, and the server starts all the same."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter

from countersign.bot.settings import problems
from countersign.bot.settings.people import read_people
from countersign.bot.settings.sections import PersonSettings


def test_what_a_person_may_be_is_prepared_once_for_all_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It takes milliseconds, which were minutes for ten thousand."""
    prepared: list[Any] = []

    def preparing(kind: Any) -> TypeAdapter[Any]:
        prepared.append(kind)
        return TypeAdapter(kind)

    monkeypatch.setattr(problems, "TypeAdapter", preparing)
    problems._adapter.cache_clear()
    people, wrong = read_people([{"id": f"p{n}", "name": f"P {n}"} for n in range(50)], ())

    assert ([], 50) == (wrong, len(people))
    assert [PersonSettings] == prepared
