"""Every session ends with a cause: what the model did last, and AutoGen's limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from countersign import SessionManager
from countersign.agents.classic.answer_log import AnswerLog, ModelAnswer
from countersign.agents.session_manager import MALFORMED_ATTEMPTS
from countersign.approvals.models import SessionStatus
from countersign.sandbox.openai import (
    Call,
    Conversation,
    Raw,
    Reply,
    Say,
    ToolCall,
)
from tests.agents import answers
from tests.agents.people import FakeOffice
from tests.agents.teams import DENIED, GUARDED, Effects, Mode, pair, team
from tests.agents.world import World, world

MODES = pytest.mark.parametrize("mode", ["async", "sync"])
MAIL = {"to": "a@b.test", "subject": "s", "body": "b", "rationale": "asked"}
_PING = Call((ToolCall("look_up", {"name": "bob"}),))
_WIPE = Call((ToolCall("wipe", {"table": "t", "rationale": "r"}),))


def _ends(message: dict[str, Any]) -> bool:
    return not message.get("tool_calls")


async def _ended(
    w: World,
) -> tuple[str, str, str]:
    """Status, cause, and what is said of it."""
    session = await w.run()
    return session.status.value, session.cause or "", session.error or session.answer or ""


@pytest.mark.parametrize(
    ("reply", "cause", "words"),
    [
        (answers.FILTERED, "model_filtered", "content filter"),
        (answers.REFUSED, "model_refused", "I cannot help with *that*."),
        (answers.EMPTY, "nothing_said", "nothing was said"),
        (answers.CUT_OFF, "cut_off", "cut off"),
        (answers.CALL_AS_TEXT, "call_as_text", "(send_email) as text; nothing was run"),
        (answers.CALL_AS_JSON, "call_as_text", "(send_email) as text; nothing was run"),
    ],
)
@MODES
async def test_what_is_no_answer_is_no_success(
    mode: Mode, reply: Raw, cause: str, words: str, tmp_path: Path
) -> None:
    workflow = pair(Effects(), mode=mode, is_termination_msg=_ends)
    async with world(workflow, lambda _: reply, path=tmp_path, office="sqlite") as w:
        await w.start()
        status, found, said = await _ended(w)

        assert (status, found) == ("failed", cause)
        assert words in said
        assert (await w.ledger())[-1].body["cause"] == cause


@pytest.mark.parametrize("reply", answers.MALFORMED.values(), ids=answers.MALFORMED)
async def test_a_malformed_answer_is_asked_for_again_and_then_named(
    reply: Raw, tmp_path: Path
) -> None:
    """As an unreliable server: later, a bounded number of times."""
    workflow = pair(Effects(), is_termination_msg=_ends)
    async with world(workflow, lambda _: reply, path=tmp_path, office="sqlite") as w:
        await w.start()
        for _ in range(MALFORMED_ATTEMPTS - 1):
            status, cause, words = await _asked_once(w)

            assert (status, cause) == ("running", "")
            assert words.startswith("The language model's answer")
            await w.office.lose_owner(w.session_id)
        status, cause, words = await _asked_once(w)

        assert (status, cause) == ("failed", "malformed")
        assert "Error" not in words
        assert w.model_calls == MALFORMED_ATTEMPTS


async def test_a_malformed_answer_that_comes_right_costs_nothing(tmp_path: Path) -> None:
    """The OpenAI client itself asks again."""
    said = iter([answers.MALFORMED["no choices"], answers.answer("Hello.")])
    workflow = pair(Effects(), is_termination_msg=_ends)
    async with world(workflow, lambda _: next(said), path=tmp_path) as w:
        await w.start()

        assert await _ended(w) == ("completed", "answered", "Hello.")


async def _asked_once(w: World) -> tuple[str, str, str]:
    """A process whose OpenAI client does not retry by itself, which takes seconds."""
    registry = w.new_registry()
    for built in (each.chats[0] for each in registry._idle[w.workflow.name]):
        for agent in built.chat.agents:
            if agent.client is not None:
                agent.client._clients[0]._oai_client.max_retries = 0  # type: ignore[attr-defined]
    async with SessionManager(w.office.runs, registry) as manager:
        await manager.run(w.session_id)
    session = await w.session()
    return session.status.value, session.cause or "", session.error or ""


@MODES
async def test_a_silent_model_is_not_asked_for_ever(mode: Mode, tmp_path: Path) -> None:
    """A chat that only a word ends, and a model that never says it."""
    workflow = pair(Effects(), mode=mode)
    async with world(workflow, lambda _: answers.REFUSED, path=tmp_path) as w:
        await w.start()
        status, cause, words = await _ended(w)

        assert (status, cause, w.model_calls) == ("failed", "model_refused", 5)
        assert "I cannot help" in words


async def test_silence_after_work_that_was_done_is_success(tmp_path: Path) -> None:
    """Models often say nothing more once their tool has run."""

    def script(conversation: Conversation) -> Reply:
        return answers.EMPTY if conversation.tool_results else _PING

    workflow = pair(Effects(), is_termination_msg=_ends)
    async with world(workflow, script, path=tmp_path) as w:
        await w.start()

        assert await _ended(w) == ("completed", "answered", "")


@pytest.mark.parametrize("office", ["fake", "sqlite"])
@MODES
async def test_a_call_in_the_last_round_is_named(mode: Mode, office: str, tmp_path: Path) -> None:
    """It was neither asked nor run; the words of somebody before it are no answer."""
    effects = Effects()

    def script(conversation: Conversation) -> Reply:
        if "You are worker" in conversation.agent:
            return Call((ToolCall("send_email", MAIL),))
        return Say("I have approved it.")

    workflow = team(effects, mode=mode, max_round=3)
    async with world(workflow, script, path=tmp_path, office=office, guarded=GUARDED) as w:
        await w.start()
        status, cause, words = await _ended(w)

        assert (status, cause) == ("failed", "limit")
        assert words.startswith("The round limit was reached (max_round=3). send_email(")
        assert "was proposed and neither asked nor run." in words
        assert await w.requests() == []
        assert effects.done == []
        (entry,) = [e for e in await w.ledger() if e.kind == "not_asked"]
        assert entry.body["tool"] == "send_email"
        assert entry.body["arguments"]["to"] == "a@b.test"


@MODES
async def test_the_round_limit_after_an_answer_is_completed(mode: Mode, tmp_path: Path) -> None:
    """With the answer, and the limit as its cause."""
    workflow = team(Effects(), mode=mode, max_round=3)
    async with world(workflow, lambda c: Say(f"{len(c.messages)} heard"), path=tmp_path) as w:
        await w.start()
        session = await w.run()

        assert (session.status, session.cause) == (SessionStatus.COMPLETED, "limit")
        assert (session.answer or "").endswith("heard")


@MODES
async def test_a_call_with_the_word_that_ends_the_chat_is_named(mode: Mode, tmp_path: Path) -> None:
    """The manager ends the chat before anybody is asked."""
    ending = Call((ToolCall("send_email", MAIL),), "TERMINATE")
    workflow = team(Effects(), mode=mode)
    async with world(workflow, lambda _: ending, path=tmp_path, guarded=GUARDED) as w:
        await w.start()
        status, cause, words = await _ended(w)

        assert (status, cause) == ("failed", "not_asked")
        assert "neither asked nor run" in words


@pytest.mark.parametrize("office", ["fake", "sqlite"])
@pytest.mark.parametrize(("call", "ran"), [(_PING, 3), (_WIPE, 0)], ids=["allowed", "denied"])
@pytest.mark.parametrize("shape", [pair, team])
@MODES
async def test_max_consecutive_auto_reply_keeps_its_meaning(
    mode: Mode, shape: Callable[..., Any], call: Call, ran: int, office: str, tmp_path: Path
) -> None:
    """With AutoGen's UserProxyAgent the model is asked four times: three replies, then the end.
    Every call has its answer."""
    effects = Effects()
    workflow = shape(effects, mode=mode, max_consecutive_auto_reply=3)

    def script(conversation: Conversation) -> Reply:
        return call if "You are worker" in conversation.agent else Say("Go on.")

    async with world(workflow, script, path=tmp_path, office=office, denied=DENIED) as w:
        await w.start()
        status, cause, words = await _ended(w)
        calls = [m for m in await w.messages() if m.get("tool_calls")]

        assert (status, cause) == ("failed", "limit")
        assert "max_consecutive_auto_reply=3" in words
        assert len(effects.done) == ran
        assert len(calls) == len(await w.tool_texts()) == 4
        assert '"cause": "limit"' in (await w.tool_texts())[-1]
        assert w.refused_by_model() == []


@MODES
async def test_the_limit_counts_over_pauses_and_restarts(mode: Mode, tmp_path: Path) -> None:
    """Each approval is another process."""
    effects = Effects()
    mails = (Call((ToolCall("send_email", {**MAIL, "to": f"{n}@b"}),)) for n in range(9))
    workflow = pair(effects, mode=mode, max_consecutive_auto_reply=2)
    async with world(
        workflow, lambda _: next(mails), path=tmp_path, office="sqlite", guarded=GUARDED
    ) as w:
        await w.start()
        for _ in range(2):
            assert (await w.run()).status is SessionStatus.WAITING
            await w.office.approve((await w.requests())[0])
        status, cause, _ = await _ended(w)

        assert (status, cause) == ("failed", "limit")
        assert len(effects.done) == 2


@MODES
async def test_terminate_asks_a_person_at_the_limit(mode: Mode, tmp_path: Path) -> None:
    """As AutoGen does: nothing typed goes on with the call, "exit" ends the chat."""
    effects = Effects()
    workflow = pair(effects, mode=mode, max_consecutive_auto_reply=1, human_input_mode="TERMINATE")
    async with world(workflow, lambda _: _PING, path=tmp_path) as w:
        await w.start()

        assert (await w.run()).status is SessionStatus.WAITING
        assert len(effects.done) == 1
        await w.office.answer((await w.requests())[0], "")

        assert (await w.run()).status is SessionStatus.WAITING
        assert len(effects.done) == 2
        await w.office.answer((await w.requests())[0], "exit")
        status, cause, _ = await _ended(w)

        assert (status, cause) == ("completed", "ended_by_person")
        assert len(effects.done) == 2
        assert len(await w.tool_texts()) == 3
        assert isinstance(w.office, FakeOffice)
        assert [kind for kind, _ in w.office.runs.entries] == ["not_asked"]


@MODES
async def test_what_a_person_says_at_the_limit_comes_before_the_call(
    mode: Mode, tmp_path: Path
) -> None:
    """The call is answered as AutoGen answers it, and recorded as not asked."""
    effects = Effects()
    asked: Iterator[Reply] = iter([_PING, _PING, answers.answer("Fine. TERMINATE")])
    workflow = pair(effects, mode=mode, max_consecutive_auto_reply=1, human_input_mode="TERMINATE")
    async with world(workflow, lambda _: next(asked), path=tmp_path) as w:
        await w.start()
        await w.run()
        await w.office.answer((await w.requests())[0], "Stop looking.")
        await w.run()

        assert len(effects.done) == 1
        assert (await w.tool_texts())[-1] == "USER INTERRUPTED"
        assert isinstance(w.office, FakeOffice)
        assert [kind for kind, _ in w.office.runs.entries] == ["not_asked"]


@MODES
async def test_max_turns_counts_over_pauses(mode: Mode, tmp_path: Path) -> None:
    """The task is the first turn of the starter."""
    effects = Effects()
    mails = (Call((ToolCall("send_email", {**MAIL, "to": f"{n}@b"}),)) for n in range(9))
    workflow = pair(effects, mode=mode, max_turns=3)
    async with world(workflow, lambda _: next(mails), path=tmp_path, guarded=GUARDED) as w:
        await w.start()
        for _ in range(2):
            assert (await w.run()).status is SessionStatus.WAITING
            await w.office.approve((await w.requests())[0])
        status, cause, words = await _ended(w)

        assert (status, cause) == ("failed", "limit")
        assert "max_turns=3" in words
        assert "neither asked nor run" in words
        assert (w.model_calls, len(effects.done)) == (3, 2)


@MODES
async def test_what_a_proxy_says_by_itself_is_no_answer(mode: Mode, tmp_path: Path) -> None:
    workflow = team(Effects(), mode=mode, max_round=4, default_auto_reply="Please go on.")
    async with world(workflow, lambda _: Say("Here it is."), path=tmp_path) as w:
        await w.start()

        assert (await _ended(w))[2] == "Here it is."


@pytest.mark.parametrize(
    "choice",
    [
        "Done.",
        {"content": "Done.", "role": "assistant"},
        SimpleNamespace(content="Done.", tool_calls=None),
        SimpleNamespace(message=SimpleNamespace(content="Done.", tool_calls=None)),
    ],
)
def test_a_client_of_the_workflows_own_answers_in_its_own_shape(choice: Any) -> None:
    """AutoGen asks it for its messages; nothing says what its choices look like."""
    answer_log = AnswerLog()
    answer_log._filter("worker", None)(None, SimpleNamespace(choices=[choice]))

    assert answer_log.last == ModelAnswer("worker", "", "", silent=False)


@pytest.mark.parametrize("last", ["TERMINATE", "TERMINATE."])
async def test_words_before_a_refused_call_are_no_answer(last: str, tmp_path: Path) -> None:
    effects = Effects()

    def script(conversation: Conversation) -> Reply:
        if any(message["role"] == "tool" for message in conversation.messages):
            return Say(last)
        if "now." in str(conversation.messages):
            return Call((ToolCall("send_email", MAIL),))
        return Say("I am sending the mail now.")

    workflow = pair(effects)
    async with world(workflow, script, path=tmp_path, office="sqlite", guarded=GUARDED) as w:
        await w.start()
        await w.run()
        (request,) = await w.requests()
        await w.office.reject(request, "Not now.")
        status, cause, said = await _ended(w)

    assert ("failed", "nothing_said") == (status, cause)
    assert "nothing was said after the calls that were not run" in said
    assert [] == effects.done
