"""The directory with the delegations that people have given by themselves."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection
from typing_extensions import override

from countersign.approvals.models import GIVEN, Delegation, People, Principal
from countersign.approvals.ports import Directory, Reader
from countersign.approvals.store import delegations as rows


class WithDelegations(Directory):
    """Implements `approvals.ports.Directory` on another one and the rows of delegations. Of those
    it knows after the first `refresh`."""

    def __init__(self, directory: Directory, reader: Reader):
        self._directory, self._reader = directory, reader
        self._given: list[Delegation] = []
        self._revision = 0
        self._base: People | None = None

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
            self._people = base.also_given(self._given, {GIVEN: self._revision})
            self._base = base
        return self._people

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
