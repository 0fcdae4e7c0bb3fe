"""What the factory makes anew for each chat cannot be approved in one and run in another.

Without postponed annotations: AutoGen reads those of functions that are defined in a test.
"""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest
from autogen.tools.dependency_injection import Depends, on
from pydantic import Field

from countersign import (
    Chat,
    Registry,
    WorkflowContext,
    workflow,
)
from countersign.agents.classic.models import ModelSettings, SharedClient, llm_config
from countersign.agents.classic.workflows import Workflow
from countersign.approvals.errors import ConfigurationError
from countersign.approvals.models import RequestStatus, SessionStatus
from countersign.sandbox.openai import ToolCall
from tests.agents.people import SqliteOffice
from tests.agents.teams import Mode, calls_then, one_tool
from tests.agents.world import world

PAY = ToolCall("pay", {"amount": 9, "rationale": "asked"}, "call_1")
Made = Callable[[str], Callable[..., Any]]


class Client:
    """Of some system; two chats have two."""


class Payments:
    """`mark` gives what each chat is built with."""

    def __init__(self, make: Made, mark: Callable[[], str]):
        self.make, self.mark = make, mark
        self.received: list[str] = []

    def workflow(self, mode: Mode = "async", *, pooled: bool = True) -> Workflow:
        def build(context: WorkflowContext) -> Chat:
            return one_tool(context, self.make(self.mark()), name="pay")

        return workflow("payments", "1", "Payments", mode=mode, pooled=pooled)(build)


def counted() -> Callable[[], str]:
    numbers = itertools.count(1)
    return lambda: f"ACC-{next(numbers)}"


def default(mark: str) -> Callable[..., Any]:
    def pay(amount: Annotated[int, "EUR"], account: Annotated[str, "Ours"] = mark) -> str:
        return mark

    return pay


def injected(mark: str) -> Callable[..., Any]:
    def pay(amount: Annotated[int, "EUR"], account=mark) -> str:  # type: ignore[no-untyped-def]
        return mark

    return pay


def depends(mark: str) -> Callable[..., Any]:
    def pay(amount: Annotated[int, "EUR"], account: Annotated[str, Depends(on(mark))]) -> str:
        return mark

    return pay


def factory(mark: str) -> Callable[..., Any]:
    def pay(
        amount: Annotated[int, "EUR"],
        account: str = Field(default_factory=lambda: mark),
    ) -> str:
        return mark

    return pay


def described(mark: str) -> Callable[..., Any]:
    def pay(amount: Annotated[int, "EUR"], account: Annotated[str, f"such as {mark}"]) -> str:
        return mark

    return pay


def with_client(mark: str) -> Callable[..., Any]:
    def pay(  # type: ignore[no-untyped-def]
        amount: Annotated[int, "EUR"],
        client=Client(),  # noqa: B008
        token=mark,
    ) -> str:
        return mark

    return pay


@pytest.fixture
def context() -> Iterator[WorkflowContext]:
    with SharedClient(trust_env=False, verify=False) as client:
        settings = ModelSettings(api_key="k", base_url="http://127.0.0.1:9/v1")
        yield WorkflowContext(llm_config=llm_config(settings, client))


@pytest.mark.parametrize("mode", ["async", "sync"])
@pytest.mark.parametrize("make", [default, injected, depends, factory, described])
def test_what_each_chat_makes_anew_is_refused_at_start(
    make: Made, mode: Mode, context: WorkflowContext
) -> None:
    registry = Registry(context)
    with pytest.raises(ConfigurationError, match="pay cannot be guarded: account is another") as x:
        registry.add(Payments(make, counted()).workflow(mode))

    assert "make it in the body of the function" in str(x.value)
    assert () == registry.infos()


async def test_what_people_do_not_read_may_be_made_anew(context: WorkflowContext) -> None:
    """Objects and secrets are shown by their name."""
    registry = Registry(context)
    registry.add(Payments(with_client, counted()).workflow())

    assert await registry.effective("payments", "pay", {"amount": 9}) is not None


@pytest.mark.parametrize("pooled", [True, False])
async def test_tools_take_what_they_take_in_the_chat_that_was_built_last(
    pooled: bool, context: WorkflowContext
) -> None:
    """A default that is today's date: both of one day are alike, and the next day comes."""
    day = ["2026-11-29"]
    registry = Registry(context)
    registry.add(Payments(default, lambda: day[0]).workflow(pooled=pooled))
    before = registry.forms()["payments", "pay"]
    async with registry.borrow("payments") as old:
        day[0] = "2026-11-30"
        async with registry.borrow("payments") as new:
            assert new.tools["pay"].version == registry.forms()["payments", "pay"]
            assert before != registry.forms()["payments", "pay"]
    async with registry.borrow("payments") as third, registry.borrow("payments") as fourth:
        assert old not in (third, fourth)
        effective = await registry.effective("payments", "pay", {"amount": 9})
        assert effective is not None
        assert {"amount": 9, "account": "2026-11-30"} == effective.arguments


@pytest.mark.parametrize("mode", ["async", "sync"])
async def test_next_day_is_asked_again(mode: Mode, tmp_path: Path) -> None:
    """Approved on one day, carried out on the next."""
    day, received = ["2026-11-29"], []

    def make(mark: str) -> Callable[..., Any]:
        def pay(amount: Annotated[int, "EUR"], on: Annotated[str, "Day"] = mark) -> str:
            received.append(on)
            return "paid"

        return pay

    payments = Payments(make, lambda: day[0])
    around = world(
        payments.workflow(mode), calls_then(PAY), path=tmp_path, office="sqlite", guarded=["pay"]
    )
    async with around as w:
        assert isinstance(w.office, SqliteOffice)
        await w.start()
        await w.run()
        (request,) = await w.requests()
        await w.office.approve(request)
        day[0] = "2026-11-30"
        w.office.restart(w.new_registry())
        assert SessionStatus.WAITING is (await w.run()).status
        (again,) = await w.requests()
        assert (RequestStatus.PENDING, "2026-11-30") == (again.status, again.arguments["on"])
        await w.office.approve(again)
        assert SessionStatus.COMPLETED is (await w.run()).status

    assert ["2026-11-30"] == received


@pytest.mark.parametrize("mode", ["async", "sync"])
async def test_chat_that_fills_in_something_else_than_was_approved_runs_nothing(
    mode: Mode, tmp_path: Path
) -> None:
    """Whatever the catalog says of the tool: what counts is the function that is called."""
    account, received = ["ACC-1"], []

    def make(mark: str) -> Callable[..., Any]:
        def pay(amount: Annotated[int, "EUR"], account=mark) -> str:  # type: ignore[no-untyped-def]
            received.append(account)
            return "paid"

        return pay

    payments = Payments(make, lambda: account[0])
    around = world(
        payments.workflow(mode), calls_then(PAY), path=tmp_path, office="sqlite", guarded=["pay"]
    )
    async with around as w:
        await w.start()
        await w.run()
        (request,) = await w.requests()
        assert ["ACC-1"] == [each.value for each in request.injected]
        await w.office.approve(request)
        account[0] = "ACC-2"
        session = await w.run()  # with the office's catalog of before

    assert [] == received
    assert SessionStatus.FAILED is session.status
    assert "fills in here is not what was approved" in str(session.error)
