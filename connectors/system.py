"""What the product knows of a system in which people are asked: one descriptor for each.

A system is a package with a `SYSTEM`; `bot.systems` lists them. Everything else iterates over that
list: settings, kinds of identities, routes, `doctor` and `/readyz`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from pydantic import BaseModel
from sqlalchemy import Connection

from countersign.approvals.approvals import Approvals
from countersign.approvals.forms.systems import Named, declare
from countersign.approvals.models import ConversationKey, Principal, PrincipalId, Session
from countersign.approvals.ports import (
    Channel,
    Clock,
    Conversations,
    Directory,
    Store,
    TicketConnector,
)
from countersign.approvals.read_links import ReadLinks
from countersign.approvals.records import Records
from countersign.approvals.tickets import CheckResult
from countersign.connectors.last_seen import last_seen
from countersign.connectors.ticketing.channel import TicketChannel

S = TypeVar("S", bound=BaseModel)


@dataclass(frozen=True)
class Deployment:
    """What a system is opened with."""

    clock: Clock
    store: Store
    directory: Directory
    conversations: Conversations
    links: ReadLinks | None
    """Lead to the page with what does not fit; None where there is no such page."""
    local: bool
    """Whether this is one person's own machine."""
    host: str
    """The address on which this server listens."""
    approvers: Sequence[Principal] = ()
    """Who may be asked in this system and is known there, ordered by id."""
    public_url: str = ""
    """Where people reach this server, without a slash at the end."""
    pages_url: str = ""
    """The same, where people can sign in and read the inbox; "" where nobody can."""


class Starts(Protocol):
    """Starts sessions while there is room."""

    async def start(
        self,
        *,
        workflow: str,
        workflow_version: str,
        task: str,
        owner: PrincipalId,
        conversation: ConversationKey | None = None,
        idempotency_key: str | None = None,
    ) -> Session:
        """The session; the same key gives the same session. Raises BusyError."""


class WorkflowInfo(Protocol):
    """What people need to know of a workflow to start it."""

    @property
    def name(self) -> str:
        """By which it is started: `sales_quote`."""

    @property
    def version(self) -> str:
        """Goes into the session, so that it resumes as what it was."""

    @property
    def title(self) -> str:
        """As people call it: `Sales quote`."""

    @property
    def triggers(self) -> Sequence[str]:
        """Words that mean this workflow, at the beginning of a message."""

    @property
    def example(self) -> str:
        """A task that works."""

    @property
    def tools(self) -> Sequence[str]:
        """What its agents may call."""

    @property
    def agents(self) -> Sequence[str]:
        """Their names."""


class Admission(Protocol):
    """Bounds what is taken on at once."""

    def admitted(self, kind: str, principal: str) -> AbstractAsyncContextManager[None]:
        """A place for as long as the block takes; `kind` is `votes`, `webhooks`, `starts` or
        `reads`. Raises BusyError."""


@dataclass(frozen=True)
class Inbound:
    """What people's answers are brought to."""

    approvals: Approvals
    records: Records
    starts: Starts
    workflows: Sequence[WorkflowInfo]
    limits: Admission


class Route(NamedTuple):
    """One address at which a system calls us; the handler authenticates its callers itself."""

    method: str
    path: str
    handler: Callable[[Any], Awaitable[Any]]
    """Takes an `aiohttp.web.Request` and gives its answer."""


Listen = Callable[[Inbound], AbstractAsyncContextManager[Sequence[Route]]]


@asynccontextmanager
async def nothing(_: Inbound) -> AsyncIterator[Sequence[Route]]:
    """No routes of its own."""
    yield ()


async def passes(_: str) -> None:
    """Nothing to try."""


def nothing_kept(_: Connection) -> Sequence[CheckResult]:
    """Nothing to say."""
    return ()


@dataclass(frozen=True)
class Opened:
    """A system while it is open."""

    channel: Channel
    """Shows requests there."""
    tickets: TicketConnector | None = None
    """Of a ticket system: it is polled, and `POST /webhooks/{name}` verifies and reads again."""
    listen: Listen = nothing
    """Builds what takes answers, and gives its routes; inside the block people are answered."""
    kept: Callable[[Connection], Sequence[CheckResult]] = nothing_kept
    """What our rows say of it besides what they say of every system."""
    self_test: Callable[[str], Awaitable[None]] = passes
    """Tries our own endpoints at this base URL, once the server listens. Raises
    ConfigurationError."""

    async def check(self) -> Sequence[CheckResult]:
        """Ask the system whether it works for us; each finding says what to do."""
        return await self.channel.check()

    async def seen(self, store: Store) -> Sequence[CheckResult]:
        """What was seen of it last, from our rows alone."""
        name, is_polled = self.channel.name, self.tickets is not None
        return await store.read(lambda c: (*last_seen(c, name, is_polled), *self.kept(c)))


Open = Callable[[S, Deployment], AbstractAsyncContextManager[Opened]]


@asynccontextmanager
async def open_tickets(connector: TicketConnector, deployment: Deployment) -> AsyncIterator[Opened]:
    """A ticket system whose answers are read through this connector."""
    try:
        yield Opened(
            TicketChannel(
                connector,
                deployment.store,
                deployment.clock,
                deployment.directory,
                pages_url=deployment.pages_url,
            ),
            tickets=connector,
        )
    finally:
        await connector.close_client()


@dataclass(frozen=True)
class Situation:
    """What settings of a system have to fit to."""

    local: bool
    people: frozenset[str]
    """Ids of everybody in `people`."""
    asked: bool
    """Whether any rule asks people there."""


def fits(_: Any, __: Situation) -> Iterable[str]:
    """Nothing to say."""
    return ()


def always(_: Any, __: bool) -> bool:
    """Whatever is configured is used."""
    return True


@dataclass(frozen=True)
class System(Generic[S]):
    """One system: what it is called, how it is configured, and how it is opened."""

    name: str
    """The channel of rules and deliveries, the `via` of votes, the path of webhooks."""
    words: str
    """As people call it: `Jira`."""
    identity: str
    """The key in `people[].identities` by which it knows people."""
    settings: type[S]
    """Its section."""
    open: Open[S]
    """Opens it with its section; nothing is asked of it yet."""
    section: str = ""
    """Where its settings stand; else `connectors.<name>`."""
    is_always_there: bool = False
    """Whether it is opened without a section, with the defaults."""
    takes_text: bool = False
    """Whether people can be asked for free text there."""
    opens_by_writing: bool = False
    """Whether somebody without an identity there can be asked, too, once they have written."""
    problems: Callable[[S, Situation], Iterable[str]] = fits
    """What is wrong with a section that is well formed: lines with the path and what to do."""
    is_used: Callable[[S, bool], bool] = always
    """Whether it can ask anybody, with these settings; the second argument is local mode."""

    def __post_init__(self) -> None:
        declare(self.name, Named(words=self.words, identity=self.identity))

    @property
    def path(self) -> str:
        """The path to its settings in the configuration."""
        return self.section or f"connectors.{self.name}"

    def configured(self, settings: S) -> Configured:
        """With its settings."""
        return Configured(self, settings)


@dataclass(frozen=True)
class Configured:
    """A system and its settings."""

    system: System[Any]
    settings: BaseModel = field(repr=False)

    @property
    def name(self) -> str:
        """Of the system."""
        return self.system.name

    def is_used(self, *, local: bool) -> bool:
        """Whether people can be asked there at all."""
        return self.system.is_used(self.settings, local)

    def problems(self, situation: Situation) -> Iterable[str]:
        """What is wrong with the settings."""
        return self.system.problems(self.settings, situation)

    def open(self, deployment: Deployment) -> AbstractAsyncContextManager[Opened]:
        """The system, open inside the block. Raises ConfigurationError."""
        return self.system.open(self.settings, deployment)
