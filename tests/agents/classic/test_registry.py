"""Workflows are found, checked at start, described, and lent to one session at a time."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from countersign import (
    ApprovalProxy,
    Chat,
    Registry,
    WorkflowContext,
    workflow,
)
from countersign.agents.classic.models import ModelSettings, SharedClient, llm_config
from countersign.agents.classic.workflows import Workflow
from countersign.agents.lanes import SESSIONS_AT_ONCE, Slot, Slots
from countersign.approvals.errors import ConfigurationError, NotFoundError
from tests.agents.teams import Effects, code_execution, pair, team


@pytest.fixture
def context() -> Any:
    with SharedClient(verify=False) as client:
        yield WorkflowContext(llm_config(ModelSettings(api_key="k"), client), {"url": "http://x"})


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """An importable module with two workflows."""
    made = ModuleType("some_flows")
    made.one, made.two = team(Effects()), pair(Effects())  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "some_flows", made)
    return made


def test_workflows_are_loaded_by_import_path(context: WorkflowContext, module: ModuleType) -> None:
    """Every one of the module, described for people."""
    registry = Registry(context)
    registry.load("some_flows")
    info = registry.info("pair")

    assert [i.name for i in registry.infos()] == ["team", "pair"]
    assert (info.title, info.agents) == ("A pair", ("worker", "gatekeeper"))
    assert info.tools == ("send_email", "update_crm", "look_up", "wipe")
    assert info.version.startswith("1+")


def test_what_cannot_be_loaded_is_said_at_once(
    context: WorkflowContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A module that is not there, and one without workflows."""
    monkeypatch.setitem(sys.modules, "empty_flows", ModuleType("empty_flows"))
    with pytest.raises(ConfigurationError) as caught:
        Registry(context).load("no_such_flows", "empty_flows")

    assert "no_such_flows cannot be imported" in caught.value.problems[0]
    assert "empty_flows declares none; use the @workflow decorator" in caught.value.problems[1]


def test_an_unknown_workflow_lists_the_known_ones(
    context: WorkflowContext, module: ModuleType
) -> None:
    """So that a typing error is found."""
    registry = Registry(context)
    registry.load("some_flows")

    with pytest.raises(NotFoundError, match=r"no workflow 'pear'. Known: pair, team\."):
        registry.info("pear")


def test_two_of_one_name_are_refused(context: WorkflowContext) -> None:
    """The second would take the sessions of the first."""
    registry = Registry(context)
    registry.add(pair(Effects()))

    with pytest.raises(ConfigurationError, match="two are named pair"):
        registry.add(pair(Effects()))


def test_an_unsafe_workflow_is_refused_at_start(context: WorkflowContext) -> None:
    """Not when the first session runs."""

    @workflow("bad", "1", "Bad")
    def bad(_: WorkflowContext) -> Chat:
        return Chat(
            ApprovalProxy("gate", code_execution_config=code_execution()),
            ApprovalProxy("other", human_input_mode="NEVER"),
        )

    registry = Registry(context)
    with pytest.raises(ConfigurationError, match="workflow bad: gate can execute code"):
        registry.add(bad)
    assert registry.infos() == ()


def test_the_catalog_knows_what_tools_take(context: WorkflowContext) -> None:
    """As the tool takes it: no rationale, and nothing that is not named."""
    registry = Registry(context)
    registry.add(pair(Effects()))
    schema = registry.schema("pair", "update_crm")

    assert schema is not None
    assert schema["additionalProperties"] is False
    assert sorted(schema["properties"]) == schema["required"] == ["record", "stage"]
    assert registry.schema("pair", "nothing") is registry.schema("nothing", "update_crm") is None


def test_the_catalog_knows_who_answers(context: WorkflowContext) -> None:
    """The roles of each user proxy."""
    registry = Registry(context)
    registry.add(pair(Effects(), roles=["legal", "sales"]))

    assert registry.input_roles("pair", "gatekeeper") == ("legal", "sales")
    assert registry.input_roles("pair", "worker") == registry.input_roles("x", "y") == ()


def _version(flow: Workflow, context: WorkflowContext) -> str:
    registry = Registry(context)
    registry.add(flow)
    return registry.info(flow.name).version


def test_the_version_follows_what_a_session_depends_on(context: WorkflowContext) -> None:
    """The same chat gives the same version in every process; another chat another one."""
    same = _version(team(Effects()), context)

    assert _version(team(Effects()), context) == same
    assert _version(team(Effects(), max_round=7), context) != same
    assert _version(team(Effects(), selection="custom"), context) != same
    assert _version(team(Effects(), human_input_mode="ALWAYS"), context) != same


FUTURE = """from __future__ import annotations
from typing import Annotated
import autogen
from pydantic import BaseModel
from countersign import ApprovalProxy, Chat, WorkflowContext, workflow

class Line(BaseModel):
    sku: str

@workflow("future", version="1", title="Future")
def future(context: WorkflowContext) -> Chat:
    clerk = autogen.AssistantAgent("clerk", llm_config=context.llm_config)
    gate = ApprovalProxy("gate")
    def pay(invoice: Annotated[str, "The invoice"], n: Annotated[int, "n"] = 3) -> str:
        return invoice
    autogen.register_function(pay, caller=clerk, executor=gate, name="pay", description="Pay")
    return Chat(starter=gate, recipient=clerk)
"""


@pytest.fixture
def future(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A module whose annotations are text, which AutoGen evaluates elsewhere."""
    monkeypatch.syspath_prepend(tmp_path)
    path = tmp_path / "future_flow.py"
    path.write_text(FUTURE)
    yield path
    sys.modules.pop("future_flow", None)


def test_descriptions_that_models_are_not_shown_are_found(
    context: WorkflowContext, future: Path
) -> None:
    registry = Registry(context)
    registry.load("future_flow")

    assert registry.undescribed == {"future": {"pay": ["invoice"]}}


def test_types_that_autogen_cannot_read_are_said_with_the_line_to_remove(
    context: WorkflowContext, future: Path
) -> None:
    future.write_text(FUTURE.replace('n: Annotated[int, "n"] = 3', "line: Line"))
    with pytest.raises(ConfigurationError, match="Remove that line"):
        Registry(context).load("future_flow")


def test_what_is_no_annotation_of_text_is_shown(context: WorkflowContext, future: Path) -> None:
    future.write_text(FUTURE.partition("\n")[2])
    registry = Registry(context)
    registry.load("future_flow")

    assert registry.undescribed == {"future": {}}


async def test_a_chat_is_lent_to_one_session_at_a_time(context: WorkflowContext) -> None:
    """A second session gets a second chat; both are kept for later."""
    registry = Registry(context)
    registry.add(pair(Effects()))
    async with registry.borrow("pair") as first, registry.borrow("pair") as second:
        assert first is not second
    async with registry.borrow("pair") as third:
        assert third in (first, second)


async def test_as_many_chats_are_kept_as_sessions_are_at_work(context: WorkflowContext) -> None:
    """However many wait, each place builds one chat, also when all end together."""
    built: list[Chat] = []
    flow = pair(Effects())

    @workflow("counted", version="1", title="Counted", triggers=("counted",), example="counted")
    def counted(given: WorkflowContext) -> Chat:
        chat = flow(given)
        assert isinstance(chat, Chat)
        built.append(chat)
        return chat

    registry = Registry(context)
    registry.add(counted)
    at_start, slots = len(built) - 1, Slots(SESSIONS_AT_ONCE)  # one of them is ready to be lent
    together = asyncio.Barrier(SESSIONS_AT_ONCE)

    async def session() -> None:
        async with Slot(slots), registry.borrow("counted"):
            await together.wait()

    await asyncio.gather(*[session() for _ in range(2 * SESSIONS_AT_ONCE)])

    assert len(built) - at_start == SESSIONS_AT_ONCE


async def test_a_workflow_that_is_not_pooled_is_built_anew(context: WorkflowContext) -> None:
    """For factories that keep state where no reset can find it."""
    registry = Registry(context)
    registry.add(team(Effects(), pooled=False))
    async with registry.borrow("team") as first:
        pass
    async with registry.borrow("team") as second:
        assert first is not second


def test_a_factory_can_be_called_directly(context: WorkflowContext, tmp_path: Path) -> None:
    """The decorator does not hide it."""
    chat = pair(Effects())(context)

    assert isinstance(chat, Chat)
    assert (chat.starter.name, chat.recipient.name) == ("gatekeeper", "worker")


def test_a_factory_that_misses_a_setting_is_named(context: WorkflowContext) -> None:
    @workflow("needy", version="1", title="Needy", triggers=("needy",), example="needy")
    def needy(_: WorkflowContext) -> Chat:
        raise ValueError("it needs crm_url")

    with pytest.raises(ConfigurationError, match="needy cannot be built: it needs crm_url"):
        Registry(context).add(needy)
