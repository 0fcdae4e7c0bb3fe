"""Budget: one entry of `policy.budgets`, as it was read."""

from __future__ import annotations

import re
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Annotated, Any, Generic, Self, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from countersign.approvals.models import Effect, Stage, Value
from countersign.approvals.rules.budgets.windows import Window
from countersign.approvals.rules.conditions.amount import DECIMALS, WHOLE_DIGITS
from countersign.approvals.rules.conditions.functions import zone
from countersign.approvals.rules.ordered_rules import Pattern, Readable
from countersign.approvals.rules.time_keys import Length
from countersign.approvals.rules.tool_rules import DEFAULT_CHANNELS, Rule

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_DIVIDES = re.compile(r"agent|workflow|requester|args\.[A-Za-z_][A-Za-z0-9_]*")
_LIMIT = re.compile(rf"[0-9]{{1,{WHOLE_DIGITS}}}(\.[0-9]{{1,{DECIMALS}}})?", re.ASCII)
N = TypeVar("N", int, Decimal)


def _name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{name!r} is no name of a budget: up to 63 letters, digits, `.`, `_` and `-`"
        )
    return name


BudgetName = Annotated[str, AfterValidator(_name)]


def zone_name(name: str) -> str:
    """The name of a time zone. Raises ValueError."""
    zone(name)
    return name


def _currency(code: str) -> str:
    if not _CURRENCY.fullmatch(code):
        raise ValueError(f"{code!r} is no currency; a code has three capital letters, as EUR")
    return code


def exact_amount(given: Any) -> Decimal:
    """An amount as it is written: 0.1 is a tenth. Raises ValueError."""
    if isinstance(given, bool) or not isinstance(given, int | float | str | Decimal):
        raise ValueError("is no amount; write a number, as 20000 or 99.90")
    text = repr(given) if isinstance(given, float) else f"{given}"
    if not _LIMIT.fullmatch(text):
        raise ValueError(f"{text} is no amount; write it as 20000 or 99.90")
    return Decimal(text)


def _divides(text: str) -> str:
    if not _DIVIDES.fullmatch(text):
        raise ValueError(
            f"{text!r} divides nothing; write agent, workflow, requester or an argument, as "
            "args.payee"
        )
    return text


class _Limits(Value, Generic[N]):
    soft: N | None = None
    hard: N | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.soft is None and self.hard is None:
            raise ValueError("names no limit: write soft (people are asked) or hard (it stops)")
        if self.soft is not None and self.hard is not None and self.soft >= self.hard:
            raise ValueError(
                f"soft is {self.soft} and hard {self.hard}, so nobody would ever be asked; soft "
                "has to be less"
            )
        return self


class CountLimits(_Limits[Annotated[int, Field(ge=0, le=10**9)]]):
    """How many calls."""


class ValueLimits(_Limits[Annotated[Decimal, BeforeValidator(exact_amount)]]):
    """How much, of one currency."""

    amount: Readable
    """Of a call, in CEL: a number of this currency, or a sum of money."""
    currency: Annotated[str, AfterValidator(_currency)]


class Budget(Value):
    """One cumulative limit."""

    tool: tuple[Pattern, ...] = Field(min_length=1)
    """Names of tools, or patterns of them; what they use adds up."""
    window: Window
    zone: Annotated[str, AfterValidator(zone_name)] | None = None
    """Of days, weeks and months."""
    per: tuple[Annotated[str, AfterValidator(_divides)], ...] = ()
    """Each of these has the whole budget: `agent`, `workflow`, `requester`, `args.payee`."""
    count: CountLimits | None = None
    value: ValueLimits | None = None
    roles: tuple[str, ...] = ()
    """Who is asked of a call that passes a soft limit, after those whom its rule asks."""
    stages: tuple[Stage, ...] = ()
    channels: tuple[str, ...] = DEFAULT_CHANNELS
    deadline: Length | None = None
    """How long they have, where the rule asks nobody."""

    @field_validator("tool", "per", mode="before")
    @classmethod
    def _one(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.count is None and self.value is None:
            raise ValueError("limits nothing: write count, or value, or both")
        if isinstance(self.window, str) and self.zone is None:
            raise ValueError(f"a {self.window} begins somewhere: write its zone, as Europe/Berlin")
        if isinstance(self.window, float) and self.zone is not None:
            raise ValueError("a duration rolls on and has no zone; remove it, or write day")
        if (self.roles or self.stages) and not self.is_soft:
            raise ValueError("asks nobody, as it has no soft limit; write one, or remove the roles")
        if self.roles or self.stages:
            self.asking()
        return self

    @property
    def is_soft(self) -> bool:
        """Whether it has a limit at which people are asked."""
        limits = (self.count, self.value)
        return any(each is not None and each.soft is not None for each in limits)

    @property
    def asks(self) -> bool:
        """Whether it names people of its own."""
        return bool(self.roles or self.stages)

    @property
    def currency(self) -> str:
        """Of its value; "" where it has no limit of that."""
        return "" if self.value is None else self.value.currency

    @property
    def definition(self) -> str:
        """What it counts by. Counted anew where that is another one."""
        return f"{self.window} {self.zone or ''} {self.currency}"

    def asking(self) -> Rule:
        """The rule by which its own people are asked. Raises ValueError for roles that cannot be
        asked."""
        rule = Rule(
            effect=Effect.REQUIRE_APPROVAL,
            roles=self.roles,
            stages=self.stages,
            channels=self.channels,
        )
        return rule.model_copy(update={"deadline": self.deadline})

    def is_for(self, tool: str) -> bool:
        """Whether calls of this tool draw on it."""
        return any(fnmatchcase(tool, pattern) for pattern in self.tool)
