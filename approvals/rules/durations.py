"""Durations as people write them in the configuration: `90s`, `15m`, `4h`, `3d`."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator

_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d*)?", re.ASCII)


def duration_s(text: Any) -> float:
    """Seconds of `"90s"`, `"15m"`, `"4h"` or `"3d"`.

    Raises ValueError otherwise, also for a number: nobody can see whether 30 are seconds or days.
    """
    given = str(text).strip()
    match = _DURATION.fullmatch(given)
    if match is None:
        what = "has no unit" if _NUMBER.fullmatch(given) else "is not a duration"
        raise ValueError(f"{text!r} {what}; write for example 30s, 30m, 4h or 3d")
    seconds = float(match[1]) * _UNIT_S[match[2]]
    if not 0 < seconds <= 365 * 86400:
        raise ValueError(f"{text!r} is not between now and one year")
    return seconds


Seconds = Annotated[float, BeforeValidator(duration_s)]
