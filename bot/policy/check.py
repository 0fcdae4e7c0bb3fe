"""Examination of the rules before the first request, for `policy check` and `doctor`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from countersign.agents.classic.facts import KnownWorkflows
from countersign.approvals.errors import ConfigurationError
from countersign.approvals.models import Effect
from countersign.approvals.rules.ordered_rules import is_pattern
from countersign.approvals.rules.policy import Policy
from countersign.approvals.rules.rulebook import Tools
from countersign.bot.people import directory_of
from countersign.bot.policy.review import (
    Finding,
    against_arguments,
    against_bodies,
    against_classes,
    against_descriptions,
    against_people,
    against_tools,
)
from countersign.bot.settings.file import load_settings
from countersign.bot.settings.lines import located
from countersign.bot.settings.sections import Settings


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
    from countersign.bot.workflows.found import sound_workflows

    with shared_client() as client:
        registry, workflows = sound_workflows(settings, client)
    found = findings(settings, registry, complete=not workflows)
    versions = {info.name: (info.version, *info.also) for info in registry.infos()}
    return Examined(settings, problems, workflows, found, versions)


def placed(examined: Examined, said: str) -> str:
    """A finding with its file and line, if it is on a rule of `policy.rules` or a budget."""
    if examined.settings is None or not said.startswith(("policy.rules", "policy.budgets")):
        return said
    return located(examined.settings.source, said)


def findings(
    settings: Settings, registry: KnownWorkflows, *, complete: bool = True
) -> list[Finding]:
    """What does not fit: the rules, the workflows, the people; without `complete` there are more
    workflows than these."""
    directory = directory_of(settings)
    elsewhere = settings.directory.roles() if settings.directory else frozenset[str]()
    tools = {info.name: info.tools for info in registry.infos()}
    known = settings.policy.knowing(known_tools(registry))
    return [
        *against_arguments(known),
        *against_classes(known, registry.reversibility),
        *against_tools(settings.policy, tools, complete=complete),
        *against_bodies(settings.policy, registry.same_bodies),
        *against_descriptions(registry.undescribed),
        *against_people(settings.policy, directory, registry.asking, elsewhere),
    ]


def ruling_policy(policy: Policy, registry: KnownWorkflows) -> Policy:
    """The policy as it rules on the tools of these workflows.

    Raises ConfigurationError for a condition that is wrong for a tool, and for rules that are never
    reached: a server does not start with them.
    """
    ruling = policy.knowing(known_tools(registry))
    if wrong := against_arguments(ruling):
        raise ConfigurationError([str(finding) for finding in wrong])
    return ruling.strictest(registry.same_bodies)


def known_tools(registry: KnownWorkflows) -> Tools:
    """What the workflows say of their tools."""
    places = [(info.name, tool) for info in registry.infos() for tool in info.tools]
    schemas = {place: registry.schema(*place) or {} for place in places}
    return Tools(schemas, registry.reversibility)


def _without_bad_rules(document: dict[str, Any]) -> None:
    """Let a rule that cannot be read deny, so that its tool has one; a name that is none goes."""
    policy = document.get("policy")
    if not isinstance(policy, dict):
        return
    for part in ("calendars", "reversibility", "examples", "budgets"):
        if part in policy and not _is_read({part: policy[part]}):
            del policy[part]
    tools = policy.setdefault("tools", {})
    if not isinstance(tools, dict):
        return
    policy["rules"] = list(_readable_rules(policy, tools))
    for name in list(tools):
        if _is_read({"tools": {name: tools[name]}}):
            continue
        tools[name] = Effect.DENY.value
        if not _is_read({"tools": {name: tools[name]}}):
            del tools[name]


def _readable_rules(policy: dict[str, Any], tools: dict[str, Any]) -> Iterator[Any]:
    """The rules that can be read; a tool of another one is denied where no other rule names it."""
    rules = policy.get("rules")
    for rule in rules if isinstance(rules, list) else []:
        if _is_read({"calendars": policy.get("calendars", {}), "rules": [rule]}):
            yield rule
            continue
        named = rule.get("tool") if isinstance(rule, dict) else None
        for tool in [named] if isinstance(named, str) else named or []:
            if not is_pattern(str(tool)):
                tools.setdefault(str(tool), Effect.DENY.value)


def _is_read(policy: dict[Any, Any]) -> bool:
    with suppress(ConfigurationError):
        Policy.load(policy, proofs=True)
        return True
    return False
