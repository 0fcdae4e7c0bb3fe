"""Updates of a task after it was made: comments, asking again, its end."""

from __future__ import annotations

from typing import Any

import structlog

from countersign.approvals.errors import InvalidError
from countersign.approvals.tickets import TicketAct, TicketOutcome, TicketRef
from countersign.connectors.asana import text, wire
from countersign.connectors.asana.api import AsanaApi
from countersign.connectors.asana.deciding import CLOSED
from countersign.connectors.asana.opening import Tasks
from countersign.connectors.asana.settings import AsanaSettings
from countersign.connectors.asana.wire import Story, Task

log = structlog.get_logger(__name__)

AT_THE_END = {
    TicketOutcome.APPROVED: wire.APPROVED,
    TicketOutcome.EXECUTED: wire.APPROVED,
    TicketOutcome.FAILED: wire.APPROVED,
    TicketOutcome.IN_DOUBT: wire.APPROVED,
    TicketOutcome.REJECTED: wire.REJECTED,
}
"""Where a task belongs; every other outcome is no verdict, and leaves a completed plain task."""


class Updates:
    """Writes into the tasks of one project."""

    def __init__(self, api: AsanaApi, settings: AsanaSettings, tasks: Tasks):
        self._api, self._settings, self._tasks = api, settings, tasks

    async def stories(self, gid: str) -> list[Story]:
        """The history of a task."""
        return wire.stories(await self._api.pages(f"/tasks/{gid}/stories", wire.STORY_FIELDS))

    async def comment(self, ref: TicketRef, words: str, key: str) -> list[Story]:
        """Say it, unless it was said; the history as it was before."""
        said, mark = text.remark(words, ref.id, key)
        stories = await self.stories(ref.id)
        own = (s for s in stories if s.by.gid == self._settings.account)
        if not any(mark in story.text for story in own):
            await self._api.write("POST", f"/tasks/{ref.id}/stories", {"text": said})
        return stories

    async def ask_again(self, ref: TicketRef, act: TicketAct, words: str, *, counted: bool) -> None:
        """Say it, and set the approval to pending, unless somebody has answered since."""
        stories = await self.comment(ref, words, f"again:{act.id}")
        task = await self._tasks.one(ref.id)
        if task.is_closed(self._settings.order_field) or task.is_asking:
            return
        if not _is_newest(act, task, stories):
            return
        values: dict[str, Any] = {
            "resource_subtype": wire.APPROVAL,
            "approval_status": wire.PENDING,
        }
        changes = self._settings.changes_field
        if changes and not counted and task.texts.get(changes):
            values["custom_fields"] = {changes: ""}  # so that old changes are not read again
        if task.kind == wire.APPROVAL:
            del values["resource_subtype"]
        await self._api.write("PUT", f"/tasks/{ref.id}", values)

    async def close(self, ref: TicketRef, outcome: TicketOutcome, words: str) -> None:
        """Say it, mark the task as closed, and bring it to its end. What Asana refuses of that is
        logged and left."""
        if words:
            await self.comment(ref, words, f"close:{outcome}")
        task = await self._tasks.one(ref.id)
        field = self._settings.order_field
        if not task.is_closed(field):
            key = f"{wire.CLOSED}{task.order_key(field)}"
            await self._api.write("PUT", f"/tasks/{ref.id}", {"custom_fields": {field: key}})
        ends = _end(task, AT_THE_END.get(outcome))
        if not ends:
            return
        try:
            await self._api.write("PUT", f"/tasks/{ref.id}", ends)
        except InvalidError as exc:
            log.warning("ticket not closed fully", ticket=ref.key, reason=str(exc))


def _end(task: Task, verdict: str | None) -> dict[str, Any]:
    """What to set, so that nobody is asked any more."""
    if verdict is None:
        if task.completed:
            return {}
        return {"resource_subtype": wire.PLAIN, "completed": True}
    if task.kind == wire.APPROVAL and task.status == verdict:
        return {}
    if task.kind != wire.APPROVAL:
        return {} if task.completed else {"completed": True}
    if task.status == wire.CHANGES and verdict == wire.APPROVED:
        return {}  # approved with the changes that were asked for
    return {"approval_status": verdict}


def _is_newest(act: TicketAct, task: Task, stories: list[Story]) -> bool:
    """Whether the act is still what stands there: a newer answer is not taken away."""
    if act.state == CLOSED:
        return task.completed and task.kind != wire.APPROVAL
    moves = [story for story in stories if story.status]
    if not moves or act.actor is None:
        return task.status == act.state
    return act.id == f"{moves[-1].gid}:{moves[-1].status}"
