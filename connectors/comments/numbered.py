"""Comments on several calls: what somebody says of single ones, by their numbers. Pure.

A ticket that asks about several calls is answered for all of them, but for those that a line of a
comment names:

    reject 2: too expensive
    approve 1, 3-5
    4 amount: 300

A line counts if it is nothing else than that. Whatever names a call otherwise is no instruction
that can be read, and then nothing is decided.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from countersign.approvals.errors import InvalidError
from countersign.approvals.forms.wording import cut, visible
from countersign.connectors.comments.edits import split
from countersign.connectors.comments.vocabulary import Vocabulary, plain

HOW = (
    "write one line for each call that you decide otherwise, such as “reject 2: too expensive”, "
    "“approve 1, 3-5” or “2 amount: 900”"
)
_RANGE = r"\d{1,3}(?:\s*-\s*\d{1,3})?"
_NUMBERS = rf"(?:{_RANGE}(?:\s*(?:,|&|\+|and|und|et|y|e|en)\s*{_RANGE})*)"
_CALLS = rf"(?:(?:calls?|no\.?|nr\.?|aufrufe?)\s*)?#?({_NUMBERS})"
_YES = (
    "approved? approves? accept(?:ed)? ok(?:ay)? yes genehmig(?:t|en|e) freigeben freigegeben ja "
    "approuver? approuve oui aprobad[oa]s? aprobar aprovad[oa]s? aprovar approvat[oaie] approva "
    "goedgekeurd goedkeuren akkoord"
)
_NO = (
    "reject(?:ed|s)? declined? den(?:y|ied) ablehnen abgelehnt nein refuser? refuse rejeter "
    "rejete rechazad[oa]s? rechazar rejeitad[oa]s? rejeitar rifiutat[oaie] rifiuta afgewezen "
    "afwijzen"
)
_VERBS = {
    True: "|".join(_YES.split()),
    False: "|".join(_NO.split()),
}
_BULLET = re.compile(r"^[\s*\u2022\u00b7>]*(?:-\s+)?")
_APPROVE = re.compile(
    rf"(?:(?:{_VERBS[True]})\s*:?\s*{_CALLS}|{_CALLS}\s*[:.)]?\s*(?:{_VERBS[True]}))\s*[.!]*",
)
_REJECT = re.compile(
    rf"(?:(?:{_VERBS[False]})\s*:?\s*{_CALLS}|{_CALLS}\s*[:.)]?\s*(?:{_VERBS[False]}))"
    r"(?P<why>(?:\s*[:,.;-]|\s).*)?",
)
_CHANGE = re.compile(r"(?:(?:call|no\.?|nr\.?)\s*)?#?(?P<call>\d{1,3})\s*[:.)]?\s+(?P<change>\S.*)")
_PAIR = re.compile(r"[^:=\n]{1,120}?\s*[:=]\s*\S")
_ALONE = re.compile(r"(?<![\w.,])#?(\d{1,3})(?![\w]|[.,]\d)")


@dataclass(frozen=True)
class Numbered:
    """What comments say of single calls."""

    approve: frozenset[int] = frozenset()
    only: bool = False
    """Whether some calls are named as approved: then what is not named waits on."""
    reject: Mapping[int, str] = field(default_factory=dict)
    """The reason for each."""
    changes: Mapping[int, str] = field(default_factory=dict)
    """Lines of changes for each."""
    rest: tuple[str, ...] = ()
    """What each comment says besides, to all calls."""

    @property
    def named(self) -> frozenset[int]:
        """Every call that is named."""
        return self.approve | self.reject.keys() | self.changes.keys()


def numbered(
    comments: Sequence[str], changes: str, count: int, words: Vocabulary | None = None
) -> Numbered:
    """What these comments of one person, oldest first, and a field for changes say of the calls 1
    to `count`.

    Raises InvalidError where that cannot be meant: a call that there is not, two words on one, a
    rejection without a reason, or a change that does not say of which call.
    """
    approve: set[int] = set()
    reject: dict[int, str] = {}
    wanted: dict[int, list[str]] = {}
    rest: list[str] = []
    for comment in comments:
        rest.append(_read(comment, count, approve, reject, wanted))
    if left := _read(changes, count, approve, reject, wanted).strip():
        raise InvalidError(_unnumbered(left))
    besides = []
    for text in rest:
        said, block = split(text, words)
        if block:
            raise InvalidError(_unnumbered(block))
        besides.append(said)
        if (unclear := _number_in(said, count)) is not None:
            raise InvalidError(
                f"“{_short(said)}” names {unclear}, and it is not clear whether that is a call and "
                f"what should become of it. To decide calls differently, {HOW}."
            )
    for number in sorted({*approve, *reject, *wanted}):
        if sum(number in each for each in (approve, reject, wanted)) > 1 and not (
            number in approve and number in wanted and number not in reject
        ):
            raise InvalidError(f"You say two things of call {number}. Say one of each call.")
    for number, why in sorted(reject.items()):
        if not why:
            raise InvalidError(
                f"Say why you reject call {number}, for example “reject {number}: too expensive”."
            )
    lines = {number: "\n".join(dict.fromkeys(said)) for number, said in wanted.items()}
    named = frozenset(approve - lines.keys())
    return Numbered(named, bool(approve), reject, lines, tuple(besides))


def named_question(text: str, count: int) -> tuple[int | None, str]:
    """The call that a question names (`ask 2: why?`, `ask: 2: why?`), None for none, and what it
    asks."""
    found = re.match(r"\s*#?(\d{1,3})\s*[:.)]\s*(?=\S)", text)
    if found is None or not 1 <= int(found[1]) <= count:
        return None, text
    return int(found[1]), text[found.end() :]


def numbers_in(text: str, count: int) -> tuple[int, ...]:
    """The calls in a list such as `1, 3-5`. Raises InvalidError."""
    found: list[int] = []
    for first, last in re.findall(r"(\d{1,3})(?:\s*-\s*(\d{1,3}))?", text):
        start, end = int(first), int(last or first)
        if not (1 <= start <= end <= count):
            said = first if not last else f"{first}-{last}"
            raise InvalidError(f"There is no call {said} here; they are numbered 1 to {count}.")
        found += range(start, end + 1)
    return tuple(dict.fromkeys(found))


def _read(
    comment: str,
    count: int,
    approve: set[int],
    reject: dict[int, str],
    wanted: dict[int, list[str]],
) -> str:
    """Take the lines that name calls out of a comment: what is left of it."""
    left = []
    for line in comment.split("\n"):
        text = _BULLET.sub("", line).rstrip()
        small = plain(text)
        if found := _APPROVE.fullmatch(small):
            approve.update(numbers_in(_calls(found), count))
        elif (found := _REJECT.fullmatch(small)) and not _is_change(small):
            why, calls = _why(text, small, found), numbers_in(_calls(found), count)
            if calls[1:] and why and not (found["why"] or "").lstrip().startswith((":", "-")):
                left.append(line)  # “reject 2, 3 people have asked”
                continue
            for number in calls:
                if reject.setdefault(number, why) != why:
                    raise InvalidError(f"You give two reasons for call {number}; give one.")
        elif _is_change(small) and (found := _CHANGE.fullmatch(text)):
            (number,) = numbers_in(found["call"], count)
            wanted.setdefault(number, []).append(found["change"])
        else:
            left.append(line)
    return "\n".join(left).strip()


def _is_change(small: str) -> bool:
    found = _CHANGE.fullmatch(small)
    if found is None or _PAIR.match(found["change"]) is None:
        return False
    verb = re.match(rf"(?:{_VERBS[True]}|{_VERBS[False]})\b", found["change"])
    return verb is None


def _calls(found: re.Match[str]) -> str:
    return next(group for group in found.groups()[:2] if group is not None)


def _why(text: str, small: str, found: re.Match[str]) -> str:
    """The reason as it was written; `plain` may be longer or shorter than what it was made of."""
    said = (found["why"] or "").lstrip(" :,.;-").rstrip()
    if not said.strip(".!"):
        return ""
    at = small.rfind(said)
    same = len(text) == len(small)
    return (text[at : at + len(said)] if same else _after_numbers(text)).strip()


def _after_numbers(text: str) -> str:
    found = re.search(rf"{_NUMBERS}\W*(?:(?:{_VERBS[False]})\W*)?", text, re.IGNORECASE)
    return text[found.end() :] if found else text


def _number_in(text: str, count: int) -> str | None:
    return next((f[1] for f in _ALONE.finditer(text) if 1 <= int(f[1]) <= count), None)


def _unnumbered(text: str) -> str:
    return (
        f"“{_short(text)}” does not say of which call. Write the number of the call before each "
        "change, for example “2 amount: 900”."
    )


def _short(text: str) -> str:
    return cut(" ".join(visible(text).split()), 160)
