"""Observations of tasks: what stands there, and who the history says has set it. Pure.

The status is the task's own, who set it is its story's: an answer counts only while both say the
same. Asana consolidates stories, so that one may be missing or come later than what it tells: an
answer without its story is waited for, and after that is nobody's. Source: Asana/ruby-asana#65,
"story consolidation", read 2026-11-30.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from countersign.approvals.forms.wording import visible
from countersign.approvals.tickets import Observation, TicketAct, TicketRef
from countersign.connectors.asana import wire
from countersign.connectors.asana.deciding import CLOSED, VERDICTS
from countersign.connectors.asana.settings import AsanaSettings
from countersign.connectors.asana.typed import as_typed
from countersign.connectors.asana.wire import Story, Task, Who
from countersign.connectors.comments.questions import ASK, question_in
from countersign.connectors.comments.withdrawing import WITHDRAW, is_withdrawal

COMMENT = "comment_added"
TEXTS = ("notes_changed", "name_changed")
STORY_WAIT = timedelta(minutes=10)
"""How long the story of an answer may be behind it. Source: developers.asana.com, "Webhooks",
Timing: most events are there within ten minutes."""
ALTERED = "The text of the task was changed by {} before this."
TOOK_BACK = "Whoever set it took it back at once."
CHANGES_OF_ANOTHER = "The changes to the arguments were last written by {}, who did not decide."


class Reader:
    """Reads one task with its history; `shown` is the hash of what we wrote, if that is known."""

    def __init__(
        self,
        settings: AsanaSettings,
        task: Task,
        stories: Sequence[Story],
        shown: str,
        now: datetime,
    ):
        self._settings, self._task, self._stories = settings, task, stories
        self._shown, self._now = shown, now
        self._moves = [story for story in stories if story.status]

    @property
    def settled(self) -> bool:
        """Whether status and history say the same; else one of them is behind."""
        return not self._moves or self._moves[-1].status == self._task.status

    def observation(self) -> Observation:
        """What was read, for the domain."""
        task, field = self._task, self._settings.order_field
        altered = self._shown not in ("", task.shown)
        acts = [*self._answers(), *self._ends(), *self._said(WITHDRAW, is_withdrawal)]
        acts += self._said(ASK, question_in)
        return Observation(
            ref=ref_of(self._settings, task, self._shown),
            order_key=task.order_key(field),
            awaiting=task.is_asking,
            state_name=(task.status or task.kind).replace("_", " "),
            acts=tuple(sorted(acts, key=lambda act: act.at)),
            altered_by=self._editor(None) or "somebody" if altered else None,
        )

    def _answers(self) -> list[TicketAct]:
        acts = []
        for number, move in enumerate(self._moves):
            is_open = number == len(self._moves) - 1 and not self.settled
            if move.status in wire.ANSWERS and not is_open and not self._is_our_end(move):
                acts.append(self._answer(number, move))
        return acts

    def _is_our_end(self, move: Story) -> bool:
        """Whether we have brought the task there when it needed no answer any more."""
        is_closed = self._task.is_closed(self._settings.order_field)
        return is_closed and move.by.gid == self._settings.account

    def _answer(self, number: int, move: Story) -> TicketAct:
        own = [m.at for m in self._moves[:number] if m.by.gid and m.by.gid == move.by.gid]
        later = self._moves[number + 1 :]
        until = min((m.at for m in later if m.status == wire.PENDING), default=None)
        *earlier, comment = self._words(move.by, self._asked_at(own), until) or ("",)
        changes = self._changes(move)
        return TicketAct(
            id=f"{move.gid}:{move.status}",
            at=move.at,
            actor=move.by.gid,
            actor_name=move.by.name,
            state=move.status,
            state_name=move.status.replace("_", " "),
            comment=comment,
            earlier=tuple(earlier),
            changes=changes if isinstance(changes, str) else "",
            flaw=self._flaw(move, later, changes),
        )

    def _flaw(self, move: Story, later: Sequence[Story], changes: str | Who) -> str:
        editor = self._editor(move.at) if self._shown else ""
        if editor:
            return ALTERED.format(visible(editor))
        after = next((m for m in later if m.by.gid and m.by.gid == move.by.gid), None)
        if after is not None and after.status != move.status:
            return TOOK_BACK
        if isinstance(changes, Who) and move.status != wire.REJECTED:
            return CHANGES_OF_ANOTHER.format(visible(changes.called))
        return ""

    def _ends(self) -> list[TicketAct]:
        """An answer that no story tells of, and an end without an answer; ours are none."""
        task = self._task
        if not task.completed or task.is_closed(self._settings.order_field):
            return []
        at = task.completed_at or task.created_at
        if task.kind != wire.APPROVAL:
            by = task.completed_by
            return [_end(CLOSED, "completed", at, by.gid, by.name)]
        told = self.settled and self._moves
        if told or task.status not in VERDICTS or self._now < at + STORY_WAIT:
            return []
        return [_end(task.status, task.status.replace("_", " "), at, None, "")]

    def _said(self, state: str, means: Callable[[str], object]) -> list[TicketAct]:
        """Comments that are acts by what they say, as nobody has changed them; ours are none."""
        found = ((story, as_typed(story.text)) for story in self._comments() if not story.edited)
        return [
            TicketAct(
                id=f"{state}:{story.gid}",
                at=story.at,
                actor=story.by.gid,
                actor_name=story.by.name,
                state=state,
                state_name=state,
                comment=text,
            )
            for story, text in found
            if means(text) and story.by.gid != self._settings.account
        ]

    def _comments(self) -> list[Story]:
        return [story for story in self._stories if story.kind == COMMENT]

    def _words(self, who: Who, since: datetime, until: datetime | None) -> list[str]:
        """What this person wrote in that time, oldest first."""
        own = [s for s in self._comments() if who.gid is not None and s.by.gid == who.gid]
        texts = [as_typed(s.text) for s in own if s.at >= since and (until is None or s.at < until)]
        return [text for text in texts if not is_withdrawal(text) and not question_in(text)]

    def _asked_at(self, own: Sequence[datetime]) -> datetime:
        """When somebody who has answered at these times was asked after the last of them."""
        if not own:
            return self._task.created_at
        asked = [move.at for move in self._moves if move.status == wire.PENDING]
        return min((at for at in asked if at >= max(own)), default=max(own))

    def _changes(self, move: Story) -> str | Who:
        """What stood in the field for changes then; who wrote it, if the actor did not."""
        field = self._settings.changes_field
        written = [s for s in self._stories if field and s.field == field and s.at <= move.at]
        if written:
            last = written[-1]
            own = last.by.gid is not None and last.by.gid == move.by.gid
            return as_typed(last.value) if own or not last.value.strip() else last.by
        later = any(s.field == field for s in self._stories)
        stands = self._task.texts.get(field or "", "").strip()
        return Who() if field and stands and not later else ""

    def _editor(self, at: datetime | None) -> str:
        """Who had written into what we wrote, as the last, at that time (now, if None); empty if
        that was us, or nobody."""
        edits = [s for s in self._stories if s.kind in TEXTS and (at is None or s.at <= at)]
        if not edits or edits[-1].by.gid == self._settings.account:
            return ""
        return edits[-1].by.called


def ref_of(settings: AsanaSettings, task: Task, shown: str, *, whole: bool = False) -> TicketRef:
    """How we call it. The address is ours to make: what the API says could lead anywhere."""
    url = f"{settings.url}/0/{settings.project}/{task.gid}"
    return TicketRef(id=task.gid, key=task.gid, url=url, shown=shown, whole=whole)


def _end(state: str, name: str, at: datetime, actor: str | None, called: str) -> TicketAct:
    return TicketAct(
        id=f"{state}:{at:%Y%m%d%H%M%S%f}",
        at=at,
        actor=actor,
        actor_name=called,
        state=state,
        state_name=name,
    )
