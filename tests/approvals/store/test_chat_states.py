"""Messages of long chats in rows of their own: they come back, and the ledger tells of them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from countersign.approvals.forms.causes import Ending, SessionCause
from countersign.approvals.models import ChatState, StoredChat
from countersign.approvals.store.schema import session_messages, sessions
from tests.doubles.chats import chat_of
from tests.doubles.world import World, opened


def said(number: int) -> dict[str, Any]:
    return {"role": "user", "content": f"message {number}"}


def moved(*numbers: int, chunks: int, last: int) -> ChatState:
    """These messages leave the snapshot, as the last of so many chunks; `last` stays in it."""
    chunk = json.dumps([said(number) for number in numbers])[1:-1]
    return chat_of(said(last), chunks=chunks, chunk=chunk)


async def stored(world: World, *states: ChatState) -> StoredChat:
    """A session whose runs stored these, one after the other, as its next run gets it."""
    run = await world.begun()
    for state in states:
        await world.runs.submit(run, [], state=state)
    await world.runs.release(run)
    resumed = await world.begin(run.session.id)
    assert resumed.chat is not None
    checked = await world.records.verify(run.session.id)
    assert () == checked.problems
    assert resumed.chat.messages() == await world.records.transcript(run.session.id)
    return resumed.chat


async def test_messages_come_back_in_order(world: World) -> None:
    chat = await stored(
        world,
        chat_of(said(0)),
        moved(0, 1, chunks=1, last=2),
        moved(2, 3, chunks=2, last=4),
        chat_of(said(4), said(5), chunks=2),
    )

    assert [said(n) for n in range(6)] == chat.messages()
    assert 2 == len(chat.chunks)


async def test_chunk_that_is_written_again_takes_the_place_of_it_and_of_what_follows(
    world: World,
) -> None:
    chat = await stored(
        world,
        moved(0, 1, chunks=1, last=2),
        moved(2, 3, chunks=2, last=4),
        moved(7, 8, chunks=1, last=9),
    )

    assert [said(7), said(8), said(9)] == chat.messages()


async def test_chat_that_was_changed_can_do_without_chunks(world: World) -> None:
    chat = await stored(world, moved(0, 1, chunks=1, last=2), chat_of(said(3)))

    assert [said(3)] == chat.messages()
    assert () == chat.chunks


async def test_woken_session_gets_its_messages(world: World) -> None:
    run = await world.begun()
    proposals = [world.proposal(run.session.id, "quote")]
    (request,) = await world.runs.submit(run, proposals, state=moved(0, 1, chunks=1, last=2))
    await world.vote(request)
    resumed = await world.begin(run.session.id)

    assert resumed.chat is not None
    assert [said(0), said(1), said(2)] == resumed.chat.messages()


async def test_end_keeps_what_was_said(world: World) -> None:
    run = await world.begun()
    ending = Ending(cause=SessionCause.ANSWERED, answer="Done.")
    await world.runs.complete(run, state=moved(0, 1, chunks=1, last=2), ending=ending)

    assert 3 == len(await world.records.transcript(run.session.id))
    assert () == (await world.records.verify(run.session.id)).problems


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            session_messages.update().values(messages="{}"),
            "session_messages {id} / 0, column messages: is not what the ledger says",
        ),
        (
            session_messages.delete(),
            "session_messages {id} / 0: is on the ledger, but not in its table",
        ),
        (
            session_messages.update().values(number=5),
            "session_messages {id} / 5: is not on the ledger",
        ),
        (
            sessions.update().values(chunks=0),
            "sessions {id}, column chunks: is not what the ledger says",
        ),
    ],
)
async def test_what_was_changed_beside_the_ledger_is_found(
    world: World, change: Any, problem: str
) -> None:
    run = await world.begun()
    await world.runs.submit(run, [], state=moved(0, 1, chunks=1, last=2))
    await world.store.write(lambda c: c.execute(change))
    checked = await world.records.verify(run.session.id)

    assert f"session {run.session.id}, {problem.format(id=run.session.id)}" in checked.problems


async def test_messages_without_their_session_are_found(tmp_path: Path) -> None:
    async with opened(tmp_path) as world:
        run = await world.begun()
        await world.runs.submit(run, [], state=moved(0, 1, chunks=1, last=2))
        with closing(sqlite3.connect(tmp_path / "countersign.db")) as file, file:
            file.execute("UPDATE session_messages SET session_id = 'S-GONE'")
        checked = await world.records.verify()

    assert "session_messages S-GONE / 0: what it belongs to is gone" in checked.problems
