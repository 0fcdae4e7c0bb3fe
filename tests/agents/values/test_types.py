"""Types of every kind: what is signed is what the body receives, or the tool is refused at start.

Without postponed annotations: AutoGen does not find the models of a module that postpones them.
"""

import dataclasses
from collections.abc import Generator, Iterable
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, NamedTuple, Optional

import pytest
from pydantic import (
    AliasChoices,
    AliasGenerator,
    AliasPath,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    PrivateAttr,
    field_serializer,
    field_validator,
    model_serializer,
)
from pydantic.alias_generators import to_camel
from pydantic_core import core_schema

from countersign.agents.classic.functions import Functions
from countersign.agents.tools.permit import SealedTool
from countersign.agents.values.signature import NotGuardableError
from tests.agents.values.test_effective import received, refusal, signed, tool


class Kind(Enum):
    RUSH = "rush"
    SLOW = "slow"


class Names(BaseModel):
    names: Iterable[str] = ()
    more: dict[str, Iterable[int]] = {}


@dataclasses.dataclass(slots=True)
class Slotted:
    sku: str
    quantity: int = 1
    tags: Iterable[str] = ()


@dataclasses.dataclass(frozen=True)
class Frozen:
    tags: Iterable[str]


class Pair(NamedTuple):
    number: int
    names: Iterable[str] = ()


class Enums(BaseModel):
    model_config = ConfigDict(use_enum_values=True)
    kind: Kind = Kind.SLOW


class Loose(BaseModel):
    due: date = "2026-01-31"  # type: ignore[assignment]
    tags: set[str] = ["a"]  # type: ignore[assignment]


class Camel(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)
    due_date: date


class Written(BaseModel):
    at: datetime

    @field_serializer("at")
    def short(self, value: datetime) -> str:
        return value.isoformat(timespec="minutes")


class EnumsTwice(BaseModel):
    one: Kind
    other: Kind = Kind.SLOW

    @field_serializer("one", "other")
    def value(self, kind: Kind) -> str:
        return kind.value


class Private(BaseModel):
    name: str
    _rate: float = PrivateAttr(default=25.0)


@pytest.mark.parametrize(
    ("hint", "value", "got"),
    [
        (Iterable[str], ["ann", "bob"], ["ann", "bob"]),
        (Iterable, [1], [1]),
        (Optional[Iterable[str]], ["a"], ["a"]),  # noqa: UP045 - as people write it
        (list[Iterable[int]], [[1], [2, 3]], [[1], [2, 3]]),
        (Names, {"names": ["a"], "more": {"x": [1]}}, Names(names=["a"], more={"x": [1]})),
        (Names, {}, Names()),
        (Slotted, {"sku": "a", "tags": ["x"]}, Slotted("a", 1, ["x"])),
        (Slotted, {"sku": "a"}, Slotted("a", 1, [])),
        (list[Frozen], [{"tags": ["x"]}], [Frozen(["x"])]),
        (Pair, [1, ["a"]], Pair(1, ["a"])),
        (Enums, {}, Enums(kind=Kind("slow"))),
        (Enums, {"kind": "rush"}, Enums(kind=Kind.RUSH)),
        (EnumsTwice, {"one": "rush"}, EnumsTwice(one=Kind.RUSH)),
        (Loose, {}, Loose(due=date(2026, 1, 31), tags={"a"})),
        (Camel, {"dueDate": "2026-01-31"}, Camel(dueDate=date(2026, 1, 31))),
        (Written, {"at": "2026-01-31T10:00"}, Written(at=datetime(2026, 1, 31, 10))),
        (Decimal | str, 5, Decimal(5)),
        (Decimal | str, "5", "5"),
        (dict[str, list[Decimal | str]], {"a": [0.1, "b"]}, {"a": [Decimal("0.1"), "b"]}),
    ],
)
def test_body_receives_what_is_signed(hint: Any, value: Any, got: Any) -> None:
    def do(it: Annotated[hint, "what"]) -> Any:
        return it

    first = signed(do, it=value)

    assert first == signed(do, **first)
    assert plain(received(do, it=value)) == plain(got)


def plain(value: Any) -> Any:
    """Models and the like as dicts, with lists for what is read once only."""
    if isinstance(value, BaseModel):
        return {"": type(value), **{k: plain(v) for k, v in vars(value).items()}}
    if dataclasses.is_dataclass(value):
        names = [field.name for field in dataclasses.fields(value)]
        return {"": type(value), **{name: plain(getattr(value, name)) for name in names}}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, str | set) or not isinstance(value, Iterable):
        return value
    return [plain(item) for item in value]


def test_items_of_an_iterable_are_checked_before_anybody_is_asked() -> None:
    def do(it: Iterable[date]) -> Any:
        return it

    assert "never" in refusal(do, it=["2026-01-31", "never"]) or "0" in refusal(do, it=["never"])


def test_private_attributes_are_the_authors_at_every_call() -> None:
    def do(it: Private) -> Any:
        return it._rate

    assert {"it": {"name": "a"}} == signed(do, it={"name": "a"})
    assert "_rate" in refusal(do, it={"name": "a", "_rate": 99})
    assert 25.0 == received(do, it={"name": "a"})


def test_body_cannot_change_the_default_of_the_next_call() -> None:
    def do(it: Slotted = Slotted("a")) -> Any:  # noqa: B008
        it.quantity += 1
        return it.quantity

    parameters = tool(do).parameters

    for _ in range(2):
        assert {"sku": "a", "quantity": 1, "tags": []} == parameters.effective({}).arguments["it"]
        assert 2 == parameters.call(parameters.effective({}).arguments)()


class Fee(BaseModel):
    to: str
    fee: float = Field(default=25.0, exclude=True)


class FeeAtTimes(BaseModel):
    fee: float = Field(default=25.0, exclude_if=lambda fee: fee == 25.0)


class Fees(BaseModel):
    all: list[dict[str, Fee]] = []


class Tree(BaseModel):
    fee: float = Field(default=25.0, exclude=True)
    children: list["Tree"] = []


class Emptied(BaseModel):
    fee: float = 25.0

    @model_serializer
    def nothing(self) -> dict[str, Any]:
        return {}


class Rate(BaseModel):
    rate: float = 1.0


class Rates(Rate):
    fee: float = 25.0


class EmptiedInside(BaseModel):
    fees: Rate = Rate()

    @field_serializer("fees")
    def nothing(self, _: Rate) -> dict[str, Any]:
        return {}


class EmptiedTwice(BaseModel):
    one: Rate = Rate()
    other: Rate = Rate()

    @field_serializer("one")
    def nothing(self, _: Rate) -> dict[str, Any]:
        return {}


class EmptiedPair(BaseModel):
    pair: Pair

    @field_serializer("pair")
    def nothing(self, pair: Pair) -> list[int]:
        return [pair.number]


class Chosen(BaseModel):
    sender: str = Field(validation_alias=AliasChoices("from", "sender"))


class Deep(BaseModel):
    sender: str = Field(validation_alias=AliasPath("from", 0))


class Renamed(BaseModel):
    sender: str = Field(validation_alias="from")


class WrittenOtherwise(BaseModel):
    sender: str = Field(serialization_alias="from")


class HalfCamel(BaseModel):
    model_config = ConfigDict(alias_generator=AliasGenerator(validation_alias=to_camel))
    due_date: date


class ByName(BaseModel):
    model_config = ConfigDict(validate_by_alias=False, validate_by_name=True)
    sender: str = Field(alias="from")


class Once(BaseModel):
    names: Generator[str, None, None]


class OnceByDefault(BaseModel):
    names: Iterable[str] = iter(["a"])


@dataclasses.dataclass
class GivenOnly:
    name: str
    fee: dataclasses.InitVar[float] = 25.0


@dataclasses.dataclass
class ReadOnly:
    name: str
    fee: float = dataclasses.field(default=25.0, init=False)


NONE: Any = object()


@pytest.mark.parametrize(
    ("hint", "default", "words"),
    [
        (Fee, NONE, "it.fee: it is left out when it is written down"),
        (Optional[Fee], None, "it.fee: it is left out"),  # noqa: UP045 - as people write it
        (Fees, NONE, "it.all.fee: it is left out"),
        (FeeAtTimes, NONE, "it.fee: it is left out"),
        (Tree, NONE, "it (Tree).fee: it is left out"),
        (EmptiedTwice, NONE, "it.one: its serializer nothing may leave out"),
        (EmptiedPair, NONE, "it.pair: its serializer nothing may leave out"),
        (Emptied, NONE, "it: its serializer nothing may leave out"),
        (EmptiedInside, NONE, "it.fees: its serializer nothing may leave out"),
        (Chosen, NONE, "it.sender: it is read as one of several names and written as sender"),
        (Deep, NONE, "it.sender: it is read as one of several names"),
        (Renamed, NONE, "it.sender: it is read as from and written as sender"),
        (WrittenOtherwise, NONE, "it.sender: it is read as sender and written as from"),
        (HalfCamel, NONE, "it.due_date: it is read as dueDate and written as due_date"),
        (ByName, NONE, "it.sender: it is read as sender and written as from"),
        (Generator[str, None, None], NONE, "it: a generator is read once only; write list"),
        (Once, NONE, "it.names: a generator is read once only; write list"),
        (OnceByDefault, NONE, "it.names: its default is read once only; write a list"),
        (Iterable[str], iter(["a"]), "it: its default is read once only; write a list"),
        (GivenOnly, NONE, "it.fee: it is no member that can be both given and read"),
        (ReadOnly, NONE, "it.fee: it is no member that can be both given and read"),
        (Rate, Rates(), "it: its default is not the same once it is written down"),
        (list[Rate], [Rates()], "it: its default is not the same once it is written down"),
        (int, object(), "it: its default cannot be written down"),
    ],
)
@pytest.mark.filterwarnings("ignore::pydantic.json_schema.PydanticJsonSchemaWarning")
def test_what_hides_something_is_refused_at_start(hint: Any, default: Any, words: str) -> None:
    def given(it: Annotated[hint, "what"]) -> Any:
        raise AssertionError("nobody could read what it is")

    def defaulted(it: Annotated[hint, "what"] = default) -> Any:
        raise AssertionError("nobody could read what it is")

    with pytest.raises(NotGuardableError) as caught:
        tool(given if default is NONE else defaulted)

    assert str(caught.value).startswith(words)


def test_default_of_a_function_without_annotations_hides_nothing_either() -> None:
    def do(it=Fee(to="me")) -> Any:  # type: ignore[no-untyped-def]  # noqa: B008
        return it

    with pytest.raises(NotGuardableError, match=r"it\.fee: it is left out"):
        SealedTool("do", do, Functions()).offer({"type": "object", "properties": {"it": {}}})


class SilentError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


class Badly:
    """A type that raises whatever is done to it."""

    def __init__(self, value: str):
        self.value = value

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("eq")

    def __repr__(self) -> str:
        raise RuntimeError("repr")

    @classmethod
    def written(cls, value: "Badly") -> str:
        return value.value

    @classmethod
    def __get_pydantic_core_schema__(cls, *_: Any) -> core_schema.CoreSchema:
        how = core_schema.plain_serializer_function_ser_schema(cls.written)
        string = core_schema.str_schema()
        return core_schema.no_info_after_validator_function(cls, string, serialization=how)


class BadlyWritten(Badly):
    @classmethod
    def written(cls, value: Badly) -> str:
        raise SystemExit(1)


def raising(error: BaseException) -> Any:
    class Model(BaseModel):
        name: str

        @field_validator("name")
        @classmethod
        def raises(cls, value: str) -> str:
            raise error

    return Model


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (Badly, "a"),
        (BadlyWritten, "a"),
        *(
            (raising(error), {"name": "a"})
            for error in (
                ValueError("\ud800"),
                SilentError(),
                SystemExit(1),
                RecursionError(),
                AssertionError(),
            )
        ),
    ],
)
def test_whatever_types_raise_is_an_invalid_argument(hint: Any, value: Any) -> None:
    def do(it: Annotated[hint, "what"]) -> Any:
        raise AssertionError("nobody could say what was approved")

    assert refusal(do, it=value).encode()


class Streamed(BaseModel):
    names: Annotated[Any, PlainValidator(lambda names: (name for name in names))]


def test_what_is_used_up_where_it_is_written_down_reaches_the_body_whole() -> None:
    def do(it: Streamed) -> Any:
        return list(it.names)

    assert {"it": {"names": ["a"]}} == signed(do, it={"names": ["a"]})
    assert ["a"] == received(do, it={"names": ["a"]})
