"""The directory with the delegations that people have given by themselves."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from sqlalchemy import Connection
from typing_extensions import override

from countersign.approvals.models import GIVEN, Delegation, People, Principal
from countersign.approvals.models.delegations import FILE, without_circles
from countersign.approvals.ports import Directory, Reader
from countersign.approvals.store import delegations as rows

log = structlog.get_logger(__name__)


def _order(given: Delegation) -> tuple[str, str, str, str]:
    """The same on every server, so that all of them leave out the same."""
    starts = "" if given.starts_at is None else given.starts_at.isoformat()
    return starts, given.giver, given.delegate, given.source


class WithDelegations(Directory):
    """Implements `approvals.ports.Directory` on another one and the rows of delegations. Of those
    it knows after the first `refresh`."""

    def __init__(self, directory: Directory, reader: Reader):
        self._directory, self._reader = directory, reader
        self._given: list[Delegation] = []
        self._revision = 0
        self._base: People | None = None
        self._left_out: set[tuple[str, str, str]] = set()

    def follow(self, directory: Directory) -> None:
        """Have the people of this one from now on, and go on with what they have given."""
        self._directory = directory

    @override
    def by_id(self, principal_id: str) -> Principal | None:
        return self._directory.by_id(principal_id)

    @override
    def by_identity(self, kind: str, value: str) -> Principal | None:
        return self._directory.by_identity(kind, value)

    @override
    def people(self) -> People:
        base = self._directory.people()
        if base is not self._base:
            sound = self._sound(base.delegations)
            self._people = base.with_delegations(sound, {GIVEN: self._revision})
            self._base = base
        return self._people

    def _sound(self, known: Sequence[Delegation]) -> list[Delegation]:
        """All of them, without what closes a circle. The file has none, and nobody can give one;
        but the file may have been changed since, and a directory asks nobody."""
        listed = [each for each in known if each.source == FILE]
        others = sorted((each for each in known if each.source != FILE), key=_order)
        kept, out = without_circles(listed, [*self._given, *others])
        left_out = {(str(each.source), str(each.giver), str(each.delegate)) for each, _ in out}
        for each, circle in out:
            if (each.source, each.giver, each.delegate) not in self._left_out:
                log.warning(
                    "delegation left out: they would stand in for one another in a circle",
                    source=each.source,
                    giver=each.giver,
                    delegate=each.delegate,
                    circle=" → ".join(circle),
                )
        self._left_out = left_out
        return [*listed, *kept]

    @override
    def with_roles(self, roles: Sequence[str]) -> Sequence[Principal]:
        return self._directory.with_roles(roles)

    @override
    def everybody(self) -> Sequence[Principal]:
        return self._directory.everybody()

    @override
    async def refresh(self) -> bool:
        others = await self._directory.refresh()
        known = self._revision

        def unit(connection: Connection) -> tuple[int, list[Delegation] | None]:
            revision = rows.revision(connection)
            if revision == known:
                return revision, None
            return revision, [each.delegation for each in rows.standing(connection)]

        revision, given = await self._reader.read(unit)
        if given is None or revision < self._revision:  # another refresh was faster
            return others
        self._given, self._revision, self._base = given, revision, None
        return True
