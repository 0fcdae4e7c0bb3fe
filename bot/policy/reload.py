"""Reload: a policy that is changed in its file rules without a restart; a broken one never does."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import structlog

from countersign.agents.classic.facts import KnownWorkflows
from countersign.approvals.approvals import Approvals
from countersign.approvals.decisions.rollouts import begin_with
from countersign.approvals.errors import ConfigurationError, UnavailableError
from countersign.approvals.models import PolicyChanged, PolicySource
from countersign.approvals.ports import Clock, Moment, Store, Unit
from countersign.approvals.rules.approvers import duties_of
from countersign.approvals.rules.policies import LivePolicy
from countersign.approvals.rules.policy import Policy
from countersign.approvals.store import governance, policy_versions
from countersign.bot.policy.check import findings, ruling_policy
from countersign.bot.settings.sections import Settings

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 2.0


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
    """Looks at the file again and again, and when it is told to. Only its `policy` section is taken
    over."""

    def __init__(
        self,
        settings: Settings,
        registry: KnownWorkflows,
        live: LivePolicy,
        store: Store,
        clock: Clock,
        approvals: Approvals,
    ):
        """`approvals` ask again what waits under another rule than before."""
        self._settings, self._registry, self._live = settings, registry, live
        self._store, self._clock, self._approvals = store, clock, approvals
        self._path = Path(settings.source)
        self._seen = _content(self._path)
        self._problem: str | None = None
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
        """Take over what the file says now; whether another policy rules since. On a signal it is
        read although it says the same as before: what it names may be there now."""
        content = await asyncio.to_thread(_content, self._path)
        if content == self._seen and source is PolicySource.FILE:
            return False
        try:
            policy = await asyncio.to_thread(self._read)
        except ConfigurationError as exc:
            self._seen, version = content, self._live.current.version
            self._problem = (
                f"{self._path.name} cannot be used since it was changed; the policy {version} "
                "still rules. `countersign policy check` says what is wrong"
            )
            for problem in exc.problems:
                log.error("policy not reloaded", problem=problem, still_rules=version)
            return False
        before = self._live.current.version
        if policy.version != before:
            file = self._settings.source
            await begin_to_rule(self._store, self._clock, policy, source, file)
            self._live.replace(policy)
            log.info("policy reloaded", version=policy.version, before=before)
        self._seen, self._problem = content, None
        if policy.version == before:
            return False
        log.info("requests asked again", count=await self._approvals.ask_again_what_changed())
        return True

    async def checks(self) -> dict[str, str]:
        """What is wrong with the file, if the policy that rules is not the one in it."""
        return {} if self._problem is None else {"policy": self._problem}

    def _read(self) -> Policy:
        """The policy of the file, as it would rule here. Raises ConfigurationError."""
        if self._settings.reread is None:
            raise ConfigurationError(["these settings were not read from a file"])
        fresh = self._settings.reread()
        here = self._settings.model_copy(update={"policy": fresh.policy})
        wrong = [found for found in findings(here, self._registry) if found.is_error]
        known = {each.name for each in self._settings.systems}
        asked = {c for rule in fresh.policy.entries.values() for c in rule.channels}
        strange = sorted(asked - known)
        problems = [f"{found} People are read at a restart." for found in wrong]
        problems += [
            f"{name} is read at a restart; nobody can be asked in it yet" for name in strange
        ]
        read = self._settings.directory.schedules if self._settings.directory else {}
        stages = (stage for rule in fresh.policy.entries.values() for stage in rule.tiers())
        problems += [
            f"the schedule {name} is read from a restart on; nobody is on call by it yet"
            for name in duties_of(stages)
            if name not in read
        ]
        if problems:
            raise ConfigurationError(problems)
        return ruling_policy(fresh.policy, self._registry)


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:  # it is being replaced
        return None
