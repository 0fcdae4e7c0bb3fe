"""The job as AutoGen chats: a group chat, the same with AutoGen's own agents and in sync mode, and
two agents."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from autogen import AssistantAgent, GroupChat, GroupChatManager, UserProxyAgent

from bench.ours.workflow_names import GROUP, GROUP_STOCK, GROUP_SYNC, TWO
from bench.payload import ANSWER, ARGUMENTS, CALL_ID, SYSTEM, TOOL, refund
from countersign import (
    ApprovalProxy,
    Chat,
    WorkflowContext,
    workflow,
)
from countersign.agents.classic import cached_replies
from countersign.agents.classic.workflows import Workflow

_USAGE = {
    "prompt_tokens": 10,
    "completion_tokens": 5,
    "total_tokens": 15,
    "cost": 0.0,
    "model": "stub",
}


class StubClient:
    """A model that asks for the refund, and says so once it has the result.

    Implements AutoGen's `ModelClient`, so the chat goes through `OpenAIWrapper.create` as usual.
    """

    def __init__(self, config: dict[str, Any]):
        """Needs nothing of `config`."""

    def create(self, params: dict[str, Any]) -> Any:
        """The next step of the job."""
        message: Any = ANSWER
        if params["messages"][-1]["role"] != "tool":
            function = {"name": TOOL, "arguments": json.dumps(ARGUMENTS)}
            call = {"id": CALL_ID, "type": "function", "function": function}
            message = _Message(
                role="assistant", content=None, function_call=None, tool_calls=[call]
            )
        return SimpleNamespace(
            choices=[message],
            cost=0.0,
            usage=_USAGE,
            model="stub",
            message_retrieval_function=None,  # the wrapper sets it, but asks for it first
        )

    async def a_create(self, params: dict[str, Any]) -> Any:
        """As `create`; the peers' stubs are awaited, too."""
        return self.create(params)

    def message_retrieval(self, response: Any) -> Any:
        """The choices of a response."""
        return response.choices

    def cost(self, response: Any) -> float:
        """Nothing."""
        return 0.0

    @staticmethod
    def get_usage(response: Any) -> dict[str, Any]:
        """Always the same."""
        return dict(_USAGE)


class _Message(SimpleNamespace):
    def model_dump(self) -> dict[str, Any]:
        """What AutoGen keeps of a message with calls."""
        return dict(vars(self))


LLM_CONFIG: dict[str, Any] = {
    "config_list": [{"model": "stub", "model_client_cls": StubClient.__name__}],
    "cache_seed": None,
}
CONTEXT = WorkflowContext(llm_config=LLM_CONFIG)


def _is_over(message: dict[str, Any]) -> bool:
    return message.get("content") == ANSWER


def _never(_: dict[str, Any]) -> bool:
    return False


def assistant_for(
    llm_config: dict[str, Any], kind: type[AssistantAgent] = AssistantAgent
) -> AssistantAgent:
    """The agent that wants the refund."""
    assistant = kind(
        "assistant",
        system_message=SYSTEM,
        llm_config=llm_config,
        description="assistant",
    )
    assistant.register_for_llm(name=TOOL, description="Refund an order.")(refund)
    # AutoGen declares an instance of the protocol, but takes the class.
    assistant.register_model_client(StubClient)  # type: ignore[arg-type]
    return assistant


def manager_of(
    proxy: UserProxyAgent,
    assistant: AssistantAgent,
    kind: type[GroupChatManager] = GroupChatManager,
) -> GroupChatManager:
    """The manager of a group chat of the two."""
    group = GroupChat(
        [proxy, assistant],
        messages=[],
        max_round=12,
        speaker_selection_method="round_robin",
    )
    return kind(group, llm_config=False, is_termination_msg=_is_over, silent=True)


def _proxy(is_over: Callable[[dict[str, Any]], bool]) -> ApprovalProxy:
    proxy = ApprovalProxy(
        "gatekeeper",
        human_input_mode="NEVER",
        is_termination_msg=is_over,
        description="executes tools",
    )
    proxy.register_for_execution(name=TOOL)(refund)
    return proxy


def _group(context: WorkflowContext) -> Chat:
    proxy, assistant = (
        _proxy(_never),
        assistant_for(context.llm_config, cached_replies.AssistantAgent),
    )
    return Chat(
        starter=proxy, recipient=manager_of(proxy, assistant, cached_replies.GroupChatManager)
    )


def _stock(context: WorkflowContext) -> Chat:
    proxy = _proxy(_never)
    return Chat(starter=proxy, recipient=manager_of(proxy, assistant_for(context.llm_config)))


def _two(context: WorkflowContext) -> Chat:
    assistant = assistant_for(context.llm_config, cached_replies.AssistantAgent)
    return Chat(starter=_proxy(_is_over), recipient=assistant)


WORKFLOWS: dict[str, Workflow] = {
    GROUP: workflow(GROUP, version="1", title="A group chat")(_group),
    GROUP_STOCK: workflow(GROUP_STOCK, version="1", title="Its stock twin")(_stock),
    GROUP_SYNC: workflow(GROUP_SYNC, version="1", title="Its sync twin", mode="sync")(_group),
    TWO: workflow(TWO, version="1", title="Two agents")(_two),
}
