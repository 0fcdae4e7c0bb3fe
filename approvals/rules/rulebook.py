"""The rulebook: all rules by the tools that they are for, their conditions ready to be asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from countersign.approvals.models import (
    AtDeadline,
    Effect,
    JsonObject,
    Reversibility,
    Risk,
    Ruling,
    TimeRule,
    ToolCall,
)
from countersign.approvals.models.time_rules import ANY_TIME
from countersign.approvals.rules.conditions.calendars import Calendars
from countersign.approvals.rules.conditions.checking import Checked, check
from countersign.approvals.rules.conditions.condition import Condition
from countersign.approvals.rules.conditions.facts import (
    UNKNOWN_CLASS,
    Catalogue,
    Facts,
    Situation,
    arguments_type,
)
from countersign.approvals.rules.conditions.parties import Parties
from countersign.approvals.rules.conditions.syntax import Node, parse
from countersign.approvals.rules.conditions.types import DYN, Type
from countersign.approvals.rules.conditions.values import EvaluationError
from countersign.approvals.rules.counterparty import ruled_with
from countersign.approvals.rules.ordered_rules import TOOLS_PREFIX, OrderedRule, is_pattern
from countersign.approvals.rules.seeing import Needs, needs_of
from countersign.approvals.rules.tool_rules import Rule

UNKNOWN_RULE = "unknown-tool"
"""Denies what no rule names."""
ANY_TOOL = "the tool"
UNDOABLE = frozenset({Reversibility.READ_ONLY, Reversibility.REVERSIBLE})
"""Classes of what may run although nobody has decided, if its rule says so."""

_REASONS = {
    Effect.ALLOW: "{tool} may run without asking.",
    Effect.DENY: "{tool} is forbidden.",
    Effect.REQUIRE_APPROVAL: "{tool} needs a person's approval.",
    Effect.SHADOW: "{tool} is in shadow mode: proposed, recorded, not run.",
}


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


@dataclass(frozen=True, slots=True)
class Entry:
    """One rule for one tool."""

    id: str
    rule: Rule
    condition: Condition | Checked | None
    """Checked: it is wrong for this tool, so its rule denies whatever comes to it."""
    ruling: Ruling
    second_person: Condition | Checked | None = None
    """As `condition`: under which whoever changes its arguments does not count alone."""
    parties: tuple[Parties, ...] = ()
    """With whom its calls are."""

    def ruled(self, facts: Callable[[], Facts]) -> Ruling:
        """What it says of one call. Raises EvaluationError."""
        if not self.parties:
            return self.ruling
        known = facts()
        return ruled_with(
            self.ruling, [name for each in self.parties for name in each.named(known)]
        )

    def holds(self, facts: Facts) -> bool:
        """What its condition says. Raises EvaluationError."""
        return self.condition is None or self._says(self.condition, facts)

    def wants_second_person(self, facts: Facts) -> bool:
        """Whether whoever changed the call to this does not count alone. Raises EvaluationError."""
        return self.second_person is not None and self._says(self.second_person, facts)

    def _says(self, condition: Condition | Checked, facts: Facts) -> bool:
        if isinstance(condition, Checked):
            raise EvaluationError(f"rule {self.id}", f"is wrong: {condition.problems[0]}")
        return condition.holds(facts)


@dataclass(frozen=True)
class Said:
    """What one rule says of a call."""

    entry: Entry
    matched: bool
    error: EvaluationError | None = None


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
            for problem in dict.fromkeys(wrong or self._never(rule, found)):
                yield rule.id, problem

    def edit_problems(self) -> Iterator[tuple[str, str]]:
        """What is wrong with the conditions on edits, by the rule's place in the policy."""
        for rule_id, rule in self._with_terms():
            node = rule.edits.condition
            if node is None:
                continue
            lanes = [entry for lane in self._typed.values() for entry in lane]
            own = [e.second_person for e in lanes if e.id == rule_id and e.second_person]
            found = [each if isinstance(each, Checked) else each.checked for each in own]
            wrong = [p for each in found or [self._preliminary(node)] for p in each.problems]
            place = rule_id if rule_id.startswith(TOOLS_PREFIX) else f"rules.{rule_id}"
            for problem in dict.fromkeys(wrong):
                yield f"{place}.edits.second_person_above", problem

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

    def _never(self, rule: OrderedRule, found: Sequence[Checked]) -> Iterator[str]:
        """Why a condition is true of no call at all."""
        absent = frozenset.intersection(*(each.absent for each in found))
        tools = " and ".join(rule.tool)
        for name in sorted(absent):
            yield f"has(args.{name}): {tools} has no argument {name}"
        if not absent and all(each.constant is False for each in found):
            yield "is never true; remove the rule"

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
        node, second = rule.edits.condition, None
        if node is not None:
            second = Condition.of(node, Catalogue(tool, arguments, self._calendars))
        ruling = ruling_of(rule, rule_id, tool, self.reversibility(tool))
        known = Catalogue(tool, arguments, self._calendars)
        parties = tuple(Parties.of(parse(text), known) for text in rule.counterparty)
        return Entry(rule_id, rule, condition, ruling, second, parties)


def _needs(lane: Sequence[Entry]) -> Needs:
    return needs_of(entry.condition.node for entry in lane if entry.condition is not None)


def ruling_of(rule: Rule, rule_id: str, tool: str, reversibility: Reversibility) -> Ruling:
    """What a rule says of every call of a tool that it matches; the class is the tool's."""
    asks = rule.effect is Effect.REQUIRE_APPROVAL
    return Ruling(
        effect=rule.effect,
        rule_id=rule_id,
        reason=rule.reason or _REASONS[rule.effect].format(tool=tool),
        risk=rule.risk,
        stages=rule.tiers(),
        deadline_s=None if rule.deadline is None else rule.deadline.seconds,
        channels=rule.channels if asks else (),
        show_first=rule.show_first,
        after_rejection=rule.after_rejection,
        on_error=rule.on_error,
        tool_timeout_s=rule.tool_timeout,
        valid_for_s=rule.valid_for_s if asks else None,
        time=_time(rule, reversibility) if asks else ANY_TIME,
        step_up_s=rule.step_up if asks else None,
    )


def _time(rule: Rule, reversibility: Reversibility) -> TimeRule:
    """What the rule says of time: nothing runs by itself that cannot be undone here."""
    time = rule.time
    if time.at_deadline is AtDeadline.APPROVE and reversibility not in UNDOABLE:
        return time.model_copy(update={"at_deadline": AtDeadline.REJECT})
    return time


def undecided(entry: Entry, error: EvaluationError) -> Ruling:
    """The ruling on a call of which nobody can say with whom it is."""
    return Ruling(
        effect=Effect.DENY,
        rule_id=entry.id,
        reason=(
            f"The rule {entry.id} keeps the counterparty from deciding, and who that is cannot be "
            f"said: {error}. What cannot be decided is denied."
        ),
        risk=entry.rule.risk,
    )


def failed(entry: Entry, error: EvaluationError) -> Ruling:
    """The ruling where a condition says neither yes nor no."""
    return Ruling(
        effect=Effect.DENY,
        rule_id=entry.id,
        reason=(
            f"The condition of the rule {entry.id} cannot be decided: {error}. What cannot be "
            "decided is denied."
        ),
        risk=entry.rule.risk,
    )


def unknown(tool: str, *, named: bool) -> Ruling:
    """The ruling on what no rule is for; `named` says that there are rules for the tool."""
    reason = f"No rule names the tool {tool}; unknown tools are denied."
    if named:
        reason = f"No rule for {tool} matches this call; what no rule matches is denied."
    return Ruling(effect=Effect.DENY, rule_id=UNKNOWN_RULE, reason=reason, risk=Risk.HIGH)
