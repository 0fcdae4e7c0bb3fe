"""A chat of a gatekeeper and a worker, into which a test puts something that executes by itself."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import autogen
from autogen import AssistantAgent, ConversableAgent

from countersign import (
    ApprovalProxy,
    Chat,
    WorkflowContext,
    workflow,
)
from countersign.agents.classic.workflows import Workflow
from countersign.approvals.models import LedgerEntry
from countersign.approvals.runs import BESIDE_GATE
from countersign.sandbox.openai import Conversation, Reply, Say
from tests.agents.teams import Mode
from tests.agents.world import World, world

IS_014 = not autogen.__version__.startswith("0.9")
DONE = "done TERMINATE"


@dataclass
class Effect:
    """Something that must not happen: a file that is written."""

    path: Path
    asker: Any = None
    """The worker of the chat, where the effect needs it."""

    @property
    def happened(self) -> bool:
        """Whether it did."""
        return self.path.exists()

    @property
    def code(self) -> str:
        """Python that does it."""
        return f"__import__('pathlib').Path({str(self.path)!r}).write_text('x')"

    @property
    def command(self) -> list[str]:
        """A program that does it."""
        return [sys.executable, "-c", self.code]

    @property
    def block(self) -> str:
        """A message with the code in it."""
        return f"Run this:\n```python\n{self.code}\n```"

    def tool(self, name: str = "pay") -> Callable[[], str]:
        """A function that does it."""

        def pay() -> str:
            """Pay."""
            self.path.write_text("x")
            return "paid"

        pay.__name__ = name
        return pay


Build = Callable[[WorkflowContext, Effect], Chat]


def speaker(name: str = "worker", context: WorkflowContext | None = None) -> AssistantAgent:
    """An agent of the chat; it has a model if there is a context."""
    config: Any = False if context is None else context.llm_config
    return AssistantAgent(name, "You are " + name, llm_config=config)


def gatekeeper(**options: Any) -> ApprovalProxy:
    """The proxy of the chat."""
    over: Any = {"is_termination_msg": lambda m: "TERMINATE" in str(m.get("content"))}
    return ApprovalProxy("gatekeeper", human_input_mode="NEVER", **over, **options)


def answering(agent: ConversableAgent, act: Callable[[], Any]) -> ConversableAgent:
    """The agent does this before it answers."""

    def reply(*_: Any, **__: Any) -> tuple[bool, str]:
        act()
        return True, DONE

    agent.register_reply(lambda _: True, reply)
    return agent


def a_answering(agent: ConversableAgent, act: Callable[[], Any]) -> ConversableAgent:
    """The same in an async chat."""

    async def reply(*_: Any, **__: Any) -> tuple[bool, str]:
        await act()
        return True, DONE

    agent.register_reply(lambda _: True, reply, ignore_async_in_sync_chat=True)
    return agent


def of(build: Build, effect: Effect, mode: Mode = "sync") -> Workflow:
    """The workflow that the builder builds."""
    return workflow("flow", "1", "A flow", mode=mode)(lambda context: build(context, effect))


def says_done(_: Conversation) -> Reply:
    """A model that has nothing to add."""
    return Say(DONE)


@asynccontextmanager
async def running(
    build: Build,
    effect: Effect,
    tmp_path: Path,
    *,
    mode: Mode = "sync",
    script: Callable[[Conversation], Reply] = says_done,
    guarded: tuple[str, ...] = (),
) -> AsyncIterator[World]:
    """A world in which the chat passed the check at start."""
    flow = of(build, effect, mode)
    async with world(flow, script, path=tmp_path, office="sqlite", guarded=guarded) as one:
        await one.start(effect.block)
        yield one


async def attempts(one: World) -> list[LedgerEntry]:
    """What is on the ledger of attempts beside the gate."""
    office: Any = one.office
    assert (await office.records.verify()).verified
    return [e for e in await office.records.ledger(one.session_id) if e.kind == BESIDE_GATE]
