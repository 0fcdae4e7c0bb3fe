"""Running a simulation: batch by batch through both policies, the oldest calls first."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import Connection

from countersign.approvals.models import Principal
from countersign.approvals.ports import Directory
from countersign.approvals.ports.store import Reader
from countersign.approvals.rules.policy import Policy
from countersign.approvals.rules.simulation.recorded import Recorded
from countersign.approvals.rules.simulation.replaying import Roles, Side, Unchanged
from countersign.approvals.rules.simulation.tally import Tally
from countersign.approvals.store import history
from countersign.bot.policy.simulation.work_file import WorkFile

BATCH = 5_000
"""Calls after which is kept how far it has come."""


@dataclass(frozen=True)
class Simulation:
    """The present policy and another one, and the calls that both are asked about."""

    before: Policy
    after: Policy
    roles: Roles
    span: history.Span
    batch: int = BATCH
    """Calls that are read at once."""

    async def run(self, reader: Reader, work: WorkFile, tell: Callable[[int], None]) -> Tally:
        """All calls from where the work file has come to; `tell` hears how many there were."""
        place: history.Place = tuple(work.get("place") or history.START)
        kept = work.get("tally")
        calendars = self.after.calendars
        tally = Tally(calendars) if kept is None else Tally.of(kept, calendars)
        before = Side(self.before, work.uses("before"), self.roles)
        after = Side(self.after, work.uses("after"), self.roles)
        unchanged = Unchanged(self.before, self.after)
        tell(tally.calls)
        async for found in batches(reader, self.span, place, most=self.batch):
            for together in checkpoints(found):
                now = before.replay(together)
                new = now if all(map(unchanged, together)) else after.replay(together)
                for each in zip(together, now, new, strict=True):
                    tally.add(*each)
            place = history.place_of(found[-1])
            work.keep(place=place, tally=tally.body())
            tell(tally.calls)
        return tally


async def batches(
    reader: Reader, span: history.Span, place: history.Place = history.START, *, most: int = BATCH
) -> AsyncIterator[Sequence[Recorded]]:
    """All calls of a span after a place, the oldest first, at least `most` at once."""

    def read(connection: Connection) -> list[Recorded]:
        return history.read(connection, span, place, most=most)

    while found := await reader.read(read):
        yield found
        place = history.place_of(found[-1])


def checkpoints(calls: Iterable[Recorded]) -> Iterator[Sequence[Recorded]]:
    """The calls that were proposed together, at one moment in one message."""
    for _, at_once in groupby(calls, key=lambda each: each.at):
        by_checkpoint: dict[str, list[Recorded]] = {}
        for each in at_once:
            by_checkpoint.setdefault(each.checkpoint_id, []).append(each)
        yield from by_checkpoint.values()


def roles_in(directory: Directory) -> Roles:
    """The roles of people as the directory has them now; none of those whom it does not know."""
    known: dict[str, frozenset[str]] = {}

    def roles(person_id: str) -> frozenset[str]:
        if person_id not in known:
            person: Principal | None = directory.by_id(person_id)
            known[person_id] = frozenset(person.roles if person else ())
        return known[person_id]

    return roles
