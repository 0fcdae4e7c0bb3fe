"""Vocabulary: the words by which people ask for something else than what is shown."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Annotated

from pydantic import BeforeValidator, Field

from countersign.approvals.models import Value
from countersign.connectors.comments.languages import LANGUAGES, Code, Language

OBJECT = "\ufffc"
"""Stands where something was that is no text: a picture, a link under other words, a strike."""
_SAME = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u00b4`\u02bc", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb\u2039\u203a", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
        **dict.fromkeys("\u2236\ua789\u02d0\u02f8\u05c3\uff1a\ufe55", ":"),
        **dict.fromkeys("\u2254\ua78a\uff1d", "="),
        "\u0142": "l",
        "\u00f8": "o",
        "\u0111": "d",
        "\u00e6": "ae",
        "\u0153": "oe",
    }
)
"""Marks that are read alike, and letters that are no letter with an accent."""
_YES = re.compile(r"\bs[íì]\b")
_NOT = re.compile(r"n't\b")
_SPELT_OUT = re.compile(r"\b(?:[^\W\d_] ){3,}[^\W\d_]\b")


def plain(text: str) -> str:
    """The text as it is looked at and never kept: small letters without accents, marks that look
    alike as one, and nothing that nobody sees."""
    small = unicodedata.normalize("NFC", text).casefold()
    small = unicodedata.normalize("NFKD", _YES.sub("yes", small))
    small = "".join(
        c for c in small if unicodedata.category(c) not in {"Mn", "Cf", "Cc"} or c in "\n\t"
    )
    small = _NOT.sub(" not", small.translate(_SAME))
    return _SPELT_OUT.sub(lambda match: match[0].replace(" ", ""), small)


def letters(text: str) -> str:
    """What is left of a name or label if only letters and digits count."""
    return re.sub(r"[\W_]+", " ", plain(text)).strip()


class Vocabulary(Value):
    """The words of the languages of one system."""

    languages: tuple[str, ...] = tuple(LANGUAGES)
    changes_words: tuple[str, ...] = ()

    @property
    def heads(self) -> frozenset[str]:
        """What stands over a list of changes."""
        return _heads(self.languages, self.changes_words)

    def speaks_of_changes(self, text: str) -> str:
        """The word in a plain text that speaks of changes; empty if none does."""
        return _first(_changes(self.languages, self.changes_words), text)

    def has_condition(self, text: str) -> str:
        """The word that makes a yes less than a yes, or is a number."""
        return _first(_pattern(self.languages, "conditions"), text)

    def asks(self, text: str) -> str:
        """The word that asks for something."""
        return _first(_pattern(self.languages, "requests"), text)

    def measures(self, text: str) -> list[str]:
        """Every unit or term in a plain text."""
        return _pattern(self.languages, "measures").findall(text)

    def without_phrases(self, text: str) -> str:
        """The text without what means nothing, though it has such words."""
        return _pattern(self.languages, "harmless").sub(" ", text)


def _as_words(value: object) -> object:
    return (value,) if isinstance(value, str) else value


ALL_LANGUAGES: tuple[Code, ...] = tuple(LANGUAGES)
Languages = Annotated[tuple[Code, ...], BeforeValidator(_as_words), Field(min_length=1)]
ChangesWords = Annotated[
    tuple[Annotated[str, Field(min_length=2, max_length=60)], ...], BeforeValidator(_as_words)
]


def _chosen(languages: Iterable[str]) -> list[Language]:
    return [said for code, said in LANGUAGES.items() if code == "en" or code in languages]


@lru_cache(maxsize=64)
def _heads(languages: tuple[str, ...], more: tuple[str, ...]) -> frozenset[str]:
    words = [word for language in _chosen(languages) for word in language.heads.split()]
    return frozenset((*words, *map(letters, more)))


@lru_cache(maxsize=64)
def _changes(languages: tuple[str, ...], more: tuple[str, ...]) -> re.Pattern[str]:
    own = [letters(word).replace(" ", "_") for word in more]
    return _compiled(
        [word for chosen in _chosen(languages) for word in chosen.changes.split()] + own
    )


@lru_cache(maxsize=64)
def _pattern(languages: tuple[str, ...], kind: str) -> re.Pattern[str]:
    lists = [str(getattr(language, kind)) for language in _chosen(languages)]
    return _compiled([word for words in lists for word in words.split()])


def _compiled(words: Iterable[str]) -> re.Pattern[str]:
    # The longest first, or else a part of a phrase would be found instead of it.
    ordered = sorted({word for word in words if word}, key=lambda word: (-len(word), word))
    said = "|".join(
        re.escape(word).replace(r"\*", r"\w*").replace("_", r"[\s_-]+") for word in ordered
    )
    return re.compile(rf"(?<!\w)(?:{said})(?!\w)")


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return "" if found is None else found[0]
