"""The PNG reader: every colour type and row filter it claims, and clear refusals of the rest."""

from __future__ import annotations

import pytest

from countersign.bot.app_package.png import (
    Header,
    PngError,
    read_header,
    read_pixels,
)
from tests.bot.pngs import SIGNATURE, chunk, png_file

PALETTE = (b"PLTE", bytes([10, 20, 30, 40, 50, 60]))
GREY_2 = png_file(2, 1, 8, 0, b"\0\x10\x20")


def test_header_tells_the_size() -> None:
    assert Header(width=2, height=1, depth=8, color_type=0) == read_header(GREY_2)


@pytest.mark.parametrize(
    ("depth", "color_type", "row", "extra", "expected"),
    [
        (8, 0, [0x10, 0x20], [], [(16, 16, 16, 255), (32, 32, 32, 255)]),
        (8, 0, [0x10, 0x20], [(b"tRNS", b"\0\x20")], [(16, 16, 16, 255), (32, 32, 32, 0)]),
        (1, 0, [0b01000000], [], [(0, 0, 0, 255), (255, 255, 255, 255)]),
        (2, 0, [0b01100000], [], [(85, 85, 85, 255), (170, 170, 170, 255)]),
        (8, 2, [1, 2, 3, 4, 5, 6], [], [(1, 2, 3, 255), (4, 5, 6, 255)]),
        (8, 2, [1, 2, 3, 4, 5, 6], [(b"tRNS", b"\0\1\0\2\0\3")], [(1, 2, 3, 0), (4, 5, 6, 255)]),
        (4, 3, [0x10], [PALETTE], [(40, 50, 60, 255), (10, 20, 30, 255)]),
        (8, 3, [0, 1], [PALETTE, (b"tRNS", b"\x07")], [(10, 20, 30, 7), (40, 50, 60, 255)]),
        (8, 4, [9, 255, 8, 0], [], [(9, 9, 9, 255), (8, 8, 8, 0)]),
        (8, 6, [1, 2, 3, 4, 5, 6, 7, 8], [], [(1, 2, 3, 4), (5, 6, 7, 8)]),
    ],
)
def test_colour_types_are_read(
    depth: int,
    color_type: int,
    row: list[int],
    extra: list[tuple[bytes, bytes]],
    expected: list[tuple[int, int, int, int]],
) -> None:
    data = png_file(2, 1, depth, color_type, bytes([0, *row]), extra=extra)

    assert expected == read_pixels(data)


def test_row_filters_are_undone() -> None:
    """Six rows of grey, each with another filter; values worked out by hand from section 9."""
    rows = [
        [0, 10, 20, 30],  # none
        [1, 10, 10, 10],  # sub: 10 20 30
        [2, 1, 1, 1],  # up: 11 21 31
        [3, 5, 5, 5],  # average: 5+11//2=10, 5+(10+21)//2=20, 5+(20+31)//2=30
        [4, 1, 1, 1],  # Paeth: 1+10=11, then 1+20=21 and 1+30=31 (nearest is the one above)
        [1, 255, 2, 0],  # sub wraps at 256: 255 1 1
    ]
    data = png_file(3, 6, 8, 0, bytes(value for row in rows for value in row))
    expected = [10, 20, 30, 10, 20, 30, 11, 21, 31, 10, 20, 30, 11, 21, 31, 255, 1, 1]

    assert expected == [pixel[0] for pixel in read_pixels(data)]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"GIF89a", "not a PNG"),
        (b"", "not a PNG"),
        (GREY_2[:-6], "cut short"),
        (SIGNATURE, "cut short"),
        (GREY_2.replace(b"IHDR\0\0\0\2", b"IHDR\0\0\0\3"), "wrong checksum"),
        (SIGNATURE + chunk(b"IEND", b""), "no header"),
        (png_file(1, 1, 16, 0, b"\0\0\0"), "16 bits"),
        (png_file(1, 1, 8, 5, b"\0\0"), "colour type"),
        (png_file(1, 1, 8, 0, b"\0\0", interlace=1), "interlaced"),
        (png_file(1, 1, 8, 0, b"\5\0"), "row filter 5"),
        (png_file(1, 1, 8, 3, b"\0\2", extra=[PALETTE]), "colour 2"),
        (png_file(1, 1, 8, 0, b"\0"), "does not fit"),
        (png_file(1, 1, 8, 0, b"\0" * 10_000_000), "does not fit"),
        (SIGNATURE + GREY_2[8:33] + chunk(b"IEND", b""), "does not fit"),
        (SIGNATURE + GREY_2[8:33] + chunk(b"IDAT", b"no zlib") + chunk(b"IEND", b""), "damaged"),
    ],
)
def test_what_cannot_be_read_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(PngError, match=says):
        read_pixels(data)
