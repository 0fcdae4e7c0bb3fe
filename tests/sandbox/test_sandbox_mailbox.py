"""The mail server, driven with aiosmtplib and smtplib."""

from __future__ import annotations

import asyncio
import smtplib
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import httpx
import pytest

from countersign.sandbox._faults import Fault
from countersign.sandbox.mailbox import Mailbox

pytestmark = pytest.mark.asyncio


BOUNCING = "ana.ruiz@contoso.example"


def letter(body: str = "Dear Ana,\nthe quote is on its way.\n") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "sales@countersign.example"
    message["To"] = "ana.ruiz@contoso.example"
    message["Subject"] = "Angebot für Contoso"
    message["Message-ID"] = "<execution-1@countersign.example>"
    message["Countersign-Execution"] = "execution-1"
    message.set_content(body)
    return message


async def send(mailbox: Mailbox, message: EmailMessage) -> None:
    await aiosmtplib.send(message, hostname=mailbox.smtp_host, port=mailbox.smtp_port, timeout=5)


async def test_keeps_mail_with_its_headers(tmp_path: Path) -> None:
    async with Mailbox.start(db_path=tmp_path / "mail.db") as mailbox:
        await send(mailbox, letter())
    async with Mailbox.start(db_path=tmp_path / "mail.db") as mailbox:
        async with httpx.AsyncClient(base_url=mailbox.url) as http:
            listed = (await http.get("/messages")).json()["messages"]
            one = (await http.get(f"/messages/{listed[0]['id']}")).json()
            missing = await http.get("/messages/99")
            page = (await http.get("/")).text

    assert ["execution-1"] == [message["execution"] for message in listed]
    assert "<execution-1@countersign.example>" == listed[0]["message_id"]
    assert ["ana.ruiz@contoso.example"] == listed[0]["rcpt_to"]
    assert "Angebot für Contoso" == one["subject"]
    assert one["text"].startswith("Dear Ana,")
    assert 404 == missing.status_code
    assert "the quote is on its way." in page


async def test_takes_mail_from_smtplib_too() -> None:
    async with Mailbox.start() as mailbox:

        def deliver() -> None:
            with smtplib.SMTP(mailbox.smtp_host, mailbox.smtp_port, timeout=5) as smtp:
                smtp.send_message(letter())

        await asyncio.to_thread(deliver)

        assert 1 == len(mailbox.messages())


async def test_rejects_on_demand_then_accepts() -> None:
    async with Mailbox.start() as mailbox:
        mailbox.reject(1)
        with pytest.raises(aiosmtplib.SMTPDataError) as refused:
            await send(mailbox, letter())
        await send(mailbox, letter())

        assert 451 == refused.value.code
        assert 1 == len(mailbox.messages())


async def test_broken_connection_after_the_mail_was_kept() -> None:
    async with Mailbox.start() as mailbox:
        mailbox.faults.add(Fault(kind="reset_after", method="SMTP"))
        with pytest.raises((aiosmtplib.SMTPException, OSError)):
            await send(mailbox, letter())

        assert 1 == len(mailbox.messages())


async def test_refuses_a_letter_that_is_too_big_and_an_address_without_domain() -> None:
    async with Mailbox.start() as mailbox:
        with pytest.raises(aiosmtplib.SMTPResponseException) as refused:
            await send(mailbox, letter("x" * 79 + "\n" * 1 + ("y" * 78 + "\n") * 30_000))
        nobody = letter()
        del nobody["To"]
        nobody["To"] = "ana"
        with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
            await send(mailbox, nobody)

        assert 552 == refused.value.code
        assert [] == mailbox.messages()


async def test_people_and_programs_do_something_with_mail_over_http() -> None:
    async with Mailbox.start() as mailbox, httpx.AsyncClient(base_url=mailbox.url) as http:
        habits = {"refused": {"a@x.example": "550 5.1.1 No"}, "bounced": {BOUNCING: "552 Full"}}
        (await http.put("/_sandbox/habits", json=habits)).raise_for_status()
        hook = {"address": "sales@countersign.example", "url": "http://127.0.0.1:9/", "secret": "s"}
        message = letter()
        del message["To"]
        message["To"] = BOUNCING
        await send(mailbox, message)
        async with asyncio.timeout(30):
            while len(mailbox.messages()) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        replied = await http.post(
            "/_sandbox/act", json={"do": "reply", "message": 1, "who": BOUNCING, "text": "Hello"}
        )
        unknown = await http.post("/_sandbox/act", json={"do": "eat", "message": 1, "who": "x"})
        (await http.put("/_sandbox/hook", json=hook)).raise_for_status()
        bounce = (await http.get("/messages/2")).json()
        view, page = await http.get("/messages/1/html"), await http.get("/")

    assert "Final-Recipient: rfc822;ana.ruiz@contoso.example" in bounce["raw"]
    assert "552 Full" in bounce["raw"]
    assert {"id": 3, "status": None} == replied.json()
    assert 422 == unknown.status_code
    assert "sandbox" in view.headers["Content-Security-Policy"]
    assert 'href="/messages/1/html"' in page.text
    assert hook["address"] == (mailbox.hook or ("",))[0]
