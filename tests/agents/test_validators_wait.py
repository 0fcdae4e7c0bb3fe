"""Validators may wait for other systems, or hang: that holds up nobody else.

Without postponed annotations: AutoGen does not find the models of a module that postpones them.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, field_validator

from countersign import (
    Chat,
    WorkflowContext,
    workflow,
)
from countersign.agents.classic.workflows import Workflow
from countersign.agents.values import time_limit
from countersign.approvals.errors import InvalidArgumentsError
from countersign.approvals.models import RequestStatus, SessionStatus
from countersign.sandbox.openai import ToolCall
from tests.agents.people import SqliteOffice
from tests.agents.teams import Mode, calls_then, one_tool
from tests.agents.world import world

GREET = ToolCall("greet", {"customer": {"id": "C-1"}, "rationale": "asked"}, "call_1")
MODES = pytest.mark.parametrize("mode", ["async", "sync"])
LIMIT_S = 0.05


class Crm:
    """What is asked whether a customer exists."""

    def __init__(self) -> None:
        self.asked_in: list[int] = []
        self.hangs_for: set[str] = set()
        self.let_go = threading.Event()
        self.greeted: list[str] = []

    def exists(self, customer: str) -> None:
        self.asked_in.append(threading.get_ident())
        if customer in self.hangs_for:
            assert self.let_go.wait(60)
        if customer == "gone":
            raise asyncio.CancelledError("the client gave up")


CRM = Crm()


class Customer(BaseModel):
    id: str

    @field_validator("id")
    @classmethod
    def known(cls, value: str) -> str:
        CRM.exists(value)
        return value


@pytest.fixture(autouse=True)
def crm() -> Iterator[Crm]:
    CRM.__init__()  # type: ignore[misc]
    yield CRM
    CRM.let_go.set()


def greeting(mode: Mode, *, waits: bool = False, default: str = "Hello") -> Workflow:
    def greet(customer: Annotated[Customer, "whom"], word: str = default) -> str:
        CRM.greeted.append(customer.id)
        return word

    async def greet_later(customer: Annotated[Customer, "whom"], word: str = default) -> str:
        CRM.greeted.append(customer.id)
        return word

    def build(context: WorkflowContext) -> Chat:
        body: Callable[..., Any] = greet_later if waits else greet
        return one_tool(context, body, name="greet")

    return workflow("greetings", "1", "Greetings", mode=mode)(build)


@MODES
@pytest.mark.parametrize("waits", [False, True])
async def test_they_never_run_on_the_event_loop(
    waits: bool, mode: Mode, crm: Crm, tmp_path: Path
) -> None:
    """Proposed, asked again after a release, edited, approved and run."""
    around = world(
        greeting(mode, waits=waits),
        calls_then(GREET),
        path=tmp_path,
        office="sqlite",
        guarded=["greet"],
    )
    counts = []
    async with around as w:
        assert isinstance(w.office, SqliteOffice)
        await w.start()
        await w.run()
        counts.append(len(crm.asked_in))
        (request,) = await w.requests()
        await w.office.approve(request)
        w.workflow = greeting(mode, waits=waits, default="Dear")
        w.office.restart(w.new_registry())
        assert SessionStatus.WAITING is (await w.run()).status
        counts.append(len(crm.asked_in))
        (again,) = await w.requests()
        await w.office.approve(again, {"customer": {"id": "C-2"}, "word": "Dear"})
        counts.append(len(crm.asked_in))
        assert SessionStatus.COMPLETED is (await w.run()).status
        counts.append(len(crm.asked_in))

    assert ["C-2"] == crm.greeted
    assert sorted({0, *counts}) == [0, *counts]
    assert threading.get_ident() not in crm.asked_in


@MODES
async def test_call_whose_validator_hangs_is_not_asked_and_the_model_reads_why(
    mode: Mode, crm: Crm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time_limit, "TIME_LIMIT_S", LIMIT_S)
    crm.hangs_for.add("C-1")
    around = world(greeting(mode), calls_then(GREET), path=tmp_path, guarded=["greet"])
    async with around as w:
        await w.start()
        assert SessionStatus.COMPLETED is (await w.run()).status
        (told,) = await w.tool_texts()

    assert "could not be read within 0.05 s: a validator of this tool hangs" in told
    assert [] == crm.greeted


@MODES
@pytest.mark.parametrize(
    ("customer", "reason"),
    [("C-2", "could not be read within 0.05 s"), ("gone", "CancelledError: the client gave up")],
)
async def test_edit_whose_validator_hangs_or_gives_up_does_not_count(
    customer: str,
    reason: str,
    mode: Mode,
    crm: Crm,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    around = world(
        greeting(mode), calls_then(GREET), path=tmp_path, office="sqlite", guarded=["greet"]
    )
    async with around as w:
        await w.start()
        await w.run()
        (request,) = await w.requests()
        monkeypatch.setattr(time_limit, "TIME_LIMIT_S", LIMIT_S)
        crm.hangs_for.add("C-2")
        with pytest.raises(InvalidArgumentsError, match=reason):
            await w.office.approve(request, {"customer": {"id": customer}, "word": "Dear"})
        (after,) = await w.requests()

    assert (RequestStatus.PENDING, request.digest) == (after.status, after.digest)


async def test_async_tool_whose_validator_hangs_at_the_claim_is_given_up(
    crm: Crm, tmp_path: Path
) -> None:
    """Its body has not begun, and never does."""
    around = world(
        greeting("async", waits=True),
        calls_then(GREET),
        path=tmp_path,
        office="sqlite",
        guarded=["greet"],
    )
    async with around as w:
        w.office.limit_tools(LIMIT_S)
        await w.start()
        await w.run()
        (request,) = await w.requests()
        await w.office.approve(request)
        crm.hangs_for.add("C-1")
        await w.run()
        (told,) = await w.tool_texts()
        crm.let_go.set()

    assert "It did not begin within 0.05 s: other calls or its validators hang" in told
    assert [] == crm.greeted
