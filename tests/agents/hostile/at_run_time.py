"""Configurations that no look at the chat can know: what executes is made, or set, later."""

from __future__ import annotations

import asyncio
import os
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from autogen import AssistantAgent, ConversableAgent, UserProxyAgent, code_utils
from autogen.coding import CodeBlock, LocalCommandLineCodeExecutor
from autogen.coding.base import CodeResult
from autogen.coding.markdown_code_extractor import MarkdownCodeExtractor
from autogen.tools import Tool

from countersign import Chat, WorkflowContext
from tests.agents.hostile.frame import (
    IS_014,
    Build,
    Effect,
    a_answering,
    answering,
    gatekeeper,
    speaker,
)

CALL: dict[str, Any] = {"name": "pay", "arguments": "{}"}
TOOL_CALL: dict[str, Any] = {
    "content": None,
    "role": "assistant",
    "tool_calls": [{"id": "c1", "type": "function", "function": CALL}],
}
Act = Callable[[Effect], Any]


def replying(act: Act) -> Build:
    """A worker whose reply function does this."""

    def build(_: WorkflowContext, effect: Effect) -> Chat:
        return Chat(gatekeeper(), answering(speaker(), lambda: act(effect)))

    return build


def a_replying(act: Act) -> Build:
    """The same with an async reply function."""

    def build(_: WorkflowContext, effect: Effect) -> Chat:
        return Chat(gatekeeper(), a_answering(speaker(), lambda: act(effect)))

    return build


def _executing(effect: Effect) -> ConversableAgent:
    """An agent that is made now, with a tool."""
    agent = ConversableAgent("late", llm_config=False, human_input_mode="NEVER")
    agent.register_for_execution(name="pay")(effect.tool())
    return agent


def _coding(effect: Effect, executor: Any = None) -> ConversableAgent:
    own = executor or LocalCommandLineCodeExecutor(work_dir=effect.path.parent)
    config: dict[str, Any] = {"executor": own}
    return ConversableAgent(
        "coder", llm_config=False, human_input_mode="NEVER", code_execution_config=config
    )


def execute_function(effect: Effect) -> None:
    _executing(effect).execute_function(CALL)


async def a_execute_function(effect: Effect) -> None:
    await _executing(effect).a_execute_function(CALL)


def tool_calls_reply(effect: Effect) -> None:
    _executing(effect).generate_tool_calls_reply([TOOL_CALL])


async def a_tool_calls_reply(effect: Effect) -> None:
    await _executing(effect).a_generate_tool_calls_reply([TOOL_CALL])


def function_call_reply(effect: Effect) -> None:
    message: dict[str, Any] = {"role": "assistant", "content": None, "function_call": CALL}
    _executing(effect).generate_function_call_reply([message])


def initiates_a_chat(effect: Effect) -> None:
    """A nested chat with agents that did not exist at the start."""
    other = AssistantAgent("other", llm_config=False)
    other.initiate_chat(_executing(effect), message=TOOL_CALL, max_turns=1, silent=True)


async def a_initiates_a_chat(effect: Effect) -> None:
    other = AssistantAgent("other", llm_config=False)
    call: Any = TOOL_CALL
    await other.a_initiate_chat(_executing(effect), message=call, max_turns=1, silent=True)


def code_in_a_chat(effect: Effect) -> None:
    other = AssistantAgent("other", llm_config=False)
    other.initiate_chat(_coding(effect), message=effect.block, max_turns=1, silent=True)


def runs_an_agent(effect: Effect) -> None:
    """`run` goes on in a thread of its own, and hands errors over as events."""
    other = AssistantAgent("other", llm_config=False)
    response = other.run(_executing(effect), message=TOOL_CALL, max_turns=1)
    response.process()


def local_executor(effect: Effect) -> None:
    executor = LocalCommandLineCodeExecutor(work_dir=effect.path.parent)
    executor.execute_code_blocks([CodeBlock(code=effect.code, language="python")])


def legacy_run_code(effect: Effect) -> None:
    ConversableAgent("coder", llm_config=False).run_code(effect.code, use_docker=False)


def legacy_code_blocks(effect: Effect) -> None:
    """With the configuration set on an agent that was made without."""
    agent = ConversableAgent("coder", llm_config=False)
    agent._code_execution_config = {"use_docker": False}
    agent.execute_code_blocks([("python", effect.code)])  # type: ignore[no-untyped-call]


def legacy_execute_code(effect: Effect) -> None:
    code_utils.execute_code(effect.code, use_docker=False)


class Runner:
    """A code executor that is none of AutoGen's classes."""

    code_extractor = MarkdownCodeExtractor()

    def execute_code_blocks(self, code_blocks: list[CodeBlock]) -> CodeResult:
        exec(code_blocks[0].code)  # noqa: S102
        return CodeResult(exit_code=0, output="")

    def restart(self) -> None: ...


def executor_of_ones_own(effect: Effect) -> None:
    other = AssistantAgent("other", llm_config=False)
    coder = _coding(effect, Runner())
    other.initiate_chat(coder, message=effect.block, max_turns=1, silent=True)


def executor_that_is_called(effect: Effect) -> None:
    Runner().execute_code_blocks([CodeBlock(code=effect.code, language="python")])


def tool_that_is_called(effect: Effect) -> None:
    Tool(name="pay", description="Pay.", func_or_tool=effect.tool())()


def starts_a_program(effect: Effect) -> None:
    subprocess.run(effect.command, check=True)


def os_system(effect: Effect) -> None:
    os.system(f"touch {effect.path}")  # noqa: S605


def spawns(effect: Effect) -> None:
    os.waitpid(os.posix_spawn(effect.command[0], effect.command, os.environ), 0)


async def async_program(effect: Effect) -> None:
    process = await asyncio.create_subprocess_exec(*effect.command)
    await process.wait()


def executes_a_string(effect: Effect) -> None:
    exec(effect.code)  # noqa: S102


def evaluates_a_string(effect: Effect) -> None:
    eval(effect.code)  # noqa: S307


def in_a_thread(effect: Effect) -> None:
    thread = threading.Thread(target=lambda: swallowed(effect))
    thread.start()
    thread.join()


def in_a_pool(effect: Effect) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(starts_a_program, effect).result()


async def in_the_loops_pool(effect: Effect) -> None:
    await asyncio.get_running_loop().run_in_executor(None, starts_a_program, effect)


async def in_a_task(effect: Effect) -> None:
    await asyncio.create_task(a_execute_function(effect))


def swallowed(effect: Effect) -> None:
    """As AutoGen's SocietyOfMindAgent does with whatever its inner chat raises."""
    try:
        execute_function(effect)
    except BaseException:  # noqa: S110
        pass


def made_into_another_error(effect: Effect) -> None:
    try:
        execute_function(effect)
    except Exception as exc:
        raise ConnectionError("Something went wrong.") from exc


class Own(ConversableAgent):
    """Has its own way to execute functions, of which AutoGen knows nothing."""

    own: Any = None

    def execute_function(self, func_call: dict[str, Any], *_: Any, **__: Any) -> Any:
        return True, {"content": self.own(), "name": "pay"}


def own_execution(effect: Effect) -> None:
    agent = Own("own", llm_config=False)
    agent.own = effect.tool()
    agent.execute_function(CALL)


def default_code_execution(effect: Effect) -> None:
    """A UserProxyAgent executes code unless it is told not to."""
    other = AssistantAgent("other", llm_config=False)
    config = {"executor": LocalCommandLineCodeExecutor(work_dir=effect.path.parent)}
    user = UserProxyAgent("user", human_input_mode="NEVER", code_execution_config=config)
    other.initiate_chat(user, message=effect.block, max_turns=1, silent=True)


SYNC: list[tuple[Act, str]] = [
    (execute_function, "call pay (ConversableAgent executes functions)"),
    (tool_calls_reply, "call pay (ConversableAgent executes functions)"),
    (function_call_reply, "call pay (ConversableAgent executes functions)"),
    (initiates_a_chat, "late was about to call pay"),
    (runs_an_agent, "late was about to call pay"),
    (own_execution, "own was about to call pay (Own executes functions)"),
    (code_in_a_chat, "run code (its executor is a LocalCommandLineCodeExecutor)"),
    (default_code_execution, "user was about to run code"),
    (local_executor, "run code (a LocalCommandLineCodeExecutor executes it)"),
    (legacy_run_code, "run code (ConversableAgent executes code)"),
    (legacy_code_blocks, "run code (ConversableAgent executes code)"),
    (legacy_execute_code, "The workflow was about to"),  # 0.9 looks for Docker first
    (executor_of_ones_own, "run code (its executor is a Runner)"),
    (executor_that_is_called, "execute code (by exec or eval)"),
    (tool_that_is_called, "call pay (a Tool is called directly)"),
    (starts_a_program, "start a program (by subprocess.Popen)"),
    (os_system, "start a program (by os.system)"),
    (spawns, "start a program (by os.posix_spawn)"),
    (executes_a_string, "execute code (by exec or eval)"),
    (evaluates_a_string, "execute code (by exec or eval)"),
    (in_a_thread, "late was about to call pay"),
    (in_a_pool, "start a program (by subprocess.Popen)"),
    (swallowed, "late was about to call pay"),
    (made_into_another_error, "late was about to call pay"),
]


async def asks_an_agent_of_beta(effect: Effect) -> None:
    """autogen 0.14."""
    from autogen.beta import Agent
    from autogen.beta.events import ToolCallEvent
    from autogen.beta.testing import TestConfig

    model = TestConfig(ToolCallEvent(name="pay", arguments="{}"), "done")
    await Agent("inner", config=model, tools=[effect.tool()]).ask("Go ahead")


ASYNC: list[tuple[Act, str]] = [
    (a_execute_function, "call pay (ConversableAgent executes functions)"),
    (a_tool_calls_reply, "call pay (ConversableAgent executes functions)"),
    (a_initiates_a_chat, "late was about to call pay"),
    (async_program, "start a program (by subprocess.Popen)"),
    (in_the_loops_pool, "start a program (by subprocess.Popen)"),
    (in_a_task, "late was about to call pay"),
    *([(asks_an_agent_of_beta, "call pay (an agent of autogen.beta executes")] if IS_014 else []),
]
