"""The sections of the systems in which people are asked: `teams`, and all below `connectors`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from countersign.approvals.forms.sentences import unknown_key
from countersign.approvals.models import Effect
from countersign.approvals.rules.approvers import approvers, is_asked_by
from countersign.approvals.rules.policy import Policy
from countersign.bot.settings.problems import validated
from countersign.bot.settings.sections import PersonSettings
from countersign.connectors.secrets import Reading
from countersign.connectors.system import Configured, System

PATH = "connectors"


def read_systems(
    document: Mapping[str, Any], systems: Sequence[System[Any]], reading: Reading
) -> tuple[tuple[Configured, ...], list[str]]:
    """The configured systems, in the order of `systems`, and everything that is wrong with their
    sections."""
    below = document.get(PATH)
    below = {} if below is None else below
    known = [system.name for system in systems if not system.section]
    if not isinstance(below, dict):
        return (), [f"{PATH}: must map {' and '.join(known)} to their settings."]
    unknown = sorted(set(map(str, below)) - set(known))
    problems = [f"{PATH}.{name}: {unknown_key(name, known, what='system')}" for name in unknown]
    found: list[Configured] = []
    for system in systems:
        raw = document.get(system.section) if system.section else below.get(system.name)
        if raw is None and not system.is_always_there:
            continue
        read, wrong = validated(system.path, system.settings, {} if raw is None else raw, reading)
        found += [system.configured(read)] if read is not None else []
        problems += wrong
    return tuple(found), problems


def default_channels(systems: Sequence[Configured], *, local: bool) -> tuple[str, ...]:
    """Where people are asked if their rule does not say: the first system that is used."""
    return tuple(each.name for each in systems if each.is_used(local=local))[:1] or _first(systems)


def text_channels(systems: Sequence[Configured], *, local: bool) -> tuple[str, ...]:
    """Where people are asked for free text."""
    able = [each for each in systems if each.system.takes_text]
    return default_channels(able, local=local)


def _first(systems: Sequence[Configured]) -> tuple[str, ...]:
    return tuple(each.name for each in systems)[:1]


def is_asked(policy: Policy, name: str, *, free_text: bool) -> bool:
    """Whether any rule asks in this system; `free_text` says that somebody may be asked for some,
    and that it is asked for here."""
    rules = [r for r in policy.entries.values() if r.effect is Effect.REQUIRE_APPROVAL]
    return free_text or any(name in rule.channels for rule in rules)


def channel_problems(
    policy: Policy,
    systems: Sequence[Configured],
    people: Iterable[PersonSettings],
    elsewhere: Collection[str] = (),
) -> list[str]:
    """Rules whose channel is not there, or in which nobody could answer. Who has a role of
    `elsewhere` is not known yet."""
    problems = []
    known = {each.name: each.system for each in systems}
    for where, rule in policy.entries.items():
        for channel in rule.channels:
            if channel not in known:
                problems.append(
                    f"{where}.channels: {channel} is not configured; add it under "
                    f"`{PATH}`, or use one of {', '.join(sorted(known))}."
                )
                continue
            if known[channel].opens_by_writing:  # whoever has written there once can be asked
                continue
            kind = known[channel].identity
            if not kind:  # it asks no people by itself
                continue
            for stage in rule.tiers():
                if stage.on_call or set(stage.roles).intersection(elsewhere):
                    continue
                holders = [p for p in people if is_asked_by(p.principal(), stage)]
                if not any(p.identities.get(kind) for p in holders):
                    problems.append(
                        f"{where}: is asked in {channel}, but nobody with "
                        f"{approvers([stage])} has a {kind} identity; add "
                        f"`identities: {{{kind}: …}}` to one of them in `people`."
                    )
    return problems
