"""Words in people's languages: texts, dates and numbers as each language writes them.

English stands in the code; every other language is a catalogue of gettext in a folder `locale`,
read as it stands: there is no build step.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from babel.support import NullTranslations

# `babel` is imported where the first text is said.

SOURCE = "en"
LANGUAGES: Mapping[str, str] = {"en": "English", "de": "Deutsch"}
"""What people can choose, each in its own words."""
_PERCENT = {"en": "#,##0.#%", "de": "#,##0.#\u00a0%"}
_NOW = {"en": "just now", "de": "gerade eben"}
_PLACE = re.compile(r"%\((\w+)\)s")


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for it
    """A text that is translated where it is shown."""
    return text


@dataclass(frozen=True)
class Words:
    """One language."""

    language: str
    catalogue: NullTranslations

    @property
    def gettext(self) -> Callable[[str], str]:
        """The text in this language."""
        return self.catalogue.gettext

    def date(self, at: datetime) -> str:
        """Day and time, in UTC: pages put it into the reader's own zone where they can."""
        from babel.dates import format_datetime

        return f"{format_datetime(at.astimezone(UTC), 'medium', locale=self.language)} UTC"

    def span(self, span: timedelta) -> str:
        """About how long: `3 hours`."""
        from babel.dates import format_timedelta

        return str(format_timedelta(span, locale=self.language, threshold=1.2))

    def until(self, at: datetime, now: datetime) -> str:
        """How far from now: `in 3 hours`, `3 hours ago`."""
        from babel.dates import format_timedelta

        if abs(at - now) < timedelta(seconds=1):  # babel says `in 0 seconds`, also of what was
            return _NOW[self.language]
        return str(
            format_timedelta(at - now, locale=self.language, add_direction=True, threshold=1.2)
        )

    def number(self, number: float) -> str:
        """As people write it: `1,234.5`."""
        from babel.numbers import format_decimal

        return str(format_decimal(number, locale=self.language))

    def percent(self, share: float) -> str:
        """A share of 1 as people write it: `12.5%`, in German `12,5 %`."""
        from babel.numbers import format_percent

        return str(format_percent(share, format=_PERCENT[self.language], locale=self.language))


@cache
def words(folder: Path, language: str) -> Words:
    """One of LANGUAGES, with the catalogue of a folder."""
    from babel import Locale
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po
    from babel.support import NullTranslations, Translations

    Locale.parse(language)
    if language == SOURCE:
        return Words(language, NullTranslations())
    with (folder / f"{language}.po").open("rb") as file:
        catalogue = read_po(file, locale=language)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Words(language, Translations(compiled))


class Sentences:
    """Sentences that are made elsewhere, in English, said in a language: found by what they say.

    Each is written as the catalogues have it, with `%(name)s` where something stands in it. What is
    none of them stays as it is, so a new one is English until somebody translates it.
    """

    def __init__(self, texts: Sequence[str], shapes: Mapping[str, str] = MappingProxyType({})):
        """Longer ones first where two fit. `shapes` are patterns of what can stand in a place, by
        its name; else it is anything."""
        made = sorted((text for text in texts if _PLACE.search(text)), key=len, reverse=True)
        self._made = [(text, re.compile(_pattern(text, shapes), re.DOTALL)) for text in made]

    def said(
        self, spoken: Words, text: str, part: Callable[[str, str], str] = lambda _, text: text
    ) -> str:
        """The text in this language, if it is one of these, or of its catalogue as it stands.
        `part` says what stands in it, by the name of its place."""
        if not text or spoken.language == SOURCE:
            return text
        if (whole := spoken.gettext(text)) != text:
            return whole
        for known, pattern in self._made:
            if found := pattern.fullmatch(text):
                parts = found.groupdict()
                return spoken.gettext(known) % {each: part(each, parts[each]) for each in parts}
        return text


def _pattern(text: str, shapes: Mapping[str, str]) -> str:
    pieces = _PLACE.split(text)
    return "".join(
        f"(?P<{piece}>{shapes.get(piece, '.+?')})" if number % 2 else re.escape(piece)
        for number, piece in enumerate(pieces)
    )
