"""Numbers and currencies as people write them, and what they may mean. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

_GROUPED = re.compile(r"(?<![\d.,])\d{1,3}(?:[ ']\d{3})+(?!\d)")
MULTIPLIED = re.compile(r"\d ?(?:k|tsd|mio|mrd|m|mn|bn|t)\b")
MONEY = "aud brl cad chf cny czk dkk eur gbp hkd huf inr jpy nok nzd pln sek sgd usd zar".split()
_NUMBER = re.compile(
    rf"[€$£¥#]?(?:{'|'.join(MONEY)})?(-?\d(?:[\d.,]*\d)?)(?:%|€|$|£|¥|{'|'.join(MONEY)})?"
)
SYMBOLS = {
    "€": ("eur",),
    "$": ("usd", "aud", "cad", "hkd", "nzd", "sgd", "mxn"),
    "£": ("gbp",),
    "¥": ("jpy", "cny"),
}
IN_CURRENCY = re.compile(r"([€$£¥])\s?\d|\d\s?([€$£¥])")
_CURRENCIES = {
    "euro": ("eur", "€"),
    **dict.fromkeys(
        ("dollar", "dolar", "dolare", "dollaro", "dollari", "buck"), ("$", *SYMBOLS["$"])
    ),
    **dict.fromkeys(("pound", "sterling", "pfund", "livre", "libra", "pond"), ("gbp", "£")),
    **dict.fromkeys(("franc", "franken", "franchi"), ("chf",)),
    **dict.fromkeys(("yen",), ("jpy", "¥")),
}


def numbers_shown(text: str) -> Iterator[Decimal]:
    """Every number in a text of ours, which has a point before decimals."""
    for word in with_digits(text):
        if (found := _NUMBER.fullmatch(word)) and (meant := _as_written(found[1], ".", ",")):
            yield meant


def with_digits(text: str) -> Iterator[str]:
    """Words with a digit in them; digits in groups are one word."""
    joined = _GROUPED.sub(lambda found: re.sub("[ ']", "", found[0]), text)
    for word in joined.split():
        if any(c.isdigit() for c in word):
            yield word.strip(".,;:!()[]{}<>\"'*_`~")


def meanings(written: str) -> set[Decimal]:
    """What a number may mean: 1.000 is one or a thousand."""
    found = _NUMBER.fullmatch(written)
    if found is None:
        return set()
    both = (_as_written(found[1], *marks) for marks in ((".", ","), (",", ".")))
    return {meant for meant in both if meant is not None}


def _as_written(digits: str, point: str, group: str) -> Decimal | None:
    whole, _, part = digits.partition(point)
    sign, whole = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    if point in part or group in part:
        return None
    if group in whole and not re.fullmatch(rf"\d{{1,3}}(?:{re.escape(group)}\d{{3}})+", whole):
        return None
    bare = f"{sign}{whole.replace(group, '')}"
    return Decimal(f"{bare}.{part}" if part else bare)


def measure_names(measure: str) -> tuple[str, ...]:
    """The word, in the singular and the plural; of a currency also its code and its symbol."""
    one = measure.removesuffix("s")
    codes = _CURRENCIES.get(one, ())
    return (measure, one, f"{one}s", *codes)
