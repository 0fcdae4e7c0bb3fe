"""Directories in a running server: their sources opened, what they say kept, and read by jobs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from importlib.util import find_spec

import structlog
from sqlalchemy import Connection

from countersign.approvals.decisions.shift_changes import SHIFTS
from countersign.approvals.directory.given import WithDelegations
from countersign.approvals.directory.synced import SyncedDirectory
from countersign.approvals.directory.syncing import SYNC, Syncing, SyncPlan
from countersign.approvals.errors import ConfigurationError, UnavailableError
from countersign.approvals.jobs import LocalJobs
from countersign.approvals.models import Delegation, Domains, Principal
from countersign.approvals.ports import Clock, Directory, DirectorySource, Job, Reader, Store
from countersign.approvals.store import directories as rows
from countersign.approvals.store.directories import SourceState
from countersign.bot.people import SettingsDirectory, directory_of
from countersign.bot.settings.directory import DirectorySettings
from countersign.bot.settings.sections import Settings
from countersign.connectors.jira.settings import JiraSettings
from countersign.connectors.servicenow.settings import ServiceNowSettings

log = structlog.get_logger(__name__)

REFRESH = "people"
"""Kind of the job that takes over what any server has read."""
EXTRA = "directory.schedules: needs icalendar; install countersign-approvals[calendars]."
WORDS = {"entra": "Microsoft Entra", "jira": "Jira", "servicenow": "ServiceNow"}


def people_with(
    settings: DirectorySettings,
    listed: Sequence[Principal],
    reader: Reader,
    domains: Callable[[], Domains] = dict,
    delegations: Sequence[Delegation] = (),
) -> SyncedDirectory:
    """The people of the file and of the directories; these after the first `refresh`."""
    return SyncedDirectory(
        listed,
        settings.rules(),
        reader,
        words=WORDS | {rules.source: f"The schedule {rules.name}" for rules in settings.rotas()},
        max_age=timedelta(seconds=settings.max_age),
        domains=domains,
        delegations=delegations,
        schedules=settings.rotas(),
    )


async def known_people(
    settings: Settings, reader: Reader, domains: Callable[[], Domains]
) -> WithDelegations:
    """Everybody there is, as far as directories have been read; `domains` are those of the policy
    that rules now."""
    found = WithDelegations(people_of(settings, reader, domains), reader)
    await found.refresh()
    return found


def people_of(settings: Settings, reader: Reader, domains: Callable[[], Domains]) -> Directory:
    """The people of the file, and after the first `refresh` of its directories."""
    listed: SettingsDirectory = directory_of(settings, domains)
    everybody, given = listed.everybody(), listed.delegations
    synced = settings.directory and people_with(
        settings.directory, everybody, reader, domains, given
    )
    return synced or listed


@asynccontextmanager
async def open_sources(settings: Settings, clock: Clock) -> AsyncIterator[list[DirectorySource]]:
    """The configured directories; nothing is asked of them yet."""
    async with AsyncExitStack() as stack:
        sources = sources_of(settings, clock)
        for source in sources:
            stack.push_async_callback(source.close)
        yield sources


def sources_of(settings: Settings, clock: Clock) -> list[DirectorySource]:
    """The same; whoever asks for them closes them."""
    directory = settings.directory
    if directory is None:
        return []
    sources: list[DirectorySource] = []
    if directory.entra is not None:
        # Here, so that a deployment without need not import the vendor's package.
        from countersign.connectors.entra.graph import Graph
        from countersign.connectors.entra.source import EntraSource

        sources.append(EntraSource(directory.entra, Graph(directory.entra)))
    jira = settings.section(JiraSettings)
    if directory.jira is not None and jira is not None:
        from countersign.connectors.jira.client import JiraClient
        from countersign.connectors.jira.groups import JiraGroups

        sources.append(JiraGroups(JiraClient(jira), jira, directory.jira))
    snow = settings.section(ServiceNowSettings)
    if directory.servicenow is not None and snow is not None:
        from countersign.connectors.servicenow.client import ServiceNowClient
        from countersign.connectors.servicenow.groups import ServiceNowGroups

        sources.append(ServiceNowGroups(ServiceNowClient(snow), directory.servicenow, clock))
    return [*sources, *schedule_sources(directory, clock)]


def calendars_missing(directory: DirectorySettings | None) -> list[str]:
    """Says so if calendars are to be read, and what reads them is not installed."""
    if directory is None or not directory.schedules:
        return []
    packages = ("icalendar", "recurring_ical_events")
    return [] if all(map(find_spec, packages)) else [EXTRA]


def schedule_sources(directory: DirectorySettings, clock: Clock) -> list[DirectorySource]:
    """One for each schedule."""
    if not directory.schedules:
        return []
    if missing := calendars_missing(directory):
        raise ConfigurationError(missing)
    # Here, so that a deployment without need not import the packages that read calendars.
    from countersign.connectors.on_call.jsm import JsmSchedule
    from countersign.connectors.on_call.pagerduty import PagerDutySchedule
    from countersign.connectors.on_call.source import CalendarSchedule

    sources: list[DirectorySource] = []
    for name, section in directory.schedules.items():
        if section.pagerduty is not None:
            account = directory.known_pagerduty
            sources.append(PagerDutySchedule(name, section.pagerduty, account, clock))
        elif section.jsm is not None:
            sources.append(JsmSchedule(name, section.jsm, directory.known_jsm, clock))
        else:
            sources.append(CalendarSchedule(name, section, clock))
    return sources


def plan_of(settings: DirectorySettings) -> SyncPlan:
    """How often is read, and what is not believed."""
    return SyncPlan(every=timedelta(seconds=settings.every), most_gone=settings.most_gone)


class Following:
    """Keeps this process's people up to date, and has directories read when that is due."""

    def __init__(self, directory: Directory, review: Callable[[], Awaitable[object]]):
        self._directory, self._review = directory, review
        self._reviewed = directory.people().revisions
        self._syncing: Syncing | None = None

    async def refresh(self, _: str = "") -> None:
        """Take over what has changed, here or elsewhere, and tell of what nobody can decide now."""
        await self._directory.refresh()
        revisions = self._directory.people().revisions
        if revisions != self._reviewed:  # perhaps a vote has found the change before
            await self._review()
            self._reviewed = revisions

    def begin(self, jobs: LocalJobs) -> None:
        """Have the jobs do it from now on."""
        jobs.handle(REFRESH, self.refresh)
        jobs.each_sweep(Job(kind=REFRESH, id=""))
        jobs.each_sweep(Job(kind=SHIFTS, id=""))

    async def read(
        self,
        settings: DirectorySettings,
        sources: Sequence[DirectorySource],
        store: Store,
        clock: Clock,
        jobs: LocalJobs,
    ) -> None:
        """Have directories read by jobs, too; these in the place of others, if there were any.
        Raises UnavailableError."""
        plan, said = plan_of(settings), settings.fingerprint()
        if self._syncing is not None:
            await self._syncing.replace(sources, plan, said)
            await self.refresh()
            return
        syncing = self._syncing = Syncing(sources, store, clock, plan, changed=self.refresh)
        await syncing.know(said)
        await self.refresh()
        jobs.handle(SYNC, syncing.run)
        jobs.each_sweep(Job(kind=SYNC, id=""))

    async def read_none(self) -> None:
        """Read none any more."""
        if self._syncing is not None:
            await self._syncing.close()


class DirectoryHealth:
    """What `/readyz` says of directories: whether people can still decide by what they say."""

    def __init__(
        self, settings: Callable[[], DirectorySettings | None], store: Reader, clock: Clock
    ):
        """`settings` gives those by which people are read now."""
        self._settings, self._store, self._clock = settings, store, clock

    async def checks(self) -> dict[str, str]:
        """Each directory: `ok`, or what is wrong; the cause is for `countersign people status`."""
        settings = self._settings()
        if settings is None:
            return {}
        now, names = self._clock.now(), set(settings.sources())

        def unit(connection: Connection) -> list[SourceState]:
            return [state for state in rows.states(connection, now) if state.name in names]

        try:
            states = await self._store.read(unit)
        except UnavailableError:  # the check of the store says it
            return {}
        max_age = timedelta(seconds=settings.max_age)
        return {f"directory_{state.name}": _said(state, now - max_age) for state in states}


def _said(state: SourceState, oldest: object) -> str:
    if state.held is not None:
        return "held: a reading would remove too many people; see `countersign people status`"
    if state.read_at is None:
        return "not read yet" if state.error is None else "cannot be read; the log says why"
    if state.read_at < oldest:  # type: ignore[operator]
        return f"last read at {state.read_at:%Y-%m-%d %H:%M} UTC: nobody it names can decide"
    return "ok"
