"""Reload: rules, people and schedules that are changed in their file hold without a restart; broken
ones never do."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import structlog

from countersign.agents.classic.facts import KnownWorkflows
from countersign.approvals.approvals import Approvals
from countersign.approvals.decisions.rollouts import begin_with
from countersign.approvals.errors import ConfigurationError, UnavailableError
from countersign.approvals.models import PolicyChanged, PolicySource
from countersign.approvals.ports import Clock, Moment, Store, Unit
from countersign.approvals.rules.policies import LivePolicy
from countersign.approvals.rules.policy import Policy
from countersign.approvals.store import governance, policy_versions
from countersign.bot.directories import calendars_missing
from countersign.bot.policy.check import findings, ruling_policy
from countersign.bot.policy.live_people import LivePeople, unread_of
from countersign.bot.settings.directory import directory_problems
from countersign.bot.settings.sections import Settings

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 2.0
TAKEN_OVER = ("policy", "people", "tokens", "directory")
"""What of the settings is; everything else is read at a restart."""


async def begin_to_rule(
    store: Store, clock: Clock, policy: Policy, source: PolicySource, file: str
) -> None:
    """Keep the text of a policy before it rules, so that each ruling's version can be read later,
    and say on the governance ledger that it does, unless it is the one that ruled last. Harmless
    to repeat."""
    text = policy.document.text()

    def work(unit: Unit) -> None:
        policy_versions.keep(unit.connection, policy.version, text, unit.now)
        last = governance.newest(unit, PolicyChanged)
        before = None if last is None else last.after
        if policy.version != before:
            changed = PolicyChanged(before=before, after=policy.version, source=source, file=file)
            governance.append(unit, changed)
        begin_with(policy)(unit)

    await store.unit(work, Moment(clock.now()))


class PolicyReload:
    """Looks at the file again and again, and when it is told to. Its sections `policy`, `people`
    and `directory` are taken over, together or not at all."""

    def __init__(
        self,
        settings: Settings,
        registry: KnownWorkflows,
        live: LivePolicy,
        store: Store,
        clock: Clock,
        approvals: Approvals,
        people: LivePeople,
    ):
        """`approvals` ask again what waits under another rule than before."""
        self._settings, self._registry, self._live = settings, registry, live
        self._store, self._clock, self._approvals = store, clock, approvals
        self._people = people
        self._path = Path(settings.source)
        self._seen = self._found = _content(self._path)
        self._problem: str | None = None
        self._owed: tuple[bool, bool] = (False, False)
        """Whether requests are still to be asked again, and directories to be read."""
        self._told = asyncio.Event()

    def now(self) -> None:
        """Read the file at once, whether it was changed or not: for a signal."""
        self._told.set()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), LOOK_EVERY_S)
            source = PolicySource.SIGNAL if self._told.is_set() else PolicySource.FILE
            self._told.clear()
            try:
                await self.look(source)
            except UnavailableError as exc:  # the next look takes it over
                log.warning("policy not reloaded yet", error=str(exc))
            except Exception:  # the policy that rules stays, and the server works
                log.exception("policy not reloaded")

    async def look(self, source: PolicySource = PolicySource.FILE) -> bool:
        """Take over what the file says now; whether another policy rules, or others are known,
        since. A changed file has to say the same at two looks: half of one that is being written
        may be a policy, too. On a signal it is read at once, although it says the same as before:
        what it names may be there now. Raises UnavailableError; the next look goes on then."""
        content = await asyncio.to_thread(_content, self._path)
        at_rest, self._found = content == self._found, content
        changed, signalled = False, source is not PolicySource.FILE
        if signalled or (content != self._seen and at_rest):
            try:
                policy, settings = await asyncio.to_thread(self._read)
                if await asyncio.to_thread(_content, self._path) != content:
                    return False  # it was written meanwhile; the next look sees it
                changed = await self._take(policy, settings, source)
            except ConfigurationError as exc:
                self._refuse(exc.problems)
            except UnavailableError as exc:
                self._problem = f"{self._path.name} is not taken over yet: {exc}"
                raise
            else:
                self._problem = None
            self._seen = content
        await self._follow_up()
        return changed

    def _refuse(self, problems: Sequence[str]) -> None:
        version = self._live.current.version
        self._problem = (
            f"{self._path.name} cannot be used since it was changed; the policy {version} "
            "still rules, and the people from before decide. "
            "`countersign policy check` says what is wrong"
        )
        for problem in problems:
            log.error("policy not reloaded", problem=problem, still_rules=version)

    async def _take(self, policy: Policy, settings: Settings, source: PolicySource) -> bool:
        before = self._live.current.version
        rules, people = policy.version != before, self._people.is_other(settings)
        found = await self._people.prepare(settings) if people else None
        if found is not None and (unread := unread_of(settings, found)):
            raise UnavailableError(
                f"nobody has read the schedule {', '.join(unread)} yet, by which it asks; "
                "`countersign people status` says why. What ruled before still rules."
            )
        if rules:
            await begin_to_rule(self._store, self._clock, policy, source, self._settings.source)
        # from here on nothing is awaited: no vote meets the rules of one and the people of another
        if rules:
            self._live.replace(policy)
            log.info("policy reloaded", version=policy.version, before=before)
        if found is not None:
            self._people.take(settings, found)
        self._owed = self._owed[0] or rules, self._owed[1] or people
        return rules or people

    async def _follow_up(self) -> None:
        rules, people = self._owed
        if people:
            await self._people.read_on()
        if rules:
            count = await self._approvals.ask_again_what_changed()
            log.info("requests asked again", count=count)
        self._owed = False, False

    async def checks(self) -> dict[str, str]:
        """What is wrong with the file, if the policy that rules is not the one in it."""
        return {} if self._problem is None else {"policy": self._problem}

    def _read(self) -> tuple[Policy, Settings]:
        """The policy of the file, as it would rule here, and the settings with its people. Raises
        ConfigurationError."""
        if self._settings.reread is None:
            raise ConfigurationError(["these settings were not read from a file"])
        fresh = self._settings.reread()
        taken = {name: getattr(fresh, name) for name in TAKEN_OVER}
        here = self._settings.model_copy(update=taken)
        known = {each.name for each in self._settings.systems}
        asked = {c for rule in fresh.policy.entries.values() for c in rule.channels}
        problems = [str(found) for found in findings(here, self._registry) if found.is_error]
        problems += [
            f"{name} is read at a restart; nobody can be asked in it yet"
            for name in sorted(asked - known)
        ]
        problems += directory_problems(fresh.directory, known)
        problems += calendars_missing(fresh.directory)
        if problems:
            raise ConfigurationError(problems)
        return ruling_policy(fresh.policy, self._registry), here


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:  # it is being replaced
        return None
