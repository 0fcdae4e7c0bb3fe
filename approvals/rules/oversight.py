"""Oversight: whether people look at what they decide, in figures. Pure.

Counted are the votes of people. How long somebody has looked is not known; what is known is how
long they can have looked at most: from when it was asked, or from the vote before theirs, to their
vote. An approval that came within FAST_S was not read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from statistics import median, quantiles
from typing import NamedTuple

from countersign.approvals.models import Canary, CanaryEnd, RequestStatus, Value
from countersign.approvals.rules.rollout.agreement import interval

FAST_S = 3.0
"""Nobody reads a call and its reason in so few seconds."""
CONFIDENCE = 0.95
SHOWN = 200
"""Rules, channels and people that are listed, those with most votes."""


class Cast(NamedTuple):
    """One vote."""

    by: str
    """The id of the person."""
    name: str
    via: str
    is_yes: bool
    revision: int
    at: datetime


class Looked(NamedTuple):
    """A request with the votes on it, the oldest first."""

    rule: str
    at: datetime
    status: RequestStatus
    revision: int
    changed: bool
    """Whether a person changed its arguments."""
    votes: Sequence[Cast] = ()


class Tried(NamedTuple):
    """A canary that has ended, and the rule that has sent it."""

    rule: str
    canary: Canary


class CanaryFigures(Value):
    """What became of tests of whether people look. They are in no other figure."""

    caught: int = 0
    """Answered as they should be."""
    missed: int = 0
    """Answered otherwise."""
    asked: int = 0
    """Asked about before anything was answered."""
    unanswered: int = 0
    """Over before anybody had answered; of a rule, and of all."""
    low: float = 0.0
    high: float = 1.0
    """Between what and what the share that is caught may lie, by Wilson's interval at 95 %."""

    @property
    def answered(self) -> int:
        """By a decision."""
        return self.caught + self.missed

    @property
    def ended(self) -> int:
        """All of them."""
        return self.answered + self.asked + self.unanswered


class Figures(Value):
    """How some votes were given."""

    votes: int
    approvals: int
    edits: int
    """Approvals with changed arguments, by whoever changed them."""
    rejections: int
    fast: int
    """Approvals that came within three seconds."""
    median_s: float | None
    """Half of the votes came within so many seconds."""
    p90_s: float | None
    """Nine of ten votes did."""
    fast_share: float | None
    """Of the approvals; None without any."""
    rejected_share: float | None
    """Of the votes."""
    edited_share: float | None
    """Of the votes."""
    canaries: CanaryFigures = CanaryFigures()


class Group(Figures):
    """The votes under one rule, through one channel, or of one person."""

    name: str
    """Of the person, or the id of the rule."""
    id: str
    expired: int = 0
    """Requests of the rule that nobody decided in time."""


class Report(Value):
    """All of it, for a time."""

    since: datetime
    until: datetime
    requests: int
    """That were asked of people, whatever became of them."""
    complete: bool
    """Whether these are all; else the newest."""
    expired: int
    total: Figures
    rules: tuple[Group, ...]
    channels: tuple[Group, ...]
    people: tuple[Group, ...]


def report(
    found: Iterable[Looked],
    since: datetime,
    until: datetime,
    *,
    complete: bool,
    tried: Iterable[Tried] = (),
) -> Report:
    """What these requests say, and these canaries."""
    everything, names = _Tally(), dict[str, str]()
    rules: dict[str, _Tally] = defaultdict(_Tally)
    channels: dict[str, _Tally] = defaultdict(_Tally)
    people: dict[str, _Tally] = defaultdict(_Tally)
    requests = expired = 0
    late: dict[str, int] = defaultdict(int)
    for looked in found:
        requests += 1
        rules[looked.rule]  # also where nobody has voted
        if looked.status is RequestStatus.EXPIRED:
            expired += 1
            late[looked.rule] += 1
        before, editor = looked.at, _editor(looked)
        for vote in looked.votes:
            waited_s = max((vote.at - before).total_seconds(), 0.0)
            names[vote.by] = vote.name.partition(" for ")[0]
            for tally in (everything, rules[looked.rule], channels[vote.via], people[vote.by]):
                tally.add(vote, waited_s, is_edit=vote is editor)
            before = vote.at
    for rule, canary in tried:
        groups = [everything, rules[rule]]
        if canary.by is not None:
            names.setdefault(canary.by, canary.by_name)
            groups += [people[canary.by], *([channels[canary.via]] if canary.via else [])]
        for tally in groups:
            tally.ends.append(canary.end)
    return Report(
        since=since,
        until=until,
        requests=requests,
        complete=complete,
        expired=expired,
        total=everything.figures(),
        rules=_groups(rules, {}, late),
        channels=_groups(channels, {}, {}),
        people=_groups(people, names, {}),
    )


def _editor(looked: Looked) -> Cast | None:
    """The vote of whoever changed it: the first one on its last revision."""
    if not looked.changed:
        return None
    last = (vote for vote in looked.votes if vote.revision == looked.revision and vote.is_yes)
    return next(last, None)


class _Tally:
    def __init__(self) -> None:
        self.waited_s: list[float] = []
        self.ends: list[CanaryEnd | None] = []
        self.approvals = self.edits = self.rejections = self.fast = 0

    def add(self, vote: Cast, waited_s: float, *, is_edit: bool) -> None:
        self.waited_s.append(waited_s)
        self.approvals += vote.is_yes
        self.rejections += not vote.is_yes
        self.edits += is_edit
        self.fast += vote.is_yes and waited_s < FAST_S

    def figures(self) -> Figures:
        return Figures.model_validate(self.values())

    def values(self) -> dict[str, int | float | CanaryFigures | None]:
        waited = self.waited_s
        return {
            "votes": len(waited),
            "approvals": self.approvals,
            "edits": self.edits,
            "rejections": self.rejections,
            "fast": self.fast,
            "median_s": round(median(waited), 3) if waited else None,
            "p90_s": round(_p90(waited), 3) if waited else None,
            "fast_share": _share(self.fast, self.approvals),
            "rejected_share": _share(self.rejections, len(waited)),
            "edited_share": _share(self.edits, len(waited)),
            "canaries": self._canaries(),
        }

    def _canaries(self) -> CanaryFigures:
        caught, missed = self.ends.count(CanaryEnd.CAUGHT), self.ends.count(CanaryEnd.MISSED)
        low, high = interval(caught, caught + missed, CONFIDENCE)
        return CanaryFigures(
            caught=caught,
            missed=missed,
            asked=self.ends.count(CanaryEnd.ASKED),
            unanswered=self.ends.count(CanaryEnd.UNANSWERED),
            low=round(low, 4),
            high=round(high, 4),
        )


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _p90(waited: Sequence[float]) -> float:
    return waited[0] if len(waited) == 1 else quantiles(waited, n=10, method="inclusive")[-1]


def _groups(
    tallies: dict[str, _Tally], names: dict[str, str], late: dict[str, int]
) -> tuple[Group, ...]:
    found = [
        Group.model_validate(
            {"id": key, "name": names.get(key, key), "expired": late.get(key, 0), **each.values()}
        )
        for key, each in tallies.items()
    ]
    return tuple(sorted(found, key=lambda group: (-group.votes, group.id))[:SHOWN])
