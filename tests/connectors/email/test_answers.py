"""Habits of mail programs: whatever comes back by mail, nothing is decided by it."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from countersign.approvals.models import DeliveryStatus, RequestStatus, Verdict
from countersign.connectors.email.answers import question_of
from countersign.sandbox.mailbox import programs
from tests.connectors.email.mail_world import (
    BEN_AT,
    CARA_AT,
    SECRET,
    MailWorld,
    by_mail,
)
from tests.doubles.directory import CARA


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[MailWorld]:
    async with by_mail(tmp_path) as found:
        yield found


async def pending(world: MailWorld, request: Any) -> bool:
    found = await world.now(request)
    return found.status is RequestStatus.PENDING and not (await world.records.view(found.id)).votes


@pytest.mark.parametrize("style", ["top", "bottom", "outlook", "html"])
async def test_reply_is_a_comment_without_what_it_quotes(world: MailWorld, style: str) -> None:
    request = await world.mailed()
    (mail,) = world.mails(BEN_AT)
    status = await world.does("reply", mail, text="They buy every year.", style=style)
    (comment,) = await world.comments(request)

    assert 200 == status
    assert ("ben", "email:ben@example.com", "email") == (
        comment["by"],
        comment["identity"],
        comment["via"],
    )
    assert "They buy every year." == comment["text"]
    assert any("Ben has commented on Quote" in text for text in world.told)
    assert await pending(world, request)


async def test_reply_that_asks_is_a_question_and_the_answer_comes_in_its_thread(
    world: MailWorld,
) -> None:
    request = await world.mailed()
    (mail,) = world.mails(BEN_AT)
    await world.does("reply", mail, text="Who asked for this?\n\nBest regards\nBen\n")
    (*_, reply) = world.mailbox.messages()
    raw = (world.mailbox.message(reply["id"]) or {})["raw"].encode()
    (question,) = (await world.records.view(request.id)).questions

    assert ("ben", "email", True) == (
        question.asker, question.via, question.text.startswith("Who asked for this?"),
    )  # fmt: skip
    assert "known" == await world.answers_of(raw)
    assert [] == await world.comments(request)
    side = await world.domain.answering.begin(question.id)
    assert side is not None
    others = len(world.mails(CARA_AT))
    await world.domain.answering.answered(side, "Contoso did.", [])
    await world.work()
    await world.work()
    (_, answer) = world.mails(BEN_AT)
    assert "Contoso did." in answer["text"]
    assert answer["headers"]["In-Reply-To"] == mail["message_id"]
    assert others == len(world.mails(CARA_AT))
    assert await pending(world, request)


async def test_reply_that_asks_and_cannot_be_asked_is_a_comment(world: MailWorld) -> None:
    request = await world.mailed()
    (mail,) = world.mails(BEN_AT)
    await world.vote(request, CARA)
    await world.does("reply", mail, text="Was that wise?")
    (*_, reply) = world.mailbox.messages()
    raw = (world.mailbox.message(reply["id"]) or {})["raw"].encode()

    assert ["Was that wise?"] == [comment["text"] for comment in await world.comments(request)]
    assert "known" == await world.answers_of(raw)
    assert () == (await world.records.view(request.id)).questions


def test_an_answer_asks_if_its_first_paragraph_does() -> None:
    said = {
        "Why?": "Why?", "ask: why so dear": "why so dear", "Frage: Warum": "Warum",
        "Why\nso dear?\n\nThanks, Ben": "Why\nso dear?\n\nThanks, Ben",
        "Why?\n-- \nBen": "Why?", "Fine.\n\nWhy?": "", "It is dear.": "",
    }  # fmt: skip

    assert said == {text: question_of(text) for text in said}


@pytest.mark.parametrize("text", ["Approved.", "yes", "REJECT - too expensive", "Genehmigt, danke"])
async def test_reply_that_reads_like_a_vote_is_none_and_its_writer_is_told(
    world: MailWorld, text: str
) -> None:
    request = await world.mailed()
    (mail,) = world.mails(BEN_AT)
    await world.does("reply", mail, text=text)
    (*_, answer) = world.mails(BEN_AT)

    assert await pending(world, request)
    assert [text] == [comment["text"] for comment in await world.comments(request)]
    assert "it is no vote" in answer["text"]
    assert answer["headers"]["In-Reply-To"] == mail["message_id"]
    assert "auto-generated" == answer["headers"]["Auto-Submitted"]


async def test_reply_counts_once_however_often_it_is_brought(world: MailWorld) -> None:
    request = await world.mailed()
    (mail,) = world.mails(BEN_AT)
    await world.does("reply", mail, text="Too dear.")
    (*_, reply) = world.mailbox.messages()
    raw = (world.mailbox.message(reply["id"]) or {})["raw"].encode()

    assert "known" == await world.answers_of(raw)
    assert 1 == len(await world.comments(request))


@pytest.mark.parametrize(
    ("do", "more"),
    [
        ("out_of_office", {}),
        ("read_receipt", {}),
        ("bounce", {"why": "451 Not yet", "action": "delayed"}),
    ],
)
async def test_what_programs_send_by_themselves_is_no_comment(
    world: MailWorld, do: str, more: dict[str, str]
) -> None:
    request = await world.mailed()
    (mail,) = world.mails(BEN_AT)
    status = await world.does(do, mail, **more)

    assert 200 == status
    assert [] == await world.comments(request)
    assert await pending(world, request)
    assert [DeliveryStatus.LIVE] * 2 == [d.status for d in await world.deliveries(request)]


async def test_whoever_was_forwarded_a_mail_cannot_answer_it(world: MailWorld) -> None:
    """Not even another approver: each has been sent one of their own."""
    request = await world.mailed()
    (mail,) = world.mails(BEN_AT)
    for who in (CARA_AT, "mallory@evil.example"):
        await world.does("reply", mail, who, text="Approved by Ben")

    assert [] == await world.comments(request)
    assert await pending(world, request)


async def test_reply_to_nothing_of_ours_or_to_a_guessed_id_is_ignored(world: MailWorld) -> None:
    request = await world.mailed()
    (mail,) = world.mails(BEN_AT)
    message = programs.parsed(mail["raw"].encode())
    guessed = f"<{'0' * 32}@acme.example>"
    for wrong in (guessed, f"<{request.id}@acme.example>", "<x@elsewhere.example>"):
        message.replace_header("Message-ID", wrong)
        await world.mailbox.receive(programs.reply(message, BEN_AT, "Approved"))

    assert [] == await world.comments(request)


async def test_an_attached_mail_of_ours_is_not_what_is_answered(world: MailWorld) -> None:
    about, attached = await world.mailed(), await world.mailed()
    ours, other = (programs.parsed(mail["raw"].encode()) for mail in world.mails(BEN_AT))
    answer = programs.reply(ours, BEN_AT, "As in the other one")
    answer.add_attachment(other)
    alone = EmailMessage()
    alone["From"], alone["To"], alone["Subject"] = BEN_AT, "approvals@acme.example", "Look"
    alone.set_content("What is this?")
    alone.add_attachment(other)
    for written in (answer, alone):
        await world.mailbox.receive(written)
        await world.work()

    assert 1 == len(await world.comments(about))
    assert [] == await world.comments(attached)


async def test_links_in_what_is_quoted_are_not_kept(world: MailWorld) -> None:
    request = await world.mailed()
    (mail,) = world.mails(BEN_AT)
    link = next(line for line in mail["text"].splitlines() if "/inbox/mail/" in line)
    await world.does("reply", mail, text=f"I opened {link} and wonder")
    (comment,) = await world.comments(request)

    assert "I opened [link] and wonder" == comment["text"]


async def test_bounce_makes_the_delivery_fail_where_people_see_it(world: MailWorld) -> None:
    request = await world.mailed()
    (mail,) = world.mails(BEN_AT)
    status = await world.does("bounce", mail, why="550 5.1.1 No such user")
    await world.due()
    bens, caras = await world.deliveries(request)

    assert 200 == status
    assert (DeliveryStatus.UNREACHABLE, DeliveryStatus.LIVE) == (bens.status, caras.status)
    assert "Ben cannot be reached by e-mail" in (bens.error or "")
    assert "550 5.1.1 No such user" in (bens.error or "")
    assert any("Ben cannot be reached" in text and "Cara can decide" in text for text in world.told)


async def test_bounced_address_is_left_alone_for_a_day_and_tried_again(world: MailWorld) -> None:
    request = await world.mailed("wire")
    (mail,) = world.mails(BEN_AT)
    await world.does("bounce", mail, why="550 5.1.1 No such user")
    await world.after(hours=2)
    assert 1 == len(world.mails(BEN_AT))
    await world.after(hours=23)
    again, *_ = world.mails(BEN_AT)[1:]

    assert mail["message_id"] == again["message_id"]
    assert DeliveryStatus.LIVE is (await world.deliveries(request))[0].status


async def test_bounce_from_somebody_else_or_of_nothing_of_ours_changes_nothing(
    world: MailWorld,
) -> None:
    request = await world.mailed()
    (mail,) = world.mails(BEN_AT)
    await world.does("bounce", mail, CARA_AT, why="550 No such user")
    message = programs.parsed(mail["raw"].encode())
    message.replace_header("Message-ID", "<x@elsewhere.example>")
    await world.mailbox.receive(programs.bounce(message, BEN_AT, "550 No such user"))
    await world.work()

    assert [DeliveryStatus.LIVE] * 2 == [d.status for d in await world.deliveries(request)]


async def test_reply_after_a_decision_is_kept_and_changes_nothing(world: MailWorld) -> None:
    request = await world.mailed()
    (mail,) = world.mails(BEN_AT)
    await world.vote(request, verdict=Verdict.REJECT)
    await world.work()
    await world.does("reply", mail, text="Approved!")

    assert RequestStatus.REJECTED is (await world.now(request)).status
    assert 1 == len(await world.comments(request))
    assert "no vote" not in world.mails(BEN_AT)[-1]["text"]


@pytest.mark.parametrize(
    "auth",
    [None, ("mail", "another secret of theirs"), ("mail", "")],
)
async def test_webhook_takes_nothing_from_others(world: MailWorld, auth: Any) -> None:
    request = await world.mailed()
    (mail,) = world.mails(BEN_AT)
    raw = programs.reply(programs.parsed(mail["raw"].encode()), BEN_AT, "Hi").as_bytes()
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.post(f"{world.url}/webhooks/email", content=raw, auth=auth)

    assert 401 == answer.status_code
    assert [] == await world.comments(request)


async def test_providers_bring_mail_in_their_own_ways(world: MailWorld) -> None:
    request = await world.mailed()
    (mail,) = world.mails(BEN_AT)
    message = programs.parsed(mail["raw"].encode())

    def raw(text: str) -> bytes:
        return programs.reply(message, BEN_AT, text).as_bytes()

    bearer = {"Authorization": f"Bearer {SECRET}"}
    basic = {"Authorization": f"Basic {base64.b64encode(f'u:{SECRET}'.encode()).decode()}"}
    async with httpx.AsyncClient(trust_env=False, headers=bearer) as http:
        url = f"{world.url}/webhooks/email"
        answers = [
            await http.post(url, files={"email": raw("By SendGrid")}),
            await http.post(url, data={"body-mime": raw("By Mailgun").decode()}),
            await http.post(url, json={"RawEmail": raw("By Postmark").decode()}, headers=basic),
            await http.post(url, content=raw("As it is")),
        ]
        empty = [
            await http.post(url, json=[]),
            await http.post(url, content=b"{", headers={"Content-Type": "application/json"}),
            await http.post(url, data={"x": "y"}),
        ]

    assert [200] * 4 == [answer.status_code for answer in answers]
    assert [422] * 3 == [answer.status_code for answer in empty]
    assert ["By SendGrid", "By Mailgun", "By Postmark", "As it is"] == [
        comment["text"] for comment in await world.comments(request)
    ]


async def test_mail_that_cannot_be_read_is_no_error(world: MailWorld) -> None:
    """Whatever arrives: it is answered, so that it is not brought again and again."""
    await world.mailed()
    (mail,) = world.mails(BEN_AT)
    named = f"In-Reply-To: {mail['message_id']}\r\n".encode()
    broken = [
        b"",
        b"\x00\xff\xfe",
        b"Content-Type: multipart/report\r\n\r\n",
        named + b"Content-Type: text/plain; charset=no-such\r\n\r\nHello",
        named + b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n",
        named + b"From: =?utf-8?q?=FF\r\nDate: 99\r\nMessage-ID: <\r\n\r\nHi",
        named + b"X: y\r\n\r\n" + b"a" * 1_100_000,
    ]
    taken = [await world.answers_of(raw) for raw in broken]

    assert {"ignored"} == set(taken)
