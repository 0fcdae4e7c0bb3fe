"""The CRM, driven over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from countersign.sandbox.crm import Crm

pytestmark = pytest.mark.asyncio

QUOTE: dict[str, Any] = {
    "customer_id": "CUST-1001",
    "opportunity_id": "OPP-2041",
    "amount": 25080.0,
    "currency": "EUR",
    "discount_percent": 12,
    "valid_days": 30,
}


def client(crm: Crm, key: str | None = None) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=crm.url, headers={"X-Api-Key": key or crm.api_key})


async def test_finds_customers_with_their_opportunities() -> None:
    async with Crm.start() as crm, client(crm) as http:
        found = (await http.get("/customers", params={"name": "contoso"})).json()["customers"]
        nobody = (await http.get("/customers", params={"name": "Acme"})).json()["customers"]

    assert ["Contoso Ltd"] == [customer["name"] for customer in found]
    assert ["OPP-2041"] == [opportunity["id"] for opportunity in found[0]["opportunities"]]
    assert [] == nobody


async def test_same_key_and_body_is_one_quote_and_one_effect() -> None:
    headers = {"Idempotency-Key": "execution-1"}
    async with Crm.start() as crm, client(crm) as http:
        first = await http.post("/quotes", json=QUOTE, headers=headers)
        again = await http.post("/quotes", json=dict(reversed(QUOTE.items())), headers=headers)
        other = await http.post("/quotes", json={**QUOTE, "amount": 1.0}, headers=headers)

        assert (201, 201, 422) == (first.status_code, again.status_code, other.status_code)
        assert first.json() == again.json()
        assert "true" == again.headers["Idempotency-Replayed"]
        assert 1 == len(crm.quotes())
        assert [("create_quote", "execution-1", 25080.0)] == [
            (e["action"], e["idempotency_key"], e["arguments"]["amount"]) for e in crm.effects()
        ]


async def test_without_a_key_every_request_is_an_effect() -> None:
    async with Crm.start() as crm, client(crm) as http:
        numbers = {
            (await http.post("/quotes", json=QUOTE)).json()["quote_number"] for _ in range(2)
        }

    assert 2 == len(numbers)


async def test_updates_an_opportunity_and_logs_an_activity() -> None:
    async with Crm.start() as crm, client(crm) as http:
        change = {"stage": "negotiation", "amount": 26000, "close_date": "2026-12-30"}
        updated = await http.patch("/opportunities/OPP-2041", json=change)
        logged = await http.post(
            "/activities", json={"customer_id": "CUST-1001", "text": "Called."}
        )

        assert (200, 201) == (updated.status_code, logged.status_code)
        assert change.items() <= crm.opportunity("OPP-2041").items()
        assert ["update_opportunity", "create_activity"] == [e["action"] for e in crm.effects()]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "words"),
    [
        ("POST", "/quotes", {**QUOTE, "amount": -1}, 422, "amount"),
        ("POST", "/quotes", {**QUOTE, "currency": "USD"}, 422, "EUR"),
        ("POST", "/quotes", {**QUOTE, "discount_percent": 55}, 422, "price floor"),
        ("POST", "/quotes", {**QUOTE, "opportunity_id": "OPP-2042"}, 422, "not an opportunity of"),
        ("POST", "/quotes", {**QUOTE, "customer_id": "CUST-9"}, 404, "CUST-9"),
        ("PATCH", "/opportunities/OPP-2041", {"stage": "won"}, 422, "closed_won"),
        ("PATCH", "/opportunities/OPP-2041", {}, 422, "at least one"),
        ("PATCH", "/opportunities/OPP-9", {"stage": "proposal"}, 404, "OPP-9"),
        ("POST", "/activities", {"customer_id": "CUST-1001"}, 422, "text"),
        ("POST", "/activities", [1], 422, "body"),
    ],
)
async def test_refuses_bad_writes_without_effect(
    method: str, path: str, body: Any, status: int, words: str
) -> None:
    async with Crm.start() as crm, client(crm) as http:
        answer = await http.request(method, path, json=body, headers={"Idempotency-Key": "k"})

        assert status == answer.status_code
        assert words in answer.json()["error"]["message"]
        assert [] == crm.effects()


async def test_needs_the_api_key_except_for_the_page() -> None:
    async with Crm.start() as crm, client(crm, "wrong") as http:
        refused = await http.get("/customers")
        page = await http.get("/")

    assert (401, 200) == (refused.status_code, page.status_code)


async def test_page_shows_what_happened_and_escapes_it() -> None:
    async with Crm.start() as crm, client(crm) as http:
        number = (await http.post("/quotes", json=QUOTE)).json()["quote_number"]
        await http.post(
            "/activities", json={"customer_id": "CUST-1001", "text": "<script>x</script>"}
        )
        page = (await http.get("/")).text

    assert number in page
    assert "25,080.00" in page
    assert "&lt;script&gt;x" in page


async def test_reset_after_commit_leaves_the_effect_and_the_key_tells(tmp_path: Path) -> None:
    """What a tool in doubt looks like from outside: no answer, but the quote is there."""
    headers = {"Idempotency-Key": "execution-1"}
    async with Crm.start(db_path=tmp_path / "crm.db") as crm, client(crm) as http:
        await http.post(
            f"{crm.url}/_sandbox/fault", json={"kind": "reset_after", "path": "/quotes"}
        )
        with pytest.raises(httpx.TransportError):
            await http.post("/quotes", json=QUOTE, headers=headers)
        crm.faults.fail(500)
        failed = await http.post("/quotes", json=QUOTE, headers=headers)
    async with Crm.start(db_path=tmp_path / "crm.db") as crm, client(crm) as http:
        replayed = await http.post("/quotes", json=QUOTE, headers=headers)

        assert (500, 201) == (failed.status_code, replayed.status_code)
        assert 1 == len(crm.effects())
