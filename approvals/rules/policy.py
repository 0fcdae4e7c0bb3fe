"""Policy: what may run, what may not, and what a person has to see first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, partial
from typing import Any

from countersign.approvals.audit.canonical import canonical_json, sha256_hex
from countersign.approvals.errors import ConfigurationError
from countersign.approvals.models import (
    Effect,
    JsonObject,
    Reversibility,
    Risk,
    Ruling,
    Stage,
    TimeRule,
    ToolCall,
)
from countersign.approvals.models.plans import PLAN_TOOL
from countersign.approvals.models.time_rules import calendar_of
from countersign.approvals.rules import canaries, granting
from countersign.approvals.rules.budgets.book import BudgetBook
from countersign.approvals.rules.budgets.budget import Budget
from countersign.approvals.rules.budgets.charges import Charge
from countersign.approvals.rules.conditions.calendars import Calendars
from countersign.approvals.rules.conditions.facts import NOWHERE, Situation
from countersign.approvals.rules.conditions.values import EvaluationError
from countersign.approvals.rules.counterparty import parties_of, ruled_with
from countersign.approvals.rules.document import PolicyDocument, read_document
from countersign.approvals.rules.grants import Permitted
from countersign.approvals.rules.ordered_rules import OrderedRule
from countersign.approvals.rules.planning import rule_plan
from countersign.approvals.rules.rollout import phases
from countersign.approvals.rules.rulebook import Rulebook, Tools
from countersign.approvals.rules.rulings import UNKNOWN_RULE, failed, ruling_of, undecided, unknown
from countersign.approvals.rules.seeing import NO_NEEDS, Needs, joined, watched
from countersign.approvals.rules.shadowing import shadowed
from countersign.approvals.rules.tool_rules import DEFAULT_CHANNELS, NO_PROOFS, Rule, strictest
from countersign.approvals.rules.wrong_times import wrong_times

VERSION_DIGITS = 16


def version_of(text: JsonObject) -> str:
    """The version of a policy, by its text."""
    return sha256_hex(canonical_json(text))[:VERSION_DIGITS]


class Policy:
    """Rules on calls. Immutable; `version` names its content."""

    def __init__(
        self,
        document: PolicyDocument,
        text_channels: tuple[str, ...] = DEFAULT_CHANNELS,
        *,
        known: Tools | None = None,
        same: Mapping[str, frozenset[str]] | None = None,
        proofs: bool = False,
    ):
        """`proofs`: whether people can prove their presence here."""
        self._proofs = proofs
        self.document, self._text_channels = document, text_channels
        self._same = {} if same is None else same
        self.book = Rulebook(
            document.rules,
            document.tools,
            document.calendars,
            document.reversibility,
            known,
            document.zone,
        )
        self.budgets = BudgetBook(document.budgets, document.calendars, self.book.known.schemas)
        self.version = version_of(document.text())
        self.by_phases = any(rule.rollout is not None for rule in self.entries.values())

    @classmethod
    def load(
        cls,
        section: Mapping[str, Any],
        *,
        path: str = "policy",
        channels: tuple[str, ...] = DEFAULT_CHANNELS,
        text_channels: tuple[str, ...] = DEFAULT_CHANNELS,
        proofs: bool = False,
    ) -> Policy:
        """Read the `policy:` section. `channels` are those of a rule that names none,
        `text_channels` those in which free text is asked for.

        Raises ConfigurationError with every problem and its path.
        """
        policy = cls(read_document(section, path, channels), text_channels, proofs=proofs)
        problems = [f"{path}.{where}: {says}" for where, says in policy.problems()]
        if problems:
            raise ConfigurationError(problems)
        return policy

    @property
    def current(self) -> Policy:
        """This one."""
        return self

    @property
    def tools(self) -> Mapping[str, Rule]:
        """Those of `policy.tools` by tool name."""
        return self.document.tools

    @property
    def calendars(self) -> Calendars:
        """By the names that rules call them."""
        return self.document.calendars

    @cached_property
    def entries(self) -> Mapping[str, Rule]:
        """All rules by where they stand: `policy.rules.small`, `policy.tools.pay_refund`; and those
        by which people are asked past the soft limit of a budget."""
        ordered = {f"policy.rules.{rule.id}": rule for rule in self.document.rules}
        budgets = self.document.budgets.items()
        return {
            **ordered,
            **{f"policy.tools.{tool}": rule for tool, rule in self.tools.items()},
            **{f"policy.budgets.{name}": each.asking() for name, each in budgets if each.asks},
        }

    def rules_for(self, tool: str) -> Sequence[Rule]:
        """The rules that a call of this tool may come under, in their order."""
        return [entry.rule for entry in self.book.lane(None, tool)]

    @property
    def rule_input_roles(self) -> tuple[str, ...]:
        """Who answers questions, unless a user proxy names others."""
        return self.document.human_input.roles

    @property
    def administrators(self) -> tuple[str, ...]:
        """The roles of those who may pause and resume."""
        return self.document.administrators.roles

    @property
    def text_channels(self) -> tuple[str, ...]:
        """Where people are asked for free text."""
        return self._text_channels

    def problems(self) -> list[tuple[str, str]]:
        """What is wrong with the rules that could be read, with where below `policy`: conditions,
        and rules that no call reaches."""
        wrong = [(f"rules.{rule}.when", says) for rule, says in self.book.problems()]
        wrong += [*self.book.edit_problems(), *self.book.party_problems()]
        wrong += granting.problems(self.entries, self.book)
        wrong += canaries.problems(self.entries, self.book)
        wrong += dict.fromkeys(phases.problems(self.book))
        for where, rule in self.entries.items():
            if rule.step_up is not None and not self._proofs:
                wrong.append((f"{where.removeprefix('policy.')}.step_up", NO_PROOFS))
        wrong += shadowed(self.document.rules, self.tools, self.book.integers)
        wrong += wrong_times(self.document, self.book)
        return [*wrong, *self.budgets.problems(self.rules_for)]

    def knowing(self, tools: Tools) -> Policy:
        """This policy, with its conditions checked against the arguments that these tools take. A
        condition that is wrong for a tool denies all of that tool's calls: see `problems`."""
        return self._on(self.document, tools)

    def adding(self, rule: OrderedRule, before: str) -> Policy:
        """This policy with one more rule, before the one with this id; else after all of them."""
        rules = self.document.rules
        place = next((n for n, each in enumerate(rules) if each.id == before), len(rules))
        more = {"rules": (*rules[:place], rule, *rules[place:])}
        return self._on(self.document.model_copy(update=more), self.book.known)

    def _on(self, document: PolicyDocument, known: Tools) -> Policy:
        same, proofs = self._same, self._proofs
        return Policy(document, self._text_channels, known=known, same=same, proofs=proofs)

    def strictest(self, same: Iterable[frozenset[str]]) -> Policy:
        """This policy, with one rule for tools that are one function: the strictest they have.

        Rules that ask different people become one that asks all of them, stage by stage. `same` are
        groups of tool names. A name without a rule stays without: it is denied.
        """
        rules, groups = dict(self.tools), list(same)
        for names in groups:
            known = sorted(names & rules.keys())
            if known:
                rules |= dict.fromkeys(known, strictest([rules[name] for name in known]))
        ordered = self.document.rules
        several: tuple[OrderedRule | Budget, ...] = (*ordered, *self.document.budgets.values())
        of_one = {n: g for g in groups for n in g if any(r.is_for(m) for r in several for m in g)}
        if rules == dict(self.tools) and of_one == self._same:
            return self
        document = self.document.model_copy(update={"tools": rules})
        return Policy(
            document,
            self._text_channels,
            known=self.book.known,
            same=of_one,
            proofs=self._proofs,
        )

    def rule(self, call: ToolCall, situation: Situation = NOWHERE) -> Ruling:
        """What this policy says of a call, with the rule and the reason. Never raises."""
        if call.tool == PLAN_TOOL:
            return rule_plan(self, call, situation)
        if (names := self._same.get(call.tool)) is None:
            return self._rule(call, situation)[0]
        return self._strictest_ruling(call, situation, names)

    def charges(self, call: ToolCall, situation: Situation) -> Sequence[Charge]:
        """What a call draws on the budgets that are for its tool. Raises UncountableError."""
        names = self._same.get(call.tool, frozenset())
        return self.budgets.charges(
            call, situation.workflow, names, lambda: self.book.facts(call, situation)
        )

    def needs(self, call: ToolCall, workflow: str | None) -> Needs:
        """What the conditions on a call speak of that is counted before they are asked."""
        if not self.document.rules and not self.by_phases:
            return NO_NEEDS
        if call.tool not in self._same:
            return self.book.needs(workflow, call.tool)
        return joined(self.book.needs(workflow, name) for name in self.names_of(call.tool))

    def watched(self, call: ToolCall, situation: Situation) -> Mapping[str, Charge]:
        """Where a call is counted for its conditions, by what they call it."""
        needs = self.needs(call, situation.workflow)
        if not needs.counted:
            return {}
        return watched(needs, call, situation.requester, self.document.zone)

    def _rule(self, call: ToolCall, situation: Situation) -> tuple[Ruling, Rule | None]:
        """The ruling, and the rule that matched if one did."""
        entry, error = self.book.decide(call, situation)
        if entry is None:
            named = bool(self.book.lane(situation.workflow, call.tool))
            return unknown(call.tool, named=named), None
        if error is not None:
            return failed(entry, error), None
        try:
            ruling = entry.ruled(partial(self.book.facts, call, situation), situation.rollout)
            return ruling, entry.rule
        except EvaluationError as exc:
            return undecided(entry, exc), None

    def _strictest_ruling(
        self, call: ToolCall, situation: Situation, names: frozenset[str]
    ) -> Ruling:
        """The strictest of what is said of a call under each name of its function."""
        own, rule = self._rule(call, situation)
        if rule is None:
            return own
        found, parties = {own.rule_id: phases.as_ruled(rule, own)}, [*parties_of(own.stages)]
        for name in sorted(names - {call.tool}):
            other, its = self._rule(call.model_copy(update={"tool": name}), situation)
            if its is not None:
                found.setdefault(other.rule_id, phases.as_ruled(its, other))
                parties += parties_of(other.stages)
            elif other.rule_id != UNKNOWN_RULE:
                return other
        merged = strictest(list(found.values()))
        rule_id = next((i for i, each in found.items() if each.effect is merged.effect), "")
        classes = sorted(map(self.book.reversibility, names), key=list(Reversibility).index)
        return ruled_with(ruling_of(merged, rule_id, call.tool, classes[-1]), parties)

    def permits(self, call: ToolCall, situation: Situation, plan: bool = False) -> Permitted | None:
        """What may be given of calls like this one, alone or in a plan, if its rule permits it."""
        if call.tool in self._same:  # of one function under two names nobody can say what is alike
            return None
        ruling, rule = self._rule(call, situation)
        known = None if plan else self.book.reversibility(call.tool)
        return granting.permitted(ruling, rule, known)

    @cached_property
    def asks_for_proofs(self) -> bool:
        """Whether any rule asks for a proof of presence."""
        return any(rule.step_up is not None for rule in self.entries.values())

    @cached_property
    def permits_any(self) -> bool:
        """Whether any rule permits grants."""
        return any(rule.grants is not None or rule.plans for rule in self.entries.values())

    def names_of(self, tool: str) -> Sequence[str]:
        """The names of the function that a tool is, its own among them."""
        return sorted(self._same.get(tool, frozenset({tool})))

    def rule_input(self, call: ToolCall, roles: tuple[str, ...] = ()) -> Ruling:
        """Who may answer a user proxy's question; `roles` of the proxy win over the default."""
        deadline = self.document.human_input.deadline
        return Ruling(
            effect=Effect.REQUIRE_APPROVAL,
            rule_id="human_input",
            reason=f"{call.executor} asks for a person's answer.",
            risk=Risk.LOW,
            stages=(Stage(roles=roles or self.document.human_input.roles),),
            deadline_s=None if deadline is None else deadline.seconds,
            time=TimeRule(deadline_calendar=calendar_of(deadline)),
            channels=self._text_channels,
        )
