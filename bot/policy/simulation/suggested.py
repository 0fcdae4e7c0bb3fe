"""Suggested rules: found in what people have answered, and each simulated on all of it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from countersign.approvals.models import JsonObject
from countersign.approvals.ports.store import Reader
from countersign.approvals.rules.ordered_rules import OrderedRule
from countersign.approvals.rules.simulation.replaying import Side
from countersign.approvals.rules.simulation.suggesting import Answers, Suggestion
from countersign.approvals.rules.simulation.tally import Tally
from countersign.bot.policy.simulation.run import Simulation, batches, checkpoints
from countersign.bot.policy.simulation.work_file import work_file

MOST = 10
"""Suggestions that are simulated and shown."""


@dataclass(frozen=True)
class Suggested:
    """A rule as it would stand in the policy, and what it would have meant."""

    suggestion: Suggestion
    rule: JsonObject
    tally: Tally

    @property
    def spared(self) -> int:
        """Calls that people would not have been asked about."""
        return sum(self.tally.spared.values())

    def body(self) -> JsonObject:
        """As JSON."""
        found = self.suggestion
        return {
            "rule": self.rule,
            "before": found.rule,
            "asked": found.asked,
            "agreed": found.agreed,
            "newer": found.newer,
            "agreement": round(found.agreement, 4),
            "spared": self.spared,
            "would_run_against_people": self.tally.against,
        }


async def answers_in(reader: Reader, now: Simulation) -> Answers:
    """What people have answered of the calls about which the present rules ask them."""
    found = Answers(now.before)
    with work_file(None) as work:
        side = Side(now.before, work.uses("before"), now.roles)
        async for calls in batches(reader, now.span, most=now.batch):
            for together in checkpoints(calls):
                for recorded, replayed in zip(together, side.replay(together), strict=True):
                    found.add(recorded, replayed.ruling.rule_id, replayed.ruling.effect)
    return found


async def suggested(
    reader: Reader,
    now: Simulation,
    suggestions: Sequence[Suggestion],
) -> list[Suggested]:
    """Each as a rule, by itself before the rule that it is about."""
    found = []
    taken = {rule.id for rule in now.before.document.rules}
    for each in suggestions[:MOST]:
        rule = rule_of(each, taken)
        taken.add(rule["id"])
        added = now.before.adding(OrderedRule.model_validate(rule), each.rule)
        new = replace(now, after=added)
        with work_file(None) as work:
            found.append(Suggested(each, rule, await new.run(reader, work, lambda _: None)))
    return found


def rule_of(suggestion: Suggestion, taken: Collection[str]) -> JsonObject:
    """As it stands in `policy.rules`, under a name that no other has."""
    name = re.sub(r"[^a-zA-Z0-9_-]+", "-", suggestion.tool).strip("-") or "calls"
    names = (f"{name}-usual{number or ''}" for number in range(len(taken) + 1))
    rule: dict[str, Any] = {
        "id": next(each for each in names if each not in taken),
        "tool": suggestion.tool,
    }
    if suggestion.when:
        rule["when"] = suggestion.when
    return {**rule, "effect": "allow"}


def lines(each: Suggested) -> Iterator[str]:
    """What speaks for it, for the terminal."""
    found = each.suggestion
    share = found.agreed / found.asked
    yield (
        f"people approved all {found.agreed:,} such calls as they were proposed: {share:.0%} of "
        f"the {found.asked:,} that they answered under {found.rule}"
    )
    yield (
        f"{found.newer:,} of them are newer than those by which this was found; at least "
        f"{found.agreement:.1%} of such calls would be approved (95 % bound)"
    )
    against = f", {each.tally.against:,} of them against a person's word" * bool(each.tally.against)
    yield f"simulated on all that is on record, it spares people {each.spared:,} requests{against}"
