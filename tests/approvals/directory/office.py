"""A domain whose people come from a directory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from countersign.approvals.directory.linking import Grant, ScheduleRules, SourceRules
from countersign.approvals.directory.synced import SyncedDirectory
from countersign.approvals.directory.syncing import Syncing, SyncPlan
from countersign.approvals.models import Domains, Principal
from countersign.approvals.store import directories as rows
from tests.doubles.directory import ANNA
from tests.doubles.source import FakeSource
from tests.doubles.world import World

MAX_AGE = timedelta(hours=1)
EVERY = timedelta(minutes=15)
GRANTS = {
    "managers": Grant(roles=frozenset({"manager"})),
    "controllers": Grant(roles=frozenset({"controller"}), domains=frozenset({"finance"})),
}
PLAN = SyncPlan(every=EVERY, most_gone=0.5)


class Office:
    """A world, its directory, and the job that reads it."""

    def __init__(
        self,
        world: World,
        *sources: FakeSource,
        listed: Iterable[Principal] = (ANNA,),
        links_by_email: bool = False,
        grants: Mapping[str, Grant] = GRANTS,
        schedules: Sequence[ScheduleRules] = (),
    ):
        self.world, self.listed = world, list(listed)
        self.sources = list(sources) or [FakeSource()]
        self.rules = [
            SourceRules(
                name=source.name,
                identity=source.identity,
                grants=grants,
                links_by_email=links_by_email,
            )
            for source in self.sources
        ]
        self.schedules = schedules
        self.domains: Domains = {}
        self.directory = self.another()
        self.syncing = self.job()
        world.directory = self.directory  # type: ignore[assignment]
        world.use(world.rules)
        self.reviews = 0

    @property
    def source(self) -> FakeSource:
        """The first directory."""
        return self.sources[0]

    def another(self) -> SyncedDirectory:
        """What another process knows."""
        words = {source.name: source.words for source in self.sources}
        return SyncedDirectory(
            self.listed,
            self.rules,
            self.world.store,
            words=words,
            max_age=MAX_AGE,
            domains=lambda: self.domains,
            schedules=self.schedules,
        )

    def job(self) -> Syncing:
        """The job, as another process has it."""
        store, clock = self.world.store, self.world.clock
        return Syncing(self.sources, store, clock, PLAN, changed=self._changed)

    async def sync(self) -> None:
        """The next reading is due now, and done."""
        await self.syncing.know("1")
        now = self.world.clock.now()

        def unit(connection: object) -> None:
            for source in self.sources:
                rows.read_soon(connection, source.name, now)  # type: ignore[arg-type]

        await self.world.store.write(unit)
        await self.syncing.run()

    async def states(self) -> Sequence[rows.SourceState]:
        """How it stands with each directory."""
        now = self.world.clock.now()
        return await self.world.store.read(lambda c: rows.states(c, now, count=True))

    def names(self, *roles: str) -> list[str]:
        """The ids of those who hold one of these roles, else of everybody."""
        found = self.directory.with_roles(roles) if roles else self.directory.everybody()
        return [person.id for person in found]

    async def _changed(self) -> None:
        self.reviews += 1
        await self.directory.refresh()
