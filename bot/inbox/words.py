"""Words of the pages in the reader's language, by the catalogues in `locale/`."""

from __future__ import annotations

import re
from pathlib import Path

from countersign.connectors import words as languages
from countersign.connectors.words import LANGUAGES, N_, SOURCE, Words

__all__ = ["LANGUAGES", "LOCALES", "N_", "SOURCE", "Words", "preferred", "words"]

LOCALES = Path(__file__).parent / "locale"
_WISH = re.compile(r"\s*([A-Za-z]{2,3})(?:-[A-Za-z0-9-]+)?\s*(?:;\s*q=([0-9.]+)\s*)?")


def words(language: str) -> Words:
    """One of LANGUAGES."""
    return languages.words(LOCALES, language)


def preferred(accepted: str) -> str:
    """The language that somebody likes best, by `Accept-Language`; English if we have none of
    theirs."""
    found: list[tuple[float, str]] = []
    for part in accepted[:500].split(","):
        wish = _WISH.fullmatch(part)
        if wish is None or wish[1].lower() not in LANGUAGES:
            continue
        try:
            found.append((float(wish[2] or 1), wish[1].lower()))
        except ValueError:
            continue
    best = max((weight for weight, _ in found), default=0.0)
    return next((name for weight, name in found if weight == best and weight > 0), SOURCE)
