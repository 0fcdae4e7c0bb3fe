"""The wrong AutoGen is refused by name, each with what to do."""

from __future__ import annotations

import pytest

from countersign.agents.classic.distribution import installed, problems, require_autogen

INSTALL = "in Countersign's folder, pip install '.[classic]'"


@pytest.mark.parametrize(
    "found",
    [{"autogen": "0.14.1"}, {"autogen": "0.14.9"}, {"pyautogen": "0.9"}, {"pyautogen": "0.9.0"}],
)
def test_tested_versions_are_fine(found: dict[str, str]) -> None:
    """One of the two, alone."""
    assert problems(found) == []


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({}, "AutoGen is not installed"),
        ({"pyautogen": "0.10.0"}, "pyautogen 0.10.0 has no `autogen` module"),
        ({"ag2": "1.2.1"}, "ag2 1.2.1 has no `autogen` module"),
        ({"ag2": "0.14.0"}, "ag2 0.14.0 was not tested"),
        ({"autogen": "0.15.0"}, "autogen 0.15.0 was not tested"),
        ({"pyautogen": "0.8.7"}, "pyautogen 0.8.7 was not tested"),
        ({"autogen": "0.14.1", "pyautogen": "0.9"}, "autogen and pyautogen are both installed"),
        ({"autogen": "0.14.1", "ag2": "0.14.0"}, "autogen and ag2 are both installed"),
    ],
)
def test_everything_else_is_refused_with_the_fix(found: dict[str, str], said: str) -> None:
    """By the name of what is wrong."""
    (problem,) = problems(found)

    assert said in problem
    assert "pip " in problem


def test_this_environment_is_fine() -> None:
    """The one the tests run in."""
    assert installed()
    require_autogen()
