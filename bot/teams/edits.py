"""Messages that were edited or deleted after the bot has read them: it says what that does.

Source: learn.microsoft.com/microsoftteams, "Conversation events in your Teams bot", message update
and delete events (`editMessage`, `undeleteMessage`, `softDeleteMessage`), read 2026-11-29.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from countersign.approvals.approvals import Approvals
from countersign.approvals.errors import ClosedError, CountersignError, ProposedError
from countersign.approvals.models import (
    Actor,
    Principal,
    Session,
    SessionStatus,
)
from countersign.approvals.records import Records
from countersign.bot.teams.messages import Text
from countersign.bot.teams.people import People, unknown_person
from countersign.bot.teams.replies import Replies
from countersign.bot.teams.starting import Starting, act_of
from countersign.bot.teams.wire import IncomingActivity
from countersign.connectors.conversing.phrases import Start, understand
from countersign.connectors.system import WorkflowInfo

log = structlog.get_logger()

READ_ONCE = (
    "I read a message when it is sent: editing it changes nothing here. Please write what you want "
    "as a new message."
)


class Edits:
    """Answers `messageUpdate` and `messageDelete`."""

    def __init__(
        self,
        approvals: Approvals,
        records: Records,
        starting: Starting,
        people: People,
        workflows: Sequence[WorkflowInfo],
        replies: Replies,
    ) -> None:
        self._approvals, self._records = approvals, records
        self._starting, self._people = starting, people
        self._workflows, self._replies = workflows, replies

    async def changed(self, activity: IncomingActivity) -> None:
        """A message has another text, or is gone, or is there again."""
        asker = self._people.requester(activity)
        if asker.principal is None:
            if activity.type == "messageUpdate":
                self._replies.reply(activity, Text(unknown_person(activity)))
            return
        try:
            text = await self._text(activity, asker, asker.principal)
        except CountersignError as error:
            log.warning("edit not carried out", error=str(error))
            text = f"That did not work: {error}"
        if text:
            self._replies.reply(activity, Text(text))

    async def _text(self, activity: IncomingActivity, asker: Actor, owner: Principal) -> str:
        is_deleted = activity.type == "messageDelete"
        what = "deleting" if is_deleted else "editing"
        found = await self._starting.session_of(activity)
        if found is None:
            if await self._records.acted(act_of(activity)) is not None:
                return f"I had already passed your answer on; {what} it does not change that."
            # Whoever takes back a word that has led to nothing need not hear of it.
            return "" if is_deleted else READ_ONCE
        session, edits = found
        if is_deleted:
            return await self._deleted(session, asker)
        if activity.event_type == "undeleteMessage":
            return _restored(session)
        return await self._edited(activity, session, edits, asker, owner)

    async def _deleted(self, session: Session, asker: Actor) -> str:
        refused = await self._withdraw(session, asker, "deleting its message does not end it")
        return refused or (
            f"`{session.id}` is ended, as you deleted its message. Nothing had been proposed."
        )

    async def _edited(
        self,
        activity: IncomingActivity,
        session: Session,
        edits: int,
        asker: Actor,
        owner: Principal,
    ) -> str:
        wish = understand(activity.words, self._workflows)
        if isinstance(wish, Start):
            if (wish.workflow.name, wish.task) == (session.workflow, session.task):
                return ""  # delivered again, or only its looks have changed
        refused = await self._withdraw(session, asker, "editing does not change it")
        if refused:
            return refused
        ended = f"You edited your message before anything was proposed, so `{session.id}` is ended"
        if not isinstance(wish, Start):
            return f"{ended}. Nothing else is started: write what you want as a new message."
        _, text = await self._starting.start(activity, wish, owner.id, edits=edits + 1)
        return f"{ended} and begun again with the new text.\n\n{text}"

    async def _withdraw(self, session: Session, asker: Actor, does_not: str) -> str:
        """End a session that has proposed nothing yet; why that cannot be, otherwise."""
        try:
            await self._approvals.cancel(session.id, asker, unless_proposed=True)
        except ProposedError:
            return (
                f"I had already started with what you wrote (`{session.id}`); {does_not}. Write "
                f"`cancel {session.id}` to end it, and what you want as a new message."
            )
        except ClosedError:
            return f"`{session.id}` is already {session.status}; {does_not}."
        return ""


def _restored(session: Session) -> str:
    if session.status in (SessionStatus.RUNNING, SessionStatus.WAITING):
        return ""
    return (
        f"`{session.id}` is {session.status}; restoring its message starts nothing. Please write "
        "what you want as a new message."
    )
