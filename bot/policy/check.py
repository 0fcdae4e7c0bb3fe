"""Examination of the rules before the first request, for `policy check` and `doctor`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from countersign.approvals.errors import ConfigurationError
from countersign.approvals.models import Effect
from countersign.approvals.rules.policy import Policy
from countersign.bot.people import directory_of
from countersign.bot.policy.review import (
    Finding,
    against_bodies,
    against_descriptions,
    against_people,
    against_tools,
)
from countersign.bot.settings.file import load_settings
from countersign.bot.settings.sections import Settings

if TYPE_CHECKING:  # AutoGen takes a second to import; other commands need not wait
    from countersign.agents.classic.registry import Registry


@dataclass(frozen=True)
class Examined:
    """What was found; `settings` are None if nothing but the problems can be said."""

    settings: Settings | None
    problems: Sequence[str]
    """Why the configuration cannot be used."""
    workflows: Sequence[str] = ()
    """Why some workflows cannot be used."""
    findings: Sequence[Finding] = ()
    versions: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The workflows that can be used, each with the versions that its sessions may have."""

    @property
    def is_sound(self) -> bool:
        """Whether nothing has to be put right."""
        wrong = any(finding.is_error for finding in self.findings)
        return self.settings is not None and not (self.problems or self.workflows or wrong)


def examine(config: Path | None, *, complete: bool) -> Examined:
    """Read the configuration and load its workflows. What cannot be read is said, and the other
    rules are looked at all the same; without `complete` nothing that only a server needs is missed.
    """
    problems: Sequence[str] = ()
    try:
        settings = load_settings(config, complete=complete)
    except ConfigurationError as exc:
        problems = exc.problems
        try:
            settings = load_settings(config, adjust=_without_bad_rules, complete=False)
        except ConfigurationError:
            return Examined(None, problems)
    from countersign.agents.classic.models import shared_client
    from countersign.bot.workflows import sound_workflows

    with shared_client() as client:
        registry, workflows = sound_workflows(settings, client)
    found = findings(settings, registry, complete=not workflows)
    versions = {info.name: (info.version, *info.also) for info in registry.infos()}
    return Examined(settings, problems, workflows, found, versions)


def findings(settings: Settings, registry: Registry, *, complete: bool = True) -> list[Finding]:
    """What does not fit: the rules, the workflows, the people; without `complete` there are more
    workflows than these."""
    directory = directory_of(settings)
    tools = {info.name: info.tools for info in registry.infos()}
    return [
        *against_tools(settings.policy, tools, complete=complete),
        *against_bodies(settings.policy, registry.same_bodies),
        *against_descriptions(registry.undescribed),
        *against_people(settings.policy, directory, registry.asking),
    ]


def _without_bad_rules(document: dict[str, Any]) -> None:
    """Let a rule that cannot be read deny, so that its tool has one; a name that is none goes."""
    policy = document.get("policy")
    tools = policy.get("tools") if isinstance(policy, dict) else None
    if not isinstance(tools, dict):
        return
    for name in list(tools):
        if _is_read({name: tools[name]}):
            continue
        tools[name] = Effect.DENY.value
        if not _is_read({name: tools[name]}):
            del tools[name]


def _is_read(tools: dict[Any, Any]) -> bool:
    with suppress(ConfigurationError):
        Policy.load({"tools": tools})
        return True
    return False
