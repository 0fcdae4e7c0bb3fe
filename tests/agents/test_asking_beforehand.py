"""Agents that ask what would become of a call: told as it would be, and nobody is asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import autogen
import pytest
from autogen import AssistantAgent

from countersign import ApprovalProxy, Chat, WorkflowContext, workflow
from countersign.agents.asking_beforehand import TOOL
from countersign.agents.classic.registry import Registry
from countersign.agents.classic.workflows import Workflow
from countersign.approvals.errors import ConfigurationError
from countersign.approvals.models import SessionStatus
from countersign.approvals.rules.policy import Policy
from countersign.sandbox.openai import Call, Conversation, Reply, Say, ToolCall
from tests.agents.teams import Mode, one_tool
from tests.agents.world import World, world

PAY = {"invoice": "INV-7", "amount": 40}


def payments(paid: list[Any], mode: Mode = "async", **proxy: Any) -> Workflow:
    def pay(invoice: str, amount: float) -> str:
        paid.append((invoice, amount))
        return f"paid {amount}"

    def look(invoice: str) -> str:
        return f"{invoice} is open"

    def wipe(table: str) -> str:
        return "wiped"

    def build(context: WorkflowContext) -> Chat:
        chat = one_tool(context, pay, **{"ask_beforehand": True, **proxy})
        worker = next(agent for agent in chat.agents if isinstance(agent, AssistantAgent))
        gate = next(agent for agent in chat.agents if isinstance(agent, ApprovalProxy))
        for tool in (look, wipe):
            autogen.register_function(
                tool, caller=worker, executor=gate, name=tool.__name__, description="A tool."
            )
        return chat

    return workflow("payments", "1", "Payments", mode=mode)(build)


def asking(*messages: tuple[ToolCall, ...]) -> Any:
    """These messages with calls, one after the other, and then the end."""

    def script(conversation: Conversation) -> Reply:
        answered = len(conversation.tool_results)
        for calls in messages:
            if answered < len(calls):
                return Call(calls)
            answered -= len(calls)
        return Say("Done. TERMINATE")

    return script


def would(tool: str, arguments: Any, number: int = 0) -> ToolCall:
    return ToolCall(TOOL, {"tool": tool, "arguments": arguments}, f"ask_{number}")


async def told(one: World) -> list[dict[str, Any]]:
    return [json.loads(text) for text in await one.tool_texts() if text.startswith("{")]


@pytest.mark.parametrize("mode", ["async", "sync"])
async def test_what_would_become_of_a_call(mode: Mode, tmp_path: Path) -> None:
    paid: list[Any] = []
    script = asking(
        (would("pay", PAY), would("look", {"invoice": "INV-7"}, 1)),
        (would("wipe", {"table": "t"}, 2), would("pay", {"invoice": 7}, 3)),
        (would("dance", {}, 4), would("pay", "{}", 5), would("pay", 5, 6), would(TOOL, {}, 7)),
        (ToolCall(TOOL, {"tool": "pay"}, "ask_8"),),
    )
    around = world(
        payments(paid, mode),
        script,
        path=tmp_path,
        office="sqlite",
        guarded=["pay"],
        denied=["wipe"],
    )
    async with around as one:
        await one.start()
        assert SessionStatus.COMPLETED is (await one.run()).status
        pay, look, wipe, unfit, unknown, empty, five, itself, short = await told(one)
        kinds = [entry.kind for entry in await one.ledger()]
        requests = await one.office.records.requests(session_id=one.session_id, limit=50)  # type: ignore[attr-defined]

    assert {
        "answer": "asked",
        "reason": "pay needs a person's approval.",
        "asked_of": ["1 of manager"],
        "they_have": "1 hour",
        "note": "This is how it stands now. It is looked at again when you make the call.",
    } == pay
    assert ("allowed", "look may run without asking.") == (look["answer"], look["reason"])
    assert ("denied", "wipe is forbidden.") == (wipe["answer"], wipe["reason"])
    assert "The arguments do not fit" in unfit["reason"]
    assert "There is no tool dance" in unknown["reason"]
    assert "is required" in empty["reason"]
    assert "`arguments` has to be an object" in five["reason"]
    assert "runs at once" in itself["reason"]
    assert "takes `tool`, a name" in short["reason"]
    assert [] == paid
    assert () == tuple(requests.items)
    assert not {"proposed", "delivered"} & set(kinds)


async def test_beside_calls_that_wait_it_is_answered_when_they_are(tmp_path: Path) -> None:
    paid: list[Any] = []
    calls = (would("look", {"invoice": "X"}), ToolCall("pay", PAY, "call_1"), would("pay", PAY, 1))
    around = world(payments(paid), asking(calls), path=tmp_path, office="sqlite", guarded=["pay"])
    async with around as one:
        await one.start()
        assert SessionStatus.WAITING is (await one.run()).status
        (request,) = await one.requests()
        await one.office.approve(request)
        assert SessionStatus.COMPLETED is (await one.run()).status
        look, done, again = await told(one)

    assert [("INV-7", 40)] == paid
    assert ("allowed", "executed", "asked") == (look["answer"], done["status"], again["answer"])


async def test_it_names_the_limits_of_budgets_and_not_what_others_have_used(tmp_path: Path) -> None:
    paid: list[Any] = []
    script = asking(
        (ToolCall("pay", PAY, "call_1"),),
        (
            would("pay", PAY),
            would("pay", {**PAY, "amount": 61}, 1),
            would("pay", {**PAY, "amount": 900}, 2),
        ),
    )
    async with world(payments(paid), script, path=tmp_path, office="sqlite") as one:
        office: Any = one.office
        limits = {"amount": "args.amount", "currency": "EUR", "soft": 60, "hard": 100}
        budget = {"tool": "pay", "window": "day", "zone": "UTC", "value": limits}
        rules = {
            "tools": {"pay": "allow"},
            "budgets": {"spend": {**budget, "roles": ["manager"], "deadline": "2h"}},
        }
        office._policy = Policy.load(rules)
        office._compose()
        await one.start()
        assert SessionStatus.COMPLETED is (await one.run()).status
        soft, hard, alone = await told(one)

    assert [("INV-7", 40)] == paid
    named = "spend: soft EUR 60, hard EUR 100 today"
    assert [f"{named}; people would be asked, as it passes a soft limit"] == soft["budgets"]
    assert ("asked", ["1 of manager"], "2 hours") == (
        soft["answer"],
        soft["asked_of"],
        soft["they_have"],
    )
    assert ("denied", [f"{named}; it does not fit before 2026-03-03 00:00 UTC"]) == (
        hard["answer"],
        hard["budgets"],
    )
    assert f"{hard['budgets'][0]}." == hard["reason"]
    assert [f"{named}; it alone is too much"] == alone["budgets"]


async def test_no_agent_is_offered_it_unless_the_workflow_says_so(tmp_path: Path) -> None:
    paid: list[Any] = []
    plain = payments(paid, ask_beforehand=False)
    async with world(plain, asking((would("pay", PAY),)), path=tmp_path, office="sqlite") as one:
        await one.start()
        await one.run()
        (refused,) = await told(one)
        offered = [t["function"]["name"] for t in one.model.requests[0].body["tools"]]

    assert "There is no tool would_need_approval" in refused["message"]
    assert ["look", "pay", "wipe"] == sorted(offered)


async def test_models_are_shown_it_and_a_session_goes_on_under_it(tmp_path: Path) -> None:
    paid: list[Any] = []
    async with world(payments(paid), asking(), path=tmp_path, office="sqlite") as one:
        await one.start()
        await one.run()
        offered = {t["function"]["name"] for t in one.model.requests[0].body["tools"]}
        plain = Registry(one.context)
        plain.add(payments(paid, ask_beforehand=False))

        assert {"look", "pay", "wipe", TOOL} == offered
        assert ("look", "pay", "wipe") == tuple(sorted(one.registry.info("payments").tools))
        assert plain.info("payments").version == one.registry.info("payments").version


async def test_a_tool_of_the_workflows_own_may_not_have_its_name(tmp_path: Path) -> None:
    def would_need_approval(tool: str) -> str:
        return "never"

    def build(context: WorkflowContext) -> Chat:
        return one_tool(context, would_need_approval, ask_beforehand=True)

    with pytest.raises(ConfigurationError, match="has a tool would_need_approval of its own"):
        async with world(workflow("own", "1", "Own")(build), asking(), path=tmp_path):
            pass
