"""Threads: what each person is sent about a request, from the question to what came of it."""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import AsyncIterator
from datetime import time
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from countersign.approvals.errors import NotFoundError
from countersign.approvals.models import DeliveryStatus, Digest, Request, UndoOffer, Verdict
from countersign.approvals.ports import Prompt
from countersign.approvals.store import mail as rows
from countersign.approvals.store.schema import mail_links
from countersign.sandbox._faults import Fault
from tests.connectors.email.mail_world import BEN_AT, CARA_AT, MailWorld, by_mail, rules
from tests.doubles.directory import BEN, CARA, DAVE
from tests.doubles.world import QUOTE

LINK = re.compile(r"https://gate\.example/inbox/mail/([\w-]{43})(?=\s)")
STOP = re.compile(r"<https://gate\.example/inbox/mail/unsubscribe/([\w-]{43})>")


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[MailWorld]:
    async with by_mail(tmp_path) as found:
        yield found


async def links_of(world: MailWorld, tokens: list[str]) -> list[rows.MailLink | None]:
    return await world.store.read(lambda c: [rows.link(c, token) for token in tokens])


def root_of(mail: dict[str, Any]) -> str:
    return str(mail["headers"].get("References", mail["message_id"])).split()[0]


async def test_each_approver_is_sent_a_mail_with_a_link_of_their_own(world: MailWorld) -> None:
    request = await world.mailed()
    bens, caras = world.mails(BEN_AT), world.mails(CARA_AT)
    tokens = [LINK.findall(mail["text"])[0] for mail in (*bens, *caras)]
    links = await links_of(world, tokens)
    kept = await world.store.read(lambda c: [row[0] for row in c.execute(mail_links.select())])

    assert (1, 1) == (len(bens), len(caras))
    assert [(request.id, "ben"), (request.id, "cara")] == [
        (link.request_id, link.principal_id) for link in links if link
    ]
    assert not set(tokens) & set(kept)
    assert "Ben <ben@example.com>" == bens[0]["headers"]["To"]
    assert "Who decides: Ben, Cara" in bens[0]["text"]
    for words in ("Contoso", "The customer asked.", "Ben, Cara", "2026-03-02 10:00 UTC"):
        assert words in bens[0]["text"]
        assert words in re.sub(r"</?span>", "", bens[0]["html"])


async def test_outcome_stands_in_the_thread_and_whoever_decided_is_not_told_twice(
    world: MailWorld,
) -> None:
    request = await world.mailed()
    await world.vote(request, BEN)
    await world.after(seconds=1)
    run = await world.begin(request.session_id)
    await world.runs.claim(run, request.id, request.arguments)
    await world.runs.finish(run, request.id, ok=True, content="Quote Q-7 was sent.")
    await world.after(seconds=1)
    bens, caras = world.mails(BEN_AT), world.mails(CARA_AT)

    assert 2 == len(bens)
    assert 3 == len(caras)
    assert "Quote Q-7 was sent." in bens[1]["text"]
    assert "Approved by Ben" in caras[1]["text"]
    assert "ran once" in caras[2]["text"]
    assert 1 == len({root_of(mail) for mail in caras})
    assert 3 == len({mail["message_id"] for mail in caras})
    assert caras[2]["subject"] == f"Re: {caras[0]['subject']}"
    assert {"closed"} == {str(d.status) for d in await world.deliveries(request)}


@pytest.mark.parametrize(
    ("language", "said", "link"),
    [
        ("en", "It can be undone until", "Read or undo it"),
        ("de", "rückgängig machen lassen", "Lesen oder rückgängig machen"),
    ],
)
async def test_outcome_says_until_when_it_can_be_undone(
    world: MailWorld, language: str, said: str, link: str
) -> None:
    world.directory._people[CARA.id] = CARA.model_copy(update={"language": language})
    request = await world.mailed()
    await world.vote(request, BEN)
    run = await world.begin(request.session_id)
    await world.runs.claim(run, request.id, request.arguments)
    offer = UndoOffer(tool="quote", executor="gatekeeper", arguments=QUOTE, within_s=3600)
    await world.runs.finish(run, request.id, ok=True, content="Quote Q-7 was sent.", undo=offer)
    await world.after(seconds=1)
    last = world.mails(CARA_AT)[-1]["text"]

    assert said in last
    assert link in last
    assert "Nothing is left" not in last


async def test_edit_is_sent_again_with_what_it_is_now(world: MailWorld) -> None:
    run = await world.begun()
    (request,) = await world.submit(run, "pay")
    await world.work()
    changed = {**QUOTE, "amount": 1234}
    await world.vote(request, BEN, Verdict.MODIFY, arguments=changed)
    await world.work()
    first, second = world.mails(CARA_AT)

    assert "This has changed since the mail before" in second["text"]
    assert "1234" in second["text"]
    assert root_of(first) == root_of(second)


async def test_mails_name_who_changed_it_and_who_approved_it(world: MailWorld) -> None:
    world.directory._people[CARA.id] = CARA.model_copy(update={"language": "de"})
    (request,) = await world.submit(await world.begun(), "pay")
    await world.work()
    edited = await world.vote(request, BEN, Verdict.MODIFY, arguments={**QUOTE, "amount": 1234})
    await world.work()
    await world.vote(edited, CARA)
    decided = await world.vote(await world.now(request), DAVE)
    await world.after(seconds=1)
    asked, ended = world.mails(CARA_AT)[1]["text"], world.mails(CARA_AT)[-1]["text"]

    assert decided.decision is not None
    assert "Geändert von: Ben" in " ".join(asked.split())
    assert "Geändert von Ben und genehmigt von Dave über " in " ".join(ended.split())


async def test_same_mail_goes_out_with_the_same_id_after_a_lost_answer(world: MailWorld) -> None:
    """Nobody knows whether the first one was taken; both stand for the same."""
    world.mailbox.faults.add(Fault(kind="reset_after", method="SMTP"))
    await world.mailed()
    await world.after(seconds=5)
    ids = [mail["message_id"] for mail in world.mails()]

    assert 3 == len(ids)
    assert 2 == len(set(ids))


async def test_refused_address_is_said_and_the_others_are_asked(world: MailWorld) -> None:
    world.mailbox.habits.refused[BEN_AT] = "550 5.1.1 No such user"
    request = await world.mailed()
    bens, caras = await world.deliveries(request)
    world.mailbox.habits.refused.clear()
    await world.after(hours=25)

    assert DeliveryStatus.UNREACHABLE is bens.status
    assert "550 5.1.1 No such user" in (bens.error or "")
    assert DeliveryStatus.LIVE is caras.status


async def test_reminders_stand_in_the_thread_until_somebody_wants_no_more(tmp_path: Path) -> None:
    async with by_mail(tmp_path) as world:
        world.use(rules("email", remind=["10m", "20m", "30m"]))
        await world.mailed()
        await world.after(minutes=11)
        _, first = world.mails(BEN_AT)
        (token,) = STOP.findall(first["headers"]["List-Unsubscribe"])
        link = await world.store.read(lambda c: rows.link(c, token))
        now = world.clock.now()
        await world.store.write(lambda c: rows.mute(c, BEN.id, "reminders", now))
        await world.after(minutes=10)

        assert "waits for your decision" in first["text"]
        assert "List-Unsubscribe=One-Click" == first["headers"]["List-Unsubscribe-Post"]
        assert link is not None
        assert ("reminders", "ben") == (link.kind, link.principal_id)
        assert 2 == len(world.mails(BEN_AT))
        assert 3 == len(world.mails(CARA_AT))

        await world.store.write(lambda c: rows.unmute(c, BEN.id, "reminders"))
        await world.after(minutes=10)
        assert 3 == len(world.mails(BEN_AT))


async def test_approvals_cannot_be_unsubscribed_from(world: MailWorld) -> None:
    await world.mailed()

    assert ["List-Unsubscribe" in mail["headers"] for mail in world.mails()] == [False, False]


async def test_what_was_decided_before_it_could_be_sent_is_not_sent(world: MailWorld) -> None:
    with world.mailbox.down():
        request = await world.mailed()
        await world.vote(request, BEN, Verdict.REJECT)
        await world.work()
    await world.after(minutes=1)

    assert [] == world.mails()
    assert {"closed"} == {str(d.status) for d in await world.deliveries(request)}


async def test_whoever_may_have_been_sent_it_is_told_what_became_of_it(world: MailWorld) -> None:
    """The relay has taken the mail and has not said so, and Ben decides from it at once."""
    world.mailbox.faults.add(Fault(kind="reset_after", method="SMTP", times=2))
    request = await world.mailed()
    await world.vote(request, BEN, Verdict.REJECT)
    await world.after(minutes=1)
    first, second = world.mails(CARA_AT)

    assert "Rejected by Ben" in second["text"]
    assert first["message_id"] == second["headers"]["In-Reply-To"]
    assert {"closed"} == {str(d.status) for d in await world.deliveries(request)}


async def test_no_more_than_the_relay_wants_goes_out_at_once(tmp_path: Path) -> None:
    async with by_mail(tmp_path, per_minute=1) as world:
        request = await world.mailed()
        statuses = [str(d.status) for d in await world.deliveries(request)]

        assert 1 == len(world.mails())
        assert ["live", "pending"] == sorted(statuses)
        assert world.channels["email"].busy_s((await world.deliveries(request))[0]) > 0


async def test_person_without_an_address_that_can_be_written_to_is_said(world: MailWorld) -> None:
    world.directory._people[BEN.id] = BEN.model_copy(
        update={"identities": {"email": "ben <x>@example.com"}}
    )
    request = await world.mailed()
    bens, _ = await world.deliveries(request)

    assert "is no address to write to" in (bens.error or "")
    assert [] == world.mails(BEN_AT)


async def test_ids_stay_as_they_are_and_every_line_can_be_sent(world: MailWorld) -> None:
    """Whatever is in it: headers are not folded inside ids, and lines are short enough."""
    run = await world.begun()
    hostile = {"customer": "Ä" * 4000 + "\r\nBcc: evil@example.com\r\n.\r\n", "amount": 1}
    await world.submit(run, world.proposal(run.session.id, "quote", hostile))
    await world.work()
    mail = world.mails(BEN_AT)[0]
    raw = mail["raw"].encode()
    parsed = email.message_from_bytes(raw, policy=email.policy.SMTP)

    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert parsed["Bcc"] is None
    assert re.fullmatch(r"<[0-9a-f]{32}@acme\.example>", parsed["Message-ID"])
    assert "Not everything fits into a mail" in mail["text"]


async def test_nothing_of_others_becomes_a_link_or_markup(world: MailWorld) -> None:
    run = await world.begun()
    hostile = {"customer": "<script>x</script> https://evil.example/a", "amount": 1}
    await world.submit(run, world.proposal(run.session.id, "quote", hostile))
    await world.work()
    html = world.mails(BEN_AT)[0]["html"]

    assert "<script" not in html
    assert ["https://gate.example"] == sorted(
        {re.sub(r"/inbox/mail/.*", "", found) for found in re.findall(r'href="([^"]*)"', html)}
    )
    assert "https://evil.example" not in re.sub(r"<title>.*</title>", "", html)
    assert "src=" not in html


async def test_update_of_a_thread_that_nobody_knows_is_not_found(world: MailWorld) -> None:
    request = await world.mailed()
    view = await world.records.view(request.id)
    (bens, _) = await world.deliveries(request)
    gone = bens.model_copy(update={"id": "D-GONE"})

    with pytest.raises(NotFoundError):
        await world.channels["email"].update(gone, view)


async def listed(world: MailWorld, *channels: str) -> list[Request]:
    """Two requests of low risk, for Ben, who wants lists."""
    digest = Digest(at=(time(9, 30),), zone="UTC")
    world.directory._people[BEN.id] = BEN.model_copy(update={"digest": digest})
    world.use(rules(*channels, risk="low"))
    found = [(await world.asked("quote"))[0] for _ in range(2)]
    await world.work()
    await world.after(minutes=40)
    return found


async def test_list_has_a_link_to_each_and_stays_as_it_is(world: MailWorld) -> None:
    first, second = await listed(world, "email")
    (mail,) = world.mails(BEN_AT)
    links = await links_of(world, LINK.findall(mail["text"]))
    await world.vote(first, CARA, Verdict.REJECT)
    await world.after(minutes=1)

    assert {first.id, second.id} == {link.request_id for link in links if link}
    assert "List-Unsubscribe" not in mail["headers"]
    assert 1 == len(world.mails(BEN_AT))


async def test_list_can_be_ended_where_its_requests_are_shown_elsewhere(world: MailWorld) -> None:
    await listed(world, "email", "teams")
    (mail,) = world.mails(BEN_AT)
    assert STOP.search(mail["headers"]["List-Unsubscribe"])
    now = world.clock.now()
    await world.store.write(lambda c: rows.mute(c, BEN.id, "digests", now))
    world.clock.advance(24 * 3600 - 2400)
    others = await listed(world, "email", "teams")

    assert 1 == len(world.mails(BEN_AT))
    for request in others:
        assert DeliveryStatus.LIVE is (await world.deliveries(request))[0].status


async def test_list_that_came_back_fails_for_each_of_its_requests(world: MailWorld) -> None:
    requests = await listed(world, "email")
    (mail,) = world.mails(BEN_AT)
    await world.does("reply", mail, text="Both approved")
    await world.does("bounce", mail, why="552 Mailbox full")
    found = [(await world.deliveries(request))[0] for request in requests]

    assert [DeliveryStatus.UNREACHABLE] * 2 == [delivery.status for delivery in found]
    assert [[], []] == [await world.comments(request) for request in requests]


async def test_reminder_of_what_was_listed_names_it(world: MailWorld) -> None:
    world.use(rules("email"))
    requests = await listed(world, "email")
    (mail,) = world.mails(BEN_AT)
    (delivery, _) = await world.deliveries(requests[1])
    view = await world.records.view(requests[1].id)
    await world.channels["email"].remind(delivery, view, Prompt(number=1))
    reminder = world.mails(BEN_AT)[-1]

    assert requests[1].id in reminder["text"]
    assert mail["message_id"] == reminder["headers"]["In-Reply-To"]
