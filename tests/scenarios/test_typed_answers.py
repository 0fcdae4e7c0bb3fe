"""People answer where they are asked, by typing: the whole application, with a chat that asks."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from countersign.sandbox.openai.rules import Rule, RuleCall
from tests.scenarios.world import World, world

pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("both_databases")]

MODULE = """
import autogen
from autogen import AssistantAgent
from countersign import ApprovalProxy, Chat, WorkflowContext, workflow

PAID = []

@workflow("refunds", version="1", title="Refund", triggers=("refund",), example="refund 40 EUR")
def refunds(context: WorkflowContext) -> Chat:
    def pay(invoice: str, amount: float) -> str:
        PAID.append((invoice, amount))
        return "It is paid."
    gatekeeper = ApprovalProxy(
        "gatekeeper", human_input_mode="TERMINATE",
        is_termination_msg=lambda message: "?" in str(message.get("content")),
        max_consecutive_auto_reply=9,
    )
    clerk = AssistantAgent("clerk", system_message="You are clerk.", llm_config=context.llm_config)
    autogen.register_function(
        pay, caller=clerk, executor=gatekeeper, name="pay", description="Pay it back."
    )
    return Chat(starter=gatekeeper, recipient=clerk)
"""
ALEX, MEGAN = "Alex Wilber", "Megan Bowen"
WHICH, ALL = "Which invoice is it, INV-7 or INV-8?", "Paid. Is that all?"
PAY = RuleCall(name="pay", arguments={"invoice": "INV-7", "amount": 40})
SCRIPT = (
    Rule(tool_results=1, text=ALL),
    Rule(contains="INV-7", calls=(PAY,)),
    Rule(text=WHICH),
)


@pytest_asyncio.fixture
async def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """Everything, running; Alex asks, Megan decides."""
    (tmp_path / "refunds.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "refunds", raising=False)

    def adjust(document: dict[str, Any]) -> None:
        rule = {"effect": "require_approval", "roles": ["account_executive"]}
        document["workflows"] = {"modules": ["refunds"]}
        document["policy"] = {"tools": {"pay": rule}}
        document["teams"] = {"app_id": ""}

    async with world(tmp_path, adjust, script=SCRIPT) as started, started.server():
        for person in (ALEX, MEGAN):
            await started.teams.install(person)
        yield started


def paid() -> list[tuple[str, float]]:
    found: list[tuple[str, float]] = sys.modules["refunds"].PAID
    return found


async def sessions(app: World) -> list[Any]:
    found: list[Any] = (await app.call("GET", "/api/v1/sessions"))[1]["items"]
    return found


async def test_typed_answers_bring_the_chat_to_its_end_and_decide_nothing(app: World) -> None:
    await app.teams.send_message(ALEX, "refund for Contoso please")
    await app.says("Your reply is needed", WHICH)
    await app.teams.send_message(ALEX, "It is INV-7")
    await app.says("Taken as your answer", "the agents have it")
    await app.says("Approval needed: Pay")
    (session,) = await sessions(app)
    request = await app.pending(session["id"])
    for text in ("approve", "ok but only 30 EUR", "reject: not returned"):
        await app.teams.send_message(MEGAN, text)
    await app.says("A card waits for you", request["id"], "Nothing was decided")
    assert (await app.request(request["id"]))["status"] == "pending"
    assert paid() == []

    await app.click(request["id"], "approve", MEGAN)
    await app.says("Your reply is needed", ALL)
    assert paid() == [("INV-7", 40)]
    await app.teams.send_message(ALEX, "refund is done, thank you")  # begins with the trigger
    asking = await app.says("Is this your answer?", "No, start Refund")
    assert len(await sessions(app)) == 1
    await app.teams.click(asking, "reply", person=ALEX)
    again = await app.pending(session["id"])  # what Alex has said has led to the next question
    entries = [e for e in await app.ledger(session["id"]) if e["kind"] == "decided"]

    assert again["arguments"]["message"]
    assert [e["body"]["via"] for e in entries] == ["teams"] * 3


async def test_edit_and_delete_of_the_task_say_what_they_do(app: World) -> None:
    answer = await app.teams.send_message(ALEX, "refund for Contoso please")
    await app.says("Your reply is needed", WHICH)
    message = str(answer.activity["id"])
    await app.teams.edit_message(message, "refund for Fabrikam please", person=ALEX)
    await app.says("I had already started with what you wrote", "editing does not change it")
    await app.teams.delete_message(message, person=ALEX)
    await app.says("deleting its message does not end it")
    (session,) = await sessions(app)

    assert (session["task"], session["status"]) == ("refund for Contoso please", "waiting")
