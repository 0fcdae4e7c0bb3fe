"""A chat in which a tool could pass the gate, or never reach it, is refused at start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from autogen import AssistantAgent, ConversableAgent, GroupChat, GroupChatManager, UserProxyAgent
from autogen.agentchat.group.group_tool_executor import GroupToolExecutor

from countersign import ApprovalProxy, Chat
from countersign.agents.classic.topology import check
from countersign.approvals.errors import ConfigurationError
from tests.agents.teams import code_execution

LLM = {"config_list": [{"model": "m", "api_key": "k"}], "cache_seed": None}


def pay(amount: int) -> str:
    """Pay."""
    return str(amount)


def other_pay(amount: int) -> str:
    """Another way to pay."""
    return str(amount)


def gate(name: str = "gate", **options: Any) -> ApprovalProxy:
    return ApprovalProxy(name, **options)


def worker(name: str = "worker") -> AssistantAgent:
    agent = AssistantAgent(name, llm_config=LLM)
    agent.register_for_llm(description="Pay.")(pay)
    return agent


def executing(proxy: Any) -> Any:
    proxy.register_for_execution()(pay)
    return proxy


def group(*agents: ConversableAgent, starter: Any = None, **options: Any) -> Chat:
    options = {"speaker_selection_method": "round_robin"} | options
    chat = GroupChat(list(agents), messages=[], **options)
    return Chat(starter or agents[0], GroupChatManager(chat, llm_config=False))


def _no_proxy() -> Chat:
    return Chat(AssistantAgent("a"), AssistantAgent("b"))


def _plain_user_proxy_executes() -> Chat:
    plain = UserProxyAgent("user", human_input_mode="NEVER", code_execution_config=False)
    return group(executing(gate()), executing(plain), worker())


def _worker_executes_its_own_call() -> Chat:
    return group(executing(gate()), executing(worker()))


def _filter_off() -> Chat:
    return group(executing(gate()), worker(), func_call_filter=False)


def _different_tools_of_one_name() -> Chat:
    second = gate("second")
    second.register_function({"pay": other_pay})
    return group(executing(gate()), second, worker())


def _different_arguments_of_one_tool() -> Chat:
    def shown(amount: str) -> str:
        """Pay."""
        return amount

    other = AssistantAgent("other", llm_config=LLM)
    other.register_for_llm(name="pay", description="Pay.")(shown)
    return group(executing(gate()), worker(), other)


def _code_on_the_proxy() -> Chat:
    return group(executing(gate(code_execution_config=code_execution())), worker())


def _code_on_another_agent() -> Chat:
    coder = ConversableAgent(
        "coder", human_input_mode="NEVER", code_execution_config=code_execution()
    )
    return group(executing(gate()), worker(), coder)


def _console() -> Chat:
    asking = UserProxyAgent("asking", code_execution_config=False)
    return group(executing(gate()), worker(), asking)


def _unsealed() -> Chat:
    proxy = gate()
    proxy._function_map["pay"] = pay
    return group(proxy, worker())


def _sealed_under_another_name() -> Chat:
    proxy = executing(gate())
    proxy._function_map["refund"] = proxy._function_map["pay"]
    return group(proxy, worker())


def _before_the_gate() -> Chat:
    proxy = executing(gate())
    proxy.register_reply([ConversableAgent], lambda *_, **__: (False, None))
    return group(proxy, worker())


def _not_idempotent() -> Chat:
    return group(executing(gate(idempotent=["payy"])), worker())


def _same_names() -> Chat:
    inner = AssistantAgent("worker")
    outer = worker()
    outer.register_nested_chats(
        [{"recipient": inner, "message": "x", "max_turns": 1}], trigger=lambda _: False
    )
    return group(executing(gate()), outer)


def _nested_proxy() -> Chat:
    outer = AssistantAgent("outer")
    outer.register_nested_chats(
        [{"recipient": executing(gate("inner")), "message": "x", "max_turns": 1}],
        trigger=lambda _: False,
    )
    return group(executing(gate()), worker(), outer)


def _nested_executor() -> Chat:
    outer = AssistantAgent("outer")
    outer.register_nested_chats(
        [{"recipient": executing(worker("inner")), "message": "x", "max_turns": 1}],
        trigger=lambda _: False,
    )
    return group(executing(gate()), worker(), outer)


def _group_in_group() -> Chat:
    inner = GroupChatManager(
        GroupChat([AssistantAgent("a"), AssistantAgent("b")], messages=[]),
        name="inner",
        llm_config=False,
    )
    return group(executing(gate()), worker(), inner)


def _proxy_without_a_turn() -> Chat:
    asker = AssistantAgent("asker")
    chat = group(asker, worker())
    return Chat(executing(gate()), chat.recipient)


def _speakers_exclude_the_proxy() -> Chat:
    proxy, mine, third = executing(gate()), worker(), AssistantAgent("third")
    return group(
        proxy,
        mine,
        third,
        allowed_or_disallowed_speaker_transitions={proxy: [mine], mine: [third], third: [proxy]},
        speaker_transitions_type="allowed",
    )


def _nobody_executes() -> Chat:
    return group(gate(), worker())


def _clears_history() -> Chat:
    return group(executing(gate()), worker(), enable_clear_history=True)


def _manual_selection() -> Chat:
    return group(executing(gate()), worker(), speaker_selection_method="manual")


def _manager_starts() -> Chat:
    chat = group(executing(gate()), worker())
    return Chat(chat.recipient, chat.starter)


UNSAFE = [
    (_no_proxy, "no agent is an ApprovalProxy"),
    (_plain_user_proxy_executes, "user can execute pay without asking"),
    (_worker_executes_its_own_call, "worker can execute pay without asking"),
    (_filter_off, "func_call_filter=False"),
    (_different_tools_of_one_name, "gate and second have different tools named pay"),
    (_different_arguments_of_one_tool, "different arguments of pay"),
    (_code_on_the_proxy, "gate can execute code"),
    (_code_on_another_agent, "coder can execute code"),
    (_console, "asking would ask people on the console"),
    (_unsealed, "pay got into gate past register_function"),
    (_sealed_under_another_name, "refund got into gate past register_function"),
    (_before_the_gate, "another reply function of gate comes before the gate"),
    (_not_idempotent, "gate calls payy idempotent"),
    (_same_names, "2 agents are named worker"),
    (_nested_proxy, "outer holds a nested chat with inner"),
    (_nested_executor, "inner can execute pay without asking"),
    (_group_in_group, "inner is a group within the group"),
    (_proxy_without_a_turn, "gate is not in the group"),
    (_speakers_exclude_the_proxy, "gate may not speak after worker, whose pay it executes"),
    (_nobody_executes, "worker is offered pay, which no ApprovalProxy executes"),
    (_clears_history, "enable_clear_history"),
    (_manual_selection, "manually, on the console"),
    (_manager_starts, "the starter is a GroupChatManager"),
]


@pytest.mark.parametrize(("build", "said"), UNSAFE, ids=[b.__name__[1:] for b, _ in UNSAFE])
def test_an_unsafe_chat_is_refused(build: Callable[[], Chat], said: str) -> None:
    """With what is wrong, in the words of the workflow."""
    with pytest.raises(ConfigurationError) as caught:
        check(build(), "flow")

    (problem,) = [p for p in caught.value.problems if said in p]
    assert problem.startswith("workflow flow: ")


def test_all_problems_come_at_once() -> None:
    """Nobody fixes one to meet the next."""
    chat = group(gate(code_execution_config=code_execution()), executing(worker()))
    with pytest.raises(ConfigurationError) as caught:
        check(chat, "flow")

    assert len(caught.value.problems) == 3


def _two_agents() -> Chat:
    return Chat(executing(gate()), worker())


def _one_tool_on_two_proxies() -> Chat:
    return group(executing(gate()), executing(gate("second")), worker())


def _nested_talk() -> Chat:
    outer = worker()
    outer.register_nested_chats(
        [{"recipient": AssistantAgent("critic"), "message": "x", "max_turns": 1}],
        trigger=lambda _: False,
    )
    return group(executing(gate()), outer)


def _cached_model() -> Chat:
    mine = AssistantAgent("worker", llm_config={**LLM, "cache_seed": 41})
    mine.register_for_llm(description="Pay.")(pay)
    return group(executing(gate()), mine)


@pytest.mark.parametrize(
    "build", [_two_agents, _one_tool_on_two_proxies, _nested_talk, _cached_model]
)
def test_a_safe_chat_is_accepted(build: Callable[[], Chat]) -> None:
    """Also with the same tool twice, harmless nested chats and a cached model."""
    check(build(), "flow")


def test_autogens_patterns_are_refused() -> None:
    """They move every tool to an executor of their own, past the gate."""
    executor = GroupToolExecutor()
    executor.register_function({"pay": pay})
    with pytest.raises(ConfigurationError, match="_Group_Tool_Executor can execute pay"):
        check(group(executing(gate()), worker(), executor), "flow")
