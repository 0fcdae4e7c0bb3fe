"""Agents of a real AutoGen chat that change their mind when they are asked about a proposal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from countersign.approvals.models import (
    Cause,
    QuestionStatus,
    RequestStatus,
    SessionStatus,
    Verdict,
)
from countersign.sandbox.openai import Call, Conversation, Reply, Say, ToolCall
from tests.agents.teams import Effects, Mode, pair
from tests.agents.test_side_conversations import MANAGER, answering, waiting

WHY = "The address is of somebody else."
TAKE_BACK = Call((ToolCall("withdraw_proposal", {"reason": WHY}, "t"),))
MAIL = {"to": "boss@acme.test", "subject": "Offer", "body": "As agreed."}


def change(arguments: dict[str, Any], reason: str = WHY) -> Call:
    given = {"arguments": arguments, "reason": reason}
    return Call((ToolCall("revise_proposal", given, "t"),))


def one_mail(conversation: Conversation) -> Reply:
    """A mail; then the end."""
    if conversation.is_speaker_selection:
        return Say("worker")
    if any(m["role"] in ("tool", "function") for m in conversation.messages):
        return Say("Done. TERMINATE")
    if "You are planner" in conversation.agent:
        return Say("PLAN: go")
    mail = {**MAIL, "to": "ceo@acme.test", "rationale": "x"}
    return Call((ToolCall("send_email", mail, "m"),))


@pytest.mark.parametrize("mode", ["async", "sync"])
async def test_what_is_taken_back_leaves_a_well_formed_chat(mode: Mode, tmp_path: Path) -> None:
    """The waiting state stays byte for byte; the chat goes on with an answer to its call, which
    the model server takes."""
    script = answering(lambda _: TAKE_BACK, one_mail)
    async with waiting(script, tmp_path, mode=mode) as desk:
        before = await desk.chat()
        question = await desk.answered()
        after = await desk.chat()
        (request,) = await desk.w.requests()
        ended = await desk.w.run()
        (told,) = await desk.w.tool_texts()
        said = json.loads(told)

        assert before == after
        assert (QuestionStatus.ANSWERED, f"I take this back. {WHY}") == (
            question.status,
            question.answer,
        )
        assert () == question.calls
        assert request.result is not None
        assert (RequestStatus.CANCELLED, Cause.WITHDRAWN) == (request.status, request.result.cause)
        assert ("not_executed", "withdrawn", True) == (said["status"], said["cause"], said["retry"])
        assert WHY in said["message"]
        assert SessionStatus.COMPLETED is ended.status
        assert [] == desk.effects.of("send_email")
        assert [] == desk.w.refused_by_model()
        assert (await desk.office.records.verify()).verified


@pytest.mark.parametrize("mode", ["async", "sync"])
async def test_what_is_changed_is_asked_anew_and_runs_as_it_was_approved(
    mode: Mode, tmp_path: Path
) -> None:
    """The old digest is no good any more; the agent reads what ran, and why it was that."""
    script = answering(lambda _: change(MAIL), one_mail)
    async with waiting(script, tmp_path, mode=mode) as desk:
        before = await desk.chat()
        (first,) = await desk.w.requests()
        question = await desk.answered()
        after = await desk.chat()
        (second,) = await desk.w.requests()
        await desk.office.approve(second)
        ended = await desk.w.run()
        (told,) = await desk.w.tool_texts()
        said = json.loads(told)

        assert before == after
        assert f"I change this. {WHY}" == question.answer
        assert (2, RequestStatus.PENDING) == (second.revision, second.status)
        assert first.digest != second.digest
        assert "boss@acme.test" == second.arguments["to"]
        assert SessionStatus.COMPLETED is ended.status
        assert ["boss@acme.test"] == [mail["to"] for mail in desk.effects.of("send_email")]
        assert ("executed", "boss@acme.test") == (said["status"], said["arguments_used"]["to"])
        assert WHY in said["note"]
        assert [] == desk.w.refused_by_model()
        assert (await desk.office.records.verify()).verified


async def test_what_it_may_do_is_offered_and_said(tmp_path: Path) -> None:
    """With what the tool takes; in a chat that has such a tool of its own, that one stays it."""
    seen: list[Conversation] = []

    def answer(conversation: Conversation) -> Reply:
        seen.append(conversation)
        return Say("It is right.")

    async with waiting(answering(answer, one_mail), tmp_path) as desk:
        await desk.answered()
        (asked,) = seen
        told = json.dumps(asked.messages)

        assert {"look_up", "withdraw_proposal", "revise_proposal"} == set(asked.tools)
        assert "call withdraw_proposal or revise_proposal" in told


WRONG: list[tuple[Call, str]] = [
    (change({**MAIL, "to": "ceo@acme.test"}), "as they stand"),
    (change({"to": "x@acme.test"}), "do not fit"),
    (Call((ToolCall("revise_proposal", {"reason": WHY}, "t"),)), "do not fit"),
    (Call((ToolCall("withdraw_proposal", {"reason": ""}, "t"),)), "do not fit"),
]


@pytest.mark.parametrize(("wrong", "why"), WRONG)
async def test_what_cannot_be_meant_changes_nothing_and_is_said(
    wrong: Call, why: str, tmp_path: Path
) -> None:
    """The agent goes on, and answers."""
    heard: list[str] = []

    def answer(conversation: Conversation) -> Reply:
        last = conversation.messages[-1]
        if last["role"] != "tool":
            return wrong
        heard.append(str(last["content"]))
        return Say("Then it is right.")

    async with waiting(answering(answer, one_mail), tmp_path) as desk:
        question = await desk.answered()
        (request,) = await desk.w.requests()

        assert "Then it is right." == question.answer
        assert why in heard[0]
        assert "Nothing was changed" in heard[0]
        assert (1, RequestStatus.PENDING) == (request.revision, request.status)


async def test_what_comes_after_the_end_is_not_run(tmp_path: Path) -> None:
    """A look-up in the message that takes the proposal back."""
    both = Call((*TAKE_BACK.calls, ToolCall("look_up", {"name": "ceo"}, "u")))
    async with waiting(answering(lambda _: both, one_mail), tmp_path) as desk:
        question = await desk.answered()

        assert () == question.calls
        assert question.answer.startswith("I take this back.")


async def test_what_people_changed_meanwhile_is_asked_about_again(tmp_path: Path) -> None:
    """The agent is asked once more, about what they made of it."""
    async with waiting(answering(lambda _: TAKE_BACK, one_mail), tmp_path) as desk:
        question = await desk.ask()
        answers = desk.office.domain.answering
        begin = answers.begin

        async def edited_meanwhile(question_id: str) -> Any:
            side = await begin(question_id)
            (request,) = await desk.w.requests()
            arguments = {**request.arguments, "subject": "Another"}
            digest, held = request.digest, Verdict.MODIFY
            await desk.office.approvals.vote(
                request.id, MANAGER, verdict=held, digest=digest, arguments=arguments
            )
            return side

        asides = desk.asides(desk.w.registry)
        answers.begin = edited_meanwhile  # type: ignore[method-assign]
        await asides.answer(question.id)
        asides.close()
        (request,) = await desk.w.requests()

        assert request.status is not RequestStatus.CANCELLED


async def test_legacy_function_calls_may_change_their_mind(tmp_path: Path) -> None:
    """A pair without a manager."""
    async with waiting(
        answering(lambda _: TAKE_BACK, one_mail), tmp_path, workflow=pair(Effects(), mode="async")
    ) as desk:
        assert (await desk.answered()).answer.startswith("I take this back.")
        assert SessionStatus.COMPLETED is (await desk.w.run()).status
        assert [] == desk.w.refused_by_model()
