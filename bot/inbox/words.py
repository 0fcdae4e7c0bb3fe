"""Words of the pages in the reader's language, and dates and numbers as it writes them.

English stands in the templates and in the code; every other language is a catalogue of gettext in
`locale/`, read as it stands: there is no build step.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from babel.support import NullTranslations

# `babel` is imported where the first page is shown.

LOCALES = Path(__file__).parent / "locale"
SOURCE = "en"
LANGUAGES: Mapping[str, str] = {"en": "English", "de": "Deutsch"}
"""What people can choose, each in its own words."""
_PERCENT = {"en": "#,##0.#%", "de": "#,##0.#\u00a0%"}
_WISH = re.compile(r"\s*([A-Za-z]{2,3})(?:-[A-Za-z0-9-]+)?\s*(?:;\s*q=([0-9.]+)\s*)?")


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
def words(language: str) -> Words:
    """One of LANGUAGES."""
    from babel import Locale
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po
    from babel.support import NullTranslations, Translations

    Locale.parse(language)
    if language == SOURCE:
        return Words(language, NullTranslations())
    with (LOCALES / f"{language}.po").open("rb") as file:
        catalogue = read_po(file, locale=language)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Words(language, Translations(compiled))


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
