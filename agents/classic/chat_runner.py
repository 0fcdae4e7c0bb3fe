"""Starts a chat, or goes on with a restored one exactly where it paused.

`resume` gives the waiting user proxy its turn, delivers its reply and lets AutoGen go on from
there: nobody is selected again, nothing is broadcast again and no model is asked again.
"""

from __future__ import annotations

from typing import Any

from autogen import ChatResult, GroupChat, GroupChatManager, gather_usage_summary

from countersign.agents.classic.built import BuiltChat
from countersign.agents.classic.chat import Chat, Message
from countersign.agents.classic.gatekeeper import ApprovalProxy


async def a_begin(built: BuiltChat, task: str) -> ChatResult:
    """Run a new async chat to its end. Raises ChatSuspendedError at a pause."""
    chat = built.chat
    return await chat.starter.a_initiate_chat(
        chat.recipient, message=task, silent=True, max_turns=chat.max_turns
    )


def begin(built: BuiltChat, task: str) -> ChatResult:
    """Run a new sync chat to its end; blocks. Raises ChatSuspendedError at a pause."""
    chat = built.chat
    return chat.starter.initiate_chat(
        chat.recipient, message=task, silent=True, max_turns=chat.max_turns
    )


async def a_resume(built: BuiltChat, proxy: ApprovalProxy) -> ChatResult:
    """Go on with a restored async chat. Raises ChatSuspendedError at the next pause."""
    chat = built.chat
    peer = chat.peer(proxy)
    reply = await proxy.a_generate_reply(sender=peer)
    if reply is None:
        return _result(chat)
    if chat.max_turns is not None:
        await proxy.a_send(reply, peer, request_reply=proxy is chat.starter, silent=True)
        await _a_turns_left(chat)
        return _result(chat)
    if chat.manager is None:
        await proxy.a_send(reply, peer, silent=True)
        return _result(chat)
    await proxy.a_send(reply, peer, request_reply=False, silent=True)
    group = _rounds_left(built)
    await chat.manager.a_run_chat(_last_of(chat.manager, proxy), proxy, group)
    return _result(chat)


def resume(built: BuiltChat, proxy: ApprovalProxy) -> ChatResult:
    """Go on with a restored sync chat; blocks. Raises ChatSuspendedError at the next pause."""
    chat = built.chat
    peer = chat.peer(proxy)
    reply = proxy.generate_reply(sender=peer)
    if reply is None:
        return _result(chat)
    if chat.max_turns is not None:
        proxy.send(reply, peer, request_reply=proxy is chat.starter, silent=True)
        _turns_left(chat)
        return _result(chat)
    if chat.manager is None:
        proxy.send(reply, peer, silent=True)
        return _result(chat)
    proxy.send(reply, peer, request_reply=False, silent=True)
    group = _rounds_left(built)
    chat.manager.run_chat(_last_of(chat.manager, proxy), proxy, group)
    return _result(chat)


async def _a_turns_left(chat: Chat) -> None:
    """What AutoGen's `a_initiate_chat` does with `max_turns`, after the turns that were."""
    starter, recipient = chat.starter, chat.recipient
    while not _is_over(chat):
        history = starter.chat_messages[recipient]
        message = await starter.a_generate_reply(messages=history, sender=recipient)
        if message is None:
            return
        await starter.a_send(message, recipient, request_reply=True, silent=True)


def _turns_left(chat: Chat) -> None:
    """The same in a sync chat."""
    starter, recipient = chat.starter, chat.recipient
    while not _is_over(chat):
        history = starter.chat_messages[recipient]
        message = starter.generate_reply(messages=history, sender=recipient)
        if message is None:
            return
        starter.send(message, recipient, request_reply=True, silent=True)


def _is_over(chat: Chat) -> bool:
    """Whether no turn is left, or AutoGen (since 0.14) takes the last message for the end."""
    if chat.turns() >= (chat.max_turns or 0):
        return True
    ends: Any = getattr(chat.starter, "_should_terminate_chat", None)
    return ends is not None and bool(ends(chat.recipient, chat.messages[-1]))


def _rounds_left(built: BuiltChat) -> GroupChat:
    """The group with the rounds that are left: AutoGen counts from zero at every `run_chat`, and a
    branch of parallel chats goes on with the very chat that was suspended.

    A round is one message; the chat stops before it selects a speaker in its last round, so at a
    pause at least one round is left. Introductions were made when the chat began.
    """
    group = built.group
    if group is None:
        raise ValueError("A two-agent chat has no rounds.")
    group.max_round = built.rounds - len(group.messages)
    group.send_introductions = False
    return group


def _last_of(manager: GroupChatManager, proxy: ApprovalProxy) -> list[Message]:
    return manager.chat_messages[proxy][-1:]


def _result(chat: Chat) -> ChatResult:
    """What `initiate_chat` would have returned, had the chat not been paused."""
    summary: Any = chat.starter._summarize_chat("last_msg", {}, chat.recipient)
    cost: Any = gather_usage_summary([chat.starter, chat.recipient])
    return ChatResult(
        chat_history=list(chat.messages),  # like AutoGen, which hands out its own list
        summary=summary,
        cost=cost,
        human_input=list(chat.starter._human_input),
    )
