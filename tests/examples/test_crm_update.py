"""The CRM update: two proposals in one message, each with a decision of its own."""

from __future__ import annotations

import pytest

from countersign import NothingHappenedError
from countersign.examples.back_office import BackOfficeError, Mail
from countersign.examples.crm_update import crm_update
from countersign.sandbox.mailbox import Mailbox
from tests.examples.gated import approve, in_turn, stage

pytestmark = pytest.mark.asyncio

TASK = "move Contoso to negotiation, 26,000 EUR, closing 2026-12-30"
CHANGE = {
    "opportunity_id": "OPP-2041",
    "stage": "negotiation",
    "amount": 26000.0,
    "close_date": "2026-12-30",
}
REJECT = {"verdict": "reject", "feedback": "No, not now."}


async def test_both_calls_come_in_one_message_and_both_take_effect(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with stage() as it:
        answer = await it.run(crm_update, TASK, approve, monkeypatch)
        (letter,) = it.mail.messages()

        assert [["lookup_customer"], ["update_opportunity", "send_email"]] == it.batches
        assert ("update_opportunity", CHANGE) == it.proposals[0]
        now = it.crm.opportunity("OPP-2041")
        assert ("negotiation", 26000.0, "2026-12-30") == (
            now["stage"],
            now["amount"],
            now["close_date"],
        )
        assert ["ana.ruiz@contoso.example"] == letter["rcpt_to"]
        assert letter["execution"].startswith("token-")
        assert (
            "OPP-2041 of Contoso Ltd is now in negotiation with EUR 26,000.00, closing 2026-12-30. "
            "The letter \u201cInsight Platform, new plant in Leipzig: next steps\u201d went to "
            "ana.ruiz@contoso.example."
        ) == answer


async def test_one_approved_and_one_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage() as it:
        answer = await it.run(crm_update, TASK, in_turn(send_email=[REJECT]), monkeypatch)

        assert "negotiation" == it.crm.opportunity("OPP-2041")["stage"]
        assert [] == it.mail.messages()
        assert "is now in negotiation" in answer
        assert "No letter was sent: Alex Wilber rejected it: No, not now." in answer


async def test_rejected_change_is_revised_once(monkeypatch: pytest.MonkeyPatch) -> None:
    feedback = {"verdict": "reject", "feedback": "Amount should be 24,500, close 2027-01-15."}
    async with stage() as it:
        await it.run(crm_update, TASK, in_turn(update_opportunity=[feedback]), monkeypatch)

        assert [
            ["lookup_customer"],
            ["update_opportunity", "send_email"],
            ["update_opportunity"],
        ] == it.batches
        assert {**CHANGE, "amount": 24500.0, "close_date": "2027-01-15"} == it.proposals[-1][1]


async def test_rejected_letter_is_rewritten_once(monkeypatch: pytest.MonkeyPatch) -> None:
    feedback = {"verdict": "reject", "feedback": "Shorter, and without the amount."}
    async with stage() as it:
        await it.run(crm_update, TASK, in_turn(send_email=[feedback]), monkeypatch)
        (letter,) = it.mail.messages()
        full = it.mail.message(letter["id"])

    assert full is not None
    assert "26,000" not in full["text"]


async def test_mail_server_that_says_later_is_asked_again_through_approval(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with stage() as it:
        it.mail.reject(1)
        answer = await it.run(crm_update, TASK, approve, monkeypatch)

        assert ["send_email"] == it.batches[-1]
        assert 1 == len(it.mail.messages())
        assert "went to ana.ruiz@contoso.example" in answer


async def test_mail_in_doubt_is_not_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from countersign.sandbox._faults import Fault

    async with stage() as it:
        it.mail.faults.add(Fault(kind="reset_after", method="SMTP"))
        answer = await it.run(crm_update, TASK, approve, monkeypatch)

        assert 1 == len(it.mail.messages())
        assert "It is not known whether the letter was sent: a person is checking" in answer


async def test_unknown_customer_ends_without_a_proposal(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage() as it:
        answer = await it.run(crm_update, "move Acme to proposal", approve, monkeypatch)

        assert [] == it.proposals
        assert "Nothing was changed: the CRM has no customer called Acme." == answer


async def test_line_break_in_the_subject_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    forged = {"to": "a@b.example", "subject": "x\nBcc: evil@c.example", "body": "y"}
    decide = in_turn(send_email=[{"verdict": "approve", "arguments": forged}] * 2)
    async with stage() as it:
        await it.run(crm_update, TASK, decide, monkeypatch)

        assert [] == it.mail.messages()


async def test_letter_that_one_address_did_not_get_says_so() -> None:
    """The server refuses one of two: an error would have it sent to the other one again."""
    async with Mailbox.start() as mailbox:
        mail = Mail(mailbox.smtp_host, mailbox.smtp_port, "sales@countersign.example")
        sent = await mail.send("ana@contoso.example, nowhere", "Hello", "Text", "key")
        (letter,) = mailbox.messages()
        with pytest.raises(BackOfficeError, match="nowhere"):
            await mail.send("nowhere", "Hello", "Text", "key")

    assert ["ana@contoso.example"] == letter["rcpt_to"]
    assert ("ana@contoso.example",) == sent.accepted
    assert ["nowhere"] == list(sent.refused)
    assert sent.refused["nowhere"].startswith("550 ")


async def test_address_that_was_refused_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The letter went to one of two, and is neither called sent nor sent again."""
    both = {"to": "ana@contoso.example, nowhere", "subject": "Hello", "body": "Text"}
    decide = in_turn(send_email=[{"verdict": "approve", "arguments": both}])
    async with stage() as it:
        answer = await it.run(crm_update, TASK, decide, monkeypatch)

        assert 1 == len(it.mail.messages())
    assert "went to ana@contoso.example." in answer
    assert "It did not go to nowhere (550 " in answer


async def test_mail_server_that_cannot_be_reached_has_sent_nothing() -> None:
    async with Mailbox.start() as mailbox:
        port = mailbox.smtp_port
    with pytest.raises(NothingHappenedError, match="was not sent"):
        await Mail("127.0.0.1", port, "a@b.example").send("ana@contoso.example", "x", "y", "key")
