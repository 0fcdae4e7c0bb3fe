"""Agreement: whether what an agent proposed is what a person did, field by field. Pure.

Both are effective arguments: complete, as the tool receives them. Objects are compared field by
field, lists element by element; numbers by what they say (5 is 5.0), texts letter by letter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import sqrt
from statistics import NormalDist
from typing import Any

from countersign.approvals.models import JsonObject
from countersign.approvals.rules.rollout.tolerances import IGNORE, within


def differing(
    proposed: JsonObject, done: JsonObject, tolerances: Mapping[str, str]
) -> tuple[str, ...]:
    """The paths of what does not agree, each once, in the order of the arguments proposed."""
    return tuple(dict.fromkeys(_differing(proposed, done, tolerances, "")))


def _differing(one: Any, other: Any, tolerances: Mapping[str, str], path: str) -> Iterator[str]:
    allowed = tolerances.get(path)
    if allowed == IGNORE:
        return
    if isinstance(one, dict) and isinstance(other, dict):
        for name in dict.fromkeys([*one, *other]):
            below = f"{path}.{name}" if path else name
            if (name in one) is (name in other):
                yield from _differing(one[name], other[name], tolerances, below)
            elif tolerances.get(below) != IGNORE:
                yield below
    elif isinstance(one, list) and isinstance(other, list):
        if len(one) != len(other):
            yield path
        for mine, theirs in zip(one, other, strict=False):
            yield from _differing(mine, theirs, tolerances, path)
    elif not (_same(one, other) or (allowed is not None and within(allowed, one, other))):
        yield path


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):  # True is 1 in Python, and not in JSON
        return one is other
    return bool(one == other)


def interval(agreed: int, of: int, confidence: float) -> tuple[float, float]:
    """Wilson's score interval of a share: from where to where it may lie, at this confidence.

    Of nothing at all nothing is known: 0 to 1. Unlike the share ± its error it does not shrink to
    nothing at 0 or 1, and stays within them. Source: E. B. Wilson, Probable inference, the law of
    succession, and statistical inference, JASA 22 (1927), 209-212.
    """
    if of == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, square = agreed / of, z * z
    middle = share + square / (2 * of)
    half = z * sqrt(share * (1 - share) / of + square / (4 * of * of))
    low, high = (middle - half) / (1 + square / of), (middle + half) / (1 + square / of)
    return (0.0 if agreed == 0 else max(0.0, low)), (1.0 if agreed == of else min(1.0, high))
