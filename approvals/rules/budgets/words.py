"""Words: how people and agents read where a budget stands."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from countersign.approvals.models import Limit, Standing
from countersign.approvals.rules.budgets.budget import Budget
from countersign.approvals.rules.budgets.windows import period
from countersign.approvals.rules.conditions.amount import amount_text, minus


def in_line(standing: Standing) -> str:
    """`refunds: 3rd of 5 today, EUR 12,400 of 20,000 (payee ACME)`, on one line."""
    counted, valued = _counted(standing), _valued(standing)
    if counted and valued:
        said = f"{counted} {standing.period}, {valued}"
    else:
        said = f"{counted or valued} {standing.period}"
    of = f" ({standing.scope})" if standing.scope else ""
    return f"{standing.budget}: {said}{of}{_past(standing)}"


def lines(standings: Iterable[Standing]) -> list[str]:
    """Of each, those that stop or ask before the others."""
    order = [Limit.HARD, Limit.SOFT, Limit.NONE]
    return [in_line(each) for each in sorted(standings, key=lambda s: order.index(s.passes))]


def without_others(standing: Standing) -> str:
    """The limits, and whether they would be passed: for whoever must not learn what others use."""
    hard, soft = standing.passes is Limit.HARD, standing.passes is Limit.SOFT
    limits = []
    for kind, count, value in (
        ("soft", standing.soft_count, standing.soft_value),
        ("hard", standing.hard_count, standing.hard_value),
    ):
        if count is not None:
            limits.append(f"{kind} {count:,} calls")
        if value is not None:
            limits.append(f"{kind} {standing.currency} {grouped(value)}")
    said = f"{_named(standing)}: {', '.join(limits)} {standing.period}"
    if soft:
        return f"{said}; people would be asked, as it passes a soft limit"
    if not hard:
        return f"{said}; it fits"
    if alone_too_much(standing):
        return f"{said}; it alone is too much"
    when = standing.frees_at
    until = "" if when is None else f" before {when:%Y-%m-%d %H:%M %Z}"
    return f"{said}; it does not fit{until}"


def _counted(standing: Standing) -> str:
    limit = standing.soft_count if standing.hard_count is None else standing.hard_count
    if limit is None:
        return ""
    return f"{ordinal(standing.count)} of {limit:,}"


def _valued(standing: Standing) -> str:
    limit = standing.soft_value if standing.hard_value is None else standing.hard_value
    if limit is None:
        return ""
    return f"{standing.currency} {grouped(standing.value)} of {grouped(limit)}"


def _past(standing: Standing) -> str:
    if standing.passes is Limit.NONE:
        return ""
    if standing.mixed:
        return f"; {standing.mixed} is used of it, which does not add up"
    return f"; past its {standing.passes} limit of {' and '.join(_passed(standing))}"


def _passed(standing: Standing) -> list[str]:
    """The limits that are passed, of the kind that counts."""
    hard = standing.passes is Limit.HARD
    count = standing.hard_count if hard else standing.soft_count
    value = standing.hard_value if hard else standing.soft_value
    found = []
    if count is not None and standing.count > count:
        found.append("1 call" if count == 1 else f"{count:,} calls")
    if value is not None and Decimal(standing.value) > Decimal(value):
        found.append(f"{standing.currency} {grouped(value)}")
    return found


def asked_because(standing: Standing) -> str:
    """Why people are asked."""
    what = " and ".join(_passed(standing))
    return f"It passes what may be used of the budget {_named(standing)} without asking: {what}."


def stopped_because(standing: Standing) -> str:
    """Why it is denied: the limit, what is used, and when it frees up."""
    if standing.mixed:
        return (
            f"The budget {_named(standing)} is in {standing.currency}, and {standing.mixed} is "
            f"used of it {standing.period}: what is left, nobody can say. Nothing was run."
        )
    said = (
        f"The budget {_named(standing)} has a limit of {' and '.join(_passed(standing))} "
        f"{standing.period}. {_used(standing)}, so nothing was run."
    )
    if alone_too_much(standing):
        return f"{said} It alone is too much."
    if standing.frees_at is None:
        return said
    return f"{said} It fits again from {standing.frees_at:%Y-%m-%d %H:%M %Z}."


def alone_too_much(standing: Standing) -> bool:
    """Whether the call would pass the hard limit with nothing else used."""
    return (standing.hard_count is not None and standing.hard_count < 1) or (
        standing.hard_value is not None and Decimal(standing.amount) > Decimal(standing.hard_value)
    )


def _used(standing: Standing) -> str:
    before = standing.count - 1
    calls = "no call is" if before == 0 else "1 call is" if before == 1 else f"{before:,} calls are"
    if not standing.currency:
        return f"{calls[0].upper()}{calls[1:]} counted already"
    used = amount_text(minus(Decimal(standing.value), Decimal(standing.amount)))
    return (
        f"{standing.currency} {grouped(used)} of it {'is' if before == 1 else 'are'} used, in "
        f"{before:,} {'call' if before == 1 else 'calls'}, and this one is "
        f"{standing.currency} {grouped(standing.amount)}"
    )


def _named(standing: Standing) -> str:
    return f"{standing.budget} ({standing.scope})" if standing.scope else standing.budget


def limits_in_words(budget: Budget) -> str:
    """`today in Europe/Berlin, per payee: soft 3 calls, hard 5 calls, hard EUR 20,000`."""
    limits = []
    if budget.count is not None:
        limits += [("soft", budget.count.soft, " calls"), ("hard", budget.count.hard, " calls")]
    said = [f"{kind} {limit:,}{unit}" for kind, limit, unit in limits if limit is not None]
    if budget.value is not None:
        both = (("soft", budget.value.soft), ("hard", budget.value.hard))
        code = budget.value.currency
        said += [f"{kind} {code} {grouped(amount_text(x))}" for kind, x in both if x is not None]
    where = f" in {budget.zone}" if budget.zone else ""
    each = f", for each {' and '.join(budget.per)}" if budget.per else ""
    return f"{period(budget.window)}{where}{each}: {', '.join(said)}"


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 11th."""
    ending = "th"
    if number % 100 not in (11, 12, 13):
        ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending}"


def grouped(amount: str) -> str:
    """An exact amount as people write it: 12,400 and 99.90."""
    whole, point, rest = amount.partition(".")
    return f"{int(whole):,}{point}{rest.ljust(2, '0') if rest else ''}"
