"""Judging: a ruling once the budgets that the call draws on are looked at. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from countersign.approvals.models import (
    AtDeadline,
    Effect,
    JsonObject,
    Limit,
    Ruling,
    Stage,
    Standing,
)
from countersign.approvals.rules.budgets.budget import Budget
from countersign.approvals.rules.budgets.charges import Account, Charge, UncountableError, Used
from countersign.approvals.rules.budgets.windows import period
from countersign.approvals.rules.budgets.words import alone_too_much, asked_because, stopped_because
from countersign.approvals.rules.conditions.amount import amount_text, plus

Usage = Mapping[Account, Used]
NOTHING_USED: Usage = {}
RUNS = frozenset({Effect.ALLOW, Effect.REQUIRE_APPROVAL})
"""Effects after which a call may run, and so draws on budgets."""


def standing(charge: Charge, used: Used, now: datetime) -> Standing:
    """Where a budget would stand with the call."""
    stands = _standing(charge, used)
    if stands.passes is not Limit.HARD or alone_too_much(stands):
        return stands
    return stands.model_copy(update={"frees_at": charge.until(now) or used.fits_at})


def _standing(charge: Charge, used: Used) -> Standing:
    budget = charge.budget
    count, value = used.count + 1, plus(used.amount, charge.amount)
    limits, worth = budget.count, budget.value
    return Standing(
        budget=charge.account.budget,
        period=period(budget.window),
        scope=charge.scope,
        count=count,
        soft_count=None if limits is None else limits.soft,
        hard_count=None if limits is None else limits.hard,
        currency=budget.currency,
        amount=amount_text(charge.amount),
        value=amount_text(value),
        soft_value=None if worth is None else _text(worth.soft),
        hard_value=None if worth is None else _text(worth.hard),
        mixed=used.mixed,
        passes=_passed(budget, count, value, used),
    )


def _text(limit: Decimal | None) -> str | None:
    return None if limit is None else amount_text(limit)


def _passed(budget: Budget, count: int, value: Decimal, used: Used) -> Limit:
    if used.mixed:
        return Limit.HARD
    pairs: list[tuple[Decimal | int, Decimal | int | None, Decimal | int | None]] = []
    if budget.count is not None:
        pairs.append((count, budget.count.soft, budget.count.hard))
    if budget.value is not None:
        pairs.append((value, budget.value.soft, budget.value.hard))
    if any(hard is not None and reached > hard for reached, _, hard in pairs):
        return Limit.HARD
    if any(soft is not None and reached > soft for reached, soft, _ in pairs):
        return Limit.SOFT
    return Limit.NONE


def judged(ruling: Ruling, standings: Sequence[Standing], budgets: Mapping[str, Budget]) -> Ruling:
    """The ruling with these budgets: denied past a hard limit, asked of people past a soft one."""
    if not standings or ruling.effect not in RUNS:
        return ruling
    ruling = ruling.model_copy(update={"budgets": tuple(standings)})
    stopped = [each for each in standings if each.passes is Limit.HARD]
    if stopped:
        update = {"effect": Effect.DENY, "reason": stopped_because(stopped[0])}
        return ruling.model_copy(update=update)
    return asking(ruling, standings, budgets)


def uncountable(ruling: Ruling, error: UncountableError) -> Ruling:
    """The ruling on a call of which nobody can say what it draws: denied."""
    return ruling.model_copy(update={"effect": Effect.DENY, "reason": str(error)})


def asking(ruling: Ruling, standings: Iterable[Standing], budgets: Mapping[str, Budget]) -> Ruling:
    """The ruling of a call that passes the soft limits that `standings` say it passes."""
    passed = [each for each in standings if each.passes is Limit.SOFT and each.budget in budgets]
    if not passed or ruling.effect not in RUNS:
        return ruling
    asked = ruling
    for each in passed:
        if budgets[each.budget].asks:
            asked = _asked_too(asked, budgets[each.budget])
    if asked.effect is not Effect.REQUIRE_APPROVAL:  # refused when the policy is read
        reason = f"{asked_because(passed[0])} Nobody is named who could be asked."
        return ruling.model_copy(update={"effect": Effect.DENY, "reason": reason})
    said = [asked_because(each) for each in passed]
    first = [ruling.reason] if ruling.effect is Effect.REQUIRE_APPROVAL else []
    time = asked.time.model_copy(update={"at_deadline": AtDeadline.REJECT})  # silence is no yes
    return asked.model_copy(update={"reason": " ".join([*first, *said]), "time": time})


def _asked_too(ruling: Ruling, budget: Budget) -> Ruling:
    """People of the budget's own after those of the rule; a step for the same roles is the same
    step, with the larger quorum."""
    rule = budget.asking()
    if ruling.effect is Effect.ALLOW:
        return ruling.model_copy(
            update={
                "effect": Effect.REQUIRE_APPROVAL,
                "stages": rule.tiers(),
                "deadline_s": None if rule.deadline is None else rule.deadline.seconds,
                "channels": rule.channels,
                "valid_for_s": rule.valid_for_s,
                "time": rule.time,
            }
        )
    stages = list(ruling.stages)
    for stage in rule.tiers():
        places = [n for n, each in enumerate(stages) if each.roles == stage.roles]
        if not places:
            stages.append(stage)
        elif stages[places[0]].quorum < stage.quorum:
            stages[places[0]] = _larger(stages[places[0]], stage)
    return ruling.model_copy(update={"stages": tuple(stages)})


def _larger(one: Stage, other: Stage) -> Stage:
    return one.model_copy(update={"quorum": other.quorum})


def in_entry(standings: Sequence[Standing]) -> JsonObject:
    """What the ledger is told of them; nothing where there are none."""
    if not standings:
        return {}
    told = [each.model_dump(mode="json", exclude_defaults=True) for each in standings]
    return {"budgets": told}
