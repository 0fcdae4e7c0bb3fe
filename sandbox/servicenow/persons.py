"""A person at the instance: what he does has the same effects as the same thing over HTTP."""

from __future__ import annotations

from collections.abc import Mapping

from countersign.sandbox.servicenow.instance import Instance
from countersign.sandbox.servicenow.people import User
from countersign.sandbox.servicenow.tables import Row

APPROVER_TABLE = "sysapproval_approver"


class Person:
    """Every method raises RestError where the instance refuses it (403, 404)."""

    def __init__(self, instance: Instance, user: User) -> None:
        self._instance, self.user = instance, user

    def approve(self, number: str, comment: str = "", changes: str = "") -> Row:
        """Approve the record `number` (or sys_id); `changes` fills "Requested changes"."""
        return self._answer(number, "approved", comment, changes)

    def reject(self, number: str, comment: str = "", changes: str = "") -> Row:
        """Reject it."""
        return self._answer(number, "rejected", comment, changes)

    def reopen(self, number: str) -> Row:
        """Take the answer back: the approval is `requested` again."""
        return self._answer(number, "requested", "", "")

    def comment(self, number: str, text: str) -> Row:
        """Write an additional comment on the record."""
        kind, task = find_task(self._instance, number)
        return self._instance.update(self.user, kind, task["sys_id"], {"comments": text})[1]

    def add(self, table: str, values: Mapping[str, str]) -> Row:
        """Create a record."""
        return self._instance.insert(self.user, table, values)

    def edit(self, table: str, sys_id: str, values: Mapping[str, str]) -> Row:
        """Change a record."""
        return self._instance.update(self.user, table, sys_id, values)[1]

    def delete(self, table: str, sys_id: str) -> None:
        """Delete a record."""
        self._instance.delete(self.user, table, sys_id)

    def move(self, number: str, state: str, **values: str) -> Row:
        """Set the state of the record, with other fields if need be."""
        kind, task = find_task(self._instance, number)
        return self.edit(kind, task["sys_id"], {"state": state, **values})

    def approval(self, number: str) -> Row | None:
        """The approval this person would answer: his own, one he is delegate for, else the first.

        Open ones come first in each case. None: nobody was asked.
        """
        _, task = find_task(self._instance, number)
        rows = self._instance.store.matching(APPROVER_TABLE, sysapproval=task["sys_id"])
        return min(rows, key=self._distance, default=None)

    def _distance(self, row: Row) -> tuple[int, bool]:
        if row["approver"] == self.user.sys_id:
            nearness = 0
        else:
            nearness = 1 if self._instance.access.answers_for(self.user, row) else 2
        return nearness, row["state"] != "requested"

    def _answer(self, number: str, state: str, comment: str, changes: str) -> Row:
        row = self.approval(number)
        if row is None:
            raise LookupError(f"nobody was asked to approve {number}")
        values = {"state": state, "comments": comment}
        if changes:
            values["u_requested_changes"] = changes
        return self.edit(APPROVER_TABLE, row["sys_id"], values)


def find_task(instance: Instance, number: str) -> tuple[str, Row]:
    """The record with this number or sys_id, and its table. Raises LookupError."""
    found = instance.store.find("task", number)
    if found is not None:
        return found
    for row in instance.store.matching("task", number=number):
        return row["sys_class_name"], row
    raise LookupError(f"the instance has no record {number}")
