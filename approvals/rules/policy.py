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

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from countersign.approvals.audit.canonical import canonical_json, sha256_hex
from countersign.approvals.errors import ConfigurationError
from countersign.approvals.forms.sentences import sentence
from countersign.approvals.models import (
    AfterRejection,
    Effect,
    OnError,
    Risk,
    Ruling,
    Stage,
    ToolCall,
    Value,
)
from countersign.approvals.rules.authority import OWNER_ROLE

VERSION_DIGITS = 16
DEFAULT_CHANNELS = ("teams",)
"""Where people are asked if neither a rule nor whoever loads the policy says."""
UNKNOWN_RULE = "unknown-tool"
"""Denies what no rule names."""
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d*)?", re.ASCII)
LONGEST_VALID_S = 86400.0
"""How long an approval holds at most, where its rule does not say."""
_PATTERN = re.compile(r"[*?\[\]|^$(){}+\\]")
"""What only somebody writes who means several tools."""


def duration_s(text: Any) -> float:
    """Seconds of `"90s"`, `"15m"`, `"4h"` or `"3d"`.

    Raises ValueError otherwise, also for a number: nobody can see whether 30 are seconds or days.
    """
    given = str(text).strip()
    match = _DURATION.fullmatch(given)
    if match is None:
        what = "has no unit" if _NUMBER.fullmatch(given) else "is not a duration"
        raise ValueError(f"{text!r} {what}; write for example 30s, 30m, 4h or 3d")
    seconds = float(match[1]) * _UNIT_S[match[2]]
    if not 0 < seconds <= 365 * 86400:
        raise ValueError(f"{text!r} is not between now and one year")
    return seconds


def _exact(tool: str) -> str:
    if not tool.strip():
        raise ValueError("is no name of a tool; write the name that the workflow registers")
    if _PATTERN.search(tool):
        raise ValueError("patterns are not supported; name each tool")
    return tool


Seconds = Annotated[float, BeforeValidator(duration_s)]
ToolName = Annotated[str, AfterValidator(_exact)]
"""The exact name of one tool."""


class Rule(Value):
    """One tool's rule."""

    effect: Effect
    roles: tuple[str, ...] = ()
    stages: tuple[Stage, ...] = ()
    risk: Risk = Risk.MEDIUM
    deadline: Seconds | None = None
    """How long people have; None means that a request never expires."""
    approval_valid_for: Seconds | None = None
    """How long an approval holds before its call has begun; None: as `valid_for_s` says."""
    reason: str = ""
    channels: tuple[str, ...] = DEFAULT_CHANNELS
    same_person: bool = False
    """Whether one person may count for several stages, with one vote."""
    show_first: tuple[str, ...] = ()
    """The arguments that decide: titles name them, and they stand before the others."""
    after_rejection: AfterRejection = AfterRejection.ANSWER
    """Whether people are asked again for the very call that one of them has refused."""
    tool_timeout: Seconds | None = None
    """How long its tool is waited for; None for what the settings say."""
    on_error: OnError | None = None
    """What an exception that the tool has not declared harmless means; None: that a call of which
    people were asked is in doubt, and that any other one has failed."""

    @model_validator(mode="after")
    def _approvers(self) -> Self:
        if self.roles and self.stages:
            raise ValueError("give either roles or stages, not both")
        if self.effect is Effect.REQUIRE_APPROVAL and not (self.roles or self.stages):
            raise ValueError("require_approval needs roles (or stages): who may approve it?")
        for stage in self.tiers():
            if set(stage.roles) == {OWNER_ROLE}:
                raise ValueError(
                    f"{OWNER_ROLE} is whoever asked, and nobody may approve their own call; "
                    "name another role"
                )
        if any(stage.same_person for stage in self.stages):
            raise ValueError("same_person is for the whole rule; write it beside stages")
        return self

    @property
    def valid_for_s(self) -> float:
        """How long an approval holds: as long as people had for it, at most a day, if the rule
        does not say."""
        if self.approval_valid_for is not None:
            return self.approval_valid_for
        return min(self.deadline or LONGEST_VALID_S, LONGEST_VALID_S)

    def tiers(self) -> tuple[Stage, ...]:
        """The stages, with `roles` as the short form of one stage with a quorum of one."""
        stages = self.stages or ((Stage(roles=self.roles),) if self.roles else ())
        if not self.same_person:
            return stages
        return tuple(stage.model_copy(update={"same_person": True}) for stage in stages)


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
                rules |= dict.fromkeys(known, _together([rules[name] for name in known]))
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


_EFFECTS = (Effect.ALLOW, Effect.REQUIRE_APPROVAL, Effect.SHADOW, Effect.DENY)
"""From what lets most happen to what lets nothing happen."""


def _together(rules: Sequence[Rule]) -> Rule:
    """The strictest of these rules; where they ask different people, all of them, in stages."""
    strictest = max(rules, key=_strictness)
    asking = [rule for rule in rules if rule.effect is strictest.effect]
    if strictest.effect is not Effect.REQUIRE_APPROVAL or len(set(map(_asks, asking))) == 1:
        return strictest
    stages: dict[tuple[str, ...], Stage] = {}
    for stage in (stage for rule in asking for stage in rule.tiers()):
        known = stages.get(stage.roles)
        if known is None or known.quorum < stage.quorum:
            stages[stage.roles] = stage.model_copy(update={"same_person": False})
    return strictest.model_copy(
        update={"roles": (), "stages": tuple(stages.values()), "same_person": False}
    )


def _asks(rule: Rule) -> tuple[tuple[Stage, ...], bool]:
    return rule.tiers(), rule.same_person


def _strictness(rule: Rule) -> tuple[int, int, int]:
    stages = rule.tiers()
    quorum = sum(stage.quorum for stage in stages)
    return _EFFECTS.index(rule.effect), 0 if rule.same_person else quorum, len(stages)


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
