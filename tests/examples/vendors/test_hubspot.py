"""`hubspot-api-client` on the API of the sandbox, alone and as the example uses it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hubspot import Client
from hubspot.crm.deals import (
    BatchReadInputSimplePublicObjectId,
    SimplePublicObjectId,
    SimplePublicObjectInput,
)
from hubspot.crm.deals.exceptions import ApiException
from urllib3 import Retry

from countersign import OutcomeUnknownError
from countersign.examples.back_office import BackOfficeError
from countersign.examples.vendors import hubspot
from countersign.examples.vendors.hubspot import Account, ChangedSinceError, checked
from countersign.sandbox._faults import Fault
from countersign.sandbox.hubspot.server import HubSpot
from countersign.sandbox.standins import workflow_settings

pytestmark = pytest.mark.asyncio

CONTOSO = "18240012041"
TRACE = "countersign_request"


def account_of(here: HubSpot, **changes: Any) -> Account:
    known = workflow_settings({"hubspot": here.ready()})
    return Account.from_settings({**known, "hubspot_trace_property": TRACE, **changes})


def client_of(here: HubSpot, **more: Any) -> Client:
    return Client.create(access_token=here.ready()["token"], host=here.url, **more)


async def apart(work: Callable[..., Any], *given: Any, **named: Any) -> Any:
    return await asyncio.to_thread(work, *given, **named)


def changed(**properties: str) -> SimplePublicObjectInput:
    return SimplePublicObjectInput(properties=properties)


async def test_the_client_reads_writes_and_archives() -> None:
    async with HubSpot.start() as here:
        client = client_of(here)
        deals = client.crm.deals.basic_api
        wrote = await apart(
            deals.update, CONTOSO, simple_public_object_input=changed(amount="26000")
        )
        read = await apart(deals.get_by_id, CONTOSO, properties_with_history=["amount"])
        ids = [SimplePublicObjectId(id=key) for key in (CONTOSO, "1")]
        asked = BatchReadInputSimplePublicObjectId(
            inputs=ids, properties=["dealname"], properties_with_history=[]
        )
        batch = await apart(
            client.crm.deals.batch_api.read, batch_read_input_simple_public_object_id=asked
        )
        await apart(deals.archive, CONTOSO)
        with pytest.raises(ApiException) as gone:
            await apart(deals.get_by_id, CONTOSO)
        away = await apart(deals.get_by_id, CONTOSO, archived=True)

    assert "26000" == wrote.properties["amount"]
    assert ["26000", "28500"] == [one.value for one in read.properties_with_history["amount"]]
    assert (1, 1) == (len(batch.results), batch.num_errors)
    assert 404 == gone.value.status
    assert away.archived


@pytest.mark.parametrize(
    ("properties", "error"),
    [
        ({"dealstage": "sold"}, "INVALID_OPTION"),
        ({"amount": "much"}, "INVALID_DOUBLE"),
        ({"closedate": "soon"}, "INVALID_LONG"),
        ({"betrag": "1"}, "PROPERTY_DOESNT_EXIST"),
        ({}, "No properties"),
    ],
)
async def test_what_is_refused_changes_nothing(properties: dict[str, str], error: str) -> None:
    async with HubSpot.start() as here:
        deals = client_of(here).crm.deals.basic_api
        with pytest.raises(ApiException) as caught:
            await apart(deals.update, CONTOSO, simple_public_object_input=changed(**properties))

        assert 400 == caught.value.status
        assert error in caught.value.body
        assert [] == here.effects()


async def test_the_client_waits_and_repeats_where_ours_says_when_to_come_again() -> None:
    """As its manual has it, the read ends in an error of urllib3 (12.0.0)."""
    async with HubSpot.start() as here:
        here.faults.fail(429, retry_after_s=0, times=3, method="GET")
        manual = client_of(here, retry=Retry(total=2, status_forcelist=(429,)))
        with pytest.raises(Exception, match="Max retries exceeded"):
            await apart(manual.crm.deals.basic_api.get_by_id, CONTOSO)
        repeated = len(here.requests)
        here.faults.fail(429, retry_after_s=7, method="GET", path="/deals/")
        with pytest.raises(BackOfficeError, match=r"HTTP 429.*Try again in 7 s"):
            await apart(account_of(here).deal, CONTOSO)

        assert 3 == repeated
        assert 4 == len(here.requests)


async def test_a_change_carries_its_execution_and_is_read_back() -> None:
    async with HubSpot.start() as here:
        account = account_of(here)
        was = await apart(account.deal, CONTOSO)
        wanted = {"amount": "26000", "dealstage": "contractsent"}
        now, over = await apart(account.change, CONTOSO, wanted, was.last_changed, "e-1")
        (effect,) = here.effects()

    assert ("2026-11-02 09:15:00.120 UTC", []) == (was.last_changed, over)
    assert (26000.0, "Contract Sent", "e-1") == (now.amount, now.stage, now.request)
    assert "e-1" == effect["idempotency_key"]


async def test_a_deal_that_was_changed_is_not_written_over() -> None:
    async with HubSpot.start() as here:
        account = account_of(here)
        was = await apart(account.deal, CONTOSO)
        here.change(CONTOSO, dealname="Contoso Ltd: all plants")
        with pytest.raises(ChangedSinceError, match="Nothing was changed"):
            await apart(account.change, CONTOSO, {"amount": "1"}, was.last_changed, "e-1")

        assert "28500" == here.deal(CONTOSO)["amount"]


async def test_what_came_between_the_look_and_the_change_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with HubSpot.start() as here:
        account = account_of(here)
        was = await apart(account.deal, CONTOSO)
        raw = Account._raw
        loop = asyncio.get_running_loop()

        async def somebody() -> None:
            here.change(CONTOSO, amount="31000")

        def slowly(self: Account, deal_id: str, history: tuple[str, ...] = ()) -> Any:
            found = raw(self, deal_id, history)
            if not history:  # the look before the change: somebody is quicker
                asyncio.run_coroutine_threadsafe(somebody(), loop).result(5)
            return found

        monkeypatch.setattr(Account, "_raw", slowly)
        _, over = await apart(account.change, CONTOSO, {"amount": "26000"}, was.last_changed, "e-1")

        assert ["amount 31000"] == over
        assert "26000" == here.deal(CONTOSO)["amount"]


@pytest.mark.parametrize("kind", ["reset_after", "error_after"])
async def test_lost_answer_is_found_in_the_deal(kind: Any) -> None:
    async with HubSpot.start() as here:
        account = account_of(here)
        was = await apart(account.deal, CONTOSO)
        here.faults.add(Fault(kind=kind, method="PATCH"))
        now, _ = await apart(account.change, CONTOSO, {"amount": "26000"}, was.last_changed, "e-1")

        assert (26000.0, 1) == (now.amount, len(here.effects()))


async def test_what_the_deal_does_not_tell_is_not_guessed() -> None:
    async with HubSpot.start() as here:
        account = account_of(here)
        was = await apart(account.deal, CONTOSO)
        here.faults.add(Fault(kind="reset", method="PATCH"))
        with pytest.raises(OutcomeUnknownError, match="not known whether"):
            await apart(account.change, CONTOSO, {"amount": "1"}, was.last_changed, "e-1")

        assert [] == here.effects()


async def test_a_change_that_cannot_be_read_afterwards_is_not_called_undone() -> None:
    async with HubSpot.start() as here:
        account = account_of(here)
        was = await apart(account.deal, CONTOSO)
        here.faults.fail(500, path="/pipelines")
        with pytest.raises(OutcomeUnknownError, match="The change was made"):
            await apart(account.change, CONTOSO, {"amount": "1"}, was.last_changed, "e-1")

        assert "1" == here.deal(CONTOSO)["amount"]


async def test_busy_away_and_unknown_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubspot, "_LIMITS", (0.5, 0.5))
    async with HubSpot.start() as here:
        account = account_of(here)
        was = await apart(account.deal, CONTOSO)
        here.faults.fail(429, method="PATCH")
        with pytest.raises(BackOfficeError, match=r"HTTP 429.*Nothing was changed"):
            await apart(account.change, CONTOSO, {"amount": "1"}, was.last_changed, "e-1")
        with pytest.raises(BackOfficeError, match="HTTP 404"):
            await apart(account.deal, "1")
        with pytest.raises(BackOfficeError, match="HTTP 401"):
            await apart(account_of(here, hubspot_token="other").deal, CONTOSO)
        with here.faults.hanging(), pytest.raises(BackOfficeError, match="cannot be reached"):
            await apart(account.deal, CONTOSO)
    with pytest.raises(BackOfficeError, match="cannot be reached"):
        await apart(account.deal, CONTOSO)


@pytest.mark.parametrize("given", ["", "../contacts/1", "1/../2", "https://evil.example", "²"])
async def test_an_id_leads_nowhere_else(given: str) -> None:
    with pytest.raises(BackOfficeError, match="is no id of a deal"):
        checked(given)


async def test_deals_are_found_by_the_beginning_of_words() -> None:
    async with HubSpot.start() as here:
        account = account_of(here)
        found = [await apart(account.deals, name) for name in ("Contoso", "north trad", "x*")]
        with pytest.raises(BackOfficeError, match="Name the customer"):
            await apart(account.deals, "*")

    assert [[CONTOSO], ["18240012043"], []] == [[deal.id for deal in each] for each in found]
