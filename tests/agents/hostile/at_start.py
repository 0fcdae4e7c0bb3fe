"""Configurations in which something that executes is there at the start, wherever it is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any

from autogen import AssistantAgent, ConversableAgent, GroupChat, GroupChatManager, UserProxyAgent
from autogen.agentchat.contrib.captainagent import CaptainAgent
from autogen.agentchat.group.group_tool_executor import GroupToolExecutor
from autogen.agents.experimental import ReasoningAgent
from autogen.coding import LocalCommandLineCodeExecutor

from countersign import ApprovalProxy, Chat, WorkflowContext
from tests.agents.hostile.frame import IS_014, Build, Effect, gatekeeper, speaker

MODULE: dict[str, Any] = {}
"""Where a reply function finds an agent by a global name."""


def executing(effect: Effect, name: str = "inner") -> ConversableAgent:
    """An agent with a tool of its own."""
    agent = ConversableAgent(name, llm_config=False, human_input_mode="NEVER")
    agent.register_for_execution(name="pay")(effect.tool())
    return agent


def coding(effect: Effect, name: str = "inner") -> ConversableAgent:
    """An agent that executes code."""
    executor = LocalCommandLineCodeExecutor(work_dir=effect.path.parent)
    return ConversableAgent(
        name,
        llm_config=False,
        human_input_mode="NEVER",
        code_execution_config={"executor": executor},
    )


def plain_user_proxy(_: WorkflowContext, effect: Effect) -> Chat:
    user = UserProxyAgent("inner", human_input_mode="NEVER", code_execution_config=False)
    user.register_for_execution(name="pay")(effect.tool())
    return Chat(gatekeeper(), user)


def worker_that_codes(_: WorkflowContext, effect: Effect) -> Chat:
    return Chat(gatekeeper(), coding(effect))


def executor_without_its_configuration(_: WorkflowContext, effect: Effect) -> Chat:
    worker = coding(effect)
    worker._code_execution_config = False
    return Chat(gatekeeper(), worker)


def executor_of_a_pattern(_: WorkflowContext, effect: Effect) -> Chat:
    executor = GroupToolExecutor()
    executor.register_function({"pay": effect.tool()})
    group = GroupChat([gatekeeper(), speaker(), executor], messages=[])
    return Chat(group.agents[0], GroupChatManager(group, llm_config=False))  # type: ignore[arg-type]


def kept(keep: Callable[[ConversableAgent], Any]) -> Build:
    """A reply function that keeps the executing agent somehow."""

    def build(_: WorkflowContext, effect: Effect) -> Chat:
        worker, holder = speaker(), keep(executing(effect))

        def reply(*_: Any, **__: Any) -> tuple[bool, str]:
            return True, str(holder)

        worker.register_reply(lambda _: True, reply)
        return Chat(gatekeeper(), worker)

    return build


@dataclass
class Holder:
    """An object of the workflow's."""

    agent: Any

    def reply(self, *_: Any, **__: Any) -> tuple[bool, str]:
        return True, "x"


class Slotted:
    """One without a __dict__."""

    __slots__ = ("agent",)

    def __init__(self, agent: Any):
        self.agent = agent


def in_a_bound_method(_: WorkflowContext, effect: Effect) -> Chat:
    worker = speaker()
    worker.register_reply(lambda _: True, Holder(executing(effect)).reply)
    return Chat(gatekeeper(), worker)


def in_a_partial(_: WorkflowContext, effect: Effect) -> Chat:
    def reply(inner: Any, *_: Any, **__: Any) -> tuple[bool, str]:
        return True, "x"

    worker, call = speaker(), partial(reply, executing(effect))
    worker.register_hook("process_last_received_message", call)
    return Chat(gatekeeper(), worker)


def in_a_default(_: WorkflowContext, effect: Effect) -> Chat:
    agent = executing(effect)

    def reply(*_: Any, inner: Any = agent, **__: Any) -> tuple[bool, str]:
        return True, "x"

    worker = speaker()
    worker.register_reply(lambda _: True, reply)
    return Chat(gatekeeper(), worker)


def behind_a_global_name(_: WorkflowContext, effect: Effect) -> Chat:
    MODULE["inner"] = executing(effect)

    def reply(*_: Any, **__: Any) -> tuple[bool, str]:
        return True, str(MODULE)

    worker = speaker()
    worker.register_reply(lambda _: True, reply)
    return Chat(gatekeeper(), worker)


def as_an_attribute(_: WorkflowContext, effect: Effect) -> Chat:
    worker: Any = speaker()
    worker.helper = executing(effect)
    return Chat(gatekeeper(), worker)


def in_a_nested_queue(_: WorkflowContext, effect: Effect) -> Chat:
    worker = speaker()
    entry = {"recipient": executing(effect), "message": "x", "max_turns": 1}
    worker.register_nested_chats([entry], trigger=lambda _: False)
    return Chat(gatekeeper(), worker)


def in_a_tuple_of_nested_chats(_: WorkflowContext, effect: Effect) -> Chat:
    """AutoGen takes any sequence; a look for lists alone does not see it."""
    worker = speaker()
    entry = {"recipient": executing(effect), "message": "x", "max_turns": 1}
    worker.register_nested_chats((entry,), trigger=lambda _: False)  # type: ignore[arg-type]
    return Chat(gatekeeper(), worker)


def group_in_a_closure(_: WorkflowContext, effect: Effect) -> Chat:
    inner = GroupChat([executing(effect), speaker("other")], messages=[])
    manager = GroupChatManager(inner, name="inner_manager", llm_config=False)
    return kept(lambda _: manager)(_, effect)


def executor_in_a_closure(_: WorkflowContext, effect: Effect) -> Chat:
    executor = LocalCommandLineCodeExecutor(work_dir=effect.path.parent)
    return kept(lambda _: executor)(_, effect)


def proxy_in_a_closure(_: WorkflowContext, effect: Effect) -> Chat:
    return kept(lambda _: ApprovalProxy("inner"))(_, effect)


def captain(context: WorkflowContext, effect: Effect) -> Chat:
    """It holds a nested chat with an executor of its own."""
    config: dict[str, Any] = {"use_docker": False, "work_dir": str(effect.path.parent)}
    return Chat(
        gatekeeper(),
        CaptainAgent("inner", llm_config=context.llm_config, code_execution_config=config),
    )


def reasoning(context: WorkflowContext, effect: Effect) -> Chat:
    """It may execute what it thinks."""
    agent = ReasoningAgent(
        "inner",
        llm_config=context.llm_config,
        code_execution_config={"executor": LocalCommandLineCodeExecutor()},
        reason_config={"interim_execution": True},
    )
    return Chat(gatekeeper(), agent)


def _asking(context: WorkflowContext, **settings: Any) -> Chat:
    config: Any = {**context.llm_config}
    config["config_list"] = [config["config_list"][0] | settings]
    worker = AssistantAgent("inner", llm_config=config)
    return Chat(gatekeeper(), worker)


def hosted_tool(context: WorkflowContext, effect: Effect) -> Chat:
    tools = [{"type": "code_interpreter", "container": {"type": "auto"}}]
    return Chat(
        gatekeeper(), AssistantAgent("inner", llm_config=context.llm_config | {"tools": tools})
    )


def built_in_tools(context: WorkflowContext, effect: Effect) -> Chat:
    """autogen 0.14: its responses client applies patches and runs commands by itself."""
    return _asking(context, api_type="responses", built_in_tools=["apply_patch", "shell"])


def society_of_mind(_: WorkflowContext, effect: Effect) -> Chat:
    """pyautogen 0.9."""
    from autogen.agentchat.contrib.society_of_mind_agent import SocietyOfMindAgent  # type: ignore[import-not-found]

    group = GroupChat([executing(effect), speaker("other")], messages=[])
    manager = GroupChatManager(group, name="inner_manager", llm_config=False)
    return Chat(gatekeeper(), SocietyOfMindAgent("worker", manager, human_input_mode="NEVER"))


def math_proxy(_: WorkflowContext, effect: Effect) -> Chat:
    """pyautogen 0.9; a MathUserProxyAgent executes code by default."""
    from autogen.agentchat.contrib.math_user_proxy_agent import MathUserProxyAgent  # type: ignore[import-not-found]

    config = {"executor": LocalCommandLineCodeExecutor()}
    agent = MathUserProxyAgent("inner", human_input_mode="NEVER", code_execution_config=config)
    return Chat(gatekeeper(), agent)


def _answered(module: str, *path: str) -> Build:
    """By a function of AutoGen's that lets a framework or a server answer. The classes it belongs
    to need what is not installed here."""

    def build(_: WorkflowContext, effect: Effect) -> Chat:
        found: Any = import_module(f"autogen.agentchat.contrib.{module}")
        for name in path:
            found = getattr(found, name)
        agent = ConversableAgent("inner", llm_config=False)
        agent.replace_reply_func(ConversableAgent.generate_oai_reply, found)
        return Chat(gatekeeper(), agent)

    return build


def beta(_: WorkflowContext, effect: Effect) -> Chat:
    """autogen 0.14: an agent that executes its tools in a loop of its own."""
    from autogen.beta import Agent

    return Chat(gatekeeper(), Agent("inner", tools=[effect.tool()]).as_conversable())


def beta_in_a_closure(_: WorkflowContext, effect: Effect) -> Chat:
    worker, inner = speaker(), beta(_, effect).recipient

    def reply(*_: Any, **__: Any) -> tuple[bool, str]:
        return True, str(inner)

    worker.register_reply(lambda _: True, reply)
    return Chat(gatekeeper(), worker)


_LLAMA = "llamaindex_conversable_agent", "LLamaIndexConversableAgent", "_generate_oai_reply"
_NLIP = "nlip_agent", "NlipRemoteAgent", "generate_remote_reply"
_GPT = "gpt_assistant_agent", "GPTAssistantAgent", "_invoke_assistant"
_ADAPTER = "inner answers by ConversableAdapter.a_generate_conversable_reply of autogen.beta"
FOREIGN: list[tuple[Build, str]] = [
    *(
        (_answered(*path), f"inner answers by {path[1]}.{path[2]} of autogen.agentchat.contrib")
        for path in (_LLAMA, _NLIP if IS_014 else _GPT)
    ),
    *([(beta, _ADAPTER), (beta_in_a_closure, _ADAPTER)] if IS_014 else []),
]
KEPT: list[tuple[str, Callable[[ConversableAgent], Any]]] = [
    ("in_a_closure", lambda a: a),
    ("in_a_list", lambda a: [a]),
    ("in_a_tuple", lambda a: (a,)),
    ("in_a_dict", lambda a: {"inner": a}),
    ("in_a_set", lambda a: {a}),
    ("deep_inside", lambda a: [{"x": ({"y": [a]},)}]),
    ("in_an_object", Holder),
    ("in_slots", Slotted),
    ("in_a_lambda", lambda a: lambda: a),
    ("in_a_bound_method_of_it", lambda a: a.initiate_chat),
]
_PAY = "inner can execute pay without asking"
_CODE = "inner can execute code"
CASES: list[tuple[str, Build, str]] = [
    *((name, kept(keep), _PAY) for name, keep in KEPT),
    *((f"foreign_{n}", build, said) for n, (build, said) in enumerate(FOREIGN)),
    *(
        (build.__name__, build, said)
        for build, said in [
            (plain_user_proxy, _PAY),
            (worker_that_codes, _CODE),
            (executor_without_its_configuration, _CODE),
            (executor_of_a_pattern, "_Group_Tool_Executor can execute pay"),
            (in_a_bound_method, _PAY),
            (in_a_partial, _PAY),
            (in_a_default, _PAY),
            (behind_a_global_name, _PAY),
            (as_an_attribute, _PAY),
            (in_a_nested_queue, _PAY),
            (in_a_tuple_of_nested_chats, _PAY),
            (group_in_a_closure, _PAY),
            (executor_in_a_closure, "a LocalCommandLineCodeExecutor can be reached from the chat"),
            (proxy_in_a_closure, "inner is an ApprovalProxy that is kept in a closure"),
            (captain, _CODE),
            (reasoning, _CODE),
            (hosted_tool, "the model client of inner executes code_interpreter by itself"),
            *(
                [(built_in_tools, "the model client of inner executes apply_patch, shell")]
                if IS_014
                else [(society_of_mind, _PAY), (math_proxy, _CODE)]
            ),
        ]
    ),
]
