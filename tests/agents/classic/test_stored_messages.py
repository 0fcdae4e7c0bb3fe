"""A pause that only adds to what is stored says the same as one that looks at everything."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from countersign.agents.classic import snapshot, stored_messages, stored_text
from countersign.agents.classic.built import BuiltChat
from countersign.agents.classic.chat import Chat
from countersign.agents.classic.snapshot import Stored
from countersign.agents.ports import Position
from countersign.approvals.models import ChatState, RequestStatus, SessionStatus, StoredChat
from countersign.sandbox.openai import Conversation, Reply, Say
from tests.agents.classic.test_expected_histories import ODDITIES
from tests.agents.people import FakeOffice
from tests.agents.state import remembered
from tests.agents.teams import GUARDED, Effects, Mode, pair, story, team
from tests.agents.world import World, world

FEW = 300
"""Characters, so that messages leave the snapshot at once."""


def _meaning(state: ChatState, chunks: tuple[str, ...]) -> Any:
    parts = json.loads(state.snapshot)
    for name in ("v", "before", "messages"):
        parts.pop(name, None)
    return parts, StoredChat(state.snapshot, chunks).messages(), state.transcript_sha256


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """At every pause the state is compared with that of a whole look; whether it had chunks."""
    dump, load, seen = BuiltChat.state, BuiltChat.restore, list[bool]()
    chunks: dict[int, tuple[str, ...]] = {}

    def restore(built: BuiltChat, state: StoredChat) -> Position:
        chunks[id(built)] = state.chunks
        return load(built, state)

    def state(built: BuiltChat, waiting: str, turn: int) -> ChatState:
        before = chunks[id(built)] if built.stored.text.chunks else ()
        added = dump(built, waiting, turn)
        new = () if added.chunk is None else (added.chunk,)
        chunks[id(built)] = (*before[: added.chunks - len(new)], *new)
        whole = snapshot.dump(
            built.chat, built.group, built.baseline, Position(waiting, turn), Stored(built.chat)
        )
        one = () if whole.chunk is None else (whole.chunk,)
        assert _meaning(added, chunks[id(built)]) == _meaning(whole, one)
        seen.append(added.chunks > 0)
        return added

    monkeypatch.setattr(BuiltChat, "state", state)
    monkeypatch.setattr(BuiltChat, "restore", restore)
    return seen


async def _to_the_end(w: World) -> SessionStatus:
    await w.start()
    while (await w.run()).status is SessionStatus.WAITING:
        for request in await w.requests():
            if request.status is RequestStatus.PENDING:
                await w.office.approve(request)
    return (await w.session()).status


@pytest.mark.parametrize("many", [stored_messages.MANY, 1])
@pytest.mark.parametrize("length", [stored_text.CHUNK_LENGTH, FEW])
@pytest.mark.parametrize("mode", ["async", "sync"])
@pytest.mark.parametrize("shape", ["round_robin", "auto", "custom", "pair"])
async def test_every_pause_of_a_session_says_all(
    shape: str,
    mode: Mode,
    length: int,
    many: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    compared: list[bool],
) -> None:
    """Within a run, and after the chat was restored."""
    monkeypatch.setattr(stored_text, "CHUNK_LENGTH", length)
    monkeypatch.setattr(stored_messages, "MANY", many)
    effects = Effects()
    flow = (
        pair(effects, mode=mode) if shape == "pair" else team(effects, selection=shape, mode=mode)
    )

    def script(conversation: Conversation) -> Reply:
        reply = story(conversation)
        return Say("End. TERMINATE") if shape == "pair" and isinstance(reply, Say) else reply

    async with world(flow, script, path=tmp_path, guarded=GUARDED) as w:
        assert await _to_the_end(w) is SessionStatus.COMPLETED

    assert len(compared) >= 2
    assert any(compared) == (length == FEW)


@pytest.mark.parametrize("length", [stored_text.CHUNK_LENGTH, FEW])
@pytest.mark.parametrize("oddity", ODDITIES, ids=lambda oddity: oddity.__name__.strip("_"))
async def test_what_is_changed_after_a_pause_is_stored_at_the_next(
    oddity: Callable[[Chat], None], length: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was known of it: the chat comes back as it is."""
    monkeypatch.setattr(stored_text, "CHUNK_LENGTH", length)
    monkeypatch.setattr(stored_messages, "MANY", 1)
    async with world(team(Effects()), story, path=tmp_path, guarded=GUARDED) as w:
        await w.start()
        await w.run()
        assert isinstance(w.office, FakeOffice)
        stored = w.office.runs.stored(w.session_id)  # type: ignore[arg-type]
        assert stored is not None
        registry = w.new_registry()
        async with registry.borrow("team") as odd, registry.borrow("team") as fresh:
            position = odd.restore(stored)
            known = odd.state(position.waiting, position.turn)
            oddity(odd.chat)
            state = odd.state(position.waiting, position.turn)
            new = () if state.chunk is None else (state.chunk,)
            before = stored.chunks if state.chunks > len(new) else ()
            fresh.restore(StoredChat(state.snapshot, (*before, *new)))

            assert known.chunk is None
            assert as_json(fresh) == as_json(odd)


def as_json(built: BuiltChat) -> Any:
    """What the chat remembers."""
    return json.loads(json.dumps(remembered(built, built.group)))


async def test_a_chat_of_many_messages_is_written_in_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each message once: a snapshot has the last ones, and earlier chunks stay as they are."""
    monkeypatch.setattr(stored_text, "CHUNK_LENGTH", FEW)
    async with world(team(Effects()), story, path=tmp_path, guarded=GUARDED) as w:
        assert await _to_the_end(w) is SessionStatus.COMPLETED
        assert isinstance(w.office, FakeOffice)
        stored = w.office.runs.stored(w.session_id)  # type: ignore[arg-type]
        assert stored is not None

        assert len(stored.chunks) >= 3
        assert len(json.loads(stored.snapshot)["messages"]) < len(stored.messages())
        assert w.refused_by_model() == []


async def test_missing_messages_are_not_made_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A chunk that is gone ends the session; nothing runs."""
    monkeypatch.setattr(stored_text, "CHUNK_LENGTH", FEW)
    effects = Effects()
    async with world(team(effects), story, path=tmp_path, guarded=GUARDED) as w:
        await w.start()
        await w.run()
        assert isinstance(w.office, FakeOffice)
        w.office.runs.chunks[w.session_id] = ()  # type: ignore[index]
        await w.office.approve((await w.requests())[0])
        failed = await w.run()

        assert failed.status is SessionStatus.FAILED
        assert "are missing" in str(failed.error)
        assert effects.done == []
