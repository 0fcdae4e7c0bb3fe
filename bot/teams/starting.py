"""Sessions that messages start: one for each message, and one more for each edit of it."""

from __future__ import annotations

from uuid import uuid4

import structlog

from countersign.approvals.audit.canonical import sha256_hex
from countersign.approvals.models import Placing, PrincipalId, Session
from countersign.approvals.records import Records
from countersign.approvals.rules.placing import wider_audience
from countersign.approvals.tickets import ActKey
from countersign.bot.teams.channel import NAME
from countersign.bot.teams.people import People
from countersign.bot.teams.wire import IncomingActivity
from countersign.connectors.conversing.phrases import Start
from countersign.connectors.conversing.talk import started_text
from countersign.connectors.system import Starts

log = structlog.get_logger()


class Starting:
    """Starts sessions, and finds those that a message has started."""

    def __init__(self, records: Records, runs: Starts, people: People, placing: Placing) -> None:
        self._records, self._runs, self._people = records, runs, people
        self._placing = placing

    async def start(
        self,
        activity: IncomingActivity,
        wish: Start,
        owner: PrincipalId,
        *,
        message_id: str | None = None,
        edits: int = 0,
    ) -> tuple[Session, str]:
        """The session, and what is said of it. `message_id` is the message with the task, if that
        is not `activity` itself."""
        here = activity.conversation_key
        session = await self._runs.start(
            workflow=wish.workflow.name,
            workflow_version=wish.workflow.version,
            task=wish.task,
            owner=owner,
            conversation=here,
            idempotency_key=_key(activity, message_id or activity.id or str(uuid4()), edits),
        )
        log.info("session started", session_id=session.id, workflow=wish.workflow.name)
        text = started_text(wish.workflow.title, session.id)
        if wider_audience(self._placing, activity.conversation_kind):
            text += (
                "\n\nWho decides and what runs is said here; reasons, comments and values only to "
                f"those who decide, and to you: write `status {session.id}` in your own chat with "
                "me."
            )
        stand_in = self._people.stand_in(activity)
        if stand_in is not None:
            text += (
                f"\n\nLocal mode: this counts as asked by {stand_in.name}, so that you can decide "
                "it."
            )
        return session, text

    async def session_of(self, activity: IncomingActivity) -> tuple[Session, int] | None:
        """The newest session that the message of this id has started, and by which edit."""
        found: tuple[Session, int] | None = None
        edits = 0
        while session := await self._records.begun_with(_key(activity, activity.id or "", edits)):
            found = session, edits
            edits += 1
        return found


def _key(activity: IncomingActivity, message_id: str, edits: int) -> str:
    """Teams delivers a message again if we are slow; ids are unique within a conversation."""
    key = f"teams:{activity.conversation_key}:{message_id}"
    return f"{key}:edit:{edits}" if edits else key


def act_of(activity: IncomingActivity) -> ActKey:
    """Names the message for good: as an answer it counts once."""
    return ActKey(
        channel=NAME,
        ticket_id=sha256_hex(activity.conversation_key.encode())[:32],
        act_id=sha256_hex((activity.id or str(uuid4())).encode())[:32],
    )
