"""The quick form of a condition says of every sender what AutoGen's form says."""

from __future__ import annotations

from typing import Any

import pytest
from autogen import Agent, AssistantAgent, ConversableAgent

from countersign import ApprovalProxy, Registry, WorkflowContext
from countersign.agents.classic.fast_conditions import AnyAgent, AnySender, replace_conditions
from countersign.agents.classic.models import ModelSettings, SharedClient, llm_config
from tests.agents.teams import Effects, team


class Foreign:
    """Fulfils AutoGen's protocol without being one of its agents."""

    def __init__(self) -> None:
        self.name, self.description = "foreign", "not of AutoGen"

    def __getattr__(self, name: str) -> Any:
        methods = {"send", "receive", "generate_reply", "set_ui_tools", "unset_ui_tools"}
        if name in methods or name.removeprefix("a_") in methods:
            return print
        raise AttributeError(name)


SENDERS = (
    ConversableAgent("plain", llm_config=False),
    AssistantAgent("assistant", llm_config=False),
    ApprovalProxy("gatekeeper"),
    Foreign(),
    None,
    "gatekeeper",
    object(),
)


@pytest.mark.parametrize("sender", SENDERS, ids=lambda sender: type(sender).__name__)
@pytest.mark.parametrize(("plain", "quick"), [(Agent, AnyAgent), ([Agent, None], AnySender)])
def test_the_quick_form_answers_as_autogen_does(plain: Any, quick: type, sender: Any) -> None:
    """For its own agents, for others that fulfil the protocol, for nobody, and for anything."""
    asked = ConversableAgent("asked", llm_config=False)

    assert asked._match_trigger(plain, sender) is asked._match_trigger(quick, sender)


def test_only_the_two_common_conditions_are_replaced() -> None:
    """Everything else, and all else of an entry, stays; what is registered later as well."""
    agent, other = ConversableAgent("one", llm_config=False), SENDERS[0]
    kept: list[Any] = ["name", other, [other, None], [Agent], [None, Agent], ConversableAgent]
    agent.register_reply([Agent, None], ConversableAgent.generate_oai_reply, config={"k": 1})
    for trigger in kept:
        agent.register_reply(trigger, ConversableAgent.generate_oai_reply)
    before = [dict(entry) for entry in agent._reply_func_list]
    replace_conditions([agent])

    assert [entry["trigger"] for entry in agent._reply_func_list[: len(kept)]] == kept[::-1]
    assert {entry["trigger"] for entry in agent._reply_func_list[len(kept) :]} == {AnySender}
    for entry, old in zip(agent._reply_func_list, before, strict=True):
        assert {**entry, "trigger": 0} == {**old, "trigger": 0}


async def test_the_chats_of_a_registry_are_quick() -> None:
    """All agents, the manager with its own condition included; nothing slow is left."""
    with SharedClient(verify=False) as client:
        registry = Registry(WorkflowContext(llm_config(ModelSettings(api_key="k"), client)))
        registry.add(team(Effects()))
        async with registry.borrow("team") as built:
            triggers = {e["trigger"] for a in built.chat.agents for e in a._reply_func_list}

    assert triggers == {AnyAgent, AnySender}
