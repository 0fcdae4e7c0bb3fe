"""The second lock: a registered function runs only under a permit for exactly its arguments."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from autogen import AssistantAgent, register_function
from autogen.tools import Tool

from countersign import ApprovalProxy, current_execution
from countersign.agents.classic.functions import Functions
from countersign.agents.tools.execution import execute
from countersign.agents.tools.permit import Permit, SealedTool, permitted
from countersign.approvals.audit.canonical import digest
from countersign.approvals.errors import (
    IntegrityError,
    InvalidArgumentsError,
    LostLeaseError,
    RefusedError,
)
from countersign.approvals.models import Request
from tests.agents import requests


def transfer(amount: int, to: str = "bob") -> str:
    """Transfer money."""
    return f"{amount} to {to}"


def held() -> None:
    """The lease is held."""


def sealed(body: Callable[..., Any] = transfer) -> SealedTool:
    return SealedTool("transfer", body, Functions())


def claimed(tool: str, arguments: dict[str, Any], body: Callable[..., Any] = transfer) -> Request:
    """A request of what `body` takes."""
    return requests.claimed(tool, arguments, schema_version=sealed(body).parameters.version)


def test_without_a_permit_nothing_runs() -> None:
    """Calling a registered function directly is refused."""
    with pytest.raises(RefusedError, match="only when Countersign executes"):
        sealed()(amount=1)


def test_with_its_permit_it_runs() -> None:
    """The arguments that were approved."""
    with permitted(claimed("transfer", {"amount": 1, "to": "bob"}), held):
        assert sealed()(amount=1, to="bob") == "1 to bob"


@pytest.mark.parametrize(
    "arguments", [{"amount": 2}, {"amount": 1, "to": "eve"}, {}, {"amount": 1.5}]
)
def test_other_arguments_are_refused(arguments: dict[str, Any]) -> None:
    """What is about to run is not what was approved."""
    with (
        permitted(claimed("transfer", {"amount": 1}), held),
        pytest.raises(IntegrityError, match="not what was approved"),
    ):
        sealed()(**arguments)


def test_another_tool_is_refused() -> None:
    """The permit of one tool does not open another."""
    with permitted(claimed("lookup", {"amount": 1}), held), pytest.raises(IntegrityError):
        sealed()(amount=1)


def test_what_was_not_signed_is_not_filled_in_either() -> None:
    """A default behind the digest would be an argument that nobody has approved."""
    with (
        permitted(claimed("transfer", {"amount": 1}), held),
        pytest.raises(InvalidArgumentsError, match="to: "),
    ):
        sealed()(amount=1)


def test_positional_arguments_are_refused() -> None:
    """They are not in the digest."""
    with permitted(claimed("transfer", {"amount": 1}), held), pytest.raises(TypeError):
        sealed()(1)  # type: ignore[call-arg]


def test_what_fills_in_something_else_than_was_approved_is_refused() -> None:
    """Another chat of the workflow may have another default."""
    ran: list[Any] = []

    def pay(amount: int, account: str = "A-2") -> None:
        ran.append((amount, account))

    def earlier(amount: int, account: str = "A-1") -> None:
        """The same, in the chat that people were shown."""

    arguments = {"amount": 1, "account": "A-1"}
    with (
        permitted(claimed("transfer", arguments, earlier), held),
        pytest.raises(IntegrityError, match="fills in here is not what was approved as R-1"),
    ):
        sealed(pay)(**arguments)
    assert [] == ran


def test_a_permit_is_good_for_one_call() -> None:
    """Also in a copied context, as a task that the tool left behind would have."""
    with permitted(claimed("transfer", {"amount": 1, "to": "bob"}), held):
        sealed()(amount=1, to="bob")
        with pytest.raises(RefusedError, match="used up"):
            sealed()(amount=1, to="bob")
        left_behind = contextvars.copy_context()
    with pytest.raises(RefusedError, match="used up"):
        left_behind.run(sealed(), amount=1)


def test_the_permit_ends_with_its_block() -> None:
    """Even if it was not used."""
    with permitted(claimed("transfer", {"amount": 1, "to": "bob"}), held):
        pass
    with pytest.raises(RefusedError):
        sealed()(amount=1)


def test_a_lost_lease_is_noticed_last_of_all_and_nothing_runs() -> None:
    """The store was asked before; the process may have been frozen since."""
    ran: list[int] = []

    def lost() -> None:
        raise LostLeaseError("The lease has run out.")

    def body(amount: int) -> None:
        ran.append(amount)

    tool = sealed(body)
    with permitted(claimed("transfer", {"amount": 1}, body), lost):
        with pytest.raises(LostLeaseError):
            tool(amount=1)
    assert ran == []


def test_the_execution_is_known_inside_a_tool_only() -> None:
    """Request, token and session, for the tool to hand on."""
    request = claimed("transfer", {"amount": 1})
    with permitted(request, held):
        execution = current_execution()
    assert (execution.request_id, execution.token) == (request.id, request.execution_token)
    assert execution.session_id == request.session_id
    assert execution.facts is None

    with pytest.raises(LookupError):
        current_execution()


def test_the_tool_gets_the_facts_that_were_approved_and_cannot_change_them() -> None:
    request = claimed("transfer", {"amount": 1}).model_copy(update={"facts": {"version": [3]}})
    with permitted(request, held):
        found = current_execution().facts
        assert found is not None
        found["version"].append(4)

        assert {"version": [3]} == current_execution().facts


def _by_constructor() -> ApprovalProxy:
    return ApprovalProxy("gate", function_map={"transfer": transfer})


def _by_register_function() -> ApprovalProxy:
    proxy = ApprovalProxy("gate")
    proxy.register_function({"transfer": transfer})
    return proxy


def _by_decorator() -> ApprovalProxy:
    proxy = ApprovalProxy("gate")
    proxy.register_for_execution()(transfer)
    return proxy


def _by_tool() -> ApprovalProxy:
    proxy = ApprovalProxy("gate")
    tool = Tool(name="transfer", description="Transfer", func_or_tool=transfer)
    tool.register_for_execution(proxy)
    return proxy


def _by_module_function() -> ApprovalProxy:
    proxy = ApprovalProxy("gate")
    config = {"config_list": [{"model": "m", "api_key": "k"}], "cache_seed": None}
    caller = AssistantAgent("caller", llm_config=config)
    register_function(transfer, caller=caller, executor=proxy, name="transfer", description="T")
    return proxy


@pytest.mark.parametrize(
    "register",
    [_by_constructor, _by_register_function, _by_decorator, _by_tool, _by_module_function],
)
def test_every_way_to_register_seals(register: Callable[[], ApprovalProxy]) -> None:
    """However a function gets onto a proxy, it is sealed under its name."""
    function = register().function_map["transfer"]
    assert isinstance(function, SealedTool)
    assert function.name == "transfer"

    with pytest.raises(RefusedError):
        function(amount=1)


def test_autogens_own_execution_is_refused() -> None:
    """`execute_function` finds the sealed function, and gets an error instead of an effect."""
    ok, reply = _by_decorator().execute_function({"name": "transfer", "arguments": '{"amount": 1}'})

    assert ok is False
    assert "only when Countersign executes" in reply["content"]


def test_a_removed_function_is_gone() -> None:
    """AutoGen removes a function that is registered as None."""
    proxy = _by_decorator()
    proxy.register_function({"transfer": None}, silent_override=True)  # type: ignore[dict-item]

    assert proxy.function_map == {}


@pytest.fixture
def threads() -> Any:
    with ThreadPoolExecutor(2) as pool:
        yield pool


def _raise(error: BaseException) -> Callable[..., Any]:
    def body(**_: Any) -> None:
        raise error

    return body


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("no such account"), "ValueError: no such account"),
        (StopIteration(), "StopIteration"),
        (SystemExit(3), "SystemExit: 3"),
        (KeyError("x"), "KeyError: 'x'"),
    ],
)
def test_whatever_a_sync_tool_raises_is_its_outcome(
    error: BaseException, text: str, threads: Any
) -> None:
    """Also what would not pass a future, and what would end the process."""
    body = _raise(error)
    outcome = asyncio.run(execute(sealed(body), claimed("transfer", {}, body), threads, held))

    assert (outcome.ok, outcome.content, outcome.breach) == (False, text, None)


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(3), asyncio.CancelledError("own")])
def test_whatever_an_async_tool_raises_is_its_outcome(error: BaseException, threads: Any) -> None:
    """A tool that cancels something of its own has failed; nobody cancelled us."""

    async def body(**_: Any) -> None:
        raise error

    outcome = asyncio.run(execute(sealed(body), claimed("transfer", {}, body), threads, held))

    assert (outcome.ok, outcome.content.split(":")[0]) == (False, type(error).__name__)


def test_our_own_cancellation_passes(threads: Any) -> None:
    """Then nobody knows what the tool did."""
    started = asyncio.Event()

    async def body(**_: Any) -> None:
        started.set()
        await asyncio.Event().wait()

    async def main() -> None:
        task = asyncio.create_task(
            execute(sealed(body), claimed("transfer", {}, body), threads, held)
        )
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


def test_a_sync_tool_that_returns_a_coroutine_is_awaited(threads: Any) -> None:
    """And still knows its execution."""

    async def later() -> str:
        return current_execution().token

    def body(**_: Any) -> Any:
        return later()

    request = claimed("transfer", {}, body)
    outcome = asyncio.run(execute(sealed(body), request, threads, held))

    assert outcome.content == request.execution_token


def test_a_sync_tool_does_not_block_the_loop(threads: Any) -> None:
    """It waits in a thread for something that happens on the loop."""

    async def main() -> str:
        loop, ready = asyncio.get_running_loop(), asyncio.Event()

        def body(**_: Any) -> str:
            asyncio.run_coroutine_threadsafe(ready.wait(), loop).result(timeout=10)
            return "went on"

        running = asyncio.create_task(
            execute(sealed(body), claimed("transfer", {}, body), threads, held)
        )
        await asyncio.sleep(0)
        ready.set()
        return (await running).content

    assert asyncio.run(main()) == "went on"


def test_a_tool_cannot_change_what_was_stored(threads: Any) -> None:
    """It gets a copy of the arguments."""

    def body(items: list[int]) -> int:
        items.append(1)
        return len(items)

    request = claimed("transfer", {"items": []}, body)
    outcome = asyncio.run(execute(sealed(body), request, threads, held))

    assert outcome.content == "1"
    assert request.arguments == {"items": []}


def test_a_breach_is_told_apart_from_a_failure(threads: Any) -> None:
    """The stored digest is not that of the arguments: refused, and said to be that."""
    request: Request = claimed("transfer", {"amount": 1}).model_copy(
        update={"arguments": {"amount": 1_000_000}}
    )
    outcome = asyncio.run(execute(sealed(), request, threads, held))

    assert outcome.ok is False
    assert outcome.breach is not None


def test_results_are_text_that_a_database_takes(threads: Any) -> None:
    """No NUL, no lone surrogate."""

    def body() -> str:
        return "a\x00b\ud800c"

    outcome = asyncio.run(execute(sealed(body), claimed("transfer", {}, body), threads, held))

    assert outcome.content == "a\N{REPLACEMENT CHARACTER}b?c"


def test_the_digest_is_the_one_people_sign() -> None:
    """The helper of these tests signs as the service does."""
    request = claimed("transfer", {"amount": 1})
    assert request.digest == digest(
        session_id=request.session_id,
        call_id=request.call_id,
        tool="transfer",
        arguments={"amount": 1},
        policy_version=request.policy_version,
        schema_version=request.schema_version,
    )


def test_a_call_that_was_given_up_in_time_never_begins() -> None:
    """Not even if its thread comes to it a moment later."""
    early, late = (Permit(claimed("transfer", {}), held) for _ in range(2))
    late.begin()

    assert (False, True) == (early.give_up(), late.give_up())
    with pytest.raises(LostLeaseError, match="given up before it began"):
        early.begin()


def test_of_two_calls_that_were_prepared_with_one_permit_one_begins() -> None:
    ran: list[int] = []

    def body(amount: int) -> None:
        ran.append(amount)

    with permitted(claimed("transfer", {"amount": 1}, body), held):
        one, other = (sealed(body).prepared({"amount": 1}) for _ in range(2))
        one()
        with pytest.raises(RefusedError, match="used up"):
            other()
    assert [1] == ran
