"""Access rules: who may see, write and delete which record.

Sources (read 2026-11-25): ServiceNow KB0755921 (approvals may be deleted by approval_admin, itil
and their approver), docs "Exploring Granular Delegation" (delegates answer in their own name).
"""

from __future__ import annotations

from countersign.sandbox.servicenow.options import Options
from countersign.sandbox.servicenow.people import (
    ADMIN,
    APPROVAL_ADMIN,
    BY_NAME,
    INTEGRATION,
    ITIL,
    USERS,
    User,
)
from countersign.sandbox.servicenow.store import Store
from countersign.sandbox.servicenow.tables import Row, is_task

_RESTRICTED = ("sys_journal_field", "sys_audit", "sys_properties")


class Access:
    """The rules over the records as they are now."""

    def __init__(self, store: Store, options: Options) -> None:
        self._store, self._options = store, options
        self.roles = {user.user_name: set(user.roles) for user in USERS}
        self.hidden: set[str] = set()
        """Records (sys_id) an access rule hides from all but an administrator."""

    def has(self, user: User, *roles: str) -> bool:
        """Whether the user has one of the roles."""
        return not self.roles[user.user_name].isdisjoint(roles)

    def may_read(self, user: User, table: str, row: Row) -> bool:
        """Whether the record exists for this user."""
        if self.has(user, ADMIN):
            return True
        if row["sys_id"] in self.hidden:
            return False
        if table in _RESTRICTED:
            return self.has(user, INTEGRATION)
        if table == "sys_user_delegate":
            return self.has(user, INTEGRATION, ITIL) or user.sys_id in (
                row["user"],
                row["delegate"],
            )
        if self.has(user, ITIL, APPROVAL_ADMIN):
            return True
        if table == "sysapproval_approver":
            return self.answers_for(user, row)
        if is_task(table):
            return self._takes_part(user, row)
        return True

    def may_insert(self, user: User, table: str, row: Row) -> bool:
        """Whether the user may create such a record."""
        if self.has(user, ADMIN):
            return True
        if table == "sysapproval_approver":
            asks = row.get("state", "not requested") in ("not requested", "requested")
            return self.has(user, APPROVAL_ADMIN) or (self.has(user, ITIL) and asks)
        if table == "sys_user_delegate":
            return row.get("user") == user.sys_id
        return is_task(table) and self.has(user, ITIL)

    def may_update(self, user: User, table: str, row: Row) -> bool:
        """Whether the user may change the record."""
        if self.has(user, ADMIN):
            return True
        if table == "sysapproval_approver":
            return self.has(user, APPROVAL_ADMIN) or self.answers_for(user, row)
        if table == "sys_user_delegate":
            return row["user"] == user.sys_id
        return is_task(table) and self.has(user, ITIL)

    def may_delete(self, user: User, table: str, row: Row) -> bool:
        """Whether the user may delete the record."""
        if self.has(user, ADMIN):
            return True
        if table == "sysapproval_approver":
            return self.has(user, APPROVAL_ADMIN, ITIL) or row["approver"] == user.sys_id
        return table == "sys_user_delegate" and row["user"] == user.sys_id

    def answers_for(self, user: User, approval: Row) -> bool:
        """Whether the user is the approver or stands in for him."""
        return approval["approver"] == user.sys_id or self.is_delegate(user, approval["approver"])

    def is_delegate(self, user: User, of: str) -> bool:
        """Whether `of` (a sys_id) has handed his approvals to the user for the present time."""
        now = self._options.stamp()
        return any(
            row["starts"] <= now and (not row["ends"] or now <= row["ends"])
            for row in self._store.matching(
                "sys_user_delegate", user=of, delegate=user.sys_id, approvals="true"
            )
        )

    def _takes_part(self, user: User, task: Row) -> bool:
        named = (task.get("requested_by"), task.get("opened_by"), task.get("assigned_to"))
        return user.sys_id in named or any(
            self.answers_for(user, approval)
            for approval in self._store.matching("sysapproval_approver", sysapproval=task["sys_id"])
        )


def user_named(user_name: str) -> User:
    """The user of that name. Raises LookupError."""
    try:
        return BY_NAME[user_name]
    except KeyError:
        raise LookupError(f"the instance has no user {user_name}") from None
