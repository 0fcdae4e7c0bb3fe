"""The provisioning system, driven over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from countersign.sandbox.provisioning import Provisioning

pytestmark = pytest.mark.asyncio

DATABASE: dict[str, Any] = {
    "kind": "database",
    "name": "billing-stg-db",
    "environment": "staging",
    "size": 200,
    "unit": "GB",
    "region": "eu-central",
    "owner_team": "billing",
    "monthly_cost_eur": 50.0,
    "window": "now",
    "rollback": "Delete it.",
}
PORT: dict[str, Any] = {
    "source": "web-tier",
    "target": "billing-db",
    "port": 443,
    "protocol": "tcp",
    "environment": "production",
    "owner_team": "billing",
    "window": "Sat 22:00-02:00 UTC",
    "rollback": "Remove the rule.",
}


def client(system: Provisioning, key: str | None = None) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=system.url, headers={"X-Api-Key": key or system.api_key})


async def test_catalog_names_prices_and_regions_but_not_how_full_they_are() -> None:
    async with Provisioning.start() as system, client(system) as http:
        (offer,) = (await http.get("/catalog", params={"kind": "database"})).json()["offers"]
        everything = (await http.get("/catalog")).json()["offers"]

    assert {
        "kind": "database",
        "title": "PostgreSQL database",
        "unit": "GB",
        "eur_per_unit_month": 0.25,
        "usual_size": 50,
        "team_quota": 1000,
        "regions": ["eu-central", "eu-north", "eu-west", "us-east"],
    } == offer
    assert ["database", "gpu_node", "laptop", "virtual_machine"] == [o["kind"] for o in everything]


async def test_same_key_and_body_is_one_resource_and_one_effect() -> None:
    headers = {"Idempotency-Key": "execution-1"}
    async with Provisioning.start() as system, client(system) as http:
        first = await http.post("/resources", json=DATABASE, headers=headers)
        again = await http.post(
            "/resources", json=dict(reversed(DATABASE.items())), headers=headers
        )
        other = await http.post("/resources", json={**DATABASE, "size": 100}, headers=headers)

        assert (201, 201, 422) == (first.status_code, again.status_code, other.status_code)
        assert first.json() == again.json()
        assert "true" == again.headers["Idempotency-Replayed"]
        assert [("provision", "execution-1", DATABASE)] == [
            (e["action"], e["idempotency_key"], e["arguments"]) for e in system.effects()
        ]
        assert ["billing-stg-db"] == [r["name"] for r in system.resources()[-1:]]


async def test_real_price_is_kept_below_the_approved_one() -> None:
    async with Provisioning.start() as system, client(system) as http:
        body = {**DATABASE, "size": 100}
        made = (await http.post("/resources", json=body)).json()

    assert (25.0, "active") == (made["monthly_cost_eur"], made["status"])


async def test_opens_a_port_in_its_window_and_an_incident() -> None:
    async with Provisioning.start() as system, client(system) as http:
        rule = await http.post("/firewall-rules", json=PORT)
        network = await http.post("/firewall-rules", json={**PORT, "source": "10.1.2.0/24"})
        incident = await http.post("/incidents", json={"summary": "No room", "details": "GPUs"})

        assert (201, 201, 201) == (rule.status_code, network.status_code, incident.status_code)
        assert "scheduled" == rule.json()["status"]
        assert ("INC-1001", "platform on-call") == (
            incident.json()["incident"],
            incident.json()["assigned_to"],
        )
        assert ["change_firewall", "change_firewall", "open_incident"] == [
            e["action"] for e in system.effects()
        ]


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("/resources", {**DATABASE, "size": 0}, 422, "size"),
        ("/resources", {**DATABASE, "name": "Billing DB"}, 422, "name"),
        ("/resources", {**DATABASE, "kind": "mainframe"}, 422, "What is offered"),
        ("/resources", {**DATABASE, "unit": "TB"}, 422, "database in GB"),
        ("/resources", {**DATABASE, "region": "mars"}, 422, "eu-central, eu-north"),
        ("/resources", {**DATABASE, "name": "billing-db"}, 409, "There is a billing-db already"),
        ("/resources", {**DATABASE, "monthly_cost_eur": 49.0}, 422, "EUR 50.00 a month"),
        ("/resources", {**DATABASE, "region": "eu-west"}, 409, "100 GB free, 200 asked for"),
        ("/resources", {**DATABASE, "region": "eu-west"}, 409, "eu-north (5000 free)"),
        (
            "/resources",
            {**DATABASE, "size": 800, "monthly_cost_eur": 200.0},
            409,
            "in all and has 450: 550 GB left",
        ),
        ("/firewall-rules", {**PORT, "port": 70000}, 422, "port"),
        ("/firewall-rules", {**PORT, "target": "nowhere"}, 404, "no resource nowhere"),
        ("/firewall-rules", {**PORT, "source": "nowhere"}, 404, "neither a resource nor"),
        ("/incidents", {"summary": "x"}, 422, "details"),
        ("/incidents", [1], 422, "body"),
    ],
)
async def test_refuses_what_has_no_room_or_makes_no_sense_without_effect(
    path: str, body: Any, status: int, words: str
) -> None:
    async with Provisioning.start() as system, client(system) as http:
        answer = await http.post(path, json=body, headers={"Idempotency-Key": "k"})

        assert status == answer.status_code
        assert words in answer.json()["error"]["message"]
        assert [] == system.effects()


async def test_what_is_provisioned_takes_room() -> None:
    body = {**DATABASE, "region": "eu-west", "size": 60, "owner_team": "search"}
    async with Provisioning.start() as system, client(system) as http:
        first = await http.post("/resources", json={**body, "name": "search-stg-db"})
        second = await http.post("/resources", json={**body, "name": "search-stg-db-02"})

    assert (201, 409) == (first.status_code, second.status_code)
    assert "40 GB free" in second.json()["error"]["message"]


async def test_says_when_there_is_no_room_anywhere() -> None:
    gpu = {**DATABASE, "kind": "gpu_node", "unit": "GPU", "size": 1, "monthly_cost_eur": 940.0}
    async with Provisioning.start() as system, client(system) as http:
        answer = await http.post("/resources", json=gpu)

    assert "Room for it elsewhere: none." in answer.json()["error"]["message"]


async def test_refused_write_does_not_use_up_its_key() -> None:
    headers = {"Idempotency-Key": "execution-1"}
    async with Provisioning.start() as system, client(system) as http:
        refused = await http.post(
            "/resources", json={**DATABASE, "region": "eu-west"}, headers=headers
        )
        made = await http.post("/resources", json=DATABASE, headers=headers)

    assert (409, 201) == (refused.status_code, made.status_code)


@pytest.mark.parametrize("key", ["", "k" * 256])
async def test_refuses_a_key_of_a_wrong_length(key: str) -> None:
    async with Provisioning.start() as system, client(system) as http:
        answer = await http.post("/resources", json=DATABASE, headers={"Idempotency-Key": key})

    assert 400 == answer.status_code


async def test_needs_the_api_key_except_for_the_page() -> None:
    async with Provisioning.start() as system, client(system, "wrong") as http:
        refused = await http.get("/resources")
        page = await http.get("/")

    assert (401, 200) == (refused.status_code, page.status_code)


async def test_page_shows_what_happened_and_escapes_it() -> None:
    async with Provisioning.start() as system, client(system) as http:
        await http.post("/resources", json=DATABASE)
        await http.post("/firewall-rules", json=PORT)
        await http.post("/incidents", json={"summary": "<script>x</script>", "details": "d"})
        page = (await http.get("/")).text

    free_in_eu_central = "1350"
    for part in ("billing-stg-db", "tcp 443", "INC-1001", "&lt;script&gt;x", free_in_eu_central):
        assert part in page


async def test_reset_after_commit_leaves_the_effect_and_the_key_tells(tmp_path: Path) -> None:
    """What a tool in doubt looks like from outside: no answer, but the resource is there."""
    headers = {"Idempotency-Key": "execution-1"}
    path = tmp_path / "provisioning.db"
    async with Provisioning.start(db_path=path) as system, client(system) as http:
        await http.post("/_sandbox/fault", json={"kind": "reset_after", "path": "/resources"})
        with pytest.raises(httpx.TransportError):
            await http.post("/resources", json=DATABASE, headers=headers)
    async with Provisioning.start(db_path=path) as system, client(system) as http:
        replayed = await http.post("/resources", json=DATABASE, headers=headers)

        assert 201 == replayed.status_code
        assert 1 == len(system.effects())
