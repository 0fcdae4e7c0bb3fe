"""What a snapshot leaves out is exactly what AutoGen does; whatever is otherwise is stored."""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from countersign import Registry
from countersign.agents.classic.built import BuiltChat
from countersign.agents.classic.chat import Chat
from countersign.agents.classic.expected_histories import expected
from countersign.agents.classic.limits import reached
from countersign.agents.classic.usage import pack, unpack
from countersign.agents.limits import DEFAULT_LIMITS
from countersign.approvals.models import StoredChat
from countersign.sandbox.openai import Call, ToolCall
from tests.agents.people import FakeOffice
from tests.agents.state import COUNTS_TWICE, remembered
from tests.agents.teams import GUARDED, Effects, pair, story, team
from tests.agents.world import world

MAIL = {"to": "bob@x.test", "subject": "Hi", "body": "Hello"}


def _forget(chat: Chat) -> None:
    chat.agents[1]._oai_messages[chat.agents[-1]].clear()


def _forget_everybody(chat: Chat) -> None:
    chat.agents[1]._oai_messages.clear()


def _hear_otherwise(chat: Chat) -> None:
    chat.agents[1]._oai_messages[chat.agents[-1]][0]["content"] = "something else"


def _hear_nothing_of_the_first(chat: Chat) -> None:
    del chat.agents[1]._oai_messages[chat.agents[-1]][0]


def _talk_aside(chat: Chat) -> None:
    chat.agents[0]._oai_messages[chat.agents[1]].append({"content": "psst", "role": "user"})


def _answer_nobody(chat: Chat) -> None:
    for agent in chat.agents:
        agent.reply_at_receive.clear()


def _answer_aside(chat: Chat) -> None:
    chat.agents[0].reply_at_receive[chat.agents[1]] = True


def _count_nothing(chat: Chat) -> None:
    for agent in chat.agents:
        agent._consecutive_auto_reply_counter.clear()


def _count_more(chat: Chat) -> None:
    chat.agents[0]._consecutive_auto_reply_counter[chat.agents[-1]] += 3


def _no_last_speaker(chat: Chat) -> None:
    assert chat.manager is not None
    chat.manager._last_speaker = None


def _another_last_speaker(chat: Chat) -> None:
    assert chat.manager is not None
    chat.manager._last_speaker = chat.agents[0]  # type: ignore[assignment]


def _strange_usage(chat: Chat) -> None:
    client: Any = chat.agents[2].client
    client.total_usage_summary = {"total_cost": 1, "gpt": {"cost": 1.0, "audio_tokens": 3}}
    client.actual_usage_summary = None


ODDITIES = (
    _forget,
    _forget_everybody,
    _hear_otherwise,
    _hear_nothing_of_the_first,
    _talk_aside,
    _answer_nobody,
    _answer_aside,
    _count_nothing,
    _count_more,
    _no_last_speaker,
    _another_last_speaker,
    _strange_usage,
)


async def _through_the_store(
    registry: Registry, stored: StoredChat, oddity: Callable[[Chat], None]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is remembered before and after the chat was stored and restored with an oddity."""
    async with registry.borrow("team") as odd, registry.borrow("team") as fresh:
        position = odd.restore(stored)
        oddity(odd.chat)
        state = odd.state(position.waiting, position.turn)
        fresh.restore(StoredChat(state.snapshot))
        return _remembered(odd), _remembered(fresh)


def _remembered(built: BuiltChat) -> dict[str, Any]:
    return json.loads(json.dumps(remembered(built, built.group)))  # type: ignore[no-any-return]


@pytest.mark.parametrize("oddity", ODDITIES, ids=lambda oddity: oddity.__name__.strip("_"))
async def test_what_autogen_would_not_do_is_stored(
    oddity: Callable[[Chat], None], tmp_path: Path
) -> None:
    """A hook, a message sent aside or another version may have done it."""
    async with world(team(Effects()), story, path=tmp_path, guarded=GUARDED) as w:
        await w.start()
        await w.run()
        assert isinstance(w.office, FakeOffice)
        stored = w.office.runs.stored(w.session_id)  # type: ignore[arg-type]
        assert stored is not None
        before, after = await _through_the_store(w.new_registry(), stored, oddity)
        plain, _ = await _through_the_store(w.new_registry(), stored, lambda _: None)

        assert after == before
        assert after != plain


@pytest.mark.parametrize("shape", ["round_robin", "auto", "custom", "pair"])
async def test_an_ordinary_pause_stores_no_history_twice(shape: str, tmp_path: Path) -> None:
    """The messages once, and nothing that follows from them."""
    flow = pair(Effects()) if shape == "pair" else team(Effects(), selection=shape)
    script: Any = lambda c: (  # noqa: E731
        story(c) if shape != "pair" else Call((ToolCall("send_email", MAIL),))
    )
    async with world(flow, script, path=tmp_path, guarded=GUARDED) as w:
        await w.start()
        await w.run()
        assert isinstance(w.office, FakeOffice)
        state = json.loads(w.office.runs.snapshots[w.session_id])  # type: ignore[index]

        twice = {"histories", "replies", "counters", "speaker"} & state.keys()
        assert twice <= ({"counters"} if COUNTS_TWICE else set())


@pytest.mark.parametrize(
    "summary",
    [
        None,
        {},
        {"total_cost": 0},
        {
            "total_cost": 0.5,
            "a": {"cost": 0.25, "prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
            "b": {"cost": 0, "prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 4},
        },
        {"total_cost": 1, "a": {"cost": 1}},
        {"total_cost": 1, "a": "free"},
        {"a": {"cost": 1, "prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}},
    ],
)
def test_any_usage_comes_back(summary: dict[str, Any] | None) -> None:
    """Packed where it has AutoGen's shape, and as it is where not."""
    assert unpack(json.loads(json.dumps(pack(summary)))) == summary


def _steps(work: Callable[[], object]) -> int:
    """How many functions of Python it calls. What the collector would end meanwhile, of tests
    before this one, is not among them."""
    steps = 0

    def count(_: object, event: str, __: object) -> None:
        nonlocal steps
        steps += event == "call"

    before = sys.getprofile()
    gc.disable()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
        gc.enable()
    return steps


async def test_words_of_a_long_chat_take_no_step_of_python_each(tmp_path: Path) -> None:
    """Whoever waits for a round trip in it waits hardly longer than in a short one."""
    flow = team(Effects())
    async with (
        world(flow, story, path=tmp_path, guarded=GUARDED) as w,
        w.new_registry().borrow("team") as built,
    ):
        names = [speaker.name for speaker in built.chat.speakers]
        call = {"id": "1", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}
        calls = {"tool_calls": [call], "content": None, "role": "assistant", "name": names[-1]}

        def chat(words: int) -> list[dict[str, Any]]:
            """So many words of everybody in turn, and then a call."""
            said = [
                {"content": f"{n}", "role": "user", "name": names[n % len(names)]}
                for n in range(words)
            ]
            return [*said, calls]

        few, many = chat(6), chat(400)

        assert _steps(lambda: expected(built.chat, few)) == _steps(
            lambda: expected(built.chat, many)
        )
        assert reached(many, DEFAULT_LIMITS) is None
        assert _steps(lambda: reached(few, DEFAULT_LIMITS)) == _steps(
            lambda: reached(many, DEFAULT_LIMITS)
        )
