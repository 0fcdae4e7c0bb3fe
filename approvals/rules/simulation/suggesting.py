"""Suggesting: conditions under which people have approved every call of a rule, as the agent had
proposed it. Pure.

What is suggested has to hold twice: a condition is chosen by the older calls of a rule, and then
compared with the newer ones, which it was not chosen by.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from countersign.approvals.models import Effect, Reversibility
from countersign.approvals.rules.conditions.condition import Condition
from countersign.approvals.rules.conditions.facts import Situation
from countersign.approvals.rules.conditions.values import EvaluationError
from countersign.approvals.rules.policy import Policy
from countersign.approvals.rules.simulation.recorded import Heard, Recorded

NEWEST = 5_000
"""Calls of one rule that are looked at, the newest."""
OLDER = 0.7
"""The share of them by which a condition is chosen."""
MOST_VALUES = 12
"""Different texts of an argument that are looked at one by one."""
LEAST_SHARE = 0.05
"""Of the calls of a rule that a suggestion has to be about."""
Z = 1.96
"""Of a two-sided interval of 95 %."""
_AGREED = frozenset({Heard.APPROVED})
_DISAGREED = frozenset({Heard.CHANGED, Heard.REJECTED, Heard.REVOKED})


@dataclass(frozen=True)
class Suggestion:
    """A condition for calls that a rule asks people about, and what speaks for it."""

    rule: str
    tool: str
    when: str
    """"" for all of its calls."""
    asked: int
    """Calls of the rule that people have answered."""
    agreed: int
    """Those under the condition: each was approved as it was proposed."""
    newer: int
    """Those of them by which the condition was not chosen."""
    agreement: float
    """The lower bound of the share of such calls that people would approve (Wilson, 95 %)."""


class Answers:
    """What people have answered by rule and tool: the newest of each."""

    def __init__(self, policy: Policy):
        self._policy = policy
        self._conditions_by_text: dict[tuple[str, str, str], Condition | None] = {}
        self._of: dict[tuple[str, str], deque[Recorded]] = defaultdict(lambda: deque(maxlen=NEWEST))

    def add(self, recorded: Recorded, rule_id: str, effect: Effect) -> None:
        """One call, and what the present rules say of it."""
        if effect is Effect.REQUIRE_APPROVAL and recorded.heard in _AGREED | _DISAGREED:
            self._of[rule_id, recorded.call.tool].append(recorded)

    def suggestions(self, *, least: int, agreement: float) -> list[Suggestion]:
        """At most one for each rule and tool, the one that would spare people most. Never for what
        cannot be undone.

        Each is about at least `least` calls, with at least this lower bound of agreement.
        """
        found = []
        for (rule, tool), calls in self._of.items():
            if self._policy.book.reversibility(tool) is Reversibility.IRREVERSIBLE:
                continue
            rated = [
                each
                for when in self._conditions(list(calls))
                if (each := self._rated(rule, tool, when, list(calls))) is not None
                and each.agreed >= least
                and each.newer > 0
                and each.agreement >= agreement
                and each.agreed >= LEAST_SHARE * each.asked
            ]
            found += sorted(rated, key=lambda each: (-each.agreed, len(each.when)))[:1]
        return sorted(found, key=lambda each: (-each.agreed, each.rule, each.tool))

    def _conditions(self, calls: Sequence[Recorded]) -> Iterator[str]:
        older = calls[: int(len(calls) * OLDER)]
        yield ""
        texts = list(_texts(older))
        yield from texts
        for narrowed in ["", *texts]:
            within = [each for each in older if self._holds(narrowed, each)]
            for bound in _bounds(within):
                yield f"{bound} && {narrowed}" if narrowed else bound

    def _rated(
        self, rule: str, tool: str, when: str, calls: Sequence[Recorded]
    ) -> Suggestion | None:
        """What speaks for a condition; None if anybody has ever disagreed under it."""
        first = int(len(calls) * OLDER)
        under = [(number, each) for number, each in enumerate(calls) if self._holds(when, each)]
        if not under or any(each.heard in _DISAGREED for _, each in under):
            return None
        return Suggestion(
            rule=rule,
            tool=tool,
            when=when,
            asked=len(calls),
            agreed=len(under),
            newer=sum(number >= first for number, _ in under),
            agreement=lower_bound(len(under), len(under)),
        )

    def _holds(self, when: str, recorded: Recorded) -> bool:
        if not when:
            return True
        condition = self._compiled(when, recorded)
        if condition is None:
            return False
        situation = Situation(
            workflow=recorded.workflow, requester=recorded.requester, at=recorded.at
        )
        try:
            return condition.holds(self._policy.book.facts(recorded.call, situation))
        except EvaluationError:
            return False

    def _compiled(self, when: str, recorded: Recorded) -> Condition | None:
        """None where the tool of this workflow does not take such an argument."""
        key = (when, recorded.workflow, recorded.call.tool)
        if key not in self._conditions_by_text:
            found = self._policy.book.compiled(*key)
            self._conditions_by_text[key] = found if isinstance(found, Condition) else None
        return self._conditions_by_text[key]


def lower_bound(agreed: int, asked: int) -> float:
    """Wilson's for a share, at 95 %; 0 of nothing."""
    if asked == 0:
        return 0.0
    share = agreed / asked
    middle = share + Z * Z / (2 * asked)
    spread = Z * math.sqrt(share * (1 - share) / asked + Z * Z / (4 * asked * asked))
    return max(0.0, (middle - spread) / (1 + Z * Z / asked))


def _texts(calls: Sequence[Recorded]) -> Iterator[str]:
    """One condition for each value of an argument that has few of them."""
    for name, values in _by_argument(calls).items():
        texts = {value for value in values if isinstance(value, str)}
        if len(texts) <= MOST_VALUES and _fits(name):
            yield from (f"args.{name} == {_quoted(text)}" for text in sorted(texts))


def _bounds(calls: Sequence[Recorded]) -> Iterator[str]:
    """Up to which number of an argument nobody has disagreed, rounded down to two digits."""
    for name in _by_argument(calls):
        if not _fits(name):
            continue
        rated = [(n, each.heard) for each in calls if (n := _number(each, name)) is not None]
        against = [number for number, heard in rated if heard in _DISAGREED]
        agreed = [number for number, heard in rated if heard in _AGREED]
        below = [n for n in agreed if not against or n < min(against)]
        if not below:
            continue
        if (top := max(below)) > 0:
            yield f"args.{name} <= {_rounded(top)}"


def _by_argument(calls: Sequence[Recorded]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for each in calls:
        for name, value in each.call.arguments.items():
            found[name].append(value)
    return {name: found[name] for name in sorted(found)}


def _fits(name: str) -> bool:
    """Whether a condition can name it."""
    return name.isascii() and name.isidentifier()


def _number(recorded: Recorded, name: str) -> Decimal | None:
    value = recorded.call.arguments.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    number = Decimal(repr(value))
    return number if number.is_finite() else None


def _rounded(number: Decimal) -> str:
    """Down to two digits: 1,234 is 1,200, and 0.57 stays."""
    step = Decimal(1).scaleb(number.adjusted() - 1)
    floor = (number // step) * step
    return f"{floor:f}"


def _quoted(text: str) -> str:
    """As conditions write it."""
    return json.dumps(text, ensure_ascii=True)
