"""The rulebook: all rules by the tools that they are for, their conditions ready to be asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from countersign.approvals.models import (
    JsonObject,
    Reversibility,
    ToolCall,
)
from countersign.approvals.rules.conditions.calendars import Calendars
from countersign.approvals.rules.conditions.checking import Checked, check, integers_in
from countersign.approvals.rules.conditions.condition import Condition
from countersign.approvals.rules.conditions.facts import (
    UNKNOWN_CLASS,
    Catalogue,
    Facts,
    Situation,
    arguments_type,
)
from countersign.approvals.rules.conditions.parties import Parties
from countersign.approvals.rules.conditions.satisfiability import contradiction
from countersign.approvals.rules.conditions.syntax import Node, parse
from countersign.approvals.rules.conditions.types import DYN, Type
from countersign.approvals.rules.conditions.values import EvaluationError
from countersign.approvals.rules.entries import Entry, Said
from countersign.approvals.rules.ordered_rules import TOOLS_PREFIX, OrderedRule, is_pattern
from countersign.approvals.rules.rulings import ruling_of
from countersign.approvals.rules.seeing import Needs, needs_of
from countersign.approvals.rules.tool_rules import Rule

ANY_TOOL = "the tool"


@dataclass(frozen=True)
class Tools:
    """What is known of the tools: their schemas by (workflow, tool), and their classes by name."""

    schemas: Mapping[tuple[str, str], JsonObject] = field(default_factory=dict)
    classes: Mapping[str, Reversibility] = field(default_factory=dict)
    """As the workflows declare them."""

    @property
    def names(self) -> frozenset[str]:
        """All there are."""
        return frozenset(tool for _, tool in self.schemas)


class Rulebook:
    """Finds the rule for a call. Immutable."""

    def __init__(
        self,
        rules: Sequence[OrderedRule],
        tools: Mapping[str, Rule],
        calendars: Calendars,
        classes: Mapping[str, Reversibility],
        known: Tools | None = None,
        zone: str | None = None,
    ):
        self._zone = zone
        self.known = Tools() if known is None else known
        self._rules, self._tools, self._calendars = rules, tools, calendars
        self.classes: Mapping[str, Reversibility] = {**self.known.classes, **classes}
        self._nodes = {rule.id: rule.condition for rule in rules}
        self._untyped = {rule.id: self._condition(rule, ANY_TOOL, DYN) for rule in rules}
        names = {name for rule in rules for name in rule.tool if not is_pattern(name)}
        self._by_name = {name: self._untyped_lane(name) for name in {*names, *tools}}
        self._typed = {place: self._typed_lane(*place) for place in self.known.schemas}
        self._needs_by_name = {name: _needs(lane) for name, lane in self._by_name.items()}
        self._typed_needs = {place: _needs(lane) for place, lane in self._typed.items()}

    def lane(self, workflow: str | None, tool: str) -> Sequence[Entry]:
        """The rules for a tool, in their order; none after one without a condition."""
        found = self._typed.get((workflow or "", tool))
        if found is None:
            found = self._by_name.get(tool)
        return self._untyped_lane(tool) if found is None else found

    def decide(
        self, call: ToolCall, situation: Situation
    ) -> tuple[Entry | None, EvaluationError | None]:
        """The rule that rules on a call, and why its condition cannot be decided if so; None if no
        rule matches."""
        facts: Facts | None = None
        for entry in self.lane(situation.workflow, call.tool):
            if entry.condition is None:  # nothing has to be known of the call
                return entry, None
            facts = self.facts(call, situation) if facts is None else facts
            try:
                if entry.holds(facts):
                    return entry, None
            except EvaluationError as exc:
                return entry, exc
        return None, None

    def considered(self, call: ToolCall, situation: Situation) -> Iterator[Said]:
        """What each rule says of a call, up to the one that rules on it: it matches, or fails."""
        facts: Facts | None = None
        for entry in self.lane(situation.workflow, call.tool):
            if entry.condition is None:
                yield Said(entry, True)
                return
            facts = self.facts(call, situation) if facts is None else facts
            try:
                matched = entry.holds(facts)
            except EvaluationError as exc:
                yield Said(entry, False, exc)
                return
            yield Said(entry, matched)
            if matched:
                return

    def names(self) -> frozenset[str]:
        """The tools that there are, and those that rules name."""
        return self.known.names | self._by_name.keys()

    def entries_of(self, tool: str) -> Sequence[Entry]:
        """The rules for a tool in any workflow, each once."""
        typed = [lane for (_, name), lane in self._typed.items() if name == tool]
        lanes = typed or [self._untyped_lane(tool)]
        return list({entry.id: entry for lane in lanes for entry in lane}.values())

    def named(self, rule_id: str) -> Rule | None:
        """The rule that requests call so; None if there is none (any more)."""
        return next((rule for known, rule in self._with_terms() if known == rule_id), None)

    def compiled(self, text: str, workflow: str, tool: str) -> Condition | Checked:
        """A condition beside those of the rules, on one tool. Raises ConditionSyntaxError."""
        schema = self.known.schemas.get((workflow, tool))
        arguments = DYN if schema is None else arguments_type(schema)
        return Condition.of(parse(text), Catalogue(tool, arguments, self._calendars))

    def needs(self, workflow: str | None, tool: str) -> Needs:
        """What the conditions of a tool speak of that is counted before they are asked."""
        found = self._typed_needs.get((workflow or "", tool))
        if found is None:
            found = self._needs_by_name.get(tool)
        return _needs(self._untyped_lane(tool)) if found is None else found

    def facts(self, call: ToolCall, situation: Situation) -> Facts:
        """What conditions are asked of."""
        return Facts(call, situation, self.reversibility(call.tool), self._calendars)

    def reversibility(self, tool: str) -> Reversibility:
        """The class of a tool, by the policy or by what its workflow declares; the worst one where
        neither says."""
        return self.classes.get(tool, UNKNOWN_CLASS)

    def problems(self) -> Iterator[tuple[str, str]]:
        """What is wrong with each condition, by the rule's id."""
        for rule in self._rules:
            node = self._nodes[rule.id]
            if node is None:
                continue
            found = self._of(rule) or [self._preliminary(node)]
            wrong = [problem for each in found for problem in each.problems]
            for problem in dict.fromkeys(wrong or self._never(rule, node, found)):
                yield rule.id, problem

    def edit_problems(self) -> Iterator[tuple[str, str]]:
        """What is wrong with the conditions on edits, by the rule's place in the policy."""
        for rule_id, rule in self._with_terms():
            place = rule_id if rule_id.startswith(TOOLS_PREFIX) else f"rules.{rule_id}"
            for key, node in rule.edits.conditions.items():
                lanes = [entry for lane in self._typed.values() for entry in lane]
                own = [entry.edits.get(key) for entry in lanes if entry.id == rule_id]
                found = [e if isinstance(e, Checked) else e.checked for e in own if e is not None]
                checks = found or [self._preliminary(node)]
                wrong = [p for each in checks for p in each.problems]
                if not wrong and (clash := contradiction(node, integers_in(checks))) is not None:
                    wrong = [f"is never true: {clash}; write || between them"]
                for problem in dict.fromkeys(wrong):
                    yield f"{place}.edits.{key}", problem

    def party_problems(self) -> Iterator[tuple[str, str]]:
        """What is wrong with how rules name the counterparty, by the rule's place in the policy."""
        lanes = [entry for lane in self._typed.values() for entry in lane]
        for rule_id, rule in self._with_terms():
            if not rule.counterparty:
                continue
            found = [party for each in lanes if each.id == rule_id for party in each.parties]
            nodes = map(parse, rule.counterparty)
            preliminary = Catalogue(ANY_TOOL, DYN, self._calendars, self._zone, is_preliminary=True)
            found = found or [Parties.of(node, preliminary) for node in nodes]
            place = rule_id if rule_id.startswith(TOOLS_PREFIX) else f"rules.{rule_id}"
            for problem in dict.fromkeys(p for each in found for p in each.checked.problems):
                yield f"{place}.counterparty", problem

    def _with_terms(self) -> Iterator[tuple[str, Rule]]:
        yield from ((rule.id, rule) for rule in self._rules)
        yield from ((f"{TOOLS_PREFIX}{tool}", rule) for tool, rule in self._tools.items())

    def _preliminary(self, node: Node) -> Checked:
        """What is wrong whatever the tool takes; all of it, if the tools are known and it is for
        none of them."""
        undecided = not self.known.schemas
        return check(node, Catalogue(ANY_TOOL, DYN, self._calendars, self._zone, undecided))

    def _never(self, rule: OrderedRule, node: Node, found: Sequence[Checked]) -> Iterator[str]:
        """Why a condition is true of no call at all."""
        absent = frozenset.intersection(*(each.absent for each in found))
        tools = " and ".join(rule.tool)
        for name in sorted(absent):
            yield f"has(args.{name}): {tools} has no argument {name}"
        if absent:
            return
        if all(each.constant is False for each in found):
            yield "is never true; remove the rule"
        elif (clash := contradiction(node, integers_in(found))) is not None:
            yield f"is never true: {clash}; write || between them, or remove the rule"

    def integers(self, pattern: str) -> frozenset[Node]:
        """Steps of conditions that are whole numbers for every tool of this name or pattern; none
        where no tools are known."""
        found = [
            frozenset(
                step
                for entry in lane
                if (one := entry.condition) is not None
                for step in (one if isinstance(one, Checked) else one.checked).integers
            )
            for (_, tool), lane in self._typed.items()
            if fnmatchcase(tool, pattern)
        ]
        return found[0].intersection(*found[1:]) if found else frozenset()

    def _of(self, rule: OrderedRule) -> list[Checked]:
        """The condition of a rule, checked for each of the tools that there are."""
        lanes = (lane for (_, tool), lane in self._typed.items() if rule.is_for(tool))
        found = [entry.condition for lane in lanes for entry in lane if entry.id == rule.id]
        return [each if isinstance(each, Checked) else each.checked for each in found if each]

    def _condition(
        self, rule: OrderedRule, tool: str, arguments: Type
    ) -> Condition | Checked | None:
        node = self._nodes[rule.id]
        if node is None:
            return None
        return Condition.of(node, Catalogue(tool, arguments, self._calendars, self._zone))

    def _untyped_lane(self, tool: str) -> Sequence[Entry]:
        return self._lane(tool, lambda rule: self._untyped[rule.id], DYN)

    def _typed_lane(self, workflow: str, tool: str) -> Sequence[Entry]:
        arguments = arguments_type(self.known.schemas[workflow, tool])
        return self._lane(tool, lambda rule: self._condition(rule, tool, arguments), arguments)

    def _lane(
        self,
        tool: str,
        condition_of: Callable[[OrderedRule], Condition | Checked | None],
        arguments: Type,
    ) -> Sequence[Entry]:
        entries: list[Entry] = []
        for rule in self._rules:
            if rule.is_for(tool):
                condition = condition_of(rule)
                entries.append(self._entry(rule.id, rule, condition, tool, arguments))
                if condition is None:
                    return entries
        if tool in self._tools:
            last, rule_id = self._tools[tool], f"{TOOLS_PREFIX}{tool}"
            entries.append(self._entry(rule_id, last, None, tool, arguments))
        return entries

    def _entry(
        self,
        rule_id: str,
        rule: Rule,
        condition: Condition | Checked | None,
        tool: str,
        arguments: Type,
    ) -> Entry:
        ruling = ruling_of(rule, rule_id, tool, self.reversibility(tool))
        known = Catalogue(tool, arguments, self._calendars)
        edits = {key: Condition.of(node, known) for key, node in rule.edits.conditions.items()}
        parties = tuple(Parties.of(parse(text), known) for text in rule.counterparty)
        gates = () if rule.rollout is None else rule.rollout.gates
        return Entry(
            rule_id,
            rule,
            condition,
            ruling,
            edits,
            parties,
            tuple(Condition.of(parse(text), known) for text in gates),
            self.reversibility(tool),
        )


def _needs(lane: Sequence[Entry]) -> Needs:
    found = needs_of(entry.condition.node for entry in lane if entry.condition is not None)
    by_phases = any(entry.rule.rollout is not None for entry in lane)
    return replace(found, rollout=True) if by_phases else found
