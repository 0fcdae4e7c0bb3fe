"""Making a task, and completing one that is there: its text, its key, and whom it asks."""

from __future__ import annotations

from typing import Any

from countersign.approvals.errors import UnansweredError, UnavailableError
from countersign.approvals.ports import TicketOrder
from countersign.approvals.read_links import ReadLinks
from countersign.approvals.tickets import FoundTicket, TicketRef
from countersign.connectors.asana import reading, text, wire
from countersign.connectors.asana.api import AsanaApi
from countersign.connectors.asana.settings import AsanaSettings
from countersign.connectors.asana.wire import Task
from countersign.connectors.document_of_calls import document_of

NAME = "asana"


class Tasks:
    """Writes the tasks of one project."""

    def __init__(self, api: AsanaApi, settings: AsanaSettings, links: ReadLinks | None):
        self._api, self._settings, self._links = api, settings, links

    async def open(self, order: TicketOrder) -> TicketRef:
        """A new approval in one call; assigned to the first who may answer, followed by all."""
        name, written = self._texts(order)
        people = _people(order)
        made = await self._api.write(
            "POST",
            "/tasks",
            {
                "projects": [self._settings.project],
                "resource_subtype": wire.APPROVAL,
                "approval_status": wire.PENDING,
                "name": name,
                "notes": written.text,
                "assignee": people[0],
                "followers": people,
                "custom_fields": {self._settings.order_field: order.key},
            },
            wire.TASK_FIELDS,
        )
        task = wire.task(made)
        if task is None:
            raise UnansweredError("Asana made a task and did not say which.")
        return self._ref(task, name, written)

    async def adopt(self, order: TicketOrder, ref: TicketRef) -> TicketRef:
        """The task that is there, with our text and key in it and everybody asked."""
        task = await self.one(ref.id)
        name, written = self._texts(order)
        wanted: dict[str, Any] = {}
        if task.shown != wire.shown_sha256(name, written.text):
            wanted |= {"name": name, "notes": written.text}
        if task.order_key(self._settings.order_field) != order.key:
            wanted["custom_fields"] = {self._settings.order_field: order.key}
        if wanted:
            await self._api.write("PUT", f"/tasks/{task.gid}", wanted)
        missing = [gid for gid in _people(order) if gid not in task.people]
        if missing:
            await self._api.write("POST", f"/tasks/{task.gid}/addFollowers", {"followers": missing})
        return self._ref(task, name, written)

    async def one(self, gid: str) -> Task:
        """A task as it is now. Raises NotFoundError."""
        found = wire.task(await self._api.read(f"/tasks/{gid}", wire.TASK_FIELDS))
        if found is None or found.gid != gid:
            raise UnavailableError(f"Asana: task {gid} cannot be read.")
        return found

    async def carrying(self, key: str, tasks: list[Task]) -> list[FoundTicket]:
        """Those that carry this key, the first made first."""
        field, own = self._settings.order_field, self._settings.account
        found = sorted((t for t in tasks if t.order_key(field) == key), key=lambda t: t.created_at)
        return [
            FoundTicket(ref=reading.ref_of(self._settings, t, ""), ours=t.created_by == own)
            for t in found
            if key
        ]

    def _texts(self, order: TicketOrder) -> tuple[str, text.Written]:
        said = document_of(order, self._links, NAME)
        return text.title(said), text.notes(said, self._settings)

    def _ref(self, task: Task, name: str, written: text.Written) -> TicketRef:
        shown = wire.shown_sha256(name, written.text)
        return reading.ref_of(self._settings, task, shown, whole=written.whole)


def _people(order: TicketOrder) -> list[str]:
    return [person.identities[NAME] for person in order.approvers]
