"""The mailbox into which answers come: read over IMAP, each mail once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from countersign.approvals.errors import UnavailableError
from countersign.connectors.email.mailbox import MailboxReader
from countersign.connectors.email.settings import ImapSettings
from countersign.sandbox.mailbox import Mailbox
from countersign.sandbox.mailbox.imap import IMAP_PASSWORD
from tests.connectors.email.mail_world import BEN_AT, SENDER, by_mail


def imap(mailbox: Mailbox, **more: object) -> ImapSettings:
    return ImapSettings.model_validate(
        {
            "host": "127.0.0.1",
            "port": mailbox.imap_port,
            "tls": "none",
            "username": SENDER,
            "password": IMAP_PASSWORD,
            **more,
        }
    )


async def test_each_answer_is_taken_once(tmp_path: Path) -> None:
    async with by_mail(tmp_path) as world:
        world.mailbox.hook = None
        request = await world.mailed()
        (mail,) = world.mails(BEN_AT)
        for text in ("Too much for me.", "And for Contoso."):
            await world.does("reply", mail, text=text)
        reader = MailboxReader(imap(world.mailbox))
        (before,) = await reader.check()
        taken = [await reader.read(world.answers) for _ in range(2)]
        (after,) = await reader.check()

        assert "2 mails not read yet" in before.said
        assert [2, 0] == taken
        assert "0 mails" in after.said
        assert ["Too much for me.", "And for Contoso."] == [
            comment["text"] for comment in await world.comments(request)
        ]


async def test_it_is_read_again_and_again_while_the_server_runs(tmp_path: Path) -> None:
    async with by_mail(tmp_path) as world:
        world.mailbox.hook = None
        request = await world.mailed()
        (mail,) = world.mails(BEN_AT)
        reader = MailboxReader(imap(world.mailbox, poll_every="1s"))
        async with reader.reading(world.answers):
            await world.does("reply", mail, text="Too much.")
            async with asyncio.timeout(30):
                while not await world.comments(request):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)

        assert 1 == len(await world.comments(request))


async def test_wrong_password_and_a_server_that_is_away_are_said() -> None:
    async with Mailbox.start() as mailbox:
        with pytest.raises(UnavailableError, match="Invalid credentials"):
            await MailboxReader(imap(mailbox, password="not it")).check()
        port = mailbox.imap_port
    with pytest.raises(UnavailableError, match="cannot be read"):
        await MailboxReader(imap(mailbox, port=port)).check()


async def test_it_is_read_over_tls_with_a_certificate_that_is_trusted() -> None:
    async with Mailbox.start(tls="implicit") as mailbox:
        trusted = imap(mailbox, tls="implicit", ca_file=mailbox.ca_file)
        (found,) = await MailboxReader(trusted).check()
        with pytest.raises(UnavailableError, match="certificate verify failed"):
            await MailboxReader(imap(mailbox, tls="implicit")).check()

        assert found.ok
