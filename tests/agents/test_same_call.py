"""Whole chats in which a model proposes one call again: after it ran, and after a no."""

from pathlib import Path
from typing import Any

import pytest

from countersign import (
    Chat,
    WorkflowContext,
    workflow,
)
from countersign.agents.classic.workflows import Workflow
from countersign.approvals.models import RequestStatus, SessionStatus
from countersign.approvals.rules.repeats import in_sentence
from countersign.sandbox.openai import (
    Call,
    Conversation,
    Reply,
    Say,
    ToolCall,
)
from tests.agents.teams import Mode, one_tool
from tests.agents.world import world

NO = "INV-7 was paid already."


def payments(paid: list[Any], mode: Mode) -> Workflow:
    def pay(invoice: str, amount: float) -> str:
        paid.append((invoice, amount))
        return f"paid {amount}"

    def build(context: WorkflowContext) -> Chat:
        return one_tool(context, pay)

    return workflow("payments", "1", "Payments", mode=mode)(build)


def again_and_again(times: int) -> Any:
    """The same payment, in other spellings, one message after the other."""
    spellings: list[dict[str, Any]] = [
        {"invoice": "INV-7", "amount": 40, "rationale": "asked"},
        {"amount": 40.0, "invoice": "INV-7", "rationale": "The customer wants it."},
        {"invoice": "INV-7", "amount": 4e1, "rationale": "Please."},
    ]

    def script(conversation: Conversation) -> Reply:
        if conversation.is_speaker_selection:
            return Say("worker")
        said = len(conversation.tool_results)
        if said < times:
            return Call((ToolCall("pay", spellings[said], f"call_{said}"),))
        return Say("Done. TERMINATE")

    return script


@pytest.mark.parametrize("mode", ["async", "sync"])
async def test_a_no_is_not_asked_again_and_the_model_is_told_whose_it_is(
    mode: Mode, tmp_path: Path
) -> None:
    paid: list[Any] = []
    around = world(
        payments(paid, mode), again_and_again(2), path=tmp_path, office="sqlite", guarded=["pay"]
    )
    async with around as w:
        await w.start()
        await w.run()
        (request,) = await w.requests()
        await w.office.reject(request, NO)
        assert SessionStatus.COMPLETED is (await w.run()).status
        first, second = await w.tool_texts()

    assert [] == paid
    assert '"decision": "USER_REJECT"' in first
    assert f"Mia has rejected this very call before ({request.id}): {NO}" in second
    assert '"cause": "rejected", "retry": false' in second


@pytest.mark.parametrize("mode", ["async", "sync"])
async def test_what_ran_is_asked_again_with_a_word(mode: Mode, tmp_path: Path) -> None:
    paid: list[Any] = []
    around = world(
        payments(paid, mode), again_and_again(2), path=tmp_path, office="sqlite", guarded=["pay"]
    )
    async with around as w:
        await w.start()
        await w.run()
        (request,) = await w.requests()
        await w.office.approve(request)
        assert SessionStatus.WAITING is (await w.run()).status
        (again,) = await w.requests()

    assert [("INV-7", 40.0)] == paid
    assert RequestStatus.PENDING is again.status
    (same,) = again.same_calls
    assert request.id == same.request_id
    assert "was carried out already, approved by Mia on" in in_sentence(same)
