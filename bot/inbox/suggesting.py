"""Rules that the Insights page suggests: looked for when an administrator asks, beside the server's
own work, in the newest calls that people have answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import structlog
import yaml
from aiohttp import web
from sqlalchemy import Connection

from countersign.approvals.errors import CountersignError, NotAuthorisedError
from countersign.approvals.ports import Reader
from countersign.approvals.rules.ordered_rules import TOOLS_PREFIX
from countersign.approvals.store import history
from countersign.bot.inbox.pages import Form, Pages
from countersign.bot.inbox.rules import is_admin
from countersign.bot.inbox.shell import HOME, Visit, to
from countersign.bot.policy.explained import Rules
from countersign.bot.policy.simulation.run import Simulation, roles_in
from countersign.bot.policy.simulation.suggested import Suggested, answers_in, suggested
from countersign.connectors.system import Route

log = structlog.get_logger(__name__)

PATH = f"{HOME}/insights/suggestions"
DAYS = 90
NEWEST = 5_000
"""So many calls of each status are looked at, the newest."""
BATCH = 500
"""Calls that are read at once: the server does other things between two of them."""
READ_S = 60.0
"""How long one reading may take; the server may be stopping."""
LEAST, AGREEMENT = 30, 0.9
"""As `countersign policy suggest` has them, unless it is told otherwise."""
T = TypeVar("T")


@dataclass(frozen=True)
class Shown:
    """One suggestion, as the page shows it."""

    before: str
    """The id of the rule before which it would stand; "" for an entry of `policy.tools`."""
    rule: str
    """As it would stand in the policy."""
    found: Suggested


@dataclass
class Look:
    """One look, under way or done; of this process."""

    started_at: datetime
    by: str
    since: datetime | None = None
    """From when on calls were looked at."""
    ended_at: datetime | None = None
    found: Sequence[Shown] = ()
    error: str = ""


class Suggesting:
    """Looks, and shows what was found, to administrators alone: it reads what all have answered."""

    def __init__(self, pages: Pages, reader: Reader, rules: Callable[[], Rules]):
        self._pages, self._rules, self._reader = pages, rules, reader
        self._clock = pages.shell.clock
        self.newest: Look | None = None
        self._task: asyncio.Task[None] | None = None

    def routes(self) -> Sequence[Route]:
        """Its addresses."""
        return [
            Route("GET", PATH, self._pages.look(self.show)),
            Route("POST", PATH, self._pages.act(self.look)),
        ]

    def may(self, visit: Visit) -> bool:
        """Whether they are an administrator."""
        return is_admin(visit.reader, self._rules().policy.administrators)

    async def show(self, visit: Visit) -> web.StreamResponse:
        """The part of the page, while it is looked."""
        self._admit(visit)
        return self._pages.shell.page(visit, "suggestions.html", look=self.newest)

    async def look(self, visit: Visit, form: Form) -> web.StreamResponse:
        """Begin to look; one at a time."""
        self._admit(visit)
        is_under_way = self.newest is not None and self.newest.ended_at is None
        if not form.is_kept and not is_under_way:
            self.newest = Look(self._clock.now(), visit.reader.name)
            self._task = asyncio.create_task(self._look(self.newest), name="suggest")
        return to(f"{HOME}/insights#suggestions")

    def _admit(self, visit: Visit) -> None:
        if not self.may(visit):
            raise NotAuthorisedError(
                "Only administrators look for rules in what all have answered."
            )

    async def _look(self, look: Look) -> None:
        rules, until = self._rules(), look.started_at
        span = history.Span(until - timedelta(days=DAYS), until)
        try:
            span = await self._reader.read(lambda c: history.newest(c, span, most=NEWEST))
            look.since = span.since
            now = Simulation(rules.policy, rules.policy, roles_in(rules.directory), span, BATCH)
            reader = _FromThread(self._reader, asyncio.get_running_loop())
            found = await asyncio.to_thread(lambda: asyncio.run(_found(reader, now)))
            look.found = [_shown(each) for each in found]
        except CountersignError as error:
            look.error = str(error)
        except TimeoutError:
            look.error = f"The database has not answered within {READ_S:g} seconds. Look again."
        finally:
            look.ended_at = self._clock.now()
        log.info("rules looked for", found=len(look.found), error=look.error)


async def _found(reader: Reader, now: Simulation) -> Sequence[Suggested]:
    answers = await answers_in(reader, now)
    chosen = answers.suggestions(least=LEAST, agreement=AGREEMENT)
    return await suggested(reader, now, chosen)


def _shown(each: Suggested) -> Shown:
    before = each.suggestion.rule
    text = yaml.safe_dump(
        [each.rule], sort_keys=False, allow_unicode=True, default_flow_style=False, width=1_000
    )
    return Shown("" if before.startswith(TOOLS_PREFIX) else before, text.rstrip(), each)


class _FromThread:
    """A reader of the server's loop, for a loop in another thread."""

    def __init__(self, reader: Reader, loop: asyncio.AbstractEventLoop):
        self._reader, self._loop = reader, loop

    async def read(self, unit: Callable[[Connection], T]) -> T:
        reading = asyncio.run_coroutine_threadsafe(self._reader.read(unit), self._loop)
        async with asyncio.timeout(READ_S):
            return await asyncio.wrap_future(reading)
