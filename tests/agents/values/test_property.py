"""For generated signatures: what is signed is what the body receives, or it is refused before.

Without postponed annotations: AutoGen does not find the models of a module that postpones them.
"""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Literal, Optional

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, field_validator
from pydantic_core import to_jsonable_python

from countersign import ApprovalProxy
from countersign.agents.tools.permit import SealedTool, permitted
from countersign.agents.values.signature import NotGuardableError
from countersign.approvals.audit.canonical import canonical_json
from countersign.approvals.errors import InvalidArgumentsError
from countersign.approvals.models import JsonObject
from tests.agents.requests import claimed


class Size(Enum):
    S = "small"
    L = "large"


class Inner(BaseModel):
    name: str
    count: int = 3
    price: Decimal = Decimal("1.50")


class Outer(BaseModel):
    inner: Inner
    others: list[Inner] = []
    size: Optional[Size] = None  # noqa: UP045 - as people write it
    by: str = Field(default="me", alias="from")


class Tidy(BaseModel):
    text: str
    amount: float

    @field_validator("text")
    @classmethod
    def stripped(cls, value: str) -> str:
        return value.strip().lower()

    @field_validator("amount")
    @classmethod
    def rounded(cls, value: float) -> float:
        return round(value, 2)


class Growing(BaseModel):
    text: str

    @field_validator("text")
    @classmethod
    def longer(cls, value: str) -> str:
        return value if len(value) > 5 else value + "!"


@dataclass(slots=True)
class Slotted:
    name: str
    count: int = 3


class Lazy(BaseModel):
    model_config = ConfigDict(use_enum_values=True)
    names: Iterable[str] = ()
    size: Size = Size.S


TYPES: dict[str, Any] = {
    "str": str, "int": int, "float": float, "bool": bool, "Decimal": Decimal, "date": date,
    "datetime": datetime, "Size": Size, "Inner": Inner, "Outer": Outer, "Tidy": Tidy,
    "Growing": Growing, "list[Inner]": list[Inner], "list[str]": list[str],
    "Optional[Inner]": Optional[Inner], "Optional[int]": Optional[int],  # noqa: UP045
    "dict[str, Inner]": dict[str, Inner], "set[str]": set[str], "list[Size]": list[Size],
    'Literal["a", "b"]': Literal["a", "b"], "int | str": int | str,
    "dict[str, Any]": dict[str, Any], "Iterable[str]": Iterable[str], "Slotted": Slotted,
    "list[Slotted]": list[Slotted], "Lazy": Lazy, "list[Iterable[int]]": list[Iterable[int]],
}  # fmt: skip
DEFAULTS = [
    "5",
    '"x"',
    "()",
    'Slotted("s")',
    "None",
    "[]",
    "{}",
    'Decimal("2.50")',
    "Size.S",
    'Inner(name="d")',
    "True",
]
NAMESPACE = {**{k: v for k, v in globals().items() if not k.startswith("_")}}
TEXT = st.text(max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 99) | st.sampled_from([0.1, 2.5, 1e3]) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)
INNER = st.fixed_dictionaries(
    {"name": TEXT},
    optional={
        "count": st.integers(0, 9) | JSON,
        "price": st.sampled_from([1.1, "2.50", 3]),
        "x": JSON,
    },
)
OUTER = st.fixed_dictionaries(
    {"inner": INNER},
    optional={"others": st.lists(INNER, max_size=2), "size": st.sampled_from(["small", None, "?"]),
              "from": TEXT, "by": TEXT},
)  # fmt: skip
SLOTTED = st.fixed_dictionaries({"name": TEXT}, optional={"count": st.integers(0, 9) | JSON})
LAZY = st.fixed_dictionaries(
    {}, optional={"names": st.lists(TEXT, max_size=3), "size": st.sampled_from(["large", "?"])}
)
TIDY = st.fixed_dictionaries({"text": TEXT, "amount": st.floats(-1e6, 1e6)})
LIKELY: dict[str, st.SearchStrategy[Any]] = {
    "str": TEXT, "int": st.integers(-9, 99), "float": st.floats(-1e6, 1e6), "bool": st.booleans(),
    "Decimal": st.sampled_from([1, 1.1, "2.500", "x"]), "Size": st.sampled_from(["small", "?"]),
    "date": st.sampled_from(["2026-01-31", "1714521600", "never"]),
    "datetime": st.sampled_from(["2026-01-31T10:00:00Z", "2026-01-31", "1714521600"]),
    "Inner": INNER, "Outer": OUTER, "Tidy": TIDY, "Growing": st.fixed_dictionaries({"text": TEXT}),
    "list[Inner]": st.lists(INNER, max_size=2), "list[str]": st.lists(TEXT, max_size=3),
    "Optional[Inner]": st.none() | INNER, "Optional[int]": st.none() | st.integers(0, 9),
    "dict[str, Inner]": st.dictionaries(TEXT, INNER, max_size=2),
    "set[str]": st.lists(TEXT, max_size=4), "list[Size]": st.lists(st.just("large"), max_size=2),
    'Literal["a", "b"]': st.sampled_from(["a", "b", "c"]), "int | str": st.integers() | TEXT,
    "dict[str, Any]": st.dictionaries(TEXT, JSON, max_size=2), "Slotted": SLOTTED, "Lazy": LAZY,
    "Iterable[str]": st.lists(TEXT, max_size=3), "list[Slotted]": st.lists(SLOTTED, max_size=2),
    "list[Iterable[int]]": st.lists(st.lists(st.integers(0, 9), max_size=2), max_size=2),
}  # fmt: skip


@st.composite
def tools(draw: st.DrawFn) -> tuple[str, dict[str, str]]:
    """The source of a function that records what it receives, and its types by parameter."""
    kinds = draw(st.lists(st.sampled_from(sorted(TYPES)), min_size=1, max_size=4))
    defaults = draw(st.integers(0, len(kinds)))
    parameters, types = [], {}
    for number, kind in enumerate(kinds):
        name = f"p{number}"
        types[name] = kind
        default = draw(st.sampled_from(DEFAULTS)) if number >= len(kinds) - defaults else None
        parameters.append(f"{name}: {kind}" + (f" = {default}" if default else ""))
    body = ", ".join(f"{name}={name}" for name in types)
    source = f"def tool({', '.join(parameters)}) -> str:\n    seen.append(dict({body}))\n"
    return source + '    return "done"\n', types


def sealed(source: str, seen: list[dict[str, Any]]) -> SealedTool:
    namespace: dict[str, Any] = {**NAMESPACE, "seen": seen}
    exec(source, namespace)  # noqa: S102 - a function that this test has written
    proxy = ApprovalProxy("gate", human_input_mode="NEVER")
    proxy.register_for_execution(name="tool")(namespace["tool"])
    tool = proxy.function_map["tool"]
    assert isinstance(tool, SealedTool)
    tool.offer(tool.described())
    return tool


def written_down(kind: str, value: Any) -> bytes:
    """The canonical JSON of what a body received, by pydantic and not by the code under test."""
    if isinstance(value, bool):
        return canonical_json(value)
    if isinstance(value, set):
        value = sorted(value, key=canonical_json)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a default need not be of the declared type
        try:
            return canonical_json(
                TypeAdapter(TYPES[kind]).dump_python(value, mode="json", by_alias=True)
            )
        except Exception:
            return canonical_json(to_jsonable_python(value, by_alias=True))


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_what_is_signed_is_what_the_body_receives(data: st.DataObject) -> None:
    source, types = data.draw(tools())
    seen: list[dict[str, Any]] = []
    try:
        tool = sealed(source, seen)
    except NotGuardableError:
        return
    arguments: JsonObject = {
        name: data.draw(LIKELY[kind] if data.draw(st.integers(0, 9)) else JSON)
        for name, kind in types.items()
        if data.draw(st.integers(0, 4))
    }
    try:
        signed = tool.parameters.effective(arguments).arguments
    except InvalidArgumentsError:
        assert seen == []
        return
    request = claimed("tool", signed, schema_version=tool.parameters.version)
    with permitted(request, lambda: None):
        tool(**signed)

    assert types.keys() == signed.keys()
    assert [{name: canonical_json(value) for name, value in signed.items()}] == [
        {name: written_down(types[name], value) for name, value in got.items()} for got in seen
    ]
    assert tool.parameters.effective(signed).arguments == signed


def test_most_of_what_is_generated_is_not_refused() -> None:
    """Otherwise the property above would say nothing."""
    seen: list[dict[str, Any]] = []
    tool = sealed(
        "def tool(a: Outer, b: list[Inner], c: set[str], d: Decimal = 5) -> str:\n"
        '    seen.append(dict(a=a))\n    return "done"\n',
        seen,
    )
    given_: JsonObject = {"a": {"inner": {"name": "n"}}, "b": [{"name": "m"}], "c": ["z", "a"]}
    signed = tool.parameters.effective(given_).arguments

    assert "1.50" == signed["a"]["inner"]["price"]
    with pytest.raises(InvalidArgumentsError):
        tool.parameters.effective({**given_, "c": "z"})
