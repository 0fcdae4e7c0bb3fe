"""Model clients that can be awaited take no thread; all others are asked as AutoGen asks them."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any

import pytest
from autogen import AssistantAgent, ConversableAgent

from countersign import ApprovalProxy, Chat, Registry, WorkflowContext, workflow
from countersign.agents.classic.awaited_models import await_models

WHO: ContextVar[str] = ContextVar("who", default="nobody")
QUESTION = [{"role": "user", "content": "How are you?"}]


class Blocking:
    """AutoGen's `ModelClient`; says how it was asked, by whom, and in which thread."""

    def __init__(self, config: dict[str, Any], **_: Any):
        """Needs nothing of `config`."""

    def create(self, params: dict[str, Any]) -> Any:
        return self.said("called")

    def said(self, how: str) -> Any:
        where = "loop" if threading.current_thread() is threading.main_thread() else "thread"
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        return SimpleNamespace(
            choices=[f"{how} in the {where} for {WHO.get()}"],
            model="m",
            cost=0.5,
            usage={**usage, "cost": 0.5, "model": "m"},
            message_retrieval_function=None,
        )

    def message_retrieval(self, response: Any) -> Any:
        return response.choices

    def cost(self, response: Any) -> float:
        return 0.5

    @staticmethod
    def get_usage(response: Any) -> Any:
        return response.usage


class Awaitable(Blocking):
    """One that waits for its model without a thread."""

    async def a_create(self, params: dict[str, Any]) -> Any:
        await asyncio.sleep(0)
        return self.said("awaited")


def agent(*clients: type[Blocking]) -> AssistantAgent:
    entries = [{"model": "m", "model_client_cls": each.__name__} for each in clients]
    config: Any = {"config_list": entries, "cache_seed": None}
    made = AssistantAgent("worker", llm_config=config)
    for each in clients:  # AutoGen declares an instance of the protocol, but takes the class
        made.register_model_client(each)  # type: ignore[arg-type]
    await_models([made])
    return made


async def test_client_that_can_be_awaited_is_asked_on_the_loop() -> None:
    """With the context of who asks; AutoGen keeps its own account of what it cost."""
    worker = agent(Awaitable)
    WHO.set("ann")
    reply = await worker.a_generate_reply(QUESTION)

    assert "awaited in the loop for ann" == reply
    assert 0.5 == (worker.get_total_usage() or {})["total_cost"]


@pytest.mark.parametrize("clients", [(Blocking,), (Awaitable, Blocking), (Blocking, Awaitable)])
async def test_client_that_blocks_is_asked_in_a_thread(clients: tuple[type[Blocking], ...]) -> None:
    """Also if it is one of several: the next one is asked where the first one fails."""
    assert "called in the thread for nobody" == await agent(*clients).a_generate_reply(QUESTION)


async def test_what_may_block_around_the_call_is_left_to_a_thread() -> None:
    """Safeguards may ask a model, and a cache may be on another machine."""
    guarded, cached, given_another = (agent(Awaitable) for _ in range(3))
    wrapper: Any = given_another.client
    guarded.hook_lists["safeguard_llm_inputs"] = [lambda messages: messages]
    cached.client_cache = Nothing()  # type: ignore[assignment]
    wrapper._clients[:] = [Blocking({})]

    for worker in (guarded, cached, given_another):
        assert "called in the thread for nobody" == await worker.a_generate_reply(QUESTION)


class Nothing:
    """A cache that is empty."""

    def __enter__(self) -> Nothing:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close."""

    def get(self, key: str, default: Any) -> Any:
        return default

    def set(self, key: str, value: Any) -> None:
        """Kept nowhere."""


async def test_sync_chat_calls_a_client_that_can_be_awaited() -> None:
    worker = agent(Awaitable)

    assert "called in the thread for nobody" == await asyncio.to_thread(
        worker.generate_reply, QUESTION
    )


async def test_many_models_think_at_the_same_time() -> None:
    """More than the event loop has threads."""
    together = asyncio.Barrier(100)

    class Waiting(Awaitable):
        async def a_create(self, params: dict[str, Any]) -> Any:
            await together.wait()
            return self.said("awaited")

    async with asyncio.timeout(20):
        replies = await asyncio.gather(
            *(agent(Waiting).a_generate_reply(QUESTION) for _ in range(100))
        )

    assert ["awaited in the loop for nobody"] * 100 == replies


async def test_what_the_client_raises_reaches_the_caller() -> None:
    class Away(Awaitable):
        async def a_create(self, params: dict[str, Any]) -> Any:
            raise RuntimeError("the model is away")

    with pytest.raises(RuntimeError, match="the model is away"):
        await agent(Away).a_generate_reply(QUESTION)


async def test_reply_that_is_cancelled_cancels_the_call() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    class Endless(Awaitable):
        async def a_create(self, params: dict[str, Any]) -> Any:
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

    asking = asyncio.create_task(agent(Endless).a_generate_reply(QUESTION))
    await begun.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking

    assert ended.is_set()


@pytest.mark.parametrize(("mode", "expected"), [("async", True), ("sync", False)])
async def test_agents_of_a_workflow_await_without_being_asked_to(mode: Any, expected: bool) -> None:
    """AutoGen's own AssistantAgent, as the README has it; a sync chat is left as it is."""

    @workflow("w", version="1", title="W", triggers=("w",), example="w", mode=mode)
    def flow(_: WorkflowContext) -> Chat:
        entry = {"model": "m", "model_client_cls": "Awaitable"}
        config: Any = {"config_list": [entry], "cache_seed": None}
        worker = AssistantAgent("worker", llm_config=config)
        gatekeeper = ApprovalProxy("gatekeeper")

        @gatekeeper.register_for_execution()
        @worker.register_for_llm(description="Pay.")
        def pay(amount: int) -> str:
            return "paid"

        worker.register_model_client(Awaitable)  # type: ignore[arg-type]
        return Chat(starter=gatekeeper, recipient=worker)

    registry = Registry(WorkflowContext({}, {}))
    registry.add(flow)
    async with registry.borrow("w") as built:
        worker = next(each for each in built.chat.agents if each.name == "worker")
        functions = [entry["reply_func"] for entry in worker._reply_func_list]

        assert (ConversableAgent.a_generate_oai_reply not in functions) is expected
