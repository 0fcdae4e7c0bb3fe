"""Whether oversight is real: figures on how people decide, for whoever answers for it."""

from __future__ import annotations

from datetime import datetime, timedelta

from countersign.approvals.errors import InvalidError, NotAuthorisedError
from countersign.approvals.models import Principal
from countersign.approvals.ports import Clock, Reader
from countersign.approvals.rules.oversight import Report, report
from countersign.approvals.rules.policies import Policies
from countersign.approvals.store import canaries
from countersign.approvals.store import oversight as rows

NEWEST = 10_000
"""So many requests are looked at, the newest of a time."""
USUAL = timedelta(days=30)


class Oversight:
    """Reads them. They say how single people work, so administrators may alone."""

    def __init__(self, reader: Reader, clock: Clock, policies: Policies | None):
        self._reader, self._clock, self._policies = reader, clock, policies

    def may(self, person: Principal) -> bool:
        """Whether this person is an administrator."""
        policies = self._policies
        return policies is not None and not person.roles.isdisjoint(policies.current.administrators)

    async def report(
        self,
        by: Principal | None,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        newest: int | None = None,
    ) -> Report:
        """The figures of a time, by its `newest` requests; the last 30 days if none is named. `by`
        is None for who reads the database itself. Raises NotAuthorisedError, InvalidError."""
        if by is not None and not self.may(by):
            raise NotAuthorisedError("Only administrators read how single people decide.")
        end = self._clock.now() if until is None else until
        begin = end - USUAL if since is None else since
        if begin >= end:
            raise InvalidError("since: is not before until.")
        most = NEWEST if newest is None else newest
        found, complete = await self._reader.read(lambda c: rows.newest(c, begin, end, most=most))
        tried = await self._reader.read(lambda c: canaries.tried(c, begin, end))
        return report(found, begin, end, complete=complete, tried=tried)
