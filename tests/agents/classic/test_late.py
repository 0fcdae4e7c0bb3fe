"""Workflows that are built when the first chat needs them, and what is known of them until then."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from countersign import Registry, WorkflowContext
from countersign.agents.classic.facts import Facts
from countersign.agents.classic.late import OTHERWISE, LateWorkflows
from countersign.agents.classic.models import ModelSettings, SharedClient, llm_config
from countersign.approvals.errors import (
    ConfigurationError,
    UnavailableError,
    WorkflowMissingError,
)
from countersign.approvals.models import Reversibility
from tests.agents.teams import Effects, pair, team

CALL = ("pair", "look_up", {"name": "Ann"})


@pytest.fixture(scope="module")
def registry() -> Iterator[Registry]:
    with SharedClient(verify=False) as client:
        made = Registry(WorkflowContext(llm_config(ModelSettings(api_key="k"), client)))
        made.add(team(Effects()))
        made.add(pair(Effects()))
        yield made


def said(known: Any) -> list[Any]:
    """All that a server asks before anything runs."""
    tools = [(info.name, tool) for info in known.infos() for tool in [*info.tools, "none"]]
    return [
        known.infos(),
        known.info("pair"),
        [known.schema(*tool) for tool in [*tools, ("none", "none")]],
        [known.forms().get(tool) for tool in tools],
        known.schema_versions(),
        [known.input_roles(*proxy) for proxy in (("pair", "gatekeeper"), ("none", "none"))],
        list(known.same_bodies),
        dict(known.reversibility),
        {name: {k: tuple(v) for k, v in of.items()} for name, of in known.undescribed.items()},
        dict(known.asking),
    ]


def never() -> Registry:
    raise AssertionError("nothing needs it")


def nothing() -> None:
    raise AssertionError("the facts are right")


def kept(registry: Registry) -> Facts:
    """The facts, after they were written down and read."""
    return Facts.read(json.loads(json.dumps(registry.facts().kept())))


def test_kept_facts_say_what_the_built_workflows_say(registry: Registry) -> None:
    late = LateWorkflows(kept(registry), never, nothing)

    assert said(registry) == said(late)


def test_unknown_workflow_is_missing_without_building_any(registry: Registry) -> None:
    late = LateWorkflows(kept(registry), never, nothing)

    with pytest.raises(WorkflowMissingError, match="Known: pair, team"):
        late.info("other")


async def test_they_are_built_once_for_the_first_who_needs_them(registry: Registry) -> None:
    built: list[Registry] = []

    def load() -> Registry:
        built.append(registry)
        return registry

    late = LateWorkflows(kept(registry), load, nothing)
    before = await late.checks()
    late.begin()
    effective = await late.effective(*CALL)
    checked = await late.checked(*CALL)
    async with late.session_chat("pair") as chat:
        tools = set(chat.tools)

    assert effective == await registry.effective(*CALL)
    assert checked == await registry.checked(*CALL)
    assert {"send_email", "update_crm", "look_up", "wipe"} == tools
    assert [registry] == built
    assert {} == before == await late.checks()
    assert late.forms() is registry.forms()


def refuses() -> Registry:
    raise ConfigurationError(["The workflow pair cannot be built: no CRM_URL."])


def dies() -> Registry:
    raise SystemExit(3)


@pytest.mark.parametrize("load", [refuses, dies])
async def test_nothing_runs_where_they_cannot_be_built(
    registry: Registry, load: Callable[[], Registry]
) -> None:
    wrong: list[str] = []
    late = LateWorkflows(kept(registry), load, lambda: wrong.append("told"))

    with pytest.raises(UnavailableError):
        await late.effective(*CALL)
    with pytest.raises(UnavailableError):
        async with late.session_chat("pair"):
            raise AssertionError("it has no chat")

    assert ["told"] == wrong
    assert {"workflows": OTHERWISE} == await late.checks()
    assert late.infos() == registry.infos()


def other_class(facts: Facts) -> Facts:
    return replace(facts, classes={**facts.classes, "wipe": Reversibility.REVERSIBLE})


def other_version(facts: Facts) -> Facts:
    first, *rest = facts.workflows
    info = first.info.model_copy(update={"version": "0"})
    return replace(facts, workflows=(first.model_copy(update={"info": info}), *rest))


def other_schema(facts: Facts) -> Facts:
    first, *rest = facts.workflows
    tool = first.tools["wipe"]
    takes = {**tool.takes, "properties": {"table": {"type": "integer"}}}
    tools = {**first.tools, "wipe": tool.model_copy(update={"takes": takes})}
    return replace(facts, workflows=(first.model_copy(update={"tools": tools}), *rest))


@pytest.mark.parametrize("change", [other_class, other_version, other_schema])
async def test_nothing_runs_where_the_rules_were_made_for_others(
    registry: Registry, change: Callable[[Facts], Facts]
) -> None:
    wrong: list[str] = []
    late = LateWorkflows(change(kept(registry)), lambda: registry, lambda: wrong.append("told"))

    with pytest.raises(UnavailableError):
        await late.checked(*CALL)

    assert ["told"] == wrong


def test_a_default_that_is_todays_makes_no_difference(registry: Registry) -> None:
    facts = kept(registry)
    first, *rest = facts.workflows
    tool = first.tools["wipe"]
    table = {**tool.takes["properties"]["table"], "default": "2026-11-30"}
    takes = {**tool.takes, "properties": {"table": table}}
    later = tool.model_copy(update={"takes": takes, "version": "another"})
    tools = {**first.tools, "wipe": later}

    tomorrow = replace(facts, workflows=(first.model_copy(update={"tools": tools}), *rest))

    assert facts.rules_alike(tomorrow)
