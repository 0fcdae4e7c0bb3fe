"""The budgets of a policy by the tools that they are for, their amounts ready to be taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from countersign.approvals.models import Effect, JsonObject, ToolCall
from countersign.approvals.rules.budgets.budget import Budget
from countersign.approvals.rules.budgets.charges import Charge, charge
from countersign.approvals.rules.conditions.amount import Amount
from countersign.approvals.rules.conditions.calendars import Calendars
from countersign.approvals.rules.conditions.facts import Catalogue, Facts, arguments_type
from countersign.approvals.rules.conditions.syntax import parse
from countersign.approvals.rules.conditions.types import DYN, Type
from countersign.approvals.rules.ordered_rules import is_pattern
from countersign.approvals.rules.tool_rules import Rule

_SIMPLE = frozenset({"string", "int", "double", "bool", "dyn", "either", "null"})
MOST_TOOLS = 4_096
"""Tools whose budgets are remembered; an agent may name any."""


class Entry(NamedTuple):
    """One budget for one tool."""

    name: str
    budget: Budget
    amount: Amount | None


class BudgetBook:
    """Finds the budgets of a call. Immutable."""

    def __init__(
        self,
        budgets: Mapping[str, Budget],
        calendars: Calendars,
        schemas: Mapping[tuple[str, str], JsonObject],
    ):
        self.budgets, self._calendars, self._schemas = budgets, calendars, schemas
        self._found = lru_cache(MOST_TOOLS)(self._entries)

    def charges(
        self,
        call: ToolCall,
        workflow: str | None,
        names: frozenset[str],
        facts: Callable[[], Facts],
    ) -> Sequence[Charge]:
        """What a call draws on, in the order of its accounts; `names` are all that its function
        has. Raises UncountableError."""
        if not self.budgets:
            return ()
        entries = self._found(workflow or "", call.tool, names)
        if not entries:
            return ()
        known = facts()
        found = [charge(each.name, each.budget, each.amount, known) for each in entries]
        return sorted(found, key=lambda each: each.account)

    def _entries(self, workflow: str, tool: str, names: frozenset[str]) -> Sequence[Entry]:
        schema = self._schemas.get((workflow, tool))
        arguments = arguments_type(schema)
        return [
            Entry(name, budget, self._amount(budget, tool, arguments))
            for name, budget in self.budgets.items()
            if any(budget.is_for(each) for each in (tool, *names))
        ]

    def _amount(
        self, budget: Budget, tool: str, arguments: Type, *, is_preliminary: bool = False
    ) -> Amount | None:
        if budget.value is None:
            return None
        catalogue = Catalogue(tool, arguments, self._calendars, is_preliminary=is_preliminary)
        return Amount.of(parse(budget.value.amount), budget.currency, catalogue)

    def problems(self, rules_for: Callable[[str], Sequence[Rule]]) -> Iterator[tuple[str, str]]:
        """What is wrong with the budgets that could be read, with where below `policy`; of a tool
        `rules_for` says which rules it has."""
        for name, budget in self.budgets.items():
            where = f"budgets.{name}"
            first = self._amount(budget, "the tool", DYN, is_preliminary=True)
            if first is not None and first.checked.problems:
                yield from ((f"{where}.value.amount", says) for says in first.checked.problems)
                continue
            said = [each for place in self._schemas for each in self._typed(budget, *place)]
            yield from ((f"{where}.{place}", says) for place, says in dict.fromkeys(said))
            if budget.is_soft and not budget.asks:
                yield from self._unasked(where, budget, rules_for)

    def _typed(self, budget: Budget, workflow: str, tool: str) -> Iterator[tuple[str, str]]:
        if not budget.is_for(tool):
            return
        arguments = arguments_type(self._schemas[workflow, tool])
        amount = self._amount(budget, tool, arguments)
        if amount is not None:
            yield from (("value.amount", says) for says in amount.checked.problems)
        for by in budget.per:
            name = by.removeprefix("args.")
            fields = arguments.fields
            if by == name or fields is None:
                continue
            if name not in fields:
                yield "per", f"{tool} has no argument {name}"
            elif fields[name].kind not in _SIMPLE:
                yield (
                    "per",
                    f"{by} of {tool} is a {fields[name]}; a budget is divided by simple values",
                )

    def _unasked(
        self, where: str, budget: Budget, rules_for: Callable[[str], Sequence[Rule]]
    ) -> Iterator[tuple[str, str]]:
        tools = {name for name in budget.tool if not is_pattern(name)}
        tools |= {tool for _, tool in self._schemas if budget.is_for(tool)}
        for tool in sorted(tools):
            if any(rule.effect is Effect.ALLOW for rule in rules_for(tool)):
                yield (
                    where,
                    (
                        f"has a soft limit, and a rule lets {tool} run without people: write the "
                        "roles that are asked past it"
                    ),
                )
                return
