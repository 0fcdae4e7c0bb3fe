"""What Teams wants of the two icons in an app package, checked pixel by pixel.

color.png is a full square of 192 x 192 pixels with the mark inside the 120 x 120 pixels in its
centre (Teams rounds the corners itself); outline.png is 32 x 32 pixels, white on transparent.
Source: https://learn.microsoft.com/microsoftteams/platform/concepts/design/design-teams-app-icon-store-appbar
and the texts of `icons` in the manifest schema, read 2026-11-22. A schema cannot check a picture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from countersign.bot.app_package.png import (
    Pixel,
    PngError,
    read_header,
    read_pixels,
)

COLOR_SIZE_PX = 192
OUTLINE_SIZE_PX = 32


def color_problems(data: bytes) -> list[str]:
    """What keeps this PNG from being the colour icon; empty when it is fine."""
    return _problems(data, COLOR_SIZE_PX, _color_pixel_problems)


def outline_problems(data: bytes) -> list[str]:
    """What keeps this PNG from being the outline icon; empty when it is fine."""
    return _problems(data, OUTLINE_SIZE_PX, _outline_pixel_problems)


def _problems(
    data: bytes, size_px: int, pixel_problems: Callable[[Sequence[Pixel]], list[str]]
) -> list[str]:
    try:
        header = read_header(data)
        if (header.width, header.height) != (size_px, size_px):
            return [
                f"is {header.width} x {header.height} pixels; "
                f"export it with {size_px} x {size_px} pixels"
            ]
        return pixel_problems(read_pixels(data))
    except PngError as exc:
        return [str(exc)]


def _color_pixel_problems(pixels: Sequence[Pixel]) -> list[str]:
    if len({pixel for pixel in pixels if pixel[3]}) < 2:
        return ["is blank; draw the mark of the app on it"]
    return []


def _outline_pixel_problems(pixels: Sequence[Pixel]) -> list[str]:
    problems = []
    drawn = [at for at, pixel in enumerate(pixels) if pixel[3]]
    coloured = [at for at in drawn if pixels[at][:3] != (255, 255, 255)]
    if not drawn:
        problems.append("is blank; draw the mark of the app in white")
    if len(drawn) == len(pixels):
        problems.append("has no transparent pixel; remove the background")
    if coloured:
        y, x = divmod(coloured[0], OUTLINE_SIZE_PX)
        red, green, blue, _ = pixels[coloured[0]]
        problems.append(
            f"has {len(coloured)} pixels that are not white, the first at x={x}, y={y} "
            f"(#{red:02x}{green:02x}{blue:02x}); use white on transparent only"
        )
    return problems
