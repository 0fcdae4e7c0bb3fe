"""The CPQ: its prices, its floors, its versions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from countersign.sandbox.cpq.server import Cpq

pytestmark = pytest.mark.asyncio

QUOTE = "/v1/quotes/Q-7001"


@pytest_asyncio.fixture
async def cpq() -> AsyncIterator[Cpq]:
    async with Cpq.start() as running:
        yield running


@pytest_asyncio.fixture
async def http(cpq: Cpq) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"X-Api-Key": cpq.ready()["api_key"]}
    async with httpx.AsyncClient(base_url=cpq.url, headers=headers) as client:
        yield client


def line(**changes: Any) -> dict[str, Any]:
    return {"sku": "INS-SEAT", "quantity": 25, "discount_percent": 8} | changes


async def test_a_price_is_the_cpqs_and_asking_for_it_changes_nothing(
    cpq: Cpq, http: httpx.AsyncClient
) -> None:
    few = await http.post(f"{QUOTE}/calculate", json={"lines": [line(quantity=19)]})
    many = await http.post(f"{QUOTE}/calculate", json={"lines": [line(quantity=100)]})

    # 1,140 less 8 %; and less 10 % for volume before that.
    assert 19 * 1048.80 == pytest.approx(few.json()["totals"]["net"])
    assert 100 * 943.92 == pytest.approx(many.json()["totals"]["net"])
    assert [] == cpq.effects()
    assert 1 == cpq.store.quote("Q-7001")["version"]


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([], "no_lines"),
        ([line(sku="X")], "unknown_product"),
        ([line(quantity=0)], "quantity"),
        ([line(quantity=1.5)], "quantity"),
        ([line(discount_percent=101)], "discount"),
        ([line(discount_percent=25.5)], "below_floor"),
        ([line(), line()], "duplicate_line"),
        ("all", "lines"),
    ],
)
async def test_what_is_no_offer_is_refused(
    cpq: Cpq, http: httpx.AsyncClient, lines: Any, code: str
) -> None:
    headers = {"If-Match": '"1"'}
    asked = await http.post(f"{QUOTE}/calculate", json={"lines": lines})
    changed = await http.patch(QUOTE, json={"lines": lines}, headers=headers)

    assert (422, code) == (asked.status_code, asked.json()["error"]["code"])
    assert (422, code) == (changed.status_code, changed.json()["error"]["code"])
    assert [] == cpq.effects()


async def test_a_change_needs_the_version_and_happens_once(
    cpq: Cpq, http: httpx.AsyncClient
) -> None:
    body = {"lines": [line()], "status": "released"}
    without = await http.patch(QUOTE, json=body)
    keyed = {"If-Match": '"1"', "Idempotency-Key": "e-1"}
    first = await http.patch(QUOTE, json=body, headers=keyed)
    again = await http.patch(QUOTE, json=body, headers=keyed)
    stale = await http.patch(QUOTE, json={"status": "draft"}, headers={"If-Match": '"1"'})
    released = await http.patch(QUOTE, json=body, headers={"If-Match": '"2"'})

    assert 428 == without.status_code
    assert (2, "released") == (first.json()["version"], first.json()["status"])
    assert (first.json(), "true") == (again.json(), again.headers["Idempotency-Replayed"])
    assert (412, 409) == (stale.status_code, released.status_code)
    assert 1 == len(cpq.effects())


async def test_strangers_and_nonsense_are_refused(cpq: Cpq, http: httpx.AsyncClient) -> None:
    unknown = await http.get("/v1/quotes/Q-1")
    text = await http.patch(QUOTE, content="{", headers={"If-Match": "1"})
    word = await http.patch(QUOTE, json={}, headers={"If-Match": "one"})
    state = await http.patch(QUOTE, json={"status": "sold"}, headers={"If-Match": "1"})
    stranger = await http.get(QUOTE, headers={"X-Api-Key": "other"})
    page = await http.get("/")

    assert [404, 400, 400, 422, 401] == [
        each.status_code for each in (unknown, text, word, state, stranger)
    ]
    assert "New plant in Leipzig" in page.text
