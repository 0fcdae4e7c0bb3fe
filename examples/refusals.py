"""What the answers of back ends mean, and how people and agents read them: alike everywhere."""

from __future__ import annotations

import json
from typing import Any

UNAVAILABLE = 503
_TIMEOUT, _NOT_IMPLEMENTED = 408, 501
_NO_ENTRY = frozenset({401, 403})
_LATER = frozenset({429, UNAVAILABLE})
MOST_WORDS = 300


def perhaps_done(status: int) -> bool:
    """Whether a write with this answer may have been carried out all the same.

    What stands in between answers so, too, and may have passed the call on: Envoy says 503 when the
    connection to the system ends after the request was sent (response flags UC and UR,
    https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage, read
    2026-12-01). A 503 is believed where the record, or a repetition, does not say otherwise.
    """
    return status == _TIMEOUT or (status >= 500 and status != _NOT_IMPLEMENTED)


def still_unknown(status: int, before: int | None) -> bool:
    """Whether a repetition that was answered so leaves open what became of the first attempt.

    `before` is the status of that one: None where there was none, 0 where no answer came. Only a
    success settles it. A gate in front says 401 or 429 without asking the system, and 409 or 412
    may be what the first attempt itself has brought about. A 503 is believed, as in `perhaps_done`.
    """
    return before not in (None, UNAVAILABLE) and status >= 400


def refused(
    system: str, status: int, words: str, *, later: str | None = None, nothing: str = ""
) -> str:
    """A refusal in sentences: what, why, and what to do about it.

    `words` are the system's own, `later` its `Retry-After` (RFC 9110, section 10.2.3: seconds, or a
    date), `nothing` says what has not happened, as a sentence.
    """
    how = "is unavailable" if status >= 500 else "refused"
    said = " ".join(words.split()).rstrip(". ")[:MOST_WORDS] or "it does not say why"
    sentences = [f"{system} {how} (HTTP {status}): {said}."]
    if status in _NO_ENTRY:
        sentences.append("If it is for the credentials, an operator has to look at them.")
    if status in _LATER and later:
        when = f"in {later} s" if later.isdigit() else f"after {later}"
        sentences.append(f"Try again {when}.")
    return " ".join([*sentences, *filter(None, [nothing])])


def words_of(body: str | bytes) -> str:
    """What an answer says in words, in any of the usual shapes of JSON; "" of a page."""
    body = body.decode(errors="replace") if isinstance(body, bytes) else body
    try:
        found: Any = json.loads(body)
    except ValueError:
        text = body.strip()
        return "" if text.startswith("<") else text
    if isinstance(found, dict) and isinstance(found.get("error"), dict):
        found = found["error"]
    if not isinstance(found, dict):
        return ""
    return next((str(found[k]) for k in ("message", "description", "title") if found.get(k)), "")
