"""Plans of real AutoGen agents: proposed with the tool that the gate offers, and carried out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import autogen
import pytest
from autogen import AssistantAgent

from countersign import ApprovalProxy, Chat, WorkflowContext, workflow
from countersign.agents.classic.registry import Registry
from countersign.agents.classic.workflows import Workflow
from countersign.agents.plans import TOOL
from countersign.approvals.errors import ConfigurationError
from countersign.approvals.models import Request, RequestStatus, SessionStatus, Verdict, Via
from countersign.approvals.rules.policy import Policy
from countersign.sandbox.openai import ToolCall
from tests.agents.people import SqliteOffice
from tests.agents.teams import Mode, one_tool
from tests.agents.test_asking_beforehand import asking
from tests.agents.test_side_conversations import MANAGER
from tests.agents.world import World, world

PAY = {"invoice": "INV-7", "amount": 40}
ASKS = {"effect": "require_approval", "roles": ["manager"], "deadline": "1h", "plans": True}
RULES: dict[str, Any] = {
    "tools": {"pay": ASKS, "look": "allow"},
    "reversibility": {"pay": "reversible"},
}
STEP = {"tool": "pay", "arguments": PAY, "times": 2}


def payments(paid: list[Any], mode: Mode = "async", **proxy: Any) -> Workflow:
    def pay(invoice: str, amount: float, note: str = "") -> str:
        paid.append((invoice, amount))
        return f"paid {amount}"

    def look(invoice: str) -> str:
        return f"{invoice} is open"

    def build(context: WorkflowContext) -> Chat:
        chat = one_tool(context, pay, **{"plans": True, **proxy})
        worker = next(agent for agent in chat.agents if isinstance(agent, AssistantAgent))
        gate = next(agent for agent in chat.agents if isinstance(agent, ApprovalProxy))
        autogen.register_function(
            look, caller=worker, executor=gate, name="look", description="A tool."
        )
        return chat

    return workflow("payments", "1", "Payments", mode=mode)(build)


def planned(*steps: Any, valid_for: str = "30m") -> tuple[ToolCall, ...]:
    given = {"steps": list(steps), "valid_for": valid_for, "rationale": "Two invoices."}
    return (ToolCall(TOOL, given, "p"),)


def paying(call_id: str, **changed: Any) -> tuple[ToolCall, ...]:
    return (ToolCall("pay", {**PAY, **changed, "rationale": "Due."}, call_id),)


def ruled(w: World) -> SqliteOffice:
    """The office, by the rules of these tests."""
    assert isinstance(w.office, SqliteOffice)
    w.office._policy = Policy.load(RULES)
    w.office._compose()
    return w.office


async def decided(w: World, verdict: Verdict, **form: Any) -> Request:
    """The waiting request, decided by Mia."""
    office = ruled(w)
    (request,) = await w.requests()
    return await office.approvals.vote(
        request.id, MANAGER, verdict=verdict, digest=request.digest, **form
    )


@pytest.mark.parametrize("mode", ["async", "sync"])
async def test_approved_plan_is_carried_out_without_another_question(
    mode: Mode, tmp_path: Path
) -> None:
    """Two payments as planned, then one that is not: that one is asked."""
    paid: list[Any] = []
    script = asking(planned(STEP), paying("a"), paying("b"), paying("c", invoice="INV-8"))
    async with world(payments(paid, mode), script, path=tmp_path, office="sqlite") as w:
        office = ruled(w)
        await w.start("pay INV-7 twice")
        assert (await w.run()).status is SessionStatus.WAITING
        (plan,) = await w.requests()
        nothing = list(paid)
        await decided(w, Verdict.APPROVE)
        waits = await w.run()
        (other,) = await w.requests()
        entries = [(e.kind, e.body) for e in await w.ledger()]
        used = [body for kind, body in entries if kind == "grant_used"]
        told = [json.loads(text) for text in await w.tool_texts()]

        assert (TOOL, RequestStatus.PENDING) == (plan.tool, plan.status)
        assert plan.preview is not None
        assert "INV-7" in str(plan.preview.rows)
        assert [] == nothing
        assert [("INV-7", 40)] * 2 == paid
        assert SessionStatus.WAITING is waits.status
        assert ("INV-8", RequestStatus.PENDING) == (other.arguments["invoice"], other.status)
        assert [(plan.id, 1, "1st of 2"), (plan.id, 1, "2nd of 2")] == [
            (body["plan"], body["step"], body["use"]) for body in used
        ]
        assert "The plan is approved for 30m" in told[0]["result"]
        assert "Mia" == told[1]["decided_by"]
        assert [] == w.refused_by_model()
        assert (await office.records.verify()).verified


async def test_rejected_plan_is_told_and_nothing_runs(tmp_path: Path) -> None:
    paid: list[Any] = []
    script = asking(planned(STEP))
    async with world(payments(paid), script, path=tmp_path, office="sqlite") as w:
        ruled(w)
        await w.start("pay")
        await w.run()
        await decided(w, Verdict.REJECT, comment="One by one, please.")
        ended = await w.run()
        (told,) = await w.tool_texts()

        assert SessionStatus.COMPLETED is ended.status
        assert "One by one, please." == json.loads(told)["feedback"]
        assert [] == paid


async def test_step_that_an_approver_has_removed_is_asked(tmp_path: Path) -> None:
    """The plan is edited like any call, and shown with its new steps before that counts; its agent
    reads what was approved."""
    paid: list[Any] = []
    other = {"tool": "pay", "arguments": {"invoice": "INV-9", "amount": 7}}
    script = asking(planned(STEP, other), paying("a"), paying("b", invoice="INV-9", amount=7))
    async with world(payments(paid), script, path=tmp_path, office="sqlite") as w:
        ruled(w)
        await w.start("pay")
        await w.run()
        (plan,) = await w.requests()
        narrower = {**plan.arguments, "steps": plan.arguments["steps"][:1]}
        shown = await decided(w, Verdict.MODIFY, arguments=narrower)
        after = await decided(w, Verdict.APPROVE)
        await w.run()
        (request,) = await w.requests()
        told = json.loads((await w.tool_texts())[0])

        assert (2, RequestStatus.PENDING) == (shown.revision, shown.status)
        assert RequestStatus.APPROVED is after.status
        assert after.preview is not None
        assert "INV-9" not in str(after.preview.rows)
        assert [("INV-7", 40)] == paid
        assert ("INV-9", RequestStatus.PENDING) == (request.arguments["invoice"], request.status)
        assert 1 == len(told["arguments_used"]["steps"])


async def test_plan_that_cannot_be_approved_is_refused_and_said(tmp_path: Path) -> None:
    script = asking(planned({"tool": "look", "arguments": {"invoice": "INV-7"}}))
    async with world(payments([]), script, path=tmp_path, office="sqlite") as w:
        ruled(w)
        await w.start("pay")
        ended = await w.run()
        (told,) = await w.tool_texts()

        assert SessionStatus.COMPLETED is ended.status
        assert "needs no approval" in json.loads(told)["message"]


async def test_planned_calls_name_who_approved_the_plan(tmp_path: Path) -> None:
    """On the request, as its decision."""
    paid: list[Any] = []
    script = asking(planned(STEP), paying("a"))
    async with world(payments(paid), script, path=tmp_path, office="sqlite") as w:
        office = ruled(w)
        await w.start("pay")
        await w.run()
        (plan,) = await w.requests()
        await decided(w, Verdict.APPROVE)
        await w.run()
        page = await office.records.requests(session_id=plan.session_id, limit=9)
        (ran,) = (each for each in page.items if each.tool == "pay")

        assert ran.decision is not None
        assert (Via.GRANT, "Mia") == (ran.decision.via, ran.decision.by_name)
        assert f"step 1 of the plan {plan.id}" in ran.decision.comment


def test_tool_of_that_name_is_refused_at_start(tmp_path: Path) -> None:
    def propose_plan(steps: str) -> str:
        return steps

    def build(context: WorkflowContext) -> Chat:
        return one_tool(context, propose_plan, plans=True)

    registry = Registry(
        WorkflowContext(llm_config={"config_list": [{"model": "m", "api_key": "k"}]})
    )
    with pytest.raises(ConfigurationError, match="that plans offers"):
        registry.add(workflow("taken", "1", "Taken", mode="async")(build))
