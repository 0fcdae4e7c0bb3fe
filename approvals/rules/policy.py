"""Policy: what may run, what may not, and what a person has to see first.

The policy is read from the `policy:` section of the configuration:

    policy:
      tools:
        lookup_customer: allow
        drop_table: {effect: deny, reason: Never from an agent.}
        release_quote:
          effect: require_approval
          roles: [sales_manager]        # or stages: [{roles: [...], quorum: 2}, ...]
          risk: high                    # low | medium | high
          deadline: 4h
          approval_valid_for: 2h        # from the decision to the beginning of the call
          same_person: true             # one person may count for several stages
          channels: [jira]              # else the first system that is configured
          show_first: [payee, amount]   # the arguments that decide, before the others
          on_error: in_doubt            # what an undeclared exception of it means: or failed
          tool_timeout: 2m              # how long it may run
      human_input: {roles: [owner]}

A tool that no rule names is denied. A rule is for one tool, by its exact name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from pydantic import (
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from countersign.approvals.audit.canonical import canonical_json, sha256_hex
from countersign.approvals.errors import ConfigurationError
from countersign.approvals.forms.sentences import sentence
from countersign.approvals.models import (
    Effect,
    Risk,
    Ruling,
    Stage,
    ToolCall,
    Value,
)
from countersign.approvals.rules.authority import OWNER_ROLE
from countersign.approvals.rules.durations import Seconds
from countersign.approvals.rules.tool_rules import DEFAULT_CHANNELS, Rule, ToolName, strictest

VERSION_DIGITS = 16
UNKNOWN_RULE = "unknown-tool"
"""Denies what no rule names."""


class HumanInput(Value):
    """Who answers the free-text questions of a user proxy."""

    roles: tuple[str, ...] = Field(default=(OWNER_ROLE,), min_length=1)
    deadline: Seconds | None = None


class _Document(Value):
    tools: dict[ToolName, Rule] = Field(default_factory=dict)
    human_input: HumanInput = HumanInput()

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


class Policy:
    """Rules on calls. Immutable; `version` names its content."""

    def __init__(self, document: _Document, text_channels: tuple[str, ...] = DEFAULT_CHANNELS):
        self._rules = document.tools
        self._text_channels = text_channels
        self._human_input = document.human_input
        self.version = sha256_hex(canonical_json(document.model_dump(mode="json")))[:VERSION_DIGITS]

    @classmethod
    def load(
        cls,
        section: Mapping[str, Any],
        *,
        path: str = "policy",
        channels: tuple[str, ...] = DEFAULT_CHANNELS,
        text_channels: tuple[str, ...] = DEFAULT_CHANNELS,
    ) -> Policy:
        """Read the `policy:` section. `channels` are those of a rule that names none,
        `text_channels` those in which free text is asked for.

        Raises ConfigurationError with every problem and its path.
        """
        try:
            return cls(_Document.model_validate(section, context=channels), text_channels)
        except ValidationError as exc:
            raise ConfigurationError([_problem(path, error) for error in exc.errors()]) from exc

    @property
    def tools(self) -> Mapping[str, Rule]:
        """The rules by tool name."""
        return self._rules

    @property
    def rule_input_roles(self) -> tuple[str, ...]:
        """Who answers questions, unless a user proxy names others."""
        return self._human_input.roles

    @property
    def text_channels(self) -> tuple[str, ...]:
        """Where people are asked for free text."""
        return self._text_channels

    def strictest(self, same: Iterable[frozenset[str]]) -> Policy:
        """This policy, with one rule for tools that are one function: the strictest they have.

        Rules that ask different people become one that asks all of them, stage by stage. `same` are
        groups of tool names. A name without a rule stays without: it is denied.
        """
        rules = dict(self._rules)
        for names in same:
            known = sorted(names & rules.keys())
            if known:
                rules |= dict.fromkeys(known, strictest([rules[name] for name in known]))
        if rules == dict(self._rules):
            return self
        document = _Document(tools=rules, human_input=self._human_input)
        return Policy(document, self._text_channels)

    def rule(self, call: ToolCall) -> Ruling:
        """What this policy says of a call, with the rule and the reason. Never raises."""
        rule = self._rules.get(call.tool)
        if rule is None:
            return Ruling(
                effect=Effect.DENY,
                rule_id=UNKNOWN_RULE,
                reason=f"No rule names the tool {call.tool}; unknown tools are denied.",
                risk=Risk.HIGH,
            )
        return Ruling(
            effect=rule.effect,
            rule_id=f"tools.{call.tool}",
            reason=rule.reason or _REASONS[rule.effect].format(tool=call.tool),
            risk=rule.risk,
            stages=rule.tiers(),
            deadline_s=rule.deadline,
            channels=rule.channels if rule.effect is Effect.REQUIRE_APPROVAL else (),
            show_first=rule.show_first,
            after_rejection=rule.after_rejection,
            on_error=rule.on_error,
            tool_timeout_s=rule.tool_timeout,
            valid_for_s=rule.valid_for_s if rule.effect is Effect.REQUIRE_APPROVAL else None,
        )

    def rule_input(self, call: ToolCall, roles: tuple[str, ...] = ()) -> Ruling:
        """Who may answer a user proxy's question; `roles` of the proxy win over the default."""
        return Ruling(
            effect=Effect.REQUIRE_APPROVAL,
            rule_id="human_input",
            reason=f"{call.executor} asks for a person's answer.",
            risk=Risk.LOW,
            stages=(Stage(roles=roles or self._human_input.roles),),
            deadline_s=self._human_input.deadline,
            channels=self._text_channels,
        )


_REASONS = {
    Effect.ALLOW: "{tool} may run without asking.",
    Effect.DENY: "{tool} is forbidden.",
    Effect.REQUIRE_APPROVAL: "{tool} needs a person's approval.",
    Effect.SHADOW: "{tool} is in shadow mode: proposed, recorded, not run.",
}


def _problem(path: str, error: Any) -> str:
    loc = [str(part) for part in error["loc"] if part != "[key]"]  # a key that is no tool's name
    if len(loc) == 2 and loc[0] == "tools" and error["type"] == "model_type":
        words = ", ".join(Effect)
        return f"{'.'.join([path, *loc])}: write {words}, or a mapping with `effect`"
    return f"{'.'.join([path, *loc])}: {sentence(error, _keys(loc))}"


def _keys(loc: list[str]) -> Collection[str]:
    """The keys that may stand where the last step of a location stands."""
    if loc[:1] == ["tools"]:
        return Rule.model_fields if len(loc) == 3 else ("roles", "quorum")
    return HumanInput.model_fields if loc[:1] == ["human_input"] else _Document.model_fields
