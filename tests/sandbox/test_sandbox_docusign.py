"""DocuSign's own client on the stand-in, and ours around it."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from docusign_esign import (
    ApiClient,
    Document,
    Envelope,
    EnvelopeDefinition,
    EnvelopesApi,
    Recipients,
    Signer,
)
from docusign_esign.client.api_exception import ApiException

from countersign import OutcomeUnknownError
from countersign.examples.back_office import BackOfficeError
from countersign.examples.contract_systems import DocuSign as Ours
from countersign.examples.contract_systems import Signer as Who
from countersign.sandbox._faults import Fault
from countersign.sandbox.docusign import ACCOUNT, DocuSign

SIGNERS = [Who("Priya Nair", "priya@northwind.example"), Who("Alex Wilber", "alexw@example.com")]


@pytest_asyncio.fixture
async def docusign() -> AsyncIterator[DocuSign]:
    async with DocuSign.start() as running:
        yield running


@pytest.fixture
def ours(docusign: DocuSign) -> Ours:
    ready = docusign.ready()
    return Ours(ready["url"], ready["token"], ready["account"])


def definition(**more: Any) -> EnvelopeDefinition:
    given: dict[str, Any] = {
        "email_subject": "Please sign",
        "status": "sent",
        "documents": [
            Document(
                document_base64=base64.b64encode(b"PK a contract").decode(),
                name="a.docx",
                file_extension="docx",
                document_id="1",
            )
        ],
        "recipients": Recipients(
            signers=[Signer(email="priya@northwind.example", name="Priya Nair", recipient_id="1")]
        ),
    }
    return EnvelopeDefinition(**{**given, **more})


async def vendor(docusign: DocuSign, call: Any) -> Any:
    """Their client, in a thread: the stand-in is in this one."""

    def run() -> Any:
        client = ApiClient(host=docusign.url + "/restapi")
        client.set_default_header("Authorization", f"Bearer {docusign.token}")
        try:
            return call(EnvelopesApi(client))
        finally:
            client.rest_client.pool_manager.clear()

    return await asyncio.to_thread(run)


async def test_their_client_sends_finds_reads_and_voids(docusign: DocuSign) -> None:
    sent = await vendor(
        docusign,
        lambda api: api.create_envelope(
            ACCOUNT, envelope_definition=definition(transaction_id="token-1")
        ),
    )
    found = await vendor(
        docusign, lambda api: api.list_status_changes(ACCOUNT, transaction_ids="token-1")
    )
    one = await vendor(docusign, lambda api: api.get_envelope(ACCOUNT, sent.envelope_id))
    data = await vendor(docusign, lambda api: api.get_document(ACCOUNT, "1", sent.envelope_id))
    await vendor(
        docusign,
        lambda api: api.update(
            ACCOUNT, sent.envelope_id, envelope=Envelope(status="voided", voided_reason="Wrong.")
        ),
    )

    assert "sent" == sent.status == one.status
    assert [sent.envelope_id] == [each.envelope_id for each in found.envelopes]
    assert b"PK a contract" == data
    assert [("voided", "Wrong.")] == [
        (each["status"], each["voidedReason"]) for each in docusign.envelopes()
    ]


async def test_times_are_text_with_seven_digits(docusign: DocuSign) -> None:
    sent = await vendor(
        docusign, lambda api: api.create_envelope(ACCOUNT, envelope_definition=definition())
    )

    assert isinstance(sent.status_date_time, str)
    assert 7 == len(sent.status_date_time.rpartition(".")[2].rstrip("Z"))
    assert (
        abs((datetime.now(UTC) - datetime.fromisoformat(sent.status_date_time)).total_seconds())
        < 60
    )


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"status": "posted"}, "INVALID_REQUEST_PARAMETER"),
        ({"recipients": Recipients(signers=[])}, "INVALID_REQUEST_PARAMETER"),
        ({"documents": [Document(document_base64="?", name="a", document_id="1")]}, "UNABLE_TO"),
    ],
)
async def test_what_docusign_refuses_is_refused(
    docusign: DocuSign, more: dict[str, Any], code: str
) -> None:
    with pytest.raises(ApiException) as refused:
        await vendor(
            docusign,
            lambda api: api.create_envelope(ACCOUNT, envelope_definition=definition(**more)),
        )

    assert 400 == refused.value.status
    assert code in str(refused.value.body)
    assert [] == docusign.envelopes()


async def test_list_without_anything_to_look_for_is_refused(docusign: DocuSign) -> None:
    with pytest.raises(ApiException, match="from_date"):
        await vendor(docusign, lambda api: api.list_status_changes(ACCOUNT))


async def test_envelope_is_sent_once_for_a_key(docusign: DocuSign, ours: Ours) -> None:
    """DocuSign makes another one for the same transaction id; we look first."""
    first = await ours.send("Please sign", "a.docx", b"PK", SIGNERS, "token-1")
    again = await ours.send("Please sign", "a.docx", b"PK", SIGNERS, "token-1")

    assert first == again
    (envelope,) = docusign.envelopes()
    assert ["token-1"] == [each["idempotency_key"] for each in docusign.effects()]
    assert [("1", "Priya Nair"), ("2", "Alex Wilber")] == [
        (each["routingOrder"], each["name"]) for each in envelope["recipients"]["signers"]
    ]
    assert b"PK" == await ours.document(first["envelope_id"])


async def test_answer_that_is_lost_is_found_by_the_key(docusign: DocuSign, ours: Ours) -> None:
    docusign.faults.add(Fault(kind="reset_after", method="POST"))
    sent = await ours.send("Please sign", "a.docx", b"PK", SIGNERS, "token-1")

    assert [sent["envelope_id"]] == [each["envelopeId"] for each in docusign.envelopes()]


async def test_what_may_have_been_sent_is_in_doubt_and_not_repeated(
    docusign: DocuSign, ours: Ours
) -> None:
    docusign.faults.add(Fault(kind="reset", method="POST"))
    with pytest.raises(OutcomeUnknownError, match="not known whether the envelope was sent"):
        await ours.send("Please sign", "a.docx", b"PK", SIGNERS, "token-1")

    assert 1 == len([each for each in docusign.requests if each.method == "POST"])


async def test_retry_after_keeps_no_thread_asleep(docusign: DocuSign, ours: Ours) -> None:
    """urllib3, below their client, would sleep an hour before it voids by itself."""
    sent = await ours.send("Please sign", "a.docx", b"PK", SIGNERS, "token-1")
    docusign.faults.fail(429, method="PUT", retry_after_s=3600)
    with pytest.raises(BackOfficeError, match=r"refused \(HTTP 429\)"):
        await ours.void(sent["envelope_id"], "Wrong.")

    assert 1 == len([each for each in docusign.requests if each.method == "PUT"])


async def test_lost_answer_to_voiding_is_settled_by_the_envelope(
    docusign: DocuSign, ours: Ours
) -> None:
    sent = await ours.send("Please sign", "a.docx", b"PK", SIGNERS, "token-1")
    for faults in (["reset"], ["reset", "error"]):
        for kind in faults:
            method = "PUT" if kind == "reset" else "GET"
            docusign.faults.add(Fault.model_validate({"kind": kind, "method": method}))
        with pytest.raises(OutcomeUnknownError, match="whether the envelope was voided"):
            await ours.void(sent["envelope_id"], "Wrong.")
    docusign.faults.add(Fault(kind="reset_after", method="PUT"))
    await ours.void(sent["envelope_id"], "Wrong.")

    assert "voided" == await ours.status(sent["envelope_id"])


async def test_what_everybody_has_signed_is_not_voided(docusign: DocuSign, ours: Ours) -> None:
    sent = await ours.send("Please sign", "a.docx", b"PK", SIGNERS, "token-1")
    docusign.sign(sent["envelope_id"])
    with pytest.raises(BackOfficeError, match=r"Only envelopes in the 'Sent' or 'Delivered'"):
        await ours.void(sent["envelope_id"], "Wrong.")


async def test_docusign_that_cannot_be_reached_has_done_nothing() -> None:
    async with DocuSign.start() as stopped:
        url = stopped.ready()["url"]
    with pytest.raises(BackOfficeError, match="cannot be reached"):
        await Ours(url, "token", ACCOUNT).void("1", "Wrong.")


@pytest.mark.parametrize("ask", ["status", "document"])
async def test_reading_in_vain_changes_nothing(docusign: DocuSign, ours: Ours, ask: str) -> None:
    docusign.faults.fail(500)
    with pytest.raises(BackOfficeError, match=r"did not answer\. Nothing was changed"):
        await getattr(ours, ask)("1")
    with pytest.raises(BackOfficeError, match=r"refused \(HTTP 404\)"):
        await getattr(ours, ask)("1")
