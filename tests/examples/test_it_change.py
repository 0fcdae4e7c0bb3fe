"""The IT change from the sentence to the provisioned resource, over every way it can go."""

from __future__ import annotations

from typing import Any

import pytest

from countersign import Registry, WorkflowContext
from countersign.examples.it_change import it_change
from tests.examples.gated import approve, in_turn, stage

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
PORT_TASK = "open port 443 from the web tier to billing-db"
PORT = {
    "source": "web-tier",
    "target": "billing-db",
    "port": 443,
    "protocol": "tcp",
    "environment": "production",
    "owner_team": "billing",
    "window": "Sat 22:00-02:00 UTC",
    "rollback": "Remove the rule; port 443 was shut before.",
}


def reject(feedback: str) -> dict[str, str]:
    return {"verdict": "reject", "feedback": feedback}


async def test_checked_plan_is_proposed_and_provisioned_after_approval(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with stage() as it:
        answer = await it.run(it_change, TASK, approve, monkeypatch)
        (effect,) = it.provisioning.effects()

        assert [["lookup_catalog"], ["check_policy"], ["provision"]] == it.batches
        assert [("provision", DATABASE)] == it.proposals
        assert TASK in it.rationales[0]
        assert ("provision", DATABASE) == (effect["action"], effect["arguments"])
        assert effect["idempotency_key"].startswith("token-")
        assert "billing-stg-db is provisioned: 200 GB in eu-central, EUR 50.00 a month." == answer
        assert {200} == {request.status for request in it.model.requests}


async def test_open_port_waits_for_its_window(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage() as it:
        answer = await it.run(it_change, PORT_TASK, approve, monkeypatch)
        (rule,) = it.provisioning.rules()

        assert [("change_firewall", PORT)] == it.proposals
        assert "scheduled" == rule["status"]
        assert (
            "Port 443 is opened from web-tier to billing-db, in the window Sat 22:00-02:00 UTC."
        ) == answer


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        (
            "a laptop for a new colleague",
            {"kind": "laptop", "name": "it-off-laptop", "size": 1, "monthly_cost_eur": 58.0},
        ),
        (
            "2 laptops for the sales team in Lisbon",
            {"name": "sales-off-laptop", "size": 2, "region": "lisbon", "owner_team": "sales"},
        ),
        (
            "We need a production database for the search team with 1 TB, on a Wednesday",
            {"name": "search-prd-db", "size": 1000, "window": "Wed 20:00-22:00 UTC"},
        ),
        (
            "Please provision a virtual machine with 4 cores in eu-north for team search",
            {"name": "search-dev-vm", "size": 4, "region": "eu-north", "monthly_cost_eur": 88.0},
        ),
        ("a dev database for the billing team", {"name": "billing-dev-db-02", "size": 50}),
    ],
)
async def test_plan_follows_the_task_and_the_catalogue(
    task: str, expected: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stage() as it:
        await it.run(it_change, task, approve, monkeypatch)

        assert expected.items() <= it.proposals[0][1].items()
        assert 1 == len(it.provisioning.effects())


@pytest.mark.parametrize(
    ("task", "reason", "instead"),
    [
        (f"{TASK} in us-east", "us-east is not allowed", "region eu-central"),
        (
            "new staging database for the billing team, 900 GB",
            "500 GB is the most",
            "size 500, monthly_cost_eur 125.0",
        ),
        ("open port 443 from anywhere to billing-db", "to everybody", "source edge-gateway"),
        ("open port 443 from 0.0.0.0/0 to billing-db", "to everybody", "source edge-gateway"),
        ("open port 22 from the web tier to billing-db", "(SSH)", "source vpn-gateway"),
        ("open port 23 from the web tier to billing-db", "(Telnet)", None),
        ("open port 443 from 10.0.0.0/8 to billing-db", "too wide", None),
        ("open port 443 from the web tier to nowhere", "no resource nowhere", None),
        ("open port 443 from mars to billing-db", "neither a resource nor a network", None),
        ("a staging gpu node for the search team", "for dev, production", None),
    ],
)
async def test_what_the_policy_forbids_is_answered_without_asking_a_person(
    task: str, reason: str, instead: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stage() as it:
        answer = await it.run(it_change, task, approve, monkeypatch)

        assert [] == it.proposals
        assert [] == it.provisioning.effects()
        assert reason in answer
        assert (f"This would be allowed: {instead}." if instead else "no compliant") in answer


@pytest.mark.parametrize(
    ("feedback", "expected"),
    [
        ("100 GB is enough.", {"size": 100, "monthly_cost_eur": 25.0}),
        ("Too big for a test.", {"size": 100, "monthly_cost_eur": 25.0}),
        ("Put it into eu-north, please.", {"region": "eu-north", "size": 200}),
        ("Only on a Wednesday.", {"window": "Wed 20:00-22:00 UTC"}),
        (
            "This belongs into production.",
            {
                "environment": "production",
                "name": "billing-prd-db",
                "window": "Sat 22:00-02:00 UTC",
            },
        ),
    ],
)
async def test_rejection_leads_to_one_revised_and_checked_plan(
    feedback: str, expected: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stage() as it:
        await it.run(it_change, TASK, in_turn(provision=[reject(feedback)]), monkeypatch)

        assert 2 == len(it.proposals)
        assert ["check_policy"] == it.batches[-2]
        assert expected.items() <= it.proposals[1][1].items()
        assert feedback in it.rationales[1]
        assert [it.proposals[1][1]] == [e["arguments"] for e in it.provisioning.effects()]


async def test_rejected_port_is_revised_too(monkeypatch: pytest.MonkeyPatch) -> None:
    decide = in_turn(change_firewall=[reject("Only from the app tier, and port 8443.")])
    async with stage() as it:
        await it.run(it_change, PORT_TASK, decide, monkeypatch)

        assert {**PORT, "source": "app-tier", "port": 8443} == {
            **it.proposals[1][1],
            "rollback": PORT["rollback"],
        }


@pytest.mark.parametrize("feedback", ["Stop, we buy this elsewhere.", "200 GB is wrong."])
async def test_stops_when_told_to_or_when_nothing_would_change(
    feedback: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stage() as it:
        answer = await it.run(it_change, TASK, in_turn(provision=[reject(feedback)]), monkeypatch)

        assert 1 == len(it.proposals)
        assert [] == it.provisioning.effects()
        assert f"Nothing was provisioned: Alex Wilber rejected it: {feedback}" in answer


async def test_stops_after_the_second_rejection(monkeypatch: pytest.MonkeyPatch) -> None:
    decide = in_turn(provision=[reject("100 GB is enough."), reject("50 GB is enough.")])
    async with stage() as it:
        answer = await it.run(it_change, TASK, decide, monkeypatch)

        assert 2 == len(it.proposals)
        assert [] == it.provisioning.effects()
        assert "50 GB is enough" in answer


async def test_feedback_against_the_policy_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    decide = in_turn(provision=[reject("Make it 800 GB.")])
    async with stage() as it:
        answer = await it.run(it_change, TASK, decide, monkeypatch)

        assert 1 == len(it.proposals)
        assert "Make it 800 GB" in answer
        assert "In staging 500 GB is the most" in answer


async def test_agents_report_what_ran_after_a_change(monkeypatch: pytest.MonkeyPatch) -> None:
    decide = in_turn(
        provision=[{"verdict": "approve", "arguments": {**DATABASE, "size": 100}}],
    )
    async with stage() as it:
        answer = await it.run(it_change, TASK, decide, monkeypatch)

        assert (
            "billing-stg-db is provisioned: 100 GB in eu-central, EUR 25.00 a month, "
            "as changed by Alex Wilber."
        ) == answer


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        ("expired", "nobody decided before the deadline"),
        ("denied_by_policy", "the policy forbids it"),
        ("shadow", "a person does it by hand"),
        ("invalid_arguments", "was not executed"),
    ],
)
async def test_other_outcomes_end_without_another_try(
    cause: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide = in_turn(provision=[{"verdict": cause, "message": "because"}])
    async with stage() as it:
        answer = await it.run(it_change, TASK, decide, monkeypatch)

        assert 1 == len(it.proposals)
        assert [] == it.provisioning.effects()
        assert words in answer


@pytest.mark.parametrize(
    ("task", "words"),
    [("a sandwich", "names nothing that I can plan"), ("open port 443", "Say it like this")],
)
async def test_unclear_task_is_said_and_nothing_is_proposed(
    task: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stage() as it:
        answer = await it.run(it_change, task, approve, monkeypatch)

        assert words in answer
        assert [] == it.proposals


async def test_model_is_told_what_every_argument_means() -> None:
    async with stage() as it:
        registry = Registry(it.context())
        registry.add(it_change)
        tools = registry.info("it_change").tools
        schemas = {tool: registry.schema("it_change", tool) or {} for tool in tools}

    undescribed = [
        (tool, name)
        for tool, schema in schemas.items()
        for name, shown in schema["properties"].items()
        if shown.get("description") in (None, name)
    ]
    assert [] == undescribed


async def test_missing_setting_is_named() -> None:
    with pytest.raises(ValueError, match="provisioning_url"):
        it_change(WorkflowContext({}, {}))
