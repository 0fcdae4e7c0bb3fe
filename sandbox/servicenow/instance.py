"""The instance: records with access rules in front and business rules behind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from countersign.sandbox.servicenow import approvals, changes
from countersign.sandbox.servicenow.access import Access
from countersign.sandbox.servicenow.errors import RestError, acl_refusal, no_record
from countersign.sandbox.servicenow.options import Options
from countersign.sandbox.servicenow.outbound import Outbound
from countersign.sandbox.servicenow.people import (
    GROUPS,
    USERS,
    User,
    membership_id,
)
from countersign.sandbox.servicenow.query import parse, run
from countersign.sandbox.servicenow.records import Records
from countersign.sandbox.servicenow.store import Store
from countersign.sandbox.servicenow.tables import TABLES, Row

RETURNS_NO_ROWS = "glide.invalid_query.returns_no_rows"


class Instance:
    """Every way in (the Table API, the page, people in tests) goes through these methods."""

    def __init__(self, path: Path | None, options: Options, outbound: Outbound) -> None:
        self.options, self.outbound = options, outbound
        self.store = Store(path)
        self.access = Access(self.store, options)
        self.records = Records(self.store, options)
        self.records.before_rules += [approvals.fill_in_document, changes.check]
        self.records.after_rules += [approvals.roll_up, changes.follow, outbound.notice]
        self._seed()

    def select(self, user: User, table: str, text: str) -> list[Row]:
        """The rows the user may see that match an encoded query."""
        query = parse(text, require_table(table))
        if query.has_invalid and self.property(RETURNS_NO_ROWS) == "true":
            return []
        seen = [row for row in self.store.all(table) if self.access.may_read(user, table, row)]
        return run(query, self.store, table, seen)

    def read(self, user: User, table: str, sys_id: str) -> tuple[str, Row]:
        """One row and the table it is in. Raises RestError 404."""
        found = self.store.find(require_table(table), sys_id)
        if found is None or not self.access.may_read(user, *found):
            raise no_record()
        return found

    def insert(self, user: User, table: str, values: Mapping[str, str]) -> Row:
        """A new record. Raises RestError 403."""
        if not self.access.may_insert(user, require_table(table), dict(values)):
            raise acl_refusal("Insert")
        with self._unit():
            return self.records.insert(table, values, user.user_name)

    def update(
        self, user: User, table: str, sys_id: str, values: Mapping[str, str]
    ) -> tuple[str, Row]:
        """The record with `values` set. Raises RestError 403 or 404."""
        kind, row = self.read(user, table, sys_id)
        if not self.access.may_update(user, kind, row):
            raise acl_refusal("Update")
        with self._unit():
            return kind, self.records.update(kind, row, values, user.user_name)

    def delete(self, user: User, table: str, sys_id: str) -> None:
        """Remove the record. Raises RestError 403 or 404."""
        kind, row = self.read(user, table, sys_id)
        if not self.access.may_delete(user, kind, row):
            raise acl_refusal("Delete")
        with self._unit():
            self.records.delete(kind, row)

    def property(self, name: str) -> str:
        """The value of a system property, empty if it is not set."""
        found = self.store.matching("sys_properties", name=name)
        return found[0]["value"] if found else ""

    def set_property(self, name: str, value: str) -> None:
        """Set a system property as an administrator does."""
        found = self.store.matching("sys_properties", name=name)
        with self._unit():
            if found:
                self.records.update("sys_properties", found[0], {"value": value}, "admin")
            else:
                self.records.insert("sys_properties", {"name": name, "value": value}, "admin")

    @contextmanager
    def _unit(self) -> Iterator[None]:
        try:
            with self.store.unit():
                yield
        except BaseException:
            self.outbound.forget()
            raise
        self.outbound.flush()

    def _seed(self) -> None:
        with self.store.unit():
            for user in USERS:
                self._plant(
                    "sys_user",
                    user.sys_id,
                    user_name=user.user_name,
                    name=user.name,
                    email=user.email,
                    time_zone=user.time_zone,
                )
            for group in GROUPS:
                self._plant("sys_user_group", group.sys_id, name=group.name)
                for member in group.members:
                    user_id = next(user.sys_id for user in USERS if user.user_name == member)
                    key = membership_id(group, member)
                    self._plant("sys_user_grmember", key, user=user_id, group=group.sys_id)
        for name, value in (
            (RETURNS_NO_ROWS, "false"),
            ("glide.sys.default.tz", "America/Los_Angeles"),
            ("instance_name", "sandbox"),
        ):
            if not self.store.matching("sys_properties", name=name):
                self.set_property(name, value)

    def _plant(self, table: str, sys_id: str, **values: str) -> None:
        if self.store.find(table, sys_id) is not None:
            return
        defaults = {name: column.default for name, column in TABLES[table].columns.items()}
        now = self.options.stamp()
        stamps = dict.fromkeys(("sys_created_on", "sys_updated_on"), now)
        authors = dict.fromkeys(("sys_created_by", "sys_updated_by"), "admin")
        row = defaults | values | stamps | authors | {"sys_id": sys_id, "sys_mod_count": "0"}
        self.store.put(table, row)


def require_table(name: str) -> str:
    """The name, if there is such a table. Raises RestError 400."""
    if name not in TABLES:
        raise RestError(400, f"Invalid table {name}")
    return name
