"""The two icons in an app package, as far as Teams refuses the package for them: their sizes.

color.png is a full square of 192 x 192 pixels with the mark inside the 120 x 120 pixels in its
centre (Teams rounds the corners itself); outline.png is 32 x 32 pixels, white on transparent.
Source: https://learn.microsoft.com/microsoftteams/platform/concepts/design/design-teams-app-icon-store-appbar
and the texts of `icons` in the manifest schema, read 2026-11-22. A schema cannot check a picture.
"""

from __future__ import annotations

import struct

COLOR_SIZE_PX = 192
OUTLINE_SIZE_PX = 32
_BEGINS = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR"
"""Of every PNG. Source: PNG specification (W3C, second edition, 2003), sections 5.2 and 11.2.2."""


def color_problems(data: bytes) -> list[str]:
    """What keeps this file from being the colour icon; empty when it is fine."""
    return _problems(data, COLOR_SIZE_PX)


def outline_problems(data: bytes) -> list[str]:
    """What keeps this file from being the outline icon; empty when it is fine."""
    return _problems(data, OUTLINE_SIZE_PX)


def _problems(data: bytes, size_px: int) -> list[str]:
    if not data.startswith(_BEGINS) or len(data) < len(_BEGINS) + 8:
        return ["is no PNG; export it as one"]
    width, height = struct.unpack_from(">II", data, len(_BEGINS))
    if (width, height) != (size_px, size_px):
        return [f"is {width} x {height} pixels; export it with {size_px} x {size_px} pixels"]
    return []
