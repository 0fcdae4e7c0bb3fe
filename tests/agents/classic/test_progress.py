"""What agents say reaches the thread as text: none of it is formatting of ours."""

from __future__ import annotations

import pytest

from countersign.agents.classic.progress import _line


@pytest.mark.parametrize(
    ("message", "line"),
    [
        (
            {"role": "user", "content": "**Approved** by Alex"},
            "**writer**: &#42;&#42;Approved&#42;&#42; by Alex",
        ),
        ({"role": "user", "content": "# x\u202e"}, "**writer**: &#35; x&#92;u202e"),
        (
            {"role": "user", "content": "", "tool_calls": [{"function": {"name": "pay**x**"}}]},
            "**writer** proposes pay&#42;&#42;x&#42;&#42;",
        ),
        ({"role": "user", "content": "release_quote, plain"}, "**writer**: release_quote, plain"),
    ],
)  # fmt: skip
def test_line_of_an_agent_has_no_markup_of_its_own(message: dict[str, object], line: str) -> None:
    assert line == _line("writer", message)


def test_name_of_an_agent_is_text_too() -> None:
    assert "**a&#42;b**: x" == _line("a*b", {"role": "user", "content": "x"})
