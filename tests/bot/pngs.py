"""Writes PNG files for tests, apart from the reader under test."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from itertools import chain, cycle, islice

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def png(pixels: Sequence[tuple[int, int, int, int]], size_px: int) -> bytes:
    """A square picture in RGBA that repeats `pixels` from the top left."""
    row_bytes = 4 * size_px
    samples = bytes(islice(chain.from_iterable(cycle(pixels)), row_bytes * size_px))
    rows = (samples[at : at + row_bytes] for at in range(0, len(samples), row_bytes))
    return png_file(size_px, size_px, 8, 6, b"".join(b"\0" + row for row in rows))


def png_file(
    width: int,
    height: int,
    depth: int,
    color_type: int,
    filtered: bytes,
    *,
    interlace: int = 0,
    extra: Sequence[tuple[bytes, bytes]] = (),
) -> bytes:
    """A PNG with exactly these header fields and filtered rows; `extra` chunks precede IDAT."""
    sizes = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    header = sizes + bytes([depth, color_type, 0, 0, interlace])
    chunks = [(b"IHDR", header), *extra, (b"IDAT", zlib.compress(filtered)), (b"IEND", b"")]
    return SIGNATURE + b"".join(chunk(kind, content) for kind, content in chunks)


def chunk(kind: bytes, content: bytes) -> bytes:
    """One chunk with its length and checksum."""
    crc = zlib.crc32(kind + content).to_bytes(4, "big")
    return len(content).to_bytes(4, "big") + kind + content + crc
