"""Seeing: what the conditions of a tool speak of that is counted before they are asked. Pure.

It is looked at once, when a call is proposed, and kept with the request: a condition says the same
of it whenever it is asked again. Only what rules speak of is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal, Inexact
from typing import Any

from countersign.approvals.audit.canonical import canonical_json, sha256_hex
from countersign.approvals.errors import InvalidError
from countersign.approvals.models import JsonObject, Reversibility, ToolCall
from countersign.approvals.rules.budgets.budget import Budget
from countersign.approvals.rules.budgets.charges import LONGEST_SCOPE, NOTHING, Account, Charge
from countersign.approvals.rules.conditions.amount import amount_text, plus
from countersign.approvals.rules.conditions.functions import SAME, TOTAL
from countersign.approvals.rules.conditions.syntax import Node
from countersign.approvals.rules.conditions.values import EvaluationError, lifted

PREFIX = "history:"
"""Of the accounts in which calls are counted for conditions; no budget has such a name."""
BY_REQUESTER, TODAY = "by_requester_today", "today"


@dataclass(frozen=True)
class Needs:
    """What conditions speak of, beside the call itself."""

    history: frozenset[str] = frozenset()
    """`today`, `by_requester_today`."""
    same: frozenset[str] = frozenset()
    """Arguments."""
    batch: bool = False
    totals: frozenset[str] = frozenset()
    """Arguments."""
    rollout: bool = False
    """Whether a rule comes by phases: where it stands has to be read."""

    @property
    def counted(self) -> bool:
        """Whether calls of the tool have to be counted."""
        return bool(self.history or self.same)

    def __bool__(self) -> bool:
        return self.counted or self.batch or self.rollout

    def seen_in(self, seen: JsonObject | None) -> bool:
        """Whether all of it has been seen."""
        known = seen or {}
        history, batch = known.get("history", {}), known.get("batch", {})
        return (
            self.history <= history.keys()
            and self.same <= history.get(SAME, {}).keys()
            and (not self.batch or "size" in batch)
            and self.totals <= batch.get(TOTAL, {}).keys()
            and (not self.rollout or "rollout" in known)
        )


def needs_of(nodes: Iterable[Node]) -> Needs:
    """What conditions speak of."""
    history: set[str] = set()
    same: set[str] = set()
    totals: set[str] = set()
    batch = False
    for node in (step for each in nodes for step in each.walk()):
        of = node.parts[0].name if node.parts and node.parts[0].op == "name" else ""
        if node.op == "select" and of == "history":
            history.add(node.name)
        elif node.op == "call" and node.name == SAME and of == "history" and node.parts[1:]:
            same.add(str(node.parts[1].value))
        elif of == "batch":
            batch = True
            if node.op == "call" and node.name == TOTAL and node.parts[1:]:
                totals.add(str(node.parts[1].value))
    return Needs(frozenset(history), frozenset(same), batch, frozenset(totals))


NO_NEEDS = Needs()


def joined(several: Iterable[Needs]) -> Needs:
    """All that they need."""
    found = list(several)
    return Needs(
        frozenset().union(*(each.history for each in found)),
        frozenset().union(*(each.same for each in found)),
        any(each.batch for each in found),
        frozenset().union(*(each.totals for each in found)),
        any(each.rollout for each in found),
    )


def watched(
    needs: Needs, call: ToolCall, requester: str | None, zone: str | None
) -> Mapping[str, Charge]:
    """The accounts in which a call is counted for conditions, by what they call it; an argument
    that it does not have is in none."""
    found: dict[str, Charge] = {}
    if TODAY in needs.history:
        found[TODAY] = _charge(call.tool, TODAY, {}, "day", zone)
    if BY_REQUESTER in needs.history:
        found[BY_REQUESTER] = _charge(call.tool, BY_REQUESTER, {"id": requester}, "day", zone)
    for name in sorted(needs.same):
        value = call.arguments.get(name)
        if name in call.arguments and not isinstance(value, list | dict):
            with suppress(InvalidError):  # it is not proposed so
                found[f"{SAME}.{name}"] = _charge(
                    call.tool, f"args.{name}", {"is": value}, "ever", None
                )
    return found


def _charge(tool: str, what: str, scope: JsonObject, window: str, zone: str | None) -> Charge:
    key = canonical_json(scope).decode()
    named: Any = window
    if len(key) > LONGEST_SCOPE:
        key = f"sha256:{sha256_hex(key.encode())}"
    budget = Budget.model_construct(
        tool=(tool,), window=named, zone=zone, per=(), count=None, value=None
    )
    return Charge(Account(f"{PREFIX}{tool}:{what}", key), budget, "", NOTHING)


def seen_of(
    needs: Needs,
    counts: Mapping[str, int],
    calls: Sequence[ToolCall],
    classes: Callable[[str], Reversibility],
) -> JsonObject | None:
    """What conditions see of one of these calls, which are proposed together; None if they speak
    of none of it."""
    seen: JsonObject = {}
    if needs.counted:
        seen["history"] = history_of(needs, counts)
    if needs.batch:
        seen["batch"] = batch_of(calls, classes, needs.totals)
    return seen or None


def history_of(needs: Needs, counts: Mapping[str, int]) -> JsonObject:
    """The fact `history` by how often calls were counted."""
    seen: JsonObject = {name: counts.get(name, 0) for name in sorted(needs.history)}
    if needs.same:
        seen[SAME] = {name: counts.get(f"{SAME}.{name}", 0) > 0 for name in sorted(needs.same)}
    return seen


def batch_of(
    calls: Sequence[ToolCall], classes: Callable[[str], Reversibility], totals: frozenset[str]
) -> JsonObject:
    """The fact `batch` of calls that are proposed together, with the class of each tool."""
    order = list(Reversibility)
    worst = max((classes(each.tool) for each in calls), key=order.index)
    seen: JsonObject = {"size": len(calls), "reversibility": str(worst)}
    if totals:
        seen[TOTAL] = {name: _total(name, calls) for name in sorted(totals)}
    return seen


def _total(name: str, calls: Sequence[ToolCall]) -> str | None:
    """The sum of an argument over the calls that have it; None where it has none: something is no
    number, or they are of several currencies."""
    values = [each.arguments for each in calls if name in each.arguments]
    currencies = {str(each.get("currency")) for each in values}
    total = NOTHING
    if len(currencies) > 1:
        return None
    for number in _numbers(name, values):
        if number is None:
            return None
        try:
            total = plus(total, number)
        except Inexact:
            return None
    return amount_text(total)


def _numbers(name: str, values: Sequence[Mapping[str, Any]]) -> Iterator[Decimal | None]:
    for each in values:
        try:
            found = lifted(each[name], name)
        except EvaluationError:
            found = None
        yield Decimal(found) if type(found) in (int, Decimal) else None
