"""The IT policy: what it refuses, why, and what it would allow instead."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from countersign.examples import it_policy
from countersign.examples.back_office import BackOfficeError, Provisioning
from countersign.examples.it_changes import NewResource
from countersign.sandbox import provisioning
from tests.examples.test_it_change import DATABASE, PORT

pytestmark = pytest.mark.asyncio


@pytest.fixture
async def system() -> AsyncIterator[Provisioning]:
    """The provisioning system as the tools see it."""
    async with provisioning.Provisioning.start() as started:
        settings = {
            "provisioning_url": started.url,
            "provisioning_api_key": started.api_key,
        }
        yield Provisioning.from_settings(settings)


@pytest.mark.parametrize(("tool", "plan"), [("provision", DATABASE), ("change_firewall", PORT)])
async def test_allows_a_plan_that_keeps_every_rule(
    system: Provisioning, tool: str, plan: dict[str, Any]
) -> None:
    assert ([], None) == await it_policy.check(system, tool, plan)


@pytest.mark.parametrize(
    ("changes", "reason", "instead"),
    [
        ({"unit": "TB"}, "sized in GB", {"unit": "GB"}),
        ({"monthly_cost_eur": 1.0}, "It costs EUR 50.00 a month", {"monthly_cost_eur": 50.0}),
        ({"size": 501}, "500 GB is the most", {"size": 500, "monthly_cost_eur": 125.0}),
        ({"region": "us-east"}, "us-east is not allowed", {"region": "eu-central"}),
        ({"name": "my-db"}, "naming convention", {"name": "billing-stg-db"}),
        ({"name": "billing-db"}, "a billing-db already", {"name": "billing-stg-db"}),
        ({"window": "tonight"}, "no window 'tonight'", {"window": "now"}),
        (
            {"environment": "production", "name": "billing-prd-db"},
            "maintenance window",
            {"window": "Sat 22:00-02:00 UTC"},
        ),
        ({"size": 0, "monthly_cost_eur": 0.0}, "at least 1", None),
        ({"owner_team": "The Team"}, "is no team", None),
        ({"rollback": " "}, "rollback is missing", None),
        ({"environment": "moon"}, "for dev, staging, production", None),
        ({"kind": "mainframe"}, "Nobody may order a mainframe", None),
        ({"size": "many"}, "size: ", None),
        ({"owner": "x"}, "owner: ", None),
    ],
)
async def test_refuses_a_resource_and_says_what_it_would_allow(
    system: Provisioning, changes: dict[str, Any], reason: str, instead: dict[str, Any] | None
) -> None:
    plan = {**DATABASE, **changes}
    reasons, alternative = await it_policy.check(system, "provision", plan)

    assert reason in reasons[0]
    assert (None if instead is None else {**plan, **instead}) == alternative


@pytest.mark.parametrize(
    ("changes", "reason", "instead"),
    [
        ({"source": "0.0.0.0/0"}, "to everybody", {"source": "edge-gateway"}),
        ({"source": "::/0"}, "to everybody", {"source": "edge-gateway"}),
        ({"source": "Internet"}, "to everybody", {"source": "edge-gateway"}),
        ({"source": "0.0.0.0/1"}, "too wide", None),
        ({"source": "10.1.2.0/23"}, "too wide", None),
        ({"source": "2001:db8::/32"}, "too wide", None),
        ({"source": "mars"}, "neither a resource nor a network", None),
        ({"port": 3389}, "only from the vpn-gateway", {"source": "vpn-gateway"}),
        ({"port": 21}, "plain text", None),
        ({"protocol": "icmp"}, "tcp or udp", {"protocol": "tcp"}),
        ({"target": "nowhere"}, "no resource nowhere", None),
        ({"environment": "dev"}, "is in production", {"environment": "production"}),
        ({"owner_team": "web"}, "belongs to billing", {"owner_team": "billing"}),
        ({"window": "now"}, "maintenance window", {"window": "Sat 22:00-02:00 UTC"}),
    ],
)
async def test_refuses_an_open_port_and_says_what_it_would_allow(
    system: Provisioning, changes: dict[str, Any], reason: str, instead: dict[str, Any] | None
) -> None:
    plan = {**PORT, **changes}
    reasons, alternative = await it_policy.check(system, "change_firewall", plan)

    assert reason in reasons[0]
    assert (None if instead is None else {**plan, **instead}) == alternative


@pytest.mark.parametrize("source", ["10.1.2.0/24", "10.1.2.7/32", "app-tier"])
async def test_allows_a_narrow_source(system: Provisioning, source: str) -> None:
    reasons, _ = await it_policy.check(system, "change_firewall", {**PORT, "source": source})

    assert [] == reasons


async def test_administration_is_open_from_the_bastion(system: Provisioning) -> None:
    plan = {**PORT, "port": 22, "source": "vpn-gateway"}

    assert ([], None) == await it_policy.check(system, "change_firewall", plan)


async def test_production_is_not_reached_by_calling_it_something_else(
    system: Provisioning,
) -> None:
    """The window follows from the record of the target, not from what the plan calls it."""
    plan = {**PORT, "environment": "dev", "window": "now"}
    reasons, _ = await it_policy.check(system, "change_firewall", plan)

    assert 2 == len(reasons)


async def test_knows_no_other_tool(system: Provisioning) -> None:
    reasons, alternative = await it_policy.check(system, "drop_database", {})

    assert ["There is no tool drop_database, only provision and change_firewall."] == reasons
    assert alternative is None


async def test_price_below_the_approved_one_is_no_reason_to_stop(system: Provisioning) -> None:
    cheaper = NewResource.model_validate({**DATABASE, "size": 100})
    await it_policy.require(system, cheaper)
    with pytest.raises(BackOfficeError, match=r"us-east is not allowed.* Nothing was changed"):
        await it_policy.require(system, cheaper.model_copy(update={"region": "us-east"}))
