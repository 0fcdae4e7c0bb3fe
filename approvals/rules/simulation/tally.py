"""Tally: two policies over the same calls, counted. Its size depends on the rules, the people and
the days, never on the number of calls."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from countersign.approvals.models import Effect, Limit, Ruling
from countersign.approvals.models.base import JsonObject, Value
from countersign.approvals.rules.conditions.calendars import Calendars
from countersign.approvals.rules.simulation.recorded import AGAINST, Heard, Recorded
from countersign.approvals.rules.simulation.replaying import Replayed
from countersign.approvals.rules.timing import times

SHOWN = 50
"""Calls that are named one by one; the rest is counted."""


class Sample(Value):
    """One call, named."""

    request: str
    tool: str
    arguments: JsonObject
    at: datetime
    heard: Heard
    by: str
    before: str
    """The rule that would rule on it by the present policy."""
    after: str


class Tally:
    """Counts. `body` is JSON that `of` reads again, so that an interrupted run can go on."""

    def __init__(self, calendars: Calendars):
        """`calendars` of the new policy."""
        self._calendars = calendars
        self.calls = 0
        self.effects: Counter[str] = Counter()
        """`before>after`."""
        self.spared: Counter[str] = Counter()
        """What was heard of calls that people would not be asked about any more."""
        self.spared_people: Counter[str] = Counter()
        """`heard:name` of those."""
        self.would_run: Counter[str] = Counter()
        """What was heard of calls against which a person was, and which would run; `now:` before
        it where the present policy lets them run as well."""
        self.rules: dict[str, Counter[str]] = {"before": Counter(), "after": Counter()}
        """`rule>effect`."""
        self.asked: dict[str, Counter[str]] = {"before": Counter(), "after": Counter()}
        """By whom a stage asks, as people read it."""
        self.days: dict[str, Counter[str]] = {"before": Counter(), "after": Counter()}
        """Calls that people are asked about, by day (UTC)."""
        self.budgets: dict[str, Counter[str]] = {"before": Counter(), "after": Counter()}
        """`budget>soft` and `budget>hard`."""
        self.late: Counter[str] = Counter()
        """Of calls that people decided, by how long they took then: what the new rules would have
        brought meanwhile."""
        self.samples: dict[str, list[Sample]] = {"would_run": [], "spared": [], "newly_asked": []}

    def add(self, recorded: Recorded, before: Replayed, after: Replayed) -> None:
        """One call."""
        self.calls += 1
        old, new = before.ruling.effect, after.ruling.effect
        self.effects[f"{old}>{new}"] += 1
        self._side("before", recorded, before.ruling)
        self._side("after", recorded, after.ruling)
        if new is Effect.ALLOW and recorded.heard in AGAINST:
            already = "now:" if old is Effect.ALLOW else ""
            self.would_run[f"{already}{recorded.heard}"] += 1
            self._name("would_run", recorded, before.ruling, after.ruling)
        if old is Effect.REQUIRE_APPROVAL and new is Effect.ALLOW:
            self.spared[recorded.heard] += 1
            if recorded.by:
                self.spared_people[f"{recorded.heard}:{recorded.by}"] += 1
            if recorded.heard is not Heard.APPROVED:
                self._name("spared", recorded, before.ruling, after.ruling)
        if new is Effect.REQUIRE_APPROVAL:
            if old is Effect.ALLOW:
                self._name("newly_asked", recorded, before.ruling, after.ruling)
            self._time(recorded, after.ruling)

    def _side(self, side: str, recorded: Recorded, ruling: Ruling) -> None:
        self.rules[side][f"{ruling.rule_id}>{ruling.effect}"] += 1
        for each in ruling.budgets:
            if each.passes is not Limit.NONE:
                self.budgets[side][f"{each.budget}>{each.passes}"] += 1
        if ruling.effect is Effect.REQUIRE_APPROVAL:
            self.days[side][recorded.at.date().isoformat()] += 1
            for stage in ruling.stages:
                who = ", ".join((*stage.roles, *stage.groups, *stage.people))
                self.asked[side][who] += stage.quorum

    def _time(self, recorded: Recorded, ruling: Ruling) -> None:
        waited = recorded.waited
        if waited is None:
            return
        self.late["decided"] += 1
        planned = times(ruling, recorded.at, self._calendars)
        decided_at = recorded.at + waited
        expires_at, timing = planned["expires_at"], planned["timing"]
        self.late["expired"] += bool(expires_at is not None and expires_at <= decided_at)
        steps = () if timing is None else timing.steps
        for kind in ("remind", "escalate"):
            self.late[kind] += any(s.kind == kind and s.at <= decided_at for s in steps)

    def _name(self, kind: str, recorded: Recorded, before: Ruling, after: Ruling) -> None:
        samples = self.samples[kind]
        if len(samples) < SHOWN:
            samples.append(
                Sample(
                    request=recorded.id,
                    tool=recorded.call.tool,
                    arguments=recorded.call.arguments,
                    at=recorded.at,
                    heard=recorded.heard,
                    by=recorded.by,
                    before=before.rule_id,
                    after=after.rule_id,
                )
            )

    @property
    def against(self) -> int:
        """Calls against which a person was, and which would run by the new policy."""
        return sum(self.would_run.values())

    def body(self) -> JsonObject:
        """As JSON."""
        return _Stored(**{name: getattr(self, name) for name in _Stored.model_fields}).model_dump(
            mode="json"
        )

    @classmethod
    def of(cls, body: JsonObject, calendars: Calendars) -> Tally:
        """The one whose `body` this is."""
        made, stored = cls(calendars), _Stored.model_validate(body)
        for name in _Stored.model_fields:
            setattr(made, name, getattr(stored, name))
        return made


class _Stored(Value):
    calls: int
    effects: Counter[str]
    spared: Counter[str]
    spared_people: Counter[str]
    would_run: Counter[str]
    rules: dict[str, Counter[str]]
    asked: dict[str, Counter[str]]
    days: dict[str, Counter[str]]
    budgets: dict[str, Counter[str]]
    late: Counter[str]
    samples: dict[str, list[Sample]]
