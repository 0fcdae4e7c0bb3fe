"""Whatever mail programs and gateways do with our mail: nothing is decided, nobody else learns what
it is about, and what people have answered is read without what was quoted."""

from __future__ import annotations

from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from countersign.approvals.store import mail as rows
from tests.bot.inbox.test_mail_links import linked, says_nothing, untouched
from tests.bot.inbox.test_mail_of_calls import linked as linked_to_calls
from tests.bot.inbox.test_mail_of_calls import untouched as calls_untouched
from tests.bot.inbox_world import inbox
from tests.connectors.email.mail_world import BEN_AT, CARA_AT, SENDER, by_mail
from tests.connectors.email.programs import PROGRAMS, Program
from tests.connectors.email.test_several_calls import asked
from tests.connectors.email.test_threads import LINK

SAID = "I wonder about this one, see"
VOTE = "Approved, as always."


def those(has: Callable[[Program], object]) -> pytest.MarkDecorator:
    """For each program of which this holds."""
    return pytest.mark.parametrize(
        "program", [p for p in PROGRAMS if has(p)], ids=lambda program: program.name
    )


def answer(program: Program, mail: dict[str, Any], who: str, said: str, body: str) -> bytes:
    """What the program sends when somebody answers a mail of ours."""
    message = EmailMessage()
    message["From"], message["To"] = who, SENDER
    message["Subject"] = f"Re: {mail['headers']['Subject']}"
    message["Message-ID"] = f"<{abs(hash((who, said)))}@mail.example>"
    message["In-Reply-To"] = mail["message_id"]
    message["References"] = mail["message_id"]
    for name, value in (program.automatic or {}).items():
        message[name] = value
    message.set_content(body, subtype="html" if program.html else "plain")
    return message.as_bytes()


def test_twenty_are_played() -> None:
    assert 20 <= len({program.name for program in PROGRAMS})
    assert len(PROGRAMS) == len({program.name for program in PROGRAMS})


@those(lambda program: program.fetches)
async def test_links_that_it_looks_at_decide_and_tell_nothing(
    tmp_path: Path, program: Program
) -> None:
    """Also in the browser of whom the mail is for, who is signed in: looking is no decision."""
    async with inbox(tmp_path) as world:
        request, path = await linked(world)
        calls, all_of_them = await linked_to_calls(world)
        headers = {"User-Agent": program.agent, **program.headers}
        stranger, alex = world.browser(), await world.signed_in("alex")
        for method, more in program.fetches:
            for each in (path, all_of_them):
                async with stranger.client.request(method, f"{each}{more}", headers=headers) as got:
                    stranger.text = await got.text()
                assert says_nothing(stranger)
                assert request["id"] not in stranger.text
                assert not any(call.id in stranger.text for call in calls)
                async with alex.client.request(method, f"{each}{more}", headers=headers) as got:
                    assert 200 == got.status

        assert await untouched(world, request)
        assert await calls_untouched(world, calls)


@those(lambda program: program.answer or program.rewritten is not str)
async def test_an_answer_is_read_without_quotes_and_links(tmp_path: Path, program: Program) -> None:
    """From whom the mail was sent to; the same from somebody else is nothing."""
    async with by_mail(tmp_path) as world:
        calls = await asked(world)
        (mail,) = world.mails(BEN_AT)
        (token,) = LINK.findall(mail["text"])
        url = f"https://gate.example/inbox/mail/{token}"
        quoted = mail["text"].replace("\r\n", "\n").replace(url, program.rewritten(url))
        write = program.answer or (lambda said, text: f"{said}\n\nOn 30 Nov X wrote:\n> {text}")
        mine = write(f"3: {SAID}", quoted)
        with_link = write(f"{SAID} {program.rewritten(url)} and think", quoted)

        assert "ignored" == await world.answers_of(answer(program, mail, CARA_AT, "c", mine))
        assert "comment" == await world.answers_of(answer(program, mail, BEN_AT, "a", mine))
        assert "comment" == await world.answers_of(answer(program, mail, BEN_AT, "b", with_link))
        said = [(body["request"], body["text"]) for body in await world.comments(calls[0])]

        assert calls[2].id == said[0][0]
        assert f"3: {SAID}" == said[0][1].removesuffix("Sent from my iPhone").strip()
        assert calls[0].id == said[1][0]
        if "gate.example" != program.rewritten(url).rpartition("=")[2]:  # else it is not in there
            assert said[1][1].startswith(f"{SAID} [link] and think")
        assert token not in str(await world.records.ledger(calls[0].session_id))
        for each in calls:
            assert "pending" == (await world.records.request(each.id)).status


@those(lambda program: program.answer)
async def test_an_answer_that_reads_like_a_vote_is_none(tmp_path: Path, program: Program) -> None:
    async with by_mail(tmp_path) as world:
        calls = await asked(world)
        (mail,) = world.mails(BEN_AT)
        assert program.answer is not None
        body = program.answer(VOTE, mail["text"].replace("\r\n", "\n"))

        assert "comment" == await world.answers_of(answer(program, mail, BEN_AT, "a", body))
        _, told = world.mails(BEN_AT)
        assert "it is no vote" in told["text"]
        for each in calls:
            assert "pending" == (await world.records.request(each.id)).status
            assert not (await world.records.view(each.id)).votes


@those(lambda program: program.automatic)
async def test_what_it_answers_by_itself_is_nothing(tmp_path: Path, program: Program) -> None:
    async with by_mail(tmp_path) as world:
        calls = await asked(world)
        (mail,) = world.mails(BEN_AT)

        assert "ignored" == await world.answers_of(answer(program, mail, BEN_AT, "a", VOTE))
        assert [] == await world.comments(calls[0])
        assert 1 == len(world.mails(BEN_AT))
        threads = await world.store.read(
            lambda c: rows.threads(c, mail["message_id"].strip("<>").partition("@")[0])
        )
        assert not any(each.bounced for each in threads)
