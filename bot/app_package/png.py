"""Reads the pixels of a small PNG, so that icons can be checked without an imaging library.

Follows the PNG specification (W3C, second edition, 2003), sections 5 to 11: up to 8 bits per
channel, every colour type, not interlaced. That is what design tools export as an icon.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import NamedTuple, TypeAlias

Pixel: TypeAlias = tuple[int, int, int, int]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB, _PALETTE, _GREY_ALPHA, _RGBA = 0, 2, 3, 4, 6
_CHANNELS = {_GREY: 1, _RGB: 3, _PALETTE: 1, _GREY_ALPHA: 2, _RGBA: 4}
_DEPTHS = {_GREY: (1, 2, 4, 8), _RGB: (8,), _PALETTE: (1, 2, 4, 8), _GREY_ALPHA: (8,), _RGBA: (8,)}


class PngError(ValueError):
    """The file is no PNG that can be read here; the message says what to do about it."""


class Header(NamedTuple):
    """What IHDR says: size in pixels, bits per channel, PNG colour type."""

    width: int
    height: int
    depth: int
    color_type: int


def read_header(data: bytes) -> Header:
    """The header of a PNG, without decoding its picture. Raises PngError."""
    return _header(_chunks(data))


def read_pixels(data: bytes) -> list[Pixel]:
    """All pixels, row by row from the top left, as (red, green, blue, alpha) of 0 to 255.

    Memory is bounded by the size in the header: check that first. Raises PngError.
    """
    chunks = _chunks(data)
    header = _header(chunks)
    row_bytes = (header.width * _CHANNELS[header.color_type] * header.depth + 7) // 8
    expected_bytes = (row_bytes + 1) * header.height
    try:
        # One byte more than is needed shows that a stream is too long without inflating all of it.
        raw = zlib.decompressobj().decompress(chunks.get(b"IDAT", b""), expected_bytes + 1)
    except zlib.error as exc:
        raise PngError(f"its picture data is damaged ({exc}); export it again") from exc
    if len(raw) != expected_bytes:
        raise PngError("its picture data does not fit its size; export it again")
    pixel_bytes = max(1, _CHANNELS[header.color_type] * header.depth // 8)
    pixels: list[Pixel] = []
    for row in _unfiltered_rows(raw, row_bytes, pixel_bytes):
        pixels.extend(_row_pixels(row, header, chunks))
    return pixels


def _chunks(data: bytes) -> dict[bytes, bytes]:
    """Chunk contents by type; IDAT pieces are joined."""
    if not data.startswith(_SIGNATURE):
        raise PngError("is not a PNG file; export it as PNG")
    chunks: dict[bytes, bytes] = {}
    at = len(_SIGNATURE)
    while b"IEND" not in chunks:
        head = data[at : at + 8]
        size = int.from_bytes(head[:4], "big")
        kind, end = head[4:], at + 8 + size
        if len(head) < 8 or len(data) < end + 4:
            raise PngError("is cut short; export it again")
        if zlib.crc32(data[at + 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
            raise PngError(f"has a wrong checksum in {kind!r}; export it again")
        chunks[kind] = chunks.get(kind, b"") + data[at + 8 : end]
        at = end + 4
    return chunks


def _header(chunks: Mapping[bytes, bytes]) -> Header:
    content = chunks.get(b"IHDR", b"")
    if len(content) != 13:
        raise PngError("has no header; export it again")
    width, height, depth, color_type, _, _, interlace = struct.unpack(">IIBBBBB", content)
    if depth not in _DEPTHS.get(color_type, ()):
        raise PngError(
            f"has {depth} bits per channel in colour type {color_type}; export it as 8 bit RGBA"
        )
    if interlace:
        raise PngError("is interlaced; export it without interlacing")
    return Header(width, height, depth, color_type)


def _unfiltered_rows(raw: bytes, row_bytes: int, pixel_bytes: int) -> Iterator[bytes]:
    above = bytes(row_bytes)
    for start in range(0, len(raw), row_bytes + 1):
        kind = raw[start]
        if kind > 4:
            raise PngError(f"uses an unknown row filter {kind}; export it again")
        row = bytearray(raw[start + 1 : start + 1 + row_bytes])
        for i in range(row_bytes):
            left = row[i - pixel_bytes] if i >= pixel_bytes else 0
            up_left = above[i - pixel_bytes] if i >= pixel_bytes else 0
            row[i] = (row[i] + _prediction(kind, left, above[i], up_left)) & 0xFF
        above = bytes(row)
        yield above


def _prediction(kind: int, left: int, up: int, up_left: int) -> int:
    """What filter type `kind` predicts for a byte: none, sub, up, average, Paeth (section 9)."""
    if kind < 4:
        return (0, left, up, (left + up) // 2)[kind]
    estimate = left + up - up_left
    return min((left, up, up_left), key=lambda near: abs(estimate - near))


def _row_pixels(row: bytes, header: Header, chunks: Mapping[bytes, bytes]) -> Iterator[Pixel]:
    samples = list(_samples(row, header))
    transparent = chunks.get(b"tRNS", b"")
    if header.color_type == _PALETTE:
        colors = chunks.get(b"PLTE", b"")
        for index in samples:
            if 3 * index + 3 > len(colors):
                raise PngError(f"uses colour {index}, which its palette lacks; export it again")
            red, green, blue = colors[3 * index : 3 * index + 3]
            yield red, green, blue, transparent[index] if index < len(transparent) else 255
        return
    color_channels = 1 if header.color_type in (_GREY, _GREY_ALPHA) else 3
    step = _CHANNELS[header.color_type]
    # tRNS of grey and RGB names one transparent colour, 16 bits per channel.
    keyed = list(transparent[1::2]) if step == color_channels else []
    scale = 255 // (2**header.depth - 1)
    for at in range(0, len(samples), step):
        color = samples[at : at + color_channels]
        alpha = samples[at + color_channels] if step > color_channels else 255
        red, green, blue = (value * scale for value in color * (3 // color_channels))
        yield red, green, blue, 0 if keyed and color == keyed else alpha


def _samples(row: bytes, header: Header) -> Iterator[int]:
    if header.depth == 8:
        yield from row
        return
    per_byte = 8 // header.depth
    for at in range(header.width):
        byte = row[at // per_byte]
        shift = 8 - header.depth * (at % per_byte + 1)
        yield byte >> shift & (2**header.depth - 1)
