"""The icons of the app package: the committed ones are fine, broken ones are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from countersign.bot.app_package.icons import color_problems, outline_problems
from countersign.bot.app_package.png import read_pixels
from tests.bot.pngs import png

SOURCE = Path(__file__).parents[3] / "appPackage"
CLEAR, WHITE, INDIGO = (0, 0, 0, 0), (255, 255, 255, 255), (63, 62, 147, 255)


def test_committed_icons_are_fine() -> None:
    assert [] == color_problems((SOURCE / "color.png").read_bytes())
    assert [] == outline_problems((SOURCE / "outline.png").read_bytes())
    assert 8_000 > sum(path.stat().st_size for path in SOURCE.glob("*.png"))


@pytest.mark.parametrize(
    ("pixels", "size_px", "says"),
    [
        ([CLEAR, WHITE], 31, "31 x 31"),
        ([CLEAR], 32, "is blank"),
        ([WHITE], 32, "no transparent pixel"),
        ([CLEAR, WHITE, (255, 254, 255, 10)], 32, "#fffeff"),
    ],
)
def test_broken_outline_is_refused(
    pixels: list[tuple[int, int, int, int]], size_px: int, says: str
) -> None:
    (problem,) = outline_problems(png(pixels, size_px))

    assert says in problem


def test_committed_mark_keeps_to_the_safe_area() -> None:
    """Teams may crop what is outside the 120 x 120 pixels in the centre."""
    pixels = read_pixels((SOURCE / "color.png").read_bytes())
    marked = [divmod(at, 192) for at, pixel in enumerate(pixels) if min(pixel[:3]) > 0x60]

    assert all(36 <= x < 156 and 36 <= y < 156 for y, x in marked)
    assert all(pixel[3] == 255 for pixel in pixels)


def test_broken_color_icon_is_refused() -> None:
    assert ["is blank; draw the mark of the app on it"] == color_problems(png([INDIGO], 192))
    assert "32 x 32" in color_problems((SOURCE / "outline.png").read_bytes())[0]
    assert [] == color_problems(png([INDIGO, WHITE], 192))
