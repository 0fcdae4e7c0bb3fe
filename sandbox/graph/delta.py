"""Delta queries: everything, or what has changed since a link was given, by pages.

Members of a large group come on several pages, in which the group is there again. Who was deleted
before the first page is not told; on later rounds it has `@removed`. Source: learn.microsoft.com,
"Get incremental changes for groups" and "Use delta query to track changes", read 2026-11-29.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from countersign.sandbox.graph.tenant import GROUP, USER, Entity, Kind, Tenant


class GoneError(Exception):
    """The link is not known any more."""


@dataclass(frozen=True)
class Place:
    """Where a link leads: what has changed after one change, up to another, from an item on."""

    kind: Kind
    select: str
    since: int
    until: int
    after: int = 0

    def token(self) -> str:
        """As it stands in a link."""
        said = [self.kind, self.select, self.since, self.until, self.after]
        return base64.urlsafe_b64encode(json.dumps(said).encode()).decode()

    @classmethod
    def of(cls, token: str) -> Place:
        """The inverse. Raises GoneError."""
        try:
            return cls(*json.loads(base64.urlsafe_b64decode(token.encode())))
        except (ValueError, TypeError) as exc:
            raise GoneError from exc


class Delta:
    """Answers delta queries on a tenant."""

    def __init__(self, tenant: Tenant, *, page: int, members_page: int):
        self._tenant, self._page, self._members_page = tenant, page, members_page
        self._rounds: dict[tuple[Kind, str, int, int], list[dict[str, Any]]] = {}

    def begin(self, kind: Kind, select: str) -> tuple[list[dict[str, Any]], Place, bool]:
        """The first page of everything."""
        return self.page(Place(kind, select, 0, self._tenant.number))

    def page(self, place: Place) -> tuple[list[dict[str, Any]], Place, bool]:
        """The items from a place on, where to go on, and whether that is for later. Raises
        GoneError."""
        if place.since < self._tenant.forgotten and place.since > 0:
            raise GoneError
        if place.until < place.since:  # a deltaLink: up to now
            place = Place(place.kind, place.select, place.since, self._tenant.number)
        key = place.kind, place.select, place.since, place.until
        if key not in self._rounds:
            self._rounds[key] = list(self._items(place))
        items = self._rounds[key]
        shown = items[place.after : place.after + self._page]
        end = place.after + len(shown)
        if end < len(items):
            return shown, Place(*key, after=end), False
        self._rounds.pop(key, None)
        return shown, Place(place.kind, place.select, place.until or 1, 0), True

    def _items(self, place: Place) -> Iterator[dict[str, Any]]:
        selected = place.select.split(",")
        for found in self._tenant.all(place.kind).values():
            if not place.since < found.changed <= place.until:
                continue
            if found.removed:
                if place.since:
                    yield {"id": found.id, "@removed": {"reason": found.removed}}
                continue
            said = {name: found.properties[name] for name in selected if name in found.properties}
            changes = list(_members(found, place.since)) if "members" in selected else []
            yield {"id": found.id, **said, **_some(changes[: self._members_page])}
            for start in range(self._members_page, len(changes), self._members_page):
                yield {"id": found.id, **_some(changes[start : start + self._members_page])}


def _members(group: Entity, since: int) -> Iterator[dict[str, Any]]:
    for member, number in group.joined.items():
        if number <= since:
            continue
        if member in group.members:
            yield {"@odata.type": group.members[member], "id": member}
        elif since:
            kind = GROUP if member.startswith("c0de9999") else USER
            yield {"@odata.type": kind, "id": member, "@removed": {"reason": "deleted"}}


def _some(changes: list[dict[str, Any]]) -> dict[str, Any]:
    return {"members@delta": changes} if changes else {}
