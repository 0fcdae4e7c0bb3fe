"""IT changes that cannot be made as they were approved: an alternative, the on-call, or a doubt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from countersign.examples.it_change import it_change
from countersign.sandbox._faults import Fault
from tests.examples.gated import APPROVE, Stage, approve, in_turn, stage

pytestmark = pytest.mark.asyncio

TASK = "new staging database for the billing team, 200 GB"
DATABASE = {
    "kind": "database",
    "name": "billing-stg-db",
    "environment": "staging",
    "size": 200,
    "unit": "GB",
    "region": "eu-central",
    "owner_team": "billing",
    "monthly_cost_eur": 50.0,
    "window": "now",
    "rollback": "Delete billing-stg-db; nothing uses it yet.",
}


def made(it: Stage) -> list[str]:
    """What was provisioned in the test."""
    return [e["arguments"]["name"] for e in it.provisioning.effects() if e["action"] == "provision"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"region": "us-east"}, "Against the IT policy: The region us-east is not allowed"),
        ({"size": 300}, "It costs EUR 75.00 a month, and EUR 50.00 is the most that was approved"),
    ],
)
async def test_approved_change_is_held_to_policy_and_budget_once_more(
    changes: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person can edit the plan after it was checked."""
    edited = {"verdict": "approve", "arguments": {**DATABASE, **changes}}
    async with stage() as it:
        answer = await it.run(it_change, TASK, in_turn(provision=[edited]), monkeypatch)

        assert [] == it.provisioning.effects()
        assert 1 == len(it.proposals)
        assert words in answer


async def test_full_region_leads_to_another_one_through_approval(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with stage() as it:
        answer = await it.run(it_change, f"{TASK}, in eu-west", approve, monkeypatch)

        assert [
            ["lookup_catalog"],
            ["check_policy"],
            ["provision"],
            ["check_policy"],
            ["provision"],
        ] == it.batches
        assert ["eu-west", "eu-central"] == [plan["region"] for _, plan in it.proposals]
        assert "eu-west is full: 100 GB free, 200 asked for" in it.rationales[1]
        assert 1 == len(it.provisioning.effects())
        assert "200 GB in eu-central" in answer


async def test_exceeded_quota_leads_to_a_smaller_size_through_approval(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task = "new production database for the billing team, 800 GB"
    async with stage() as it:
        await it.run(it_change, task, approve, monkeypatch)

        assert [(800, 200.0), (550, 137.5)] == [
            (plan["size"], plan["monthly_cost_eur"]) for _, plan in it.proposals
        ]
        assert 1 == len(it.provisioning.effects())


async def test_without_an_alternative_the_on_call_takes_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with stage() as it:
        answer = await it.run(it_change, "a gpu node for the search team", approve, monkeypatch)
        (incident,) = it.provisioning.incidents()
        (effect,) = it.provisioning.effects()

        assert ["open_incident"] == it.batches[-1]
        assert 1 == len(it.proposals)
        assert "Room for it elsewhere: none" in incident["details"]
        assert effect["idempotency_key"].startswith("token-")
        assert "I opened INC-1001; the platform on-call takes it from here." in answer


async def test_outage_is_tried_once_more_and_then_handed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with stage() as it:
        it.provisioning.faults.fail(503, path="/resources", method="POST", times=4)
        answer = await it.run(it_change, TASK, approve, monkeypatch)

        assert 2 == len(it.proposals)
        assert it.proposals[0] == it.proposals[1]
        assert "INC-1001" in answer


async def test_outage_that_is_over_leads_to_one_resource(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage() as it:
        it.provisioning.faults.fail(503, path="/resources", method="POST", times=2)
        answer = await it.run(it_change, TASK, approve, monkeypatch)

        assert 2 == len(it.proposals)
        assert ["billing-stg-db"] == made(it)
        assert "is provisioned" in answer


async def test_name_that_was_taken_meanwhile_is_replaced_through_approval(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with stage() as it:

        def somebody_is_faster(tool: str, arguments: Any, nth: int) -> Mapping[str, Any]:
            if nth == 0:
                it.provisioning.take(**arguments)
            return APPROVE

        await it.run(it_change, TASK, somebody_is_faster, monkeypatch)

        assert ["billing-stg-db", "billing-stg-db-02"] == [plan["name"] for _, plan in it.proposals]
        assert ["billing-stg-db-02"] == made(it)


async def test_incident_that_cannot_be_opened_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage() as it:
        it.provisioning.faults.fail(503, path="/incidents", times=5)
        answer = await it.run(it_change, "a gpu node for the search team", approve, monkeypatch)

    assert "No incident could be opened" in answer


async def test_answer_that_is_lost_after_the_effect_is_one_resource(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The tool repeats its own request with the same key and gets the same resource."""
    async with stage() as it:
        fault = Fault(kind="reset_after", method="POST", path="/resources")
        it.provisioning.faults.add(fault)
        answer = await it.run(it_change, TASK, approve, monkeypatch)

        assert 1 == len(it.proposals) == len(it.provisioning.effects())
        assert "is provisioned" in answer


async def test_answers_that_stay_away_leave_it_in_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage() as it:
        fault = Fault(kind="reset_after", method="POST", path="/resources", times=2)
        it.provisioning.faults.add(fault)
        answer = await it.run(it_change, TASK, approve, monkeypatch)

        assert 1 == len(it.proposals) == len(it.provisioning.effects())
        assert "It is not known whether it was provisioned: a person is checking" in answer


async def test_catalogue_that_cannot_be_read_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage() as it:
        it.provisioning.faults.fail(503, times=9)
        answer = await it.run(it_change, TASK, approve, monkeypatch)

    assert "The catalogue could not be read" in answer
