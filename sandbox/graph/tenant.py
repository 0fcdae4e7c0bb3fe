"""The tenant: its users and groups as they are now, and every change in the order it came."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["users", "groups"]
USER, GROUP = "#microsoft.graph.user", "#microsoft.graph.group"
TENANT_ID = "7e570000-0000-4000-8000-000000000001"
CLIENT_ID = "7e570000-0000-4000-8000-0000000000aa"
CLIENT_SECRET = "sandbox-graph-secret"  # noqa: S105 - everybody may know it


def object_id(number: int, kind: Kind = "users") -> str:
    """An object id that is the same each time."""
    block = "0000" if kind == "users" else "9999"
    return f"c0de{block}-0000-4000-8000-{number:012x}"


@dataclass
class Entity:
    """A user or a group."""

    id: str
    properties: dict[str, Any]
    members: dict[str, str] = field(default_factory=dict)
    """Of a group: ids and their types."""
    removed: Literal["", "changed", "deleted"] = ""
    """As Graph says it: it can be restored, or not any more."""
    changed: int = 0
    """The number of the last change of it."""
    joined: dict[str, int] = field(default_factory=dict)
    """Of a group: in which change somebody came or went last."""


class Tenant:
    """What an administrator does in the Entra admin center. All calls come from one thread."""

    def __init__(self) -> None:
        self.users: dict[str, Entity] = {}
        self.groups: dict[str, Entity] = {}
        self.number = 0
        """Of the last change."""
        self.forgotten = 0
        """Links of before this change are not known any more."""

    def all(self, kind: Kind) -> dict[str, Entity]:
        """The users, or the groups."""
        return self.users if kind == "users" else self.groups

    def add_user(self, name: str, email: str = "", *, id_: str | None = None) -> str:
        """A new user; returns the object id."""
        id_ = id_ or object_id(len(self.users) + 1)
        properties = {
            "displayName": name,
            "mail": email or None,
            "userPrincipalName": email or f"{id_}@contoso.example",
            "accountEnabled": True,
        }
        self.users[id_] = Entity(id_, properties, changed=self._next())
        return id_

    def add_group(self, name: str, members: Iterable[str] = (), *, id_: str | None = None) -> str:
        """A new group; returns the object id."""
        id_ = id_ or object_id(len(self.groups) + 1, "groups")
        self.groups[id_] = Entity(id_, {"displayName": name}, changed=self._next())
        for member in members:
            self.join(id_, member)
        return id_

    def join(self, group: str, member: str) -> None:
        """Somebody, or another group, is in the group from now on."""
        found = self.groups[group]
        found.members[member] = GROUP if member in self.groups else USER
        found.joined[member] = self._next()
        found.changed = self.number

    def leave(self, group: str, member: str) -> None:
        """Somebody is not in the group any more."""
        found = self.groups[group]
        del found.members[member]
        found.joined[member] = self._next()
        found.changed = self.number

    def change_user(self, id_: str, **properties: Any) -> None:
        """Set what is known of a user: `accountEnabled=False` deactivates."""
        self.users[id_].properties.update(properties)
        self.users[id_].changed = self._next()

    def delete(self, kind: Kind, id_: str, *, for_good: bool = False) -> None:
        """Delete an object; it can be restored for 30 days, unless it is gone `for_good`."""
        found = self.all(kind)[id_]
        found.removed, found.changed = "deleted" if for_good else "changed", self._next()
        if kind == "users":
            for group in self.groups.values():
                if id_ in group.members:
                    self.leave(group.id, id_)

    def restore(self, kind: Kind, id_: str) -> None:
        """Undo a deletion."""
        found = self.all(kind)[id_]
        found.removed, found.changed = "", self._next()

    def forget_links(self) -> None:
        """Every link that was given is refused from now on, with 410."""
        self.forgotten = self._next()

    def _next(self) -> int:
        self.number += 1
        return self.number
