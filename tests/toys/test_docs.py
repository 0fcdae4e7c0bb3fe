"""What the pages on adding a system quote stands in the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
CODE = "\n".join(
    path.read_text()
    for path in (*sorted((REPOSITORY / "tests/toys").rglob("*.py")), REPOSITORY / "bot/systems.py")
)


@pytest.mark.parametrize("page", ["how-to-add-a-channel.md", "how-to-add-a-ticket-system.md"])
def test_quoted_code_is_the_code(page: str) -> None:
    text = (REPOSITORY / "docs" / page).read_text()
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)

    assert len(blocks) > 2
    assert [] == [block for block in blocks if block not in CODE]


@pytest.mark.parametrize("page", ["how-to-add-a-channel.md", "how-to-add-a-ticket-system.md"])
def test_what_is_linked_is_there(page: str) -> None:
    docs = REPOSITORY / "docs"
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (docs / page).read_text())

    assert links
    assert [] == [link for link in links if not (docs / link).exists()]
