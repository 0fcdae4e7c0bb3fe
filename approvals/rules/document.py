"""The document of a policy: the `policy:` section as it was read, and what is wrong with it.

It stands in the configuration:

    policy:
      tools:
        lookup_customer: allow
        drop_table: {effect: deny, reason: Never from an agent.}
        release_quote:
          effect: require_approval
          roles: [sales_manager]        # or stages: [{roles: [...], quorum: 2}, ...], in order;
                                        # each asks roles, groups and people: [alex], and those with
                                        # parallel: true that stand together are open together
          rejects: {needed: 2}          # different people of a stage; else any rejection ends it
          risk: high                    # low | medium | high
          deadline: 4h                  # or {business: 4h, calendar: office}
          at_deadline: reject           # or escalate; approve if it can be undone
          remind: [1h, 30m before]      # after it was asked, before the deadline
          escalate: [{after: 2h, roles: [controller]}]
          approval_valid_for: 2h        # from the decision to the beginning of the call
          same_person: true             # one person may count for several stages
          channels: [jira]              # else the first system that is configured
          show_first: [payee, amount]   # the arguments that decide, before the others
          edits: {second_person_above: args.amount > 5000.0}   # or true (which is meant), or false;
                                # without_editor_above keeps out who changed it
          counterparty: args.customer_email   # whoever that is does not decide
          comment: required             # with an approval, too, and not only with a rejection
          on_error: in_doubt            # what an undeclared exception of it means: or failed
          tool_timeout: 2m              # how long it may run
          grants: {max_uses: 20, max_duration: 7d, same: [customer]}  # a standing yes
      rules:                            # in this order, and before those of `tools`
        - id: small
          tool: pay_refund              # or a list; `*` and `?` make a pattern
          when: args.amount <= 50.0 && args.currency == "EUR"
          effect: allow
        - {id: rest, tool: pay_refund, effect: require_approval, roles: [manager]}
      budgets:
        refunds: {tool: pay_refund, window: day, zone: Europe/Berlin, count: {soft: 5, hard: 20},
                  roles: [controller]}
      reversibility: {pay_refund: irreversible}
      calendars: {office: {zone: Europe/Berlin, hours: 09:00-17:00, holidays: DE-BE}}
      domains: {finance: {tools: [pay_refund], workflows: [payroll]}}
      human_input: {roles: [owner]}
      administrators: {roles: [admin]}  # who may pause and resume
      most_open: 20                     # requests that one person is sent at a time

The first rule that matches a call rules on it; what no rule matches is denied. An entry of `tools`
is a rule without a condition for one tool, by its exact name, after all of `rules`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationError, ValidationInfo, field_validator

from countersign.approvals.errors import ConfigurationError
from countersign.approvals.forms.sentences import sentence
from countersign.approvals.models import Domain, Effect, JsonObject, Reversibility, Value
from countersign.approvals.rules.approvers import OWNER_ROLE
from countersign.approvals.rules.authority import ADMIN_ROLE
from countersign.approvals.rules.budgets.budget import (
    Budget,
    BudgetName,
    CountLimits,
    ValueLimits,
    zone_name,
)
from countersign.approvals.rules.conditions.calendars import Calendar
from countersign.approvals.rules.edit_terms import CONDITIONS
from countersign.approvals.rules.examples import Example
from countersign.approvals.rules.ordered_rules import OrderedRule
from countersign.approvals.rules.rollout.terms import Rollout
from countersign.approvals.rules.time_keys import EscalationKey, Length, ReminderKey
from countersign.approvals.rules.tool_rules import DEFAULT_CHANNELS, Rule, ToolName


class HumanInput(Value):
    """Who answers the free-text questions of a user proxy."""

    roles: tuple[str, ...] = Field(default=(OWNER_ROLE,), min_length=1)
    deadline: Length | None = None


class Administrators(Value):
    """Who may pause and resume."""

    roles: tuple[str, ...] = Field(default=(ADMIN_ROLE,), min_length=1)

    @field_validator("roles")
    @classmethod
    def _not_whoever_asked(cls, roles: tuple[str, ...]) -> tuple[str, ...]:
        if OWNER_ROLE in roles:
            raise ValueError(f"{OWNER_ROLE} is whoever asked; name a role that people have")
        return roles


class PolicyDocument(Value):
    """The `policy:` section, as it was read."""

    tools: dict[ToolName, Rule] = Field(default_factory=dict)
    human_input: HumanInput = HumanInput()
    rules: tuple[OrderedRule, ...] = ()
    calendars: dict[str, Calendar] = Field(default_factory=dict)
    reversibility: dict[ToolName, Reversibility] = Field(default_factory=dict)
    budgets: dict[BudgetName, Budget] = Field(default_factory=dict)
    zone: Annotated[str, AfterValidator(zone_name)] | None = None
    """In which a day begins, for what conditions say of `history`."""
    examples: tuple[Example, ...] = ()
    administrators: Administrators = Administrators()
    domains: dict[str, Domain] = Field(default_factory=dict)
    most_open: int | None = Field(default=None, ge=1, le=10_000)
    """So many requests one person is sent at a time, in each channel; others are sent the rest."""

    def text(self) -> JsonObject:
        """All that rules, as JSON: what is not written has its default. Parts that a policy may do
        without are left out where it does, and so are the examples, by which nothing is ruled."""
        told = self.model_dump(mode="json", exclude={"examples"})
        if self.administrators == Administrators():
            del told["administrators"]
        return {key: value for key, value in told.items() if value or key not in _OPTIONAL}

    @field_validator("rules", mode="before")
    @classmethod
    def _asked_in(cls, value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, list | tuple):
            return value
        channels = info.context or DEFAULT_CHANNELS
        return [{"channels": channels, **v} if isinstance(v, Mapping) else v for v in value]

    @field_validator("budgets", mode="before")
    @classmethod
    def _budgets_asked_in(cls, value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, Mapping):
            return value
        channels = info.context or DEFAULT_CHANNELS
        return {
            k: {"channels": channels, **v} if isinstance(v, Mapping) else v
            for k, v in value.items()
        }

    @field_validator("rules")
    @classmethod
    def _one_of_each_id(cls, rules: tuple[OrderedRule, ...]) -> tuple[OrderedRule, ...]:
        seen: set[str] = set()
        for rule in rules:
            if rule.id in seen:
                raise ValueError(f"two rules have the id {rule.id}; rename one")
            seen.add(rule.id)
        return rules

    @field_validator("tools", mode="before")
    @classmethod
    def _short_form(cls, value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, Mapping):
            # pydantic reports a ValueError with its path; a TypeError would escape
            raise ValueError("must map tool names to rules")
        long = {k: {"effect": v} if isinstance(v, str) else v for k, v in value.items()}
        channels = info.context or DEFAULT_CHANNELS
        return {
            k: {"channels": channels, **v} if isinstance(v, Mapping) else v for k, v in long.items()
        }


_OPTIONAL = frozenset(
    {"rules", "calendars", "reversibility", "domains", "budgets", "zone", "most_open"}
)


def read_document(
    section: Mapping[str, Any], path: str, channels: tuple[str, ...]
) -> PolicyDocument:
    """Read the section; `channels` are those of a rule that names none.

    Raises ConfigurationError with every problem and its place below `path`.
    """
    try:
        return PolicyDocument.model_validate(section, context=channels)
    except ValidationError as exc:
        problems = [problem(path, section, error) for error in exc.errors()]
        raise ConfigurationError(problems) from exc


def problem(path: str, section: Any, error: Any) -> str:
    """One error of pydantic's in `section`, with its place below `path`."""
    loc = [str(part) for part in error["loc"] if part != "[key]"]  # a key that is no tool's name
    if len(loc) == 2 and loc[0] == "tools" and error["type"] == "model_type":
        words = ", ".join(Effect)
        return f"{'.'.join([path, *loc])}: write {words}, or a mapping with `effect`"
    where = [path, *(_named(section, loc) if loc[:1] == ["rules"] else loc)]
    return f"{'.'.join(where)}: {sentence(error, _keys(loc))}"


def _named(section: Any, loc: list[str]) -> list[str]:
    """A place in `rules`, by the id of the rule if it has one."""
    rules = section["rules"]
    rule = rules[int(loc[1])] if len(loc) > 1 and isinstance(rules, list | tuple) else None
    name = rule.get("id") if isinstance(rule, Mapping) else None
    return [loc[0], name, *loc[2:]] if isinstance(name, str) and name else loc


_FIELDS: Mapping[str, Collection[str]] = {
    "tools": Rule.model_fields,
    "rules": OrderedRule.model_fields,
    "calendars": Calendar.model_fields,
    "budgets": Budget.model_fields,
    "human_input": HumanInput.model_fields,
    "administrators": Administrators.model_fields,
    "examples": Example.model_fields,
    "domains": Domain.model_fields,
}


def _keys(loc: list[str]) -> Collection[str]:
    """The keys that may stand where the last step of a location stands."""
    if loc[:1] == ["budgets"] and loc[2:3] in (["count"], ["value"]):
        return (CountLimits if loc[2] == "count" else ValueLimits).model_fields
    if loc[:1] in (["tools"], ["rules"], ["budgets"]) and len(loc) != 3:
        return _PARTS.get(loc[2] if len(loc) > 3 else "", _STAGE)
    return _FIELDS.get(loc[0], PolicyDocument.model_fields) if len(loc) > 1 else _SECTIONS


_STAGE = ("roles", "groups", "people", "on_call", "quorum", "parallel")
_PARTS: Mapping[str, Collection[str]] = {
    "edits": CONDITIONS,
    "rejects": ("needed",),
    "rollout": Rollout.model_fields,
    "remind": ReminderKey.model_fields,
    "escalate": EscalationKey.model_fields,
}
_SECTIONS = tuple(PolicyDocument.model_fields)
