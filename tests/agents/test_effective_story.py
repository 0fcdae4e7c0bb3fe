"""Whole chats: people read what will run, and a tool that changes meanwhile is asked again.

Without postponed annotations: AutoGen does not find the models of a module that postpones them.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel, field_validator
from sqlalchemy import Connection, update

from countersign import (
    Chat,
    WorkflowContext,
    workflow,
)
from countersign.agents.classic.workflows import Workflow
from countersign.approvals.audit.canonical import digest
from countersign.approvals.errors import InvalidArgumentsError, StaleDigestError
from countersign.approvals.models import Request, RequestStatus, SessionStatus
from countersign.approvals.store import schema
from countersign.sandbox.openai import ToolCall
from tests.agents.people import SqliteOffice
from tests.agents.teams import Mode, calls_then, one_tool
from tests.agents.world import world

PAY = ToolCall("pay", {"invoice": "INV-7", "rationale": "asked"}, "call_1")


class Line(BaseModel):
    sku: str
    quantity: int = 1


class Payments:
    """Pays in releases with other defaults, and remembers what each body received."""

    def __init__(self) -> None:
        self.received: list[Any] = []

    def workflow(self, amount: float, *, mode: Mode = "async") -> Workflow:
        def pay(invoice: str, amount: float = amount, lines: list[Line] = []) -> dict[str, Any]:  # noqa: B006
            self.received.append((invoice, amount, lines))
            return {"paid": amount}

        def build(context: WorkflowContext) -> Chat:
            return one_tool(context, pay)

        return workflow("payments", "1", "Payments", mode=mode)(build)


@pytest.mark.parametrize("mode", ["async", "sync"])
async def test_defaults_are_read_signed_and_run(mode: Mode, tmp_path: Path) -> None:
    payments = Payments()
    around = world(
        payments.workflow(500.0, mode=mode),
        calls_then(PAY),
        path=tmp_path,
        office="sqlite",
        guarded=["pay"],
    )
    async with around as w:
        await w.start()
        assert SessionStatus.WAITING is (await w.run()).status
        (request,) = await w.requests()
        assert {"invoice": "INV-7", "amount": 500.0, "lines": []} == request.arguments
        assert ("/amount", "/lines") == request.defaulted
        assert {"invoice": "INV-7"} == request.written
        await w.office.approve(request)
        assert SessionStatus.COMPLETED is (await w.run()).status

    assert [("INV-7", 500.0, [])] == payments.received


async def test_people_edit_what_the_body_receives(tmp_path: Path) -> None:
    payments = Payments()
    around = world(
        payments.workflow(500.0),
        calls_then(PAY),
        path=tmp_path,
        office="sqlite",
        guarded=["pay"],
    )
    async with around as w:
        await w.start()
        await w.run()
        (request,) = await w.requests()
        await w.office.approve(request, {"invoice": "INV-8", "lines": [{"sku": "a"}]})
        assert SessionStatus.COMPLETED is (await w.run()).status
        (told,) = await w.tool_texts()

    assert [("INV-8", 500.0, [Line(sku="a")])] == payments.received
    assert '"arguments_used": {"invoice": "INV-8", "amount": 500.0' in told


@pytest.mark.parametrize("approved", [False, True])
async def test_release_with_another_default_is_asked_again(approved: bool, tmp_path: Path) -> None:
    """Whether its request waits or was approved already: the session goes on, asked anew."""
    payments = Payments()
    around = world(
        payments.workflow(500.0),
        calls_then(PAY),
        path=tmp_path,
        office="sqlite",
        guarded=["pay"],
    )
    async with around as w:
        assert isinstance(w.office, SqliteOffice)
        await w.start()
        await w.run()
        (request,) = await w.requests()
        if approved:
            await w.office.approve(request)
        w.workflow = payments.workflow(900.0)
        w.office.restart(w.new_registry())
        if approved:
            assert SessionStatus.WAITING is (await w.run()).status
        else:
            with pytest.raises(StaleDigestError, match="takes or fills in has changed"):
                await w.office.approve(request)
        (again,) = await w.requests()
        assert (RequestStatus.PENDING, 2) == (again.status, again.revision)
        assert 900.0 == again.arguments["amount"]
        assert payments.received == []
        await w.office.approve(again)
        assert SessionStatus.COMPLETED is (await w.run()).status

    assert [("INV-7", 900.0, [])] == payments.received


async def test_nested_extras_are_told_to_the_model_and_nobody_is_asked(tmp_path: Path) -> None:
    payments = Payments()
    lines = [{"sku": "a", "hold_until": "Monday"}]
    call = ToolCall("pay", {"invoice": "INV-7", "lines": lines, "rationale": "asked"}, "call_1")
    around = world(
        payments.workflow(500.0),
        calls_then(call),
        path=tmp_path,
        office="sqlite",
        guarded=["pay"],
    )
    async with around as w:
        await w.start()
        assert SessionStatus.COMPLETED is (await w.run()).status
        (told,) = await w.tool_texts()

    assert "hold_until" in told
    assert '"cause": "invalid_arguments"' in told
    assert payments.received == []


async def test_what_waits_from_a_release_before_is_asked_again_and_goes_on(tmp_path: Path) -> None:
    """That release signed what the agent wrote, and its workflow's version named the schemas."""
    payments = Payments()
    around = world(
        payments.workflow(500.0),
        calls_then(PAY),
        path=tmp_path,
        office="sqlite",
        guarded=["pay"],
    )
    async with around as w:
        assert isinstance(w.office, SqliteOffice)
        await w.start()
        await w.run()
        (request,) = await w.requests()
        (before,) = w.registry.info("payments").also
        await w.office.store.write(lambda c: _as_before(c, request, before))
        assert 1 == await w.office.approvals.ask_again_what_changed()
        (again,) = await w.requests()
        assert "An earlier release asked this" in again.asked_again
        assert 500.0 == again.arguments["amount"]
        await w.office.approve(again)
        assert SessionStatus.COMPLETED is (await w.run()).status

    assert [("INV-7", 500.0, [])] == payments.received


def _as_before(connection: Connection, request: Request, version: str) -> None:
    written = {"invoice": "INV-7"}
    signed = digest(
        session_id=request.session_id,
        call_id=request.call_id,
        tool=request.tool,
        arguments=written,
        policy_version=request.policy_version,
    )
    connection.execute(
        update(schema.requests).values(
            arguments='{"invoice":"INV-7"}',
            digest=signed,
            schema_version="",
            written=None,
            defaulted=None,
        )
    )
    connection.execute(update(schema.sessions).values(workflow_version=version))


class Moody(BaseModel):
    """What it raises is nothing that pydantic expects of a validator."""

    mood: ClassVar[BaseException | None] = None
    amount: float

    @field_validator("amount")
    @classmethod
    def agrees(cls, value: float) -> float:
        if cls.mood is not None and value > 100:
            raise cls.mood
        return value


def moody(paid: list[float], names: tuple[str, ...] = ()) -> Workflow:
    def pay(payment: Moody, names: Iterable[str] = names) -> str:
        paid.append(payment.amount)
        return f"paid {[*names]}"

    def build(context: WorkflowContext) -> Chat:
        return one_tool(context, pay)

    return workflow("moody", "1", "Moody payments")(build)


@pytest.mark.parametrize("mood", [LookupError("not today"), SystemExit("not today")])
async def test_whatever_a_validator_raises_ends_no_session(
    mood: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid: list[float] = []
    arguments = {"payment": {"amount": 200}, "names": ["a", "b"], "rationale": "asked"}
    calls = [ToolCall("pay", arguments, f"call_{number}") for number in (1, 2)]
    answers = calls_then(*calls)
    around = world(moody(paid), answers, path=tmp_path, office="sqlite", guarded=["pay"])
    async with around as w:
        assert isinstance(w.office, SqliteOffice)
        await w.start()
        assert SessionStatus.WAITING is (await w.run()).status
        first, _ = await w.requests()

        monkeypatch.setattr(Moody, "mood", mood)
        with pytest.raises(InvalidArgumentsError, match="its validator failed"):
            await w.office.approve(first, {"payment": {"amount": 300}})
        await w.office.approve(first, {"payment": {"amount": 90}, "names": ["c", "d"]})
        w.workflow = moody(paid, names=("e",))
        w.office.restart(w.new_registry())
        await w.office.approvals.ask_again_what_changed()
        assert SessionStatus.WAITING is (await w.run()).status
        first, _ = await w.requests()
        await w.office.approve(first)
        assert SessionStatus.COMPLETED is (await w.run()).status
        done, dropped = await w.tool_texts()

    assert "paid ['c', 'd']" in done
    assert "its validator failed" in dropped
    assert paid == [90.0]


@pytest.mark.parametrize("mood", [LookupError("not today"), SystemExit("not today")])
async def test_whatever_a_validator_raises_is_told_to_the_model(
    mood: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Moody, "mood", mood)
    call = ToolCall("pay", {"payment": {"amount": 200}, "rationale": "asked"}, "call_1")
    around = world(moody([]), calls_then(call), path=tmp_path, office="sqlite", guarded=["pay"])
    async with around as w:
        await w.start()
        assert SessionStatus.COMPLETED is (await w.run()).status
        (told,) = await w.tool_texts()

    assert "payment: its validator failed" in told
    assert '"cause": "invalid_arguments"' in told
