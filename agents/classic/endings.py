"""The ending of a chat: AutoGen's loop returns, and how it went is looked up afterwards.

In this order: the gate stopped it; the model refused or was filtered; a limit of AutoGen; a call
that nobody answered; an answer that is none; the last words; something was run; nothing at all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence

from countersign.agents import causes
from countersign.agents.calls import Call
from countersign.agents.classic.answer_log import ModelAnswer
from countersign.agents.classic.chat import Chat, Message
from countersign.agents.classic.messages import has_calls
from countersign.agents.classic.progress import spoken
from countersign.approvals.forms.causes import Ending, SessionCause
from countersign.approvals.models import Outcome

_RESULT_ROLES = ("tool", "function")
_ROUNDS = re.compile(r"Maximum rounds \((\d+)\) reached")
_REPLIES = "Maximum number of consecutive auto-replies reached"
_BY_PERSON = "User requested to end the conversation"
_CALL_MARKS = ("<tool_call", "<function_call", "<function=", "<|tool_call", "[TOOL_CALLS]")
"""How models that were not trained on this server's format write their calls."""
_FENCE = re.compile(r"\A```\w*\s*(.*?)\s*```\Z", re.DOTALL)


def ending_of(
    chat: Chat,
    *,
    stopped: Ending | None,
    reasons: Sequence[str],
    model: ModelAnswer | None,
    left: Sequence[Call],
    tools: Collection[str],
    proxies: Collection[str],
    rounds: int,
) -> Ending:
    """How the chat ended.

    `stopped` is the gate's own reason, `reasons` are AutoGen's, `model` is the last answer of a
    model, `left` are the calls of the last message, `proxies` are the names of those who execute
    tools and ask people, `rounds` is the group's own limit.
    """
    words, final = last_words(chat, proxies)
    if stopped is not None:
        by_person = stopped.cause is SessionCause.ENDED_BY_PERSON
        return stopped.model_copy(update={"answer": words}) if by_person else stopped
    limit = _limit(reasons, chat, rounds)
    unasked = causes.open_calls(left, _author(chat), limit or "The chat ended.")
    if model is not None and model.agent == _last_agent(chat, proxies) and not unasked:
        failed = _of_model(model)
        if failed is not None:
            return failed
    if limit:
        cause, answer = SessionCause.LIMIT, words if final and not unasked else ""
        return Ending(
            cause=cause, answer=answer, words=causes.sentences(limit, unasked), open_calls=unasked
        )
    if unasked:
        why = "The chat ended."
        return Ending(
            cause=SessionCause.NOT_ASKED, words=causes.sentences(why, unasked), open_calls=unasked
        )
    if final and (tool := _call_in(words, tools)) is not None:
        named = f" ({tool})" if tool else ""
        return Ending(
            cause=SessionCause.CALL_AS_TEXT,
            words=f"The model wrote a call{named} as text; nothing was run by it. It said: {words}",
        )
    if _BY_PERSON in reasons:
        return Ending(
            cause=SessionCause.ENDED_BY_PERSON, answer=words, words="A person ended the chat."
        )
    if (words and final) or ran(chat):
        return Ending(cause=SessionCause.ANSWERED, answer=words)
    why = (
        "nothing was said after the calls that were not run."
        if words
        else "nothing was said, and nothing was run."
    )
    return Ending(cause=SessionCause.NOTHING_SAID, words=f"The model gave no answer: {why}")


def silence(model: ModelAnswer | None, count: int) -> Ending:
    """The end of a chat whose model says nothing."""
    failed = None if model is None else _of_model(model)
    words = f"The model gave no answer, {count} times in a row."
    return failed or Ending(cause=SessionCause.NOTHING_SAID, words=words)


def last_words(chat: Chat, proxies: Collection[str]) -> tuple[str, bool]:
    """The last words of an agent without TERMINATE, and whether nothing was called after them.

    What a user proxy says by itself is nobody's answer.
    """
    messages, final = chat.messages, True
    for index in range(len(messages) - 1, 0, -1):
        message = messages[index]
        if message.get("role") in _RESULT_ROLES or has_calls(message):
            final = False
        elif chat.author(index) not in proxies and (words := spoken(message)):
            return words, final
    return "", False


def ran(chat: Chat) -> bool:
    """Whether any call of the chat took effect, as far as the agents were told."""
    return any(_took_effect(text) for message in chat.messages for text in _results(message))


def _limit(reasons: Sequence[str], chat: Chat, rounds: int) -> str:
    """The limit of AutoGen that was reached, as a sentence; "" if none was."""
    if chat.max_turns is not None and chat.turns() >= chat.max_turns:
        return f"The limit of turns was reached (max_turns={chat.max_turns})."
    for reason in reasons:
        if reason == _REPLIES:
            return "The limit of automatic replies was reached (max_consecutive_auto_reply)."
        if _ROUNDS.fullmatch(reason):  # after a pause AutoGen counts only what was left
            return f"The round limit was reached (max_round={rounds})."
    return ""


def _of_model(model: ModelAnswer) -> Ending | None:
    if model.refusal:
        return Ending(
            cause=SessionCause.MODEL_REFUSED,
            words=f"The model refused: “{model.refusal.strip()}”",
        )
    if model.finish_reason == "content_filter":
        return Ending(
            cause=SessionCause.MODEL_FILTERED,
            words="The model gave no answer: it was stopped by the content filter of its server.",
        )
    if model.finish_reason == "length":
        return Ending(
            cause=SessionCause.CUT_OFF,
            words="The model's answer was cut off at its limit of tokens (finish_reason length). "
            "Raise max_tokens, or ask for less at once.",
        )
    return None


def _call_in(words: str, tools: Collection[str]) -> str | None:
    """The tool of a call that is written in these words ("" if it is not known); None: no call."""
    if any(mark in words for mark in _CALL_MARKS):
        return next((tool for tool in sorted(tools) if tool in words), "")
    match = _FENCE.fullmatch(words.strip())
    try:
        value = json.loads(match[1] if match else words)
    except ValueError:
        return None
    calls = value if isinstance(value, list) else [value]
    for call in calls:
        if isinstance(call, dict):
            function = call.get("function")
            name = function.get("name") if isinstance(function, dict) else call.get("name")
            if name in tools:
                return str(name)
    return None


def _author(chat: Chat) -> str:
    return chat.author(len(chat.messages) - 1) if chat.messages else ""


def _last_agent(chat: Chat, proxies: Collection[str]) -> str:
    """Who spoke last, user proxies left out."""
    authors = (chat.author(index) for index in range(len(chat.messages) - 1, -1, -1))
    return next((author for author in authors if author not in proxies), "")


def _results(message: Message) -> list[str]:
    if message.get("tool_responses"):
        return [str(response.get("content")) for response in message["tool_responses"]]
    return [str(message.get("content"))] if message.get("role") in _RESULT_ROLES else []


def _took_effect(text: str) -> bool:
    if text == "USER INTERRUPTED":
        return False
    try:
        status = json.loads(text).get("status") if text.startswith("{") else None
    except (ValueError, AttributeError):
        return True
    return status not in (Outcome.FAILED, Outcome.NOT_EXECUTED)
