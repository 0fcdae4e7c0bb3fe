"""Text of models and tools, made fit for every database."""

from __future__ import annotations


def storable(text: str) -> str:
    """The text without lone surrogates, which have no UTF-8 form, and NUL, which SQL refuses."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "\N{REPLACEMENT CHARACTER}")
