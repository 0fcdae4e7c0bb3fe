"""Starting a session in Slack: with a message, or with a form; and the thread in which it goes on.

A session that a message starts goes on in the thread below it. A form has no message: the app
writes one into the chat with whoever asked, once the session is stored (`threads`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import uuid4
from weakref import WeakValueDictionary

import structlog

from countersign.approvals.errors import CountersignError, InvalidError
from countersign.approvals.models import (
    Conversation,
    JsonObject,
    Principal,
    PrincipalId,
    Session,
    Value,
)
from countersign.approvals.ports import Clock, Conversations
from countersign.approvals.records import Records
from countersign.connectors.conversing.phrases import TASK_LIMIT, Start
from countersign.connectors.conversing.said import Kind
from countersign.connectors.conversing.talk import started_text
from countersign.connectors.slack.channel import SlackChannel
from countersign.connectors.slack.markup import plain, section
from countersign.connectors.slack.message import NAME
from countersign.connectors.slack.sentences import sentences
from countersign.connectors.slack.threads import form_key, key_of
from countersign.connectors.system import Starts, WorkflowInfo

START = "start"
WORKFLOW, TASK = "workflow", "task"
"""The blocks of the form."""
VALUE = "value"
WORDS_LIMIT, OPTIONS, OPTION_LIMIT, INPUT_LIMIT = 24, 100, 75, 3_000
log = structlog.get_logger(__name__)


class Begun(Value):
    """A message that a session goes on below."""

    channel: str
    kind: Kind
    ts: str
    thread: str = ""
    """The message that began its thread; "" if it is that one."""
    user: str
    """Whose own chat it is, in Slack; of other chats nothing depends on it."""


class Starting:
    """Starts sessions, one for each message or form."""

    def __init__(
        self,
        channel: SlackChannel,
        conversations: Conversations,
        starts: Starts,
        records: Records,
        clock: Clock,
    ) -> None:
        self._channel, self._conversations = channel, conversations
        self._starts, self._records, self._clock = starts, records, clock
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """Of forms, so that what is said of a start is said once."""

    async def start(self, wish: Start, owner: PrincipalId, begun: Begun) -> tuple[Session, str]:
        """The session, and what is said of it; the same message starts it once. Raises BusyError,
        UnavailableError."""
        await self.spoke(begun, owner)
        session = await self._starts.start(
            workflow=wish.workflow.name,
            workflow_version=wish.workflow.version,
            task=wish.task,
            owner=owner,
            conversation=key_of(begun.channel),
            idempotency_key=session_key(begun.channel, begun.ts, begun.thread),
        )
        log.info("session started", session_id=session.id, workflow=wish.workflow.name)
        return session, started_text(wish.workflow.title, session.id)

    async def by_form(self, wish: Start, owner: Principal, user: str, form: str) -> Session:
        """The session of this form, or command; it is stored before anything is said of it in
        their own chat, and the same form starts it once, whatever stands in it then. Raises what
        opening that chat raises, too."""
        chat = await self._channel.own_chat(owner)
        key = form_key(chat, form or uuid4().hex)
        async with self._locks.setdefault(key, asyncio.Lock()):
            known = await self._records.begun_with(key)
            session = known or await self._begun_by_form(wish, owner, chat, user, key)
        try:
            thread = await self._channel.threads.of(session.id, chat)
            if known is None:
                text = started_text(wish.workflow.title, session.id)
                await self._channel.reply(chat, thread, sentences(text))
        except CountersignError as exc:  # it runs all the same, and tells of itself later
            log.warning("start not told", session_id=session.id, reason=str(exc))
        return session

    async def _begun_by_form(
        self, wish: Start, owner: Principal, chat: str, user: str, key: str
    ) -> Session:
        await self.spoke(Begun(channel=chat, kind="personal", ts="", user=user), owner.id)
        session = await self._starts.start(
            workflow=wish.workflow.name,
            workflow_version=wish.workflow.version,
            task=wish.task,
            owner=owner.id,
            conversation=key_of(chat),
            idempotency_key=key,
        )
        log.info("session started", session_id=session.id, workflow=wish.workflow.name)
        return session

    async def spoke(self, begun: Begun, person: PrincipalId) -> None:
        """Somebody whom we know has written there: remember where."""
        is_personal = begun.kind == "personal"
        await self._conversations.save(
            Conversation(
                key=key_of(begun.channel),
                channel=NAME,
                kind=begun.kind,
                principal_id=person if is_personal else None,
                reference={
                    "channel": begun.channel,
                    **({"user": begun.user} if is_personal else {}),
                },
                updated_at=self._clock.now(),
            )
        )


def session_key(channel: str, ts: str, thread: str = "") -> str:
    """Slack tells of a message again if we are slow; time stamps are unique within a channel. The
    thread goes before it: there the session goes on."""
    return f"{key_of(channel)}:{thread}/{ts}" if thread else f"{key_of(channel)}:{ts}"


def form(
    workflows: Sequence[WorkflowInfo], words: str = "", chosen: WorkflowInfo | None = None
) -> JsonObject:
    """The modal that asks which workflow, and what it is to do."""
    options = [_option(each, number) for number, each in enumerate(workflows[:OPTIONS])]
    select: JsonObject = {"type": "static_select", "action_id": VALUE, "options": options}
    if chosen is not None or len(options) == 1:
        at = workflows.index(chosen) if chosen in workflows and chosen is not None else 0
        select["initial_option"] = options[at]
    text: JsonObject = {
        "type": "plain_text_input",
        "action_id": VALUE,
        "multiline": True,
        "max_length": INPUT_LIMIT,
    }
    if words:
        text["initial_value"] = words[:INPUT_LIMIT]
    examples = "\n".join(f"{each.title}: {each.example}" for each in workflows[:5])
    return {
        "type": "modal",
        "callback_id": START,
        "title": plain("Start", WORDS_LIMIT),
        "submit": plain("Start", WORDS_LIMIT),
        "close": plain("Back", WORDS_LIMIT),
        "blocks": [
            section(
                "The agents start on it. What matters comes to the right people, and you follow "
                "it in your chat with this app."
            ),
            {"type": "input", "block_id": WORKFLOW, "label": plain("Workflow"), "element": select},
            {
                "type": "input",
                "block_id": TASK,
                "label": plain("What it is to do"),
                "element": text,
                "hint": plain(f"For example: {examples}", INPUT_LIMIT // 2),
            },
        ],
    }


def filled(state: Any, workflows: Sequence[WorkflowInfo]) -> Start:
    """What was chosen and typed. Raises InvalidError, by whose text it is answered."""
    number = _value(state, WORKFLOW)
    at = int(number) if number.isdecimal() else -1
    if not 0 <= at < len(workflows):
        raise InvalidError("That workflow is not here any more. Nothing was started.")
    task = _value(state, TASK).strip()
    if not task:
        raise InvalidError("Say what it is to do.")
    return Start(workflows[at], task[:TASK_LIMIT])


def _option(workflow: WorkflowInfo, number: int) -> JsonObject:
    return {"text": plain(workflow.title, OPTION_LIMIT), "value": f"{number}"}


def _value(state: Any, block: str) -> str:
    held = (state.get(block) or {}).get(VALUE) or {}
    option = held.get("selected_option") or {}
    found = option.get("value") or held.get("value") or ""
    return found if isinstance(found, str) else ""
