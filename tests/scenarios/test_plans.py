"""A plan, whole: proposed by a real chat, read on the card, in the ticket and in the inbox."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from countersign.sandbox.openai.rules import Rule, RuleCall
from tests.scenarios.planned import PAID
from tests.scenarios.test_second_thoughts import inbox
from tests.scenarios.test_ticket_rules import SYSTEMS
from tests.scenarios.ticket_world import TicketWorld, ticket_world

pytestmark = pytest.mark.usefixtures("both_databases")

FIRST = {"invoice": "INV-7", "amount": 40.0}
STEPS = [
    {"tool": "pay_invoice", "arguments": FIRST},
    {
        "tool": "pay_invoice",
        "arguments": {"invoice": "INV-8", "amount": 25.0},
        "times": 2,
        "may_vary": ["amount"],
        "when": "args.amount <= 30.0",
    },
]


def pays(results: int, invoice: str, amount: float) -> Rule:
    arguments = {"invoice": invoice, "amount": amount, "rationale": "Due."}
    return Rule(tool_results=results, calls=(RuleCall(name="pay_invoice", arguments=arguments),))


SCRIPT = [
    Rule(
        tool_results=0,
        calls=(
            RuleCall(
                name="propose_plan",
                arguments={"steps": STEPS, "valid_for": "2h", "rationale": "Both are due."},
            ),
        ),
    ),
    pays(1, "INV-7", 40.0),
    pays(2, "INV-8", 28.5),
    pays(3, "INV-8", 31.0),  # beyond its bound
    Rule(text="All is paid."),
]


def with_plans(document: dict[str, Any]) -> None:
    """The policy and the workflow."""
    document["workflows"]["modules"].append("tests.scenarios.planned")
    policy = document["policy"]
    policy["tools"]["pay_invoice"] = {
        **policy["tools"]["release_quote"],
        "deadline": "4h",
        "plans": True,
    }
    policy["tools"]["pay_invoice"].pop("show_first", None)
    policy.setdefault("reversibility", {})["pay_invoice"] = "externally_reversible"


async def waiting(app: TicketWorld) -> dict[str, Any]:
    """What waits now, with its ticket."""

    async def look() -> Any:
        items = (await app.call("GET", "/api/v1/requests?status=pending"))[1]["items"]
        return items[0] if items else None

    return await app.ticketed((await app.eventually(look))["id"])


@pytest.mark.parametrize("system", SYSTEMS)
async def test_approved_plan_pays_and_what_is_beyond_it_asks(tmp_path: Path, system: str) -> None:
    """One answer in the ticket pays two invoices; the third payment is over its bound."""
    PAID.clear()
    around: dict[str, Any] = {"also": with_plans, "script": SCRIPT}
    async with ticket_world(tmp_path, system, **around) as app, app.server():
        await app.teams.send_message("Alex Wilber", "settle INV-7 and INV-8")
        plan = await waiting(app)
        key = str(app.key(plan))
        card = str((await app.card(plan["id"])).card())
        ticket = app.desk.ticket(key).text.replace("\\", "")
        page = await inbox(app, plan)
        before = list(PAID)
        app.desk.answer(key, "approve", comment="Both.")
        await app.decided(plan)
        other = await app.pending(plan["session_id"], tool="pay_invoice")
        entries = await app.ledger(plan["session_id"])
        used = [e["body"] for e in entries if e["kind"] == "grant_used"]
        status, grants = await app.call("GET", "/api/v1/grants", person="alex")

        assert "propose_plan" == plan["tool"]
        for shown in (card, ticket, page):
            assert "invoice INV-7, amount 40" in shown
            assert "up to 2 times" in shown
        assert [] == before
        assert [("INV-7", 40.0), ("INV-8", 28.5)] == PAID
        assert {"invoice": "INV-8", "amount": 31.0} == other["arguments"]
        assert [(plan["id"], 1), (plan["id"], 2)] == [(u["plan"], u["step"]) for u in used]
        assert [["Alex Wilber"]] * 2 == [u["names"] for u in used]
        assert (200, 2) == (status, len(grants["items"]))
        await app.says("Runs by step 1 of the plan")
