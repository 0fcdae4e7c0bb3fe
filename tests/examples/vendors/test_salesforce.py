"""`simple-salesforce` on the org of the sandbox, alone and as the example uses it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from simple_salesforce.api import Salesforce as Client
from simple_salesforce.exceptions import (
    SalesforceExpiredSession,
    SalesforceGeneralError,
    SalesforceMalformedRequest,
)

from countersign import OutcomeUnknownError
from countersign.examples.back_office import BackOfficeError
from countersign.examples.vendors import salesforce
from countersign.examples.vendors.salesforce import ChangedSinceError, Org, checked, version_of
from countersign.examples.vendors.wire import session
from countersign.sandbox._faults import Fault
from countersign.sandbox.salesforce.server import Salesforce
from countersign.sandbox.standins import workflow_settings

pytestmark = pytest.mark.asyncio

CONTOSO = "006Hs00001Xc2041IA"
RECORD = f"/sobjects/Opportunity/{CONTOSO}"
TRACE = "Countersign_Request__c"


def org_of(here: Salesforce, **changes: Any) -> Org:
    known = workflow_settings({"salesforce": here.ready()})
    return Org.from_settings({**known, "salesforce_trace_field": TRACE, **changes})


def client_of(here: Salesforce) -> Client:
    """The client as its own manual sets it up, led to the stand-in."""
    ready = here.ready()
    return Client(
        consumer_key=ready["consumer_key"],
        consumer_secret=ready["consumer_secret"],
        domain=ready["domain"],
        session=session(here.url),
    )


async def apart(work: Callable[..., Any], *given: Any, **named: Any) -> Any:
    return await asyncio.to_thread(work, *given, **named)


async def test_the_client_signs_in_asks_and_writes() -> None:
    async with Salesforce.start() as here:
        client = await apart(client_of, here)
        found = await apart(
            client.query_all,
            "SELECT Name, Account.Name FROM Opportunity WHERE Amount > 20000 ORDER BY Amount DESC",
        )
        described = await apart(client.Opportunity.describe)
        status = await apart(client.Opportunity.update, CONTOSO, {"StageName": "Closed Won"})
        one = await apart(client.Opportunity.get, CONTOSO)

    assert ["Fabrikam Inc", "Contoso Ltd"] == [row["Account"]["Name"] for row in found["records"]]
    stage = next(each for each in described["fields"] if each["name"] == "StageName")
    assert "Closed Won" in [each["value"] for each in stage["picklistValues"]]
    assert (204, "Closed Won", 100.0) == (status, one["StageName"], one["Probability"])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"StageName": "Won"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        ({"Betrag": 1}, "INVALID_FIELD"),
        ({"LastModifiedDate": "2026-01-01"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ({"Amount": "much"}, "JSON_PARSER_ERROR"),
        ({"CloseDate": "soon"}, "JSON_PARSER_ERROR"),
        ({"StageName": None}, "REQUIRED_FIELD_MISSING"),
        ({"NextStep": "x" * 256}, "STRING_TOO_LONG"),
        ({"Amount": 1e20}, "NUMBER_OUTSIDE_VALID_RANGE"),
    ],
)
async def test_what_the_org_refuses_changes_nothing(change: dict[str, Any], code: str) -> None:
    async with Salesforce.start() as here:
        client = await apart(client_of, here)
        with pytest.raises(SalesforceMalformedRequest) as caught:
            await apart(client.Opportunity.update, CONTOSO, {"NextStep": "call", **change})

        content: Any = caught.value.content
        assert code == content[0]["errorCode"]
        assert [] == here.effects()


async def test_condition_is_kept_by_the_org_in_whole_seconds() -> None:
    async with Salesforce.start() as here:
        client, was = await apart(client_of, here), here.opportunity(CONTOSO)
        at = salesforce.http_date(version_of(was["LastModifiedDate"]))
        condition = {"If-Unmodified-Since": at}
        here.change(CONTOSO, Amount=30000.0)
        with pytest.raises(SalesforceGeneralError) as late:
            await apart(client.Opportunity.update, CONTOSO, {"Amount": 1.0}, headers=condition)
        nonsense = {"If-Unmodified-Since": "yesterday"}
        with pytest.raises(SalesforceMalformedRequest):
            await apart(client.Opportunity.update, CONTOSO, {"Amount": 1.0}, headers=nonsense)

        assert 412 == late.value.status
        assert 30000.0 == here.opportunity(CONTOSO)["Amount"]


async def test_an_expired_session_takes_the_condition_with_it_in_the_client_and_not_in_ours() -> (
    None
):
    """The client sends the call again without the headers that it was given (1.12.10)."""
    async with Salesforce.start() as here:
        client, org = await apart(client_of, here), org_of(here)
        was = await apart(org.opportunity, CONTOSO)
        condition = {"If-Unmodified-Since": salesforce.http_date(was.last_changed)}
        here.change(CONTOSO, Amount=30000.0)
        here.end_sessions()
        with pytest.raises(ChangedSinceError):
            await apart(org.change, CONTOSO, {"Amount": 1.0}, was.last_changed, "e-1")
        kept = here.opportunity(CONTOSO)["Amount"]
        here.end_sessions()
        await apart(client.Opportunity.update, CONTOSO, {"Amount": 2.0}, headers=condition)

        assert 30000.0 == kept
        assert 2.0 == here.opportunity(CONTOSO)["Amount"]


async def test_a_change_carries_its_execution_and_is_read_back() -> None:
    async with Salesforce.start() as here:
        org = org_of(here)
        was = await apart(org.opportunity, CONTOSO)
        now = await apart(org.change, CONTOSO, {"Amount": 26000.0}, was.last_changed, "e-1")
        (effect,) = here.effects()
        history = {
            row["Field"]: row["NewValue"] for row in here.store.all("OpportunityFieldHistory")
        }

    assert ("e-1", 26000.0) == (now.request, now.amount)
    assert was.last_changed < now.last_changed
    assert "e-1" == effect["idempotency_key"]
    assert {"Amount": 26000.0, TRACE: "e-1"} == history


@pytest.mark.parametrize("kind", ["reset_after", "error_after"])
async def test_lost_answer_is_found_in_the_record(kind: Any) -> None:
    async with Salesforce.start() as here:
        org = org_of(here)
        was = await apart(org.opportunity, CONTOSO)
        here.faults.add(Fault(kind=kind, method="PATCH"))
        now = await apart(org.change, CONTOSO, {"Amount": 26000.0}, was.last_changed, "e-1")

        assert (26000.0, "e-1") == (now.amount, now.request)
        assert 1 == len(here.effects())


async def test_what_the_record_does_not_tell_is_not_guessed() -> None:
    async with Salesforce.start() as here:
        org = org_of(here)
        was = await apart(org.opportunity, CONTOSO)
        here.faults.add(Fault(kind="reset", method="PATCH"))
        with pytest.raises(OutcomeUnknownError, match="not known whether"):
            await apart(org.change, CONTOSO, {"Amount": 1.0}, was.last_changed, "e-1")
        here.faults.add(Fault(kind="reset", method="PATCH"))
        here.faults.add(Fault(kind="reset", path="/query"))
        with pytest.raises(OutcomeUnknownError, match="not known whether"):
            await apart(org.change, CONTOSO, {"Amount": 1.0}, was.last_changed, "e-1")


async def test_a_change_that_cannot_be_read_afterwards_is_not_called_undone() -> None:
    async with Salesforce.start() as here:
        org = org_of(here)
        was = await apart(org.opportunity, CONTOSO)
        here.faults.fail(500, path="/query")
        with pytest.raises(OutcomeUnknownError, match="The change was made"):
            await apart(org.change, CONTOSO, {"Amount": 1.0}, was.last_changed, "e-1")

        assert 1.0 == here.opportunity(CONTOSO)["Amount"]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault(status=503, method="PATCH"), "HTTP 503.*Nothing was changed"),
        (Fault(status=403, code="REQUEST_LIMIT_EXCEEDED", method="PATCH"), "HTTP 403"),
    ],
)
async def test_refusals_are_said_in_words(fault: Fault, said: str) -> None:
    async with Salesforce.start() as here:
        org = org_of(here)
        was = await apart(org.opportunity, CONTOSO)
        here.faults.add(fault)
        with pytest.raises(BackOfficeError, match=said):
            await apart(org.change, CONTOSO, {"Amount": 1.0}, was.last_changed, "e-1")

        assert [] == here.effects()


async def test_wrong_secret_and_an_org_that_is_away_are_said() -> None:
    async with Salesforce.start() as here:
        wrong = org_of(here, salesforce_consumer_secret="wrong")
        with pytest.raises(BackOfficeError, match=r"does not let us in.*invalid client"):
            await apart(wrong.opportunity, CONTOSO)
        gone = org_of(here)
    with pytest.raises(BackOfficeError, match="cannot be reached"):
        await apart(gone.opportunity, CONTOSO)


@pytest.mark.parametrize(
    "given",
    ["https://evil.example/x", "../Account/001Hs00003Kd1CoIAJ", "", "001Hs00003Kd1CoIAJ", "006 "],
)
async def test_an_id_leads_nowhere_else(given: str) -> None:
    with pytest.raises(BackOfficeError, match="is no id of an opportunity"):
        checked(given)


async def test_names_are_no_part_of_the_query() -> None:
    async with Salesforce.start() as here:
        org = org_of(here)
        everything = await apart(org.opportunities, "o")
        for name in ("%", "_", "O'Neil", "x' OR Name LIKE '%", "\\"):
            assert [] == await apart(org.opportunities, name)
        with pytest.raises(BackOfficeError, match="Name the account"):
            await apart(org.opportunities, " ")

    assert 2 == len(everything)


async def test_a_silent_org_ends_in_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("countersign.examples.vendors.wire.READ_TIMEOUT_S", 0.2)
    async with Salesforce.start() as here:
        org = org_of(here)
        await apart(org.stages)
        with here.faults.hanging(), pytest.raises(BackOfficeError, match="cannot be reached"):
            await apart(org.stages)


async def test_expired_session_that_stays_so_is_an_error() -> None:
    async with Salesforce.start() as here:
        org = org_of(here)
        await apart(org.stages)
        here.faults.fail(401, times=2, code="INVALID_SESSION_ID", path="/query")
        with pytest.raises(BackOfficeError, match="HTTP 401"):
            await apart(org.stages)
        client = Client(session_id="old", instance=f"{here.ready()['domain']}.salesforce.com",
                        session=session(here.url))  # fmt: skip
        with pytest.raises(SalesforceExpiredSession):
            await apart(client.describe)


async def test_settings_are_checked_when_the_workflow_is_built() -> None:
    async with Salesforce.start() as here:
        with pytest.raises(ValueError, match="needs salesforce_domain"):
            org_of(here, salesforce_domain="")
        with pytest.raises(ValueError, match="is no stand-in"):
            org_of(here, salesforce_stand_in="http://evil.example")
        with pytest.raises(ValueError, match="is no name of a field"):
            org_of(here, salesforce_trace_field="Name FROM User")


async def test_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("countersign.examples.uses.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"salesforce_update needs simple-salesforce.*\[uses\]"):
        Org.from_settings({})


async def test_fractions_of_a_version_count_as_the_next_second() -> None:
    at = datetime(2026, 11, 30, 17, 0, 0, 1000, UTC)

    assert "2026-11-30 17:00:01 UTC" == version_of(at.isoformat())
    assert "2026-11-30 17:00:00 UTC" == version_of("2026-11-30T18:00:00.000+0100")
    assert "Mon, 30 Nov 2026 17:00:00 GMT" == salesforce.http_date("2026-11-30 17:00:00 UTC")
