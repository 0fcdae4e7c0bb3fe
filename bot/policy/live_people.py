"""Live people: those of the file and of where else it says that they are read, until it says
others. Everybody who looks people up in a running server does so in the one directory here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

from countersign.approvals.directory.given import WithDelegations
from countersign.approvals.directory.syncing import Syncing
from countersign.approvals.jobs import LocalJobs
from countersign.approvals.ports import Clock, Directory, Store
from countersign.approvals.rules.approvers import duties_of
from countersign.approvals.rules.policies import LivePolicy
from countersign.bot.directories import (
    Following,
    known_people,
    people_of,
    plan_of,
    schedule_sources,
    sources_of,
)
from countersign.bot.people import Tokens, directory_of
from countersign.bot.policy.directories_on_record import put_directories_on_record
from countersign.bot.policy.people_on_record import put_on_record
from countersign.bot.settings.sections import Settings
from countersign.connectors.on_call.settings import source_of

log = structlog.get_logger(__name__)


class LivePeople:
    """Who may decide, by their tokens, ids and identities."""

    def __init__(
        self,
        settings: Settings,
        directory: WithDelegations,
        store: Store,
        clock: Clock,
        policies: LivePolicy,
    ):
        self.settings = settings
        """By which people are known now."""
        self.directory, self.tokens = directory, Tokens(settings.tokens)
        self._store, self._clock, self._policies = store, clock, policies

    @classmethod
    async def known(
        cls, settings: Settings, store: Store, clock: Clock, policies: LivePolicy
    ) -> LivePeople:
        """Everybody there is, and on the governance ledger what has changed of them. Raises
        UnavailableError."""
        await _put_on_record(settings, store, clock)
        directory = await known_people(settings, store, lambda: policies.current.document.domains)
        return cls(settings, directory, store, clock, policies)

    @asynccontextmanager
    async def followed(
        self, review: Callable[[], Awaitable[object]], jobs: LocalJobs
    ) -> AsyncIterator[None]:
        """Inside the block what changes of them is followed, and directories are read by jobs;
        `review` tells of what nobody can decide."""
        self._review, self._jobs = review, jobs
        self._following = Following(self.directory, review)
        try:
            await self._read()
            self._following.begin(jobs)
            yield
        finally:
            await self._following.read_none()

    def is_other(self, settings: Settings) -> bool:
        """Whether these settings say anything else of people."""
        return _of(settings) != _of(self.settings)

    async def prepare(self, settings: Settings) -> Directory:
        """The people of these settings, on record and ready to take the place of those that are
        known. Raises UnavailableError."""
        await self._read_new(settings)
        found = people_of(settings, self._store, lambda: self._policies.current.document.domains)
        await found.refresh()
        await _put_on_record(settings, self._store, self._clock)
        return found

    def take(self, settings: Settings, prepared: Directory) -> None:
        """Know these people from now on, and no others."""
        self.settings = settings
        self.directory.follow(prepared)
        self.tokens.replace(settings.tokens)
        log.info("people reloaded", count=len(prepared.everybody()))

    async def read_on(self) -> None:
        """Read the directories of the people that were taken, and tell of what nobody can decide
        now. Harmless to repeat. Raises UnavailableError."""
        await self._read()
        await self._review()

    async def _read_new(self, settings: Settings) -> None:
        """Read schedules that are new, so that what is asked by them finds somebody at once."""
        directory, before = settings.directory, self.settings.directory
        if directory is None:
            return
        known = set() if before is None else set(before.sources())
        sources = [
            source
            for source in schedule_sources(directory, self._clock)
            if source.name not in known
        ]
        once = Syncing(sources, self._store, self._clock, plan_of(directory), changed=_nothing)
        try:
            await once.know(directory.fingerprint())
            await once.run()
        finally:
            await once.close()

    async def _read(self) -> None:
        directory = self.settings.directory
        if directory is None:
            await self._following.read_none()
            return
        sources = sources_of(self.settings, self._clock)
        await self._following.read(directory, sources, self._store, self._clock, self._jobs)


def unread_of(settings: Settings, directory: Directory) -> list[str]:
    """The schedules by which rules ask and that were never read: a call that asks by one of them
    would be refused."""
    people = directory.people()
    rules = settings.policy.entries.values()
    asked = duties_of(stage for rule in rules for stage in rule.tiers())
    return [name for name in asked if people.readings[source_of(name)].read_at is None]


async def _nothing() -> None:
    """The people of the new schedules are not known yet."""


async def _put_on_record(settings: Settings, store: Store, clock: Clock) -> None:
    listed = directory_of(settings)
    await put_on_record(store, clock, listed.everybody(), listed.delegations, settings.source)
    await put_directories_on_record(store, clock, settings.directory, settings.source)


def _of(settings: Settings) -> tuple[object, ...]:
    return settings.people, settings.tokens, settings.directory
