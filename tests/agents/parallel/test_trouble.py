"""Branches that fail, that cannot go on for now, and what stops all of them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from countersign import Chat, WorkflowContext
from countersign.approvals.models import Request, RequestKind, RequestStatus, SessionStatus
from countersign.approvals.store import sessions as session_rows
from countersign.sandbox.openai import Conversation, Reply
from tests.agents.answers import FILTERED, MALFORMED
from tests.agents.parallel.flows import (
    STEPS,
    Step,
    Tools,
    call,
    chat,
    find,
    mail,
    plays,
    said,
    side_by_side,
)
from tests.agents.people import FakeOffice
from tests.agents.teams import GUARDED, Effects, Mode
from tests.agents.world import world

MODES = pytest.mark.parametrize("mode", ["async", "sync"])


def _breaks(_: Conversation) -> Reply:
    raise RuntimeError("the script of this branch ends here")


def _stalls(then: Reply) -> Callable[[Conversation], Reply]:
    """No answer at first, as often as the model's client asks by itself."""
    left = [MALFORMED["choices null"]] * 3
    return lambda _: left.pop() if left else then


@MODES
@pytest.mark.parametrize("step", [_breaks, FILTERED], ids=["no answer", "filtered"])
async def test_branch_that_fails_is_named_and_others_go_on(
    step: Step, mode: Mode, office: str, tmp_path: Path
) -> None:
    """In the thread before the checkpoint, to the chat that follows, and once."""
    effects = Effects()
    flow = side_by_side(effects, "mail", "crm", then="writer", mode=mode)
    steps = {**STEPS, "mail": [call(find()), *[step] * 6]}
    async with world(flow, plays(steps), path=tmp_path, office=office, guarded=GUARDED) as w:
        await w.start()
        assert (await w.run()).status is SessionStatus.WAITING
        (request,) = await w.requests()
        if isinstance(w.office, FakeOffice):
            told = [line for line in w.office.runs.progress if "failed" in line]
            assert len(told) == 1
            assert told[0].startswith("**Branch mail failed.** The ")
        await w.office.approve(request)
        ended = await w.run()
        task = w.model.requests[-1].body["messages"][1]["content"]

        assert ended.status is SessionStatus.COMPLETED
        assert "mail failed: The " in task
        assert "crm: CRM is up to date." in task
        assert [tool for tool, _ in effects.done] == ["look_up", "update_crm"]
        if isinstance(w.office, FakeOffice):
            assert len([line for line in w.office.runs.progress if "failed" in line]) == 1


async def test_session_of_which_a_branch_failed_is_no_success(office: str, tmp_path: Path) -> None:
    """Without a chat that follows: the answer of the others stands beside what failed."""
    flow = side_by_side(Effects(), "mail", "facts")
    steps = {**STEPS, "mail": [_breaks]}
    async with world(flow, plays(steps), path=tmp_path, office=office, guarded=GUARDED) as w:
        await w.start()
        ended = await w.run()

        assert (ended.status, ended.error) == (
            SessionStatus.FAILED,
            "Branch mail failed: The language model answered HTTP 400, script_error. "
            "The others: facts: Two contacts.",
        )


async def test_nothing_follows_where_all_failed(office: str, tmp_path: Path) -> None:
    """The writer is not even asked, and each is named."""
    flow = side_by_side(Effects(), "mail", "crm", then="writer")
    steps = {**STEPS, "mail": [_breaks], "crm": [FILTERED] * 6}
    async with world(flow, plays(steps), path=tmp_path, office=office, guarded=GUARDED) as w:
        await w.start()
        ended = await w.run()

        assert ended.status is SessionStatus.FAILED
        assert "Branch mail failed" in str(ended.error)
        assert "Branch crm failed: The model gave no answer" in str(ended.error)
        assert not any("You are writer" in str(each.body) for each in w.model.requests)


@MODES
async def test_branch_that_stalls_parks_the_session_and_others_are_not_asked_again(
    mode: Mode, office: str, tmp_path: Path
) -> None:
    """Nobody is asked until it can go on; what the others came to is kept."""
    effects = Effects()
    steps = {**STEPS, "mail": [call(find()), _stalls(call(mail()))]}
    steps["mail"] = [*steps["mail"], said("Out.")]
    flow = side_by_side(effects, "mail", "crm", "facts", mode=mode)
    async with world(flow, plays(steps), path=tmp_path, office=office, guarded=GUARDED) as w:
        await w.start()
        assert (await w.run()).status is SessionStatus.RUNNING
        asked = w.model_calls
        await w.office.lose_owner(w.session_id)  # time passes
        assert (await w.run()).status is SessionStatus.WAITING

        assert w.model_calls == asked + 1
        assert [r.tool for r in await w.requests()] == ["send_email", "update_crm"]
        assert len(effects.of("look_up")) == 3


@MODES
async def test_call_that_has_to_wait_after_all_suspends_every_branch(
    mode: Mode, office: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a rule changes between the look and the proposal: it waits alone, is decided, and
    everything goes on from where it stood."""
    effects = Effects()
    flow = side_by_side(effects, "mail", "crm", "facts", mode=mode)
    async with world(flow, plays(STEPS), path=tmp_path, office=office, guarded=GUARDED) as w:
        with monkeypatch.context() as patch:

            async def foresee(*_: Any, granted: bool) -> Sequence[Request]:
                return []

            patch.setattr(w.office.runs, "foresee", foresee)
            await w.start()
            assert (await w.run()).status is SessionStatus.WAITING
        (first,) = await w.requests()
        await w.office.approve(first)
        while (await w.run()).status is SessionStatus.WAITING:
            for request in await w.requests():
                if request.status is RequestStatus.PENDING:
                    await w.office.approve(request)
        ended = await w.session()

        assert ended.status is SessionStatus.COMPLETED
        names = sorted(str(given.get("name", tool)) for tool, given in effects.done)
        assert names == ["a", "b", "sales", "send_email", "update_crm"]
        assert w.refused_by_model() == []


@MODES
async def test_question_of_a_branch_waits_in_the_checkpoint(
    mode: Mode, office: str, tmp_path: Path
) -> None:
    """A free-text question and a call of another branch wait together; neither runs alone."""
    effects = Effects()

    def asks(conversation: Conversation) -> Reply:
        return said(f"They said {conversation.last}.")

    steps = {"asks": [said("Which colour?"), asks], "crm": STEPS["crm"]}
    flow = side_by_side(effects, "asks", "crm", mode=mode, human_input_mode="TERMINATE")
    async with world(flow, plays(steps), path=tmp_path, office=office, guarded=GUARDED) as w:
        await w.start()
        await w.run()
        question, guarded = await w.requests()
        assert (question.kind, question.executor) == (RequestKind.INPUT, "asks_gate")
        await w.office.approve(guarded)
        await w.run()
        assert effects.done == []
        await w.office.answer(question, "Blue")
        assert (await w.run()).status is SessionStatus.WAITING
        assert len(effects.done) == 1
        for again in await w.requests():
            assert again.kind is RequestKind.INPUT
            await w.office.answer(again, "exit")
        ended = await w.run()

        assert ended.status is SessionStatus.COMPLETED
        assert ended.answer == "asks: They said Blue.\n\ncrm: CRM is up to date."


async def test_what_is_tried_beside_the_gate_in_one_branch_ends_the_session(
    tmp_path: Path,
) -> None:
    """The others are stopped, and nobody is asked."""

    def program(given: Any) -> Any:
        subprocess.run(["true"], check=True)
        return given

    def made(context: WorkflowContext, functions: Tools, name: str, **proxy: Any) -> Chat:
        found = chat(context, functions, name, **proxy)
        if name == "crm":
            found.recipient.register_hook("process_last_received_message", program)
        return found

    flow = side_by_side(Effects(), "mail", "crm", made=made)
    async with world(flow, plays(STEPS), path=tmp_path, guarded=GUARDED) as w:
        await w.start()
        await w.run()

        assert isinstance(w.office, FakeOffice)
        assert len(w.office.runs.refused) == 1
        assert [each.tool for each in await w.requests()] in ([], ["look_up"])


@MODES
async def test_limit_of_replies_counts_a_message_once_over_pauses(
    mode: Mode, office: str, tmp_path: Path
) -> None:
    """A call that was held, then stored with what others proposed, is not counted again."""
    effects = Effects()
    slow = [call(find(name)) for name in "abc"]
    steps = {
        "crm": STEPS["crm"],
        "facts": [*slow, _stalls(said("Three."))],
    }
    flow = side_by_side(effects, "crm", "facts", mode=mode, max_consecutive_auto_reply=4)
    async with world(flow, plays(steps), path=tmp_path, office=office, guarded=GUARDED) as w:
        await w.start()
        counts = []
        for _ in range(2):
            await w.run()
            await w.office.lose_owner(w.session_id)
            stored = await _stored(w)
            counts.append(stored["branches"]["crm"]["chat"].get("counters"))

        assert counts[0] == counts[1]


async def _stored(w: Any) -> dict[str, Any]:
    if isinstance(w.office, FakeOffice):
        return json.loads(w.office.runs.snapshots[w.session_id])  # type: ignore[no-any-return]
    chat = await w.office.store.read(lambda c: session_rows.chat(c, w.session_id))
    return json.loads(chat.snapshot)  # type: ignore[no-any-return]
