"""The icons of the app package: the committed ones are fine, others are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from countersign.bot.app_package.icons import color_problems, outline_problems

SOURCE = Path(__file__).parents[3] / "appPackage"
COLOR, OUTLINE = (SOURCE / "color.png").read_bytes(), (SOURCE / "outline.png").read_bytes()


def test_committed_icons_are_fine() -> None:
    assert [] == color_problems(COLOR)
    assert [] == outline_problems(OUTLINE)
    assert 8_000 > len(COLOR) + len(OUTLINE)


def test_wrong_size_is_named_with_the_right_one() -> None:
    assert ["is 32 x 32 pixels; export it with 192 x 192 pixels"] == color_problems(OUTLINE)
    assert ["is 192 x 192 pixels; export it with 32 x 32 pixels"] == outline_problems(COLOR)


@pytest.mark.parametrize("data", [b"", b"GIF89a", COLOR[:20], b"x" + COLOR])
def test_what_is_no_png_is_refused(data: bytes) -> None:
    assert ["is no PNG; export it as one"] == color_problems(data)
