"""The effective call: what is signed is what the function receives, or it is refused before.

Without postponed annotations: AutoGen does not find the models of a module that postpones them.
"""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, Optional

import pytest
from autogen import AssistantAgent
from autogen.tools import Depends
from autogen.tools.dependency_injection import ChatContext, on
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    SecretStr,
    computed_field,
    field_validator,
)

from countersign import ApprovalProxy
from countersign.agents.classic.functions import Functions
from countersign.agents.tools.permit import SealedTool
from countersign.agents.values.signature import NotGuardableError
from countersign.approvals.errors import InvalidArgumentsError
from countersign.approvals.models import Injected, JsonObject

Any_ = Callable[..., Any]
GOT: list[dict[str, Any]] = []


class Kind(Enum):
    RUSH = "rush"
    SLOW = "slow"


class Line(BaseModel):
    sku: str
    quantity: int = 1


class Order(BaseModel):
    lines: list[Line]
    kind: Kind = Kind.SLOW
    due: Optional[date] = None  # noqa: UP045 - as people write it


class Capped(BaseModel):
    amount: float

    @field_validator("amount")
    @classmethod
    def at_most(cls, value: float) -> float:
        return min(value, 50.0)


class Taxed(BaseModel):
    amount: float

    @field_validator("amount")
    @classmethod
    def with_tax(cls, value: float) -> float:
        return value * 1.19


class Aliased(BaseModel):
    sender: str = Field(alias="from")

    @computed_field  # type: ignore[prop-decorator]
    @property
    def shout(self) -> str:
        return self.sender.upper()


class Login(BaseModel):
    password: SecretStr


class Fussy(BaseModel):
    name: str

    @field_validator("name")
    @classmethod
    def known(cls, value: str) -> str:
        return {"a": "A"}[value]


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    name: str


def tool(function: Any_) -> SealedTool:
    """The function as AutoGen registers it, offered to a model by its own schema."""
    proxy = ApprovalProxy("gate", human_input_mode="NEVER")
    proxy.register_for_execution(name=function.__name__)(function)
    sealed = proxy.function_map[function.__name__]
    assert isinstance(sealed, SealedTool)
    sealed.offer(sealed.described())
    return sealed


def signed(function: Any_, **arguments: Any) -> JsonObject:
    return tool(function).parameters.effective(arguments).arguments


def refusal(function: Any_, **arguments: Any) -> str:
    with pytest.raises(InvalidArgumentsError) as caught:
        tool(function).parameters.effective(arguments)
    return str(caught.value)


def received(function: Any_, **arguments: Any) -> Any:
    parameters = tool(function).parameters
    return parameters.call(parameters.effective(arguments).arguments)()


def test_defaults_are_part_of_it_and_marked() -> None:
    def pay(invoice: str, amount: float = 500.0, tell: bool = True) -> str:
        return f"{invoice} {amount} {tell}"

    effective = tool(pay).parameters.effective({"invoice": "INV-7"})

    assert {"invoice": "INV-7", "amount": 500.0, "tell": True} == effective.arguments
    assert ("/amount", "/tell") == effective.defaulted
    assert received(pay, invoice="INV-7") == "INV-7 500.0 True"


def test_order_is_that_of_the_signature() -> None:
    def pay(invoice: str, amount: float) -> str:
        return ""

    assert ["invoice", "amount"] == list(signed(pay, amount=1, invoice="a"))


def order(order: Order, more: list[Line] = [], maybe: Line | None = None) -> Any:  # noqa: B006
    return order, more, maybe


def test_models_in_models_are_whole() -> None:
    arguments = signed(order, order={"lines": [{"sku": "a"}]}, more=[{"sku": "b", "quantity": 2}])
    lines = {"lines": [{"sku": "a", "quantity": 1}], "kind": "slow", "due": None}

    assert {"order": lines, "more": [{"sku": "b", "quantity": 2}], "maybe": None} == arguments
    assert received(order, order={"lines": [{"sku": "a"}], "due": "2026-01-31"}) == (
        Order(lines=[Line(sku="a")], due=date(2026, 1, 31)),
        [],
        None,
    )


@pytest.mark.parametrize(
    "arguments",
    [
        {"order": {"lines": [], "hold": "x"}},
        {"order": {"lines": [{"sku": "a", "hold_until": "Monday"}]}},
        {"order": {"lines": []}, "more": [{"sku": "a", "x": 1}]},
        {"order": {"lines": []}, "maybe": {"sku": "a", "x": 1}},
        {"order": {"lines": []}, "x": 1},
    ],
)
def test_extra_members_are_refused_at_any_depth(arguments: JsonObject) -> None:
    assert "x" in refusal(order, **arguments) or "hold" in refusal(order, **arguments)


def test_model_that_takes_more_keeps_it() -> None:
    def note(note: Open) -> Any:
        return note

    assert {"note": {"name": "a", "more": [1]}} == signed(note, note={"name": "a", "more": [1]})


def test_what_a_validator_makes_of_it_is_what_is_signed() -> None:
    def pay(payment: Capped) -> Any:
        return payment

    assert {"payment": {"amount": 50.0}} == signed(pay, payment={"amount": 100})
    assert received(pay, payment={"amount": 100}) == Capped(amount=50)


def test_validator_that_changes_it_each_time_is_refused() -> None:
    def pay(payment: Taxed) -> Any:
        raise AssertionError("nobody could say what was approved")

    assert "not the same once it is written down" in refusal(pay, payment={"amount": 100})


def test_validator_that_raises_anything_is_an_invalid_argument() -> None:
    def hire(who: Fussy) -> Any:
        return who

    assert "its validator failed: KeyError: 'b'" in refusal(hire, who={"name": "b"})


def test_dates_decimals_and_sets_are_written_as_they_are_read() -> None:
    def book(on_: date, at: datetime, price: Decimal, tags: set[str]) -> Any:
        return on_, at, price, tags

    given: JsonObject = {
        "on_": "1714521600",
        "at": "2026-01-31T10:00:00Z",
        "price": 1.1,
        "tags": ["b", "a"],
    }
    arguments = signed(book, **given)

    assert ("2024-05-01", "1.1", ["a", "b"]) == tuple(
        arguments[name] for name in ("on_", "price", "tags")
    )
    assert (date(2024, 5, 1), Decimal("1.1"), {"a", "b"}) == tuple(
        received(book, **given)[index] for index in (0, 2, 3)
    )
    assert "on_" in refusal(book, **{**given, "on_": "never"})


def test_aliases_are_the_names_on_the_card() -> None:
    def mail(mail: Aliased, kind: Literal["a", "b"] = "a") -> Any:
        return mail, kind

    assert {"mail": {"from": "me"}, "kind": "a"} == signed(mail, mail={"from": "me"})
    assert received(mail, mail={"from": "me"})[0].sender == "me"


def test_default_that_the_type_does_not_allow_is_a_value() -> None:
    def find(name: str = None, kinds: list[Kind] = None) -> Any:  # type: ignore[assignment]  # noqa: RUF013
        return name, kinds

    assert {"name": None, "kinds": None} == signed(find)
    assert {"name": None, "kinds": ["rush"]} == signed(find, name=None, kinds=["rush"])
    assert received(find) == (None, None)


def test_default_of_another_type_is_shown_as_what_the_body_receives() -> None:
    def scale(by: float = True) -> Any:
        return by

    assert signed(scale)["by"] is True
    assert received(scale) is True
    assert received(scale, by=1) == 1.0


def test_default_that_json_cannot_hold_is_shown_as_json() -> None:
    def price(amount: Decimal = Decimal("5.00"), first: Line = Line(sku="a")) -> Any:  # noqa: B008
        return amount, first

    shown = tool(price).parameters.shown["properties"]

    assert ("5.00", {"sku": "a", "quantity": 1}) == (
        shown["amount"]["default"],
        shown["first"]["default"],
    )
    assert received(price) == (Decimal("5.00"), Line(sku="a"))


def test_body_cannot_change_the_default_of_the_next_call() -> None:
    def add(item: str, to: list[str] = []) -> Any:  # noqa: B006
        to.append(item)
        return to

    assert received(add, item="a") == ["a"]
    assert received(add, item="b") == ["b"]


def test_what_the_workflow_sets_is_named_with_its_value_unless_it_may_be_secret() -> None:
    def ask(
        a: int,
        chat: ChatContext,
        tenant: Annotated[str, Depends(on("emea"))],
        api_token: Annotated[str, Depends(on("s3cr3t"))],
    ) -> Any:
        return a, type(chat), tenant, api_token

    effective = tool(ask).parameters.effective({"a": 1})

    assert {"a": 1} == effective.arguments
    assert (
        Injected(name="chat"),
        Injected(name="tenant", value="emea"),
        Injected(name="api_token"),
    ) == effective.injected
    assert received(ask, a=1) == (1, ChatContext, "emea", "s3cr3t")


def test_what_models_are_not_offered_is_set_by_the_workflow() -> None:
    def pay(invoice: str, account: str = "main") -> Any:
        return invoice, account

    sealed = SealedTool("pay", pay, Functions())
    sealed.offer({"type": "object", "properties": {"invoice": {"type": "string"}}})
    effective = sealed.parameters.effective({"invoice": "a"})

    assert (Injected(name="account", value="main"),) == effective.injected
    with pytest.raises(InvalidArgumentsError, match="account: "):
        sealed.parameters.effective({"invoice": "a", "account": "b"})


@pytest.mark.parametrize("default", [1, 2])
def test_version_of_a_tool_names_its_defaults(default: int) -> None:
    def one(a: int = 1) -> str:
        return ""

    def other(a: int = default) -> str:
        return ""

    same = tool(one).parameters.version == tool(other).parameters.version

    assert (default == 1) is same


def positional(a: int, /, b: int = 1) -> str:
    return ""


def login(login: Login) -> str:
    return ""


@pytest.mark.parametrize(("function", "words"), [(positional, "a: "), (login, "login: it is a")])
def test_what_cannot_be_shown_faithfully_is_refused_at_start(function: Any_, words: str) -> None:
    with pytest.raises(NotGuardableError, match=words):
        tool(function)


def test_decorators_of_the_author_stay() -> None:
    import functools

    def logged(function: Any_) -> Any_:
        @functools.wraps(function)
        def inner(**arguments: Any) -> Any:
            GOT.append(arguments)
            return function(**arguments)

        return inner

    @logged
    def pay(amount: Decimal) -> Any:
        return amount

    assert received(pay, amount="2.50") == Decimal("2.50")
    assert [{"amount": Decimal("2.50")}] == GOT


def test_model_is_shown_references_that_resolve() -> None:
    """AutoGen puts definitions where no reference looks for them."""
    proxy = ApprovalProxy("gate", human_input_mode="NEVER")
    worker = AssistantAgent(
        "worker", llm_config={"config_list": [{"model": "m", "api_key": "x"}], "cache_seed": None}
    )
    from autogen import register_function

    from countersign import Chat
    from countersign.agents.classic.tools import offered_functions, parameters, show

    register_function(order, caller=worker, executor=proxy, description="Order.")
    chat = Chat(starter=proxy, recipient=worker)
    show(chat, parameters(chat, "orders"), lambda _: True)
    (shown,) = offered_functions(worker)

    assert {"Line", "Kind"} == shown["parameters"]["$defs"].keys()
    assert "rationale" in shown["parameters"]["required"]
    assert not any("$defs" in each for each in shown["parameters"]["properties"].values())


@pytest.mark.parametrize(
    "annotation",
    [
        Annotated[str, "The invoice"],
        str,
        float,
        Optional[int],  # noqa: UP045
        Literal["EUR", 1, None],
        list[dict[str, bool]],
    ],
)
def test_short_values_of_plain_types_are_read_at_once(annotation: Any) -> None:
    def pay(value: annotation, note: str = "") -> str:
        return note

    parameters = tool(pay).parameters

    assert parameters.is_quick({"value": "x"})
    assert parameters.is_quick({"value": 1, "note": None})
    assert not parameters.is_quick({"value": "x" * 10_001})
    assert not parameters.is_quick({"value": ["x"]})


@pytest.mark.parametrize(
    "annotation",
    [
        list[Annotated[int, AfterValidator(abs)]],
        list[Annotated[str, PlainSerializer(str.strip)]],
        list[Annotated[str, Field(pattern="^(a+)+$")]],
        Optional[Annotated[int, AfterValidator(abs)]],  # noqa: UP045
        Line,
        Kind,
        Literal[Kind.RUSH],
        date,
        Decimal,
    ],
)
def test_what_may_run_code_of_the_users_is_not_read_at_once(annotation: Any) -> None:
    def pay(value: annotation) -> str:
        return ""

    assert not tool(pay).parameters.is_quick({"value": "x"})


def test_default_that_is_no_plain_value_is_not_read_at_once() -> None:
    def pay(value: dict[str, int] = {"a": 1}) -> str:  # noqa: B006
        return str(value)

    assert not tool(pay).parameters.is_quick({})
