"""Calls that were proposed together are one mail for each person, from the question to the end."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from countersign.approvals.models import DeliveryStatus, Request, Verdict
from countersign.approvals.store import codec
from countersign.approvals.store import mail as rows
from countersign.approvals.store.schema import mail_links
from countersign.sandbox._faults import Fault
from tests.connectors.email.mail_world import BEN_AT, CARA_AT, MailWorld, by_mail
from tests.connectors.email.test_threads import LINK, root_of
from tests.doubles.directory import BEN, CARA
from tests.doubles.world import THREAD

ASK = {"effect": "require_approval", "roles": ["manager"], "deadline": "1h", "channels": ["email"]}
LATER = {**ASK, "deadline": "4h"}
MONEY = (
    {"customer": "<b>Contoso</b>", "amount": 1000, "currency": "EUR"},
    {"customer": "Fabrikam", "amount": 250, "currency": "EUR"},
    {"customer": "Tailspin", "amount": 40, "currency": "USD"},
)


@pytest_asyncio.fixture(params=["sqlite", "postgresql"])
async def world(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[MailWorld]:
    async with by_mail(tmp_path, database=request.param) as found:
        yield found


async def asked(world: MailWorld, *amounts: dict[str, Any], **rule: Any) -> list[Request]:
    """Calls of one message that were sent; without `amounts` the usual three."""
    world.use({"tools": {"quote": _rule(ASK, rule), "sign": _rule(LATER, rule)}})
    run = await world.begun(THREAD)
    calls = [world.proposal(run.session.id, "quote", dict(each)) for each in amounts or MONEY]
    found = await world.submit(run, *calls)
    await world.work()
    return sorted(found, key=lambda each: each.position)


def _rule(usual: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in usual.items() if k != "roles" or "stages" not in more} | more


async def run_all(world: MailWorld, calls: list[Request]) -> None:
    """Every approved call runs once."""
    run = await world.begin(calls[0].session_id)
    for each in run.batch:
        if each.status == "approved":
            await world.runs.claim(run, each.id, each.arguments)
            await world.runs.finish(run, each.id, ok=True, content=f"Sent <i>{each.position}</i>.")
    await world.after(seconds=1)


def _id_in(mail: dict[str, Any]) -> str:
    return str(mail["message_id"]).strip("<>").partition("@")[0]


def link_in(mail: dict[str, Any]) -> str:
    (token,) = LINK.findall(mail["text"])
    return str(token)


async def test_each_person_has_one_mail_that_shows_all(world: MailWorld) -> None:
    calls = await asked(world)
    (ben,), (cara,) = world.mails(BEN_AT), world.mails(CARA_AT)
    links = await world.store.read(lambda c: [rows.link(c, link_in(m)) for m in (ben, cara)])
    kept = await world.store.read(lambda c: [row[0] for row in c.execute(mail_links.select())])

    assert "Approve 3 calls (medium risk): Quote (3)" == ben["headers"]["Subject"]
    for words in (
        "1. Quote\r\n", "2. Quote\r\n", "3. Quote\r\n", "<b>Contoso</b>", "Fabrikam", "Tailspin",
        "In total: 1,250 EUR; 40 USD", "at least one cannot be undone", "Who decides: Ben, Cara",
        "none before all of them are decided", "“2: why this amount?”",
        "Details\r\n-------\r\nWhy: The customer asked.",
    ):  # fmt: skip
        assert words in ben["text"], words
    assert "&lt;b&gt;Contoso&lt;/b&gt;" in ben["html"]
    assert "<b>Contoso" not in ben["html"]
    assert [("calls", calls[0].id, "ben"), ("calls", calls[0].id, "cara")] == [
        (each.kind, each.request_id, each.principal_id) for each in links if each
    ]
    assert not {link_in(ben), link_in(cara)} & set(kept)
    for each in calls:
        assert {DeliveryStatus.LIVE} == {d.status for d in await world.deliveries(each)}
    assert (await world.records.verify()).verified


async def test_a_call_on_other_terms_has_a_mail_of_its_own(world: MailWorld) -> None:
    """And that of one call looks as it does alone."""
    await asked(world)  # sets the rules
    run = await world.begun(THREAD)
    calls = [world.proposal(run.session.id, tool) for tool in ("quote", "sign", "quote")]
    await world.submit(run, *calls)
    await world.work()
    subjects = [mail["headers"]["Subject"] for mail in world.mails(BEN_AT)[1:]]

    assert 2 == len(subjects)
    assert any(re.match(r"Approve 2 calls \(\w+ risk\): Quote \(2\)", each) for each in subjects)
    assert any(re.match(r"Approve Sign \(\w+ risk\): ", each) for each in subjects)


async def test_what_came_of_all_is_told_once_when_all_are_over(world: MailWorld) -> None:
    one, two, three = await asked(world)
    await world.vote(one)
    await world.vote(two, CARA, Verdict.REJECT)
    await world.after(seconds=1)
    assert 1 == len(world.mails(BEN_AT))

    await world.vote(three)
    await world.after(seconds=1)
    assert 1 == len(world.mails(BEN_AT))

    await run_all(world, [one, two, three])
    for at in (BEN_AT, CARA_AT):
        first, last = world.mails(at)
        assert root_of(first) == root_of(last)
        assert "Re: Approve 3 calls (medium risk): Quote (3)" == last["headers"]["Subject"]
        for words in (
            "All 3 calls are over", "1. Quote: Approved by Ben", "Sent <i>0</i>.",
            "2. Quote: Rejected by Cara",
        ):  # fmt: skip
            assert words in last["text"], words
        assert "Sent &lt;i&gt;0&lt;/i&gt;." in last["html"]
    for each in (one, two, three):
        assert {DeliveryStatus.CLOSED} == {d.status for d in await world.deliveries(each)}
    await world.after(hours=1)
    assert 4 == len(world.mails())


async def test_a_call_that_is_changed_and_waits_is_told_once(world: MailWorld) -> None:
    """And one that is decided is not, whatever it was changed to."""
    plain = [{"customer": f"Customer {n}", "amount": n} for n in (1, 2, 3)]
    stages = [{"roles": ["manager"], "quorum": 2}]
    one, two, _ = await asked(world, *plain, stages=stages)
    new = {**two.arguments, "amount": 8}
    await world.vote(two, verdict=Verdict.MODIFY, arguments=new)
    await world.after(seconds=1)
    await world.vote(one, BEN, Verdict.REJECT)
    await world.after(seconds=1)

    for at in (BEN_AT, CARA_AT):
        first, second = world.mails(at)
        assert "This has changed since the mail before" in second["text"]
        assert "Amount: 8" in second["text"]
        assert root_of(first) == root_of(second)
        assert first["message_id"] != second["message_id"]


async def test_what_was_perhaps_sent_is_sent_again_with_the_same_id(world: MailWorld) -> None:
    """Whichever call begins it then: the connection broke after the mail was handed over."""
    world.mailbox.faults.add(Fault(kind="reset_after", method="SMTP", times=2))
    one, two, three = await asked(world)
    await world.vote(one)
    await world.after(minutes=5)
    bens = world.mails(BEN_AT)

    assert 2 == len(bens)
    assert 1 == len({mail["message_id"] for mail in bens})
    threads = await world.store.read(lambda c: rows.threads(c, _id_in(bens[0])))
    assert {one.id, two.id, three.id} == {each.request_id for each in threads}


async def test_what_was_decided_before_it_could_be_sent_is_not_sent(world: MailWorld) -> None:
    world.mailbox.faults.add(Fault(kind="error", method="SMTP", status=451, times=2))
    calls = await asked(world)
    for each in calls:
        await world.vote(each, verdict=Verdict.REJECT)
    await world.after(minutes=30)

    assert [] == world.mails()
    for each in calls:
        assert {DeliveryStatus.CLOSED} == {d.status for d in await world.deliveries(each)}


async def test_a_question_names_its_call_and_is_answered_in_the_thread(world: MailWorld) -> None:
    calls = await asked(world)
    mail = world.mails(BEN_AT)[0]
    await world.does("reply", mail, text="2: who asked for this?")
    (question,) = (await world.records.view(calls[1].id)).questions
    side = await world.domain.answering.begin(question.id)
    assert side is not None
    await world.domain.answering.answered(side, "Fabrikam did.", [])
    await world.after(seconds=1)
    await world.after(minutes=1)
    _, told = world.mails(BEN_AT)

    assert "who asked for this?" == question.text
    assert "Fabrikam did." in told["text"]
    assert root_of(mail) == root_of(told)
    assert 1 == len(world.mails(CARA_AT))


async def test_reminders_are_said_once_for_all(world: MailWorld) -> None:
    one, *_ = await asked(world, remind=["10m", "20m"])
    await world.after(minutes=11)
    first, second = world.mails(BEN_AT)
    assert "3 calls wait together behind the link." in second["text"]
    assert root_of(first) == root_of(second)

    await world.vote(one)
    await world.after(minutes=10)
    assert 3 == len(world.mails(BEN_AT))
    assert "2 calls wait together behind the link." in world.mails(BEN_AT)[2]["text"]


@pytest.mark.parametrize(
    ("said", "call", "kept"),
    [
        ("2: too expensive for them", 1, "2: too expensive for them"),
        ("#3. Looks odd to me", 2, "#3. Looks odd to me"),
        ("9: there is no such call", 0, "9: there is no such call"),
        ("I am in doubt", 0, "I am in doubt"),
    ],
)
async def test_an_answer_is_a_comment_on_the_call_that_it_names(
    world: MailWorld, said: str, call: int, kept: str
) -> None:
    calls = await asked(world)
    assert 200 == await world.does("reply", world.mails(BEN_AT)[0], text=said)

    assert [(calls[call].id, kept)] == [
        (body["request"], body["text"]) for body in await world.comments(calls[0])
    ]


async def test_an_answer_that_names_none_is_about_the_first_that_waits(world: MailWorld) -> None:
    one, two, _ = await asked(world)
    await world.vote(one)
    await world.after(seconds=1)
    await world.does("reply", world.mails(BEN_AT)[0], text="I am in doubt")

    assert [two.id] == [body["request"] for body in await world.comments(one)]


@pytest.mark.parametrize("text", ["2: why this amount?", "2: I am in doubt"])
async def test_an_answer_about_calls_that_are_not_there_any_more_is_ignored(
    world: MailWorld, text: str
) -> None:
    """Their session was moved to an archive or another server; the threads are still known."""
    await asked(world)
    (mail,) = world.mails(BEN_AT)
    for thread in await world.store.read(lambda c: rows.threads(c, _id_in(mail))):
        gone = thread.model_copy(update={"request_id": f"{thread.request_id}-gone"})
        await world.store.write(lambda c, of=gone: rows.keep_thread(c, of, world.clock.now()))  # type: ignore[misc]

    assert 200 == await world.does("reply", mail, text=text)
    assert 1 == len(world.mails(BEN_AT))


async def test_an_answer_that_reads_like_a_vote_decides_none(world: MailWorld) -> None:
    calls = await asked(world)
    await world.does("reply", world.mails(BEN_AT)[0], text="Approved")
    _, told = world.mails(BEN_AT)
    link = await world.store.read(lambda c: rows.link(c, link_in(told)))

    assert "it is no vote" in told["text"]
    assert link is not None
    assert "calls" == link.kind
    for each in calls:
        assert "pending" == (await world.records.request(each.id)).status


async def test_mail_that_comes_back_fails_all_and_is_not_sent_again(world: MailWorld) -> None:
    calls = await asked(world)
    await world.does("bounce", world.mails(BEN_AT)[0], why="550 5.1.1 gone")
    await world.after(minutes=1)
    for each in calls:
        assert "unreachable" == (await world.deliveries(each))[0].status

    await world.after(minutes=45)
    assert 1 == len(world.mails(BEN_AT))


async def test_of_many_calls_each_has_a_line(world: MailWorld) -> None:
    many = [{"customer": f"Customer {n}", "amount": n, "currency": "EUR"} for n in range(1, 71)]
    await asked(world, *many)
    (ben,) = world.mails(BEN_AT)

    assert "60. Quote: Amount: 60 EUR; Currency: EUR; Customer: Customer 60" in ben["text"]
    assert "61. Quote" not in ben["text"]
    assert "… 10 more calls" in ben["text"]
    assert "Not everything fits into a mail." in ben["text"]
    assert len(ben["html"]) < 102_000


async def test_a_whole_german_mail_of_several(tmp_path: Path) -> None:
    async with by_mail(tmp_path, language="de") as world:
        calls = await asked(world)
        await world.vote(calls[0], CARA, Verdict.REJECT)
        for each in calls[1:]:
            await world.vote(each)
        await run_all(world, calls)
        first, last = world.mails(BEN_AT)

        assert "3 Aufrufe genehmigen (mittleres Risiko): Quote (3)" == first["headers"]["Subject"]
        for words in (
            "3 Aufrufe warten gemeinsam, vorgeschlagen von seller im Auftrag von Anna",
            "Insgesamt: 1,250 EUR; 40 USD", "Warum: The customer asked.", "Risiko: mittel",
            "lässt sich mindestens einer nicht rückgängig machen", "„2: Warum dieser Betrag?“",
        ):  # fmt: skip
            assert words in first["text"], words
        for words in ("Alle 3 Aufrufe sind abgeschlossen", "1. Quote: Abgelehnt von Cara"):
            assert words in last["text"], words


async def test_whoever_tells_the_end_first_is_the_only_one(world: MailWorld) -> None:
    """Another server has begun to tell something and has died: its turn is waited for."""
    calls = await asked(world)
    name = _id_in(world.mails(BEN_AT)[0])
    (thread, *_) = await world.store.read(lambda c: rows.threads(c, name))
    until = codec.to_text(world.clock.now() + timedelta(seconds=50))
    assert await world.store.write(
        lambda c: rows.claim(c, name, thread.told, f"{thread.told}!{until}")
    )
    assert not await world.store.write(lambda c: rows.claim(c, name, thread.told, "other"))
    for each in calls:
        await world.vote(each, verdict=Verdict.REJECT)
    await world.after(seconds=5)
    assert 1 == len(world.mails(BEN_AT))
    assert 2 == len(world.mails(CARA_AT))

    await world.after(seconds=60)
    await world.after(seconds=60)
    assert 2 == len(world.mails(BEN_AT))
    assert 2 == len(world.mails(CARA_AT))


async def test_an_outage_while_the_end_is_told_loses_nothing(world: MailWorld) -> None:
    calls = await asked(world)
    for each in calls:
        await world.vote(each, verdict=Verdict.REJECT)
    with world.mailbox.down():
        await world.after(seconds=1)
    await world.after(minutes=5)

    assert [2, 2] == [len(world.mails(at)) for at in (BEN_AT, CARA_AT)]
