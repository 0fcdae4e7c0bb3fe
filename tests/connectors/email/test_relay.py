"""The relay: one mail for one person, over TLS, and what each of its answers means."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage
from typing import Any

import pytest

from countersign.approvals.errors import (
    BusyError,
    ConfigurationError,
    MisdirectedError,
    UnansweredError,
    UnavailableError,
    UnreachableError,
)
from countersign.connectors.email.relay import MINUTE_S, Relay
from countersign.connectors.email.settings import EmailSettings
from countersign.sandbox._faults import Fault
from countersign.sandbox.mailbox import Mailbox
from tests.connectors.email.test_email_channel import SENDER, settings

ALEX = "alex@acme.example"
LETTER = b"Subject: x\r\nMessage-ID: <1@acme.example>\r\n\r\nHello.\r\n"


def secured(mailbox: Mailbox, **more: Any) -> EmailSettings:
    ready = mailbox.ready()
    return EmailSettings.model_validate(
        {
            "host": ready["smtp_host"],
            "port": ready["smtp_port"],
            "tls": ready["tls"],
            "ca_file": ready["ca_file"],
            "username": ready["username"],
            "password": ready["password"],
            "sender": SENDER,
            **more,
        }
    )


async def test_what_it_takes_is_there_as_it_was_sent() -> None:
    async with Mailbox.start() as mailbox:
        await Relay(settings(mailbox)).send(ALEX, LETTER)
        (kept,) = mailbox.messages()
        raw = mailbox.message(kept["id"]) or {}

    assert [ALEX] == kept["rcpt_to"]
    assert "approvals@acme.example" == kept["mail_from"]
    assert LETTER.decode() == raw["raw"]


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_signs_in_over_tls_and_says_so(tls: Any) -> None:
    async with Mailbox.start(tls=tls) as mailbox:
        relay = Relay(secured(mailbox))
        (found,) = await relay.check()
        await relay.send(ALEX, LETTER)

        assert 1 == len(mailbox.messages())
        assert found.ok
        assert "TLSv1.3" in found.said


async def test_server_that_nobody_vouches_for_gets_nothing() -> None:
    async with Mailbox.start(tls="starttls") as mailbox:
        with pytest.raises(UnavailableError, match="certificate verify failed"):
            await Relay(secured(mailbox, ca_file="")).send(ALEX, LETTER)

        assert [] == mailbox.messages()


async def test_server_without_tls_gets_nothing_where_tls_is_asked() -> None:
    async with Mailbox.start() as mailbox:
        with pytest.raises(UnavailableError, match="STARTTLS"):
            await Relay(settings(mailbox, tls="starttls")).send(ALEX, LETTER)

        assert [] == mailbox.messages()


async def test_wrong_password_is_said() -> None:
    async with Mailbox.start(tls="starttls") as mailbox:
        with pytest.raises(UnavailableError, match="check username and password: 535"):
            await Relay(secured(mailbox, password="not it")).check()


async def test_refused_address_is_unreachable_and_a_greylisted_one_is_tried_again() -> None:
    async with Mailbox.start() as mailbox:
        relay = Relay(settings(mailbox))
        mailbox.habits.refused[ALEX] = "550 5.1.1 There is no such person"
        with pytest.raises(UnreachableError, match=r"alex@acme\.example was refused: 550 5\.1\.1"):
            await relay.send(ALEX, LETTER)
        mailbox.habits.refused.clear()
        mailbox.habits.greylisted = 1
        with pytest.raises(MisdirectedError, match=r"450 4\.7\.1 Greylisted") as greylisted:
            await relay.send(ALEX, LETTER)
        await relay.send(ALEX, LETTER)

        assert 60 == greylisted.value.retry_after_s
        assert 1 == len(mailbox.messages())


async def test_connection_that_breaks_after_the_mail_leaves_it_open_whether_it_was_taken() -> None:
    async with Mailbox.start() as mailbox:
        relay = Relay(settings(mailbox))
        mailbox.faults.add(Fault(kind="reset_after", method="SMTP"))
        with pytest.raises(UnansweredError, match="same Message-ID"):
            await relay.send(ALEX, LETTER)
        await relay.send(ALEX, LETTER)

        assert ["<1@acme.example>"] * 2 == [m["message_id"] for m in mailbox.messages()]


async def test_refused_mail_and_a_server_that_is_away_are_told_apart() -> None:
    async with Mailbox.start() as mailbox:
        relay = Relay(settings(mailbox))
        mailbox.reject(status=554)
        with pytest.raises(MisdirectedError, match="refused the mail: 554"):
            await relay.send(ALEX, LETTER)
        with mailbox.down(), pytest.raises(UnavailableError, match="answered 421"):
            await relay.send(ALEX, LETTER)
    with pytest.raises(UnavailableError, match="cannot be reached"):
        await relay.send(ALEX, LETTER)


async def test_no_more_than_so_many_in_a_minute() -> None:
    now_s = [100.0]
    async with Mailbox.start() as mailbox:
        relay = Relay(settings(mailbox, per_minute=2), lambda: now_s[0])
        for second in range(2):
            now_s[0] += second
            await relay.send(ALEX, LETTER)
        with pytest.raises(BusyError) as busy:
            await relay.send(ALEX, LETTER)
        assert MINUTE_S - 1 == busy.value.retry_after_s == relay.busy_s()
        now_s[0] += MINUTE_S - 1
        assert 0 == relay.busy_s()
        await relay.send(ALEX, LETTER)

        assert 3 == len(mailbox.messages())


def test_certificates_that_cannot_be_read_are_a_problem_of_the_configuration() -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.pem holds no certificates"):
        Relay(
            EmailSettings.model_validate({"host": "h", "sender": SENDER, "ca_file": "/nowhere.pem"})
        )


def parsed(raw: bytes) -> EmailMessage:
    """A mail as programs read it."""
    found = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found
