"""What an approved call has done is taken back by a person: real AutoGen, model over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from autogen import AssistantAgent

from countersign import (
    ApprovalProxy,
    Chat,
    PreconditionFailedError,
    Undo,
    WorkflowContext,
    workflow,
)
from countersign.agents.classic.workflows import Workflow
from countersign.approvals.errors import ConfigurationError
from countersign.approvals.models import (
    Actor,
    Principal,
    Request,
    RequestStatus,
    Session,
    SessionStatus,
    UndoState,
    Via,
)
from countersign.sandbox.openai import Call, Conversation, Reply, Say, ToolCall
from tests.agents.people import ANN, MIA, SqliteOffice
from tests.agents.world import World, world

UNDO = Undo(
    "reopen",
    {"order": "args.order", "receipt": "result.receipt", "why": "'undone'", "loud": False},
    expects={"version": "result.version"},
)


@dataclass
class Orders:
    """The system in which the orders are."""

    versions: dict[str, int] = field(default_factory=lambda: {"A1": 1})
    calls: list[tuple[Any, ...]] = field(default_factory=list)

    def look(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """The check of `reopen`."""
        if arguments["order"] not in self.versions:
            raise PreconditionFailedError("There is no such order.")
        return {"version": self.versions[arguments["order"]]}


def shop(orders: Orders, undo: Undo = UNDO) -> Workflow:
    """An agent closes orders; nobody but a person has one opened again."""

    @workflow(name="shop", version="1", title="Shop")
    def build(context: WorkflowContext) -> Chat:
        clerk = AssistantAgent("clerk", llm_config=context.llm_config)
        keeper = ApprovalProxy(
            "keeper",
            human_input_mode="NEVER",
            is_termination_msg=lambda message: "TERMINATE" in str(message.get("content")),
            undo={"close": undo},
            checks={"reopen": orders.look},
        )

        @keeper.register_for_execution()
        @clerk.register_for_llm(description="Close an order.")
        def close(order: str) -> dict[str, Any]:
            orders.versions[order] += 1
            orders.calls.append(("close", order))
            return {"receipt": f"r-{order}", "version": orders.versions[order]}

        @keeper.register_for_execution()
        def reopen(order: str, receipt: str, why: str, loud: bool = True) -> str:
            orders.versions[order] += 1
            orders.calls.append(("reopen", order, receipt, why, loud))
            return "open again"

        return Chat(keeper, clerk)

    return build


def script(talk: Conversation) -> Reply:
    """Close one order, then say so."""
    if talk.tool_results:
        return Say("Closed. TERMINATE")
    return Call((ToolCall("close", {"order": "A1", "rationale": "they asked"}),))


def acting(who: Principal) -> Actor:
    """This person through the API."""
    return Actor(principal=who, via=Via.API, identity=f"token:{who.id}")


async def undone(w: World, request: Request, who: Principal = MIA) -> Session:
    """The session that takes it back, as far as it goes."""
    office = w.office
    assert isinstance(office, SqliteOffice)
    begun = await office.approvals.undo(request.id, acting(who), reason="wrong order")
    return await run(w, begun.id)


async def run(w: World, session_id: str) -> Session:
    """A new process takes any session further."""
    w.session_id = session_id
    return await w.run()


@asynccontextmanager
async def closed(
    tmp_path: Path, *guarded: str, undo: Undo = UNDO
) -> AsyncIterator[tuple[World, Orders, Request]]:
    """An order that was closed by an executed call."""
    orders = Orders()
    async with world(
        shop(orders, undo), script, path=tmp_path, office="sqlite", guarded=guarded
    ) as w:
        await w.start()
        await w.run()
        (request,) = await w.requests()
        if request.status is RequestStatus.PENDING:
            await w.office.approve(request)
            await w.run()
        (request,) = await w.requests()
        assert request.status is RequestStatus.EXECUTED
        assert orders.calls == [("close", "A1")]
        yield w, orders, request


async def test_who_could_approve_it_has_it_undone_once(tmp_path: Path) -> None:
    """The undo is a request of its own, approved by that act, and shown beside the first one."""
    async with closed(tmp_path, "close", "reopen") as (w, orders, request):
        waits = await undone(w, request)
        (asked,) = await w.requests()

        assert (waits.status, waits.undoes) == (SessionStatus.RUNNING, request.id)
        assert (asked.tool, asked.status, asked.facts) == (
            "reopen",
            RequestStatus.APPROVED,
            {"version": 2},
        )
        assert asked.decision is not None
        assert (asked.decision.by, asked.decision.comment) == ("mia", "wrong order")
        assert orders.calls[1:] == []

        ended = await run(w, waits.id)
        view = await w.office.records.view(request.id)  # type: ignore[attr-defined]
        kinds = [entry.kind for entry in await w.office.records.ledger(request.session_id)]  # type: ignore[attr-defined]

        assert orders.calls[1:] == [("reopen", "A1", "r-A1", "undone", False)]
        assert ended.status is SessionStatus.COMPLETED
        assert [each.state for each in view.undos] == [UndoState.UNDONE]
        assert kinds[-2:] == ["undo_asked", "undo_ended"]
        assert (await w.messages())[0]["content"].startswith(f"Undo Close ({request.id}): wrong")
        for session in (request.session_id, waits.id):
            found = await w.office.records.verify(session)  # type: ignore[attr-defined]
            assert found.verified, found


@pytest.mark.parametrize("guarded", [("close", "reopen"), ("close",)])
async def test_a_record_that_has_changed_is_not_touched(
    guarded: tuple[str, ...], tmp_path: Path
) -> None:
    """Neither before people are asked nor, if it changes later, right before the tool."""
    async with closed(tmp_path, *guarded) as (w, orders, request):
        orders.versions["A1"] = 7
        ended = await undone(w, request)
        (asked,) = await w.requests()

        assert ended.status is SessionStatus.COMPLETED
        assert asked.status is RequestStatus.REJECTED
        assert "Version was 2 and is 7" in asked.reason
        assert orders.calls[1:] == []

        orders.versions["A1"] = 2
        again = await undone(w, request)
        assert orders.calls[1:] == ([] if "reopen" in guarded else [orders.calls[-1]])
        if again.status is SessionStatus.RUNNING:
            orders.versions["A1"] = 3
            await run(w, again.id)
            (asked,) = await w.requests()

            assert asked.status is RequestStatus.CANCELLED
            assert asked.result is not None
            assert "Version was 2 and is 3" in asked.result.message
            assert orders.calls[1:] == []
            view = await w.office.records.view(request.id)  # type: ignore[attr-defined]
            assert [u.state for u in view.undos] == [UndoState.NOT_UNDONE] * 2


async def test_a_rule_may_let_the_undo_of_what_it_allowed_run_at_once(tmp_path: Path) -> None:
    async with closed(tmp_path) as (w, orders, request):
        ended = await undone(w, request, ANN)

        assert ended.status is SessionStatus.COMPLETED
        assert [call[0] for call in orders.calls] == ["close", "reopen"]


async def test_another_release_of_the_workflow_undoes_what_it_still_can(tmp_path: Path) -> None:
    """A tool that is gone is named; nothing is run."""
    async with closed(tmp_path, "close") as (w, orders, request):

        @workflow(name="shop", version="1", title="Shop")
        def build(context: WorkflowContext) -> Chat:
            return Chat(
                ApprovalProxy("keeper", human_input_mode="NEVER"),
                AssistantAgent("clerk", llm_config=context.llm_config),
            )

        w.workflow = build
        ended = await undone(w, request)

        assert ended.status is SessionStatus.FAILED
        assert "Nobody executes reopen as keeper" in (ended.error or "")
        assert orders.calls[1:] == []


async def test_a_crash_between_the_yes_and_the_tool_runs_it_once(tmp_path: Path) -> None:
    """Another process goes on with the undo from its stored state, and asks no model."""
    async with closed(tmp_path, "close", "reopen") as (w, orders, request):
        asked = w.model_calls
        waits = await undone(w, request)
        run_ = await w.office.runs.begin(waits.id)  # and dies
        assert run_ is not None
        await w.office.lose_owner(waits.id)

        assert (await run(w, waits.id)).status is SessionStatus.COMPLETED
        assert [call[0] for call in orders.calls] == ["close", "reopen"]
        assert w.model_calls == asked


async def test_a_path_that_is_not_there_offers_nothing(tmp_path: Path) -> None:
    undo = Undo("reopen", {"order": "args.order", "receipt": "result.id"})
    async with closed(tmp_path, undo=undo) as (_, _, request):
        assert request.undo is None


@pytest.mark.parametrize(
    ("undo", "said"),
    [
        (Undo("open", {}), "does not execute open"),
        (Undo("reopen", {"order": "order"}), "'order', which is no path"),
        (Undo("reopen", {"order": "args"}), "'args', which is no path"),
        (Undo("reopen", {"order": "args..id"}), "is no path"),
        (Undo("reopen", {}, within_s=0), "within_s has to be more than 0"),
        (Undo("close", {}, expects={"version": "result"}), "close has no check"),
    ],
)
async def test_an_undo_that_cannot_work_is_refused_at_the_start(
    undo: Undo, said: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match="workflow shop") as caught:
        async with world(shop(Orders(), undo), script, path=tmp_path):
            raise AssertionError("the workflow was taken")

    assert said in str(caught.value)


def test_what_an_undo_is_called_with() -> None:
    """Text that is no JSON has no members; all of it can be given on."""
    whole = Undo("reopen", {"said": "result", "of": "args.order"})
    offer = whole.offer("keeper", {"order": "A1"}, "plain text")

    assert offer is not None
    assert offer.arguments == {"said": "plain text", "of": "A1"}
    assert UNDO.offer("keeper", {"order": "A1"}, "plain text") is None
    assert UNDO.offer("keeper", {"order": "A1"}, '{"receipt": "r"}') is None
