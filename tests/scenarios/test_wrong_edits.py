"""What somebody may type into a change of each use by mistake: it is refused with words that say
what is wrong, the request waits as it was, and what is approved then runs once.
"""

from __future__ import annotations

from typing import Any

import pytest

from countersign.bot.demo.fronts import ApiFront
from countersign.bot.demo.scenarios import APPROVE, SCENARIOS, Choice
from countersign.bot.demo.world import World, open_world
from tests.scenarios.test_back_end_answers import decided
from tests.scenarios.test_slow_back_ends import pending

pytestmark = pytest.mark.asyncio
Wrong = tuple[tuple[dict[str, Any], str], ...]
NO_NUMBER = "'a lot' is not of type 'number'"
NO_DATE = "is no date: write YYYY-MM-DD"
WRONG: dict[str, Wrong] = {
    "salesforce_update": (
        ({"amount": "a lot"}, NO_NUMBER),
        ({"stage": "Sold"}, "'Sold' is no stage here. There are: Prospecting"),
        ({"close_date": "31.12.2026"}, NO_DATE),
        ({"opportunity_id": "006000000000000"}, "Salesforce has no opportunity"),
        ({"opportunity_id": "../Account/1"}, "is no id of an opportunity"),
    ),
    "hubspot_update": (
        ({"amount": "a lot"}, NO_NUMBER),
        ({"stage": "Sold"}, "'Sold' is no stage here"),
        ({"close_date": "tomorrow"}, NO_DATE),
        ({"deal_id": "999"}, "(HTTP 404)"),
    ),
    "cpq_quote": (
        ({"lines": [{"sku": "NO-SUCH", "quantity": 1, "discount_percent": 0}]}, "no product"),
        ({"lines": [{"sku": "INS-SEAT", "quantity": 25, "discount_percent": 90}]}, "more than"),
        ({"lines": [{"sku": "INS-SEAT", "quantity": "x", "discount_percent": 5}]}, "'integer'"),
        ({"lines": []}, "at least one line"),
        ({"quote_id": "Q-1"}, "There is no quote Q-1"),
        ({"valid_until": "next year"}, NO_DATE),
    ),
    "outreach": (
        ({"to": "robert.chen@fabrikam.example"}, "has unsubscribed from everything"),
        ({"to": "Ana.Ruiz@contoso.example"}, "not one address in small letters"),
        ({"to": "ana@contoso.example, bob@contoso.example"}, "not one address"),
        ({"subject": "Our webinar\nBcc: everybody@contoso.example"}, "The subject is one line"),
        ({"letter": " \n"}, "Letter is empty"),
    ),
    "contract_redline": (
        ({"new_text": ""}, "New text is empty"),
        ({"version": 7}, "written for version 7, and version 1 has come since"),
        ({"clause": "9.9"}, "The document has no clause 9.9"),
        ({"contract_id": "CTR-1"}, "There is no workflow CTR-1"),
        ({"current_text": "Something else."}, "says something else"),
    ),
    "financial_report": (
        ({"headline": ""}, "Headline is empty"),
        ({"commentary": "  "}, "Commentary is empty"),
        ({"headline": "\u4e2d"}, "The PDF cannot show"),
        ({"ledger_version": 3}, "they are at entry 14, not 3"),
        ({"period": "2026-13"}, "There are no entries of 2026-13"),
    ),
    "support_reply": (
        ({"reply": ""}, "Reply is empty"),
        ({"status": "banana"}, "pending or solved"),
        ({"ticket_id": "x"}, "'x' is not of type 'integer'"),
        ({"ticket_id": 9}, "Not found"),
        ({"updated_at": "2020-01-01T00:00:00Z"}, "has changed at"),
    ),
}


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "")  # put back afterwards: the world sets them


async def refused(world: World, request: dict[str, Any], changes: dict[str, Any]) -> str:
    """How this change is refused."""
    choice = Choice(SCENARIOS["outreach"].choices["modify"].verdict, changes=changes)
    with pytest.raises(ValueError, match="votes: ") as said:
        await ApiFront(world).decide(request, choice)
    return str(said.value)


@pytest.mark.parametrize("workflow", WRONG)
async def test_wrong_change_is_refused_and_the_request_waits_as_it_was(workflow: str) -> None:
    scenario = SCENARIOS[workflow]
    async with open_world("api", scenario) as world:
        session = await ApiFront(world).start(scenario)
        waiting = await pending(world, session)
        asked = next(each for each in waiting if each["tool"] == scenario.tool)
        said = [(await refused(world, asked, each), words) for each, words in WRONG[workflow]]
        now = await world.call("alex", "GET", f"/api/v1/requests/{asked['id']}")
        nothing = world.effects(await world.stored(asked["id"]))
        await ApiFront(world).decide(asked, APPROVE)
        await decided(world, session)
        after = await world.stored(asked["id"])

        assert [] == [(told, words) for told, words in said if words not in told]
        assert ("pending", asked["revision"]) == (now["status"], now["revision"])
        assert asked["arguments"] == now["arguments"]
        assert [] == nothing
        assert ("executed", 1) == (str(after.status), len(world.effects(after)))
