"""A tool's check and preview: asked before people are, shown, and asked again before it runs."""

from __future__ import annotations

import asyncio
import difflib
import subprocess
import sys
import threading
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from autogen import AssistantAgent
from autogen.coding import CodeBlock, LocalCommandLineCodeExecutor

from countersign import (
    ApprovalProxy,
    Chat,
    PreconditionFailedError,
    WorkflowContext,
    workflow,
)
from countersign.agents.classic import entries
from countersign.agents.classic.workflows import Workflow
from countersign.agents.guard import processes, threads
from countersign.agents.guard.contexts import (
    RunContext,
    checking,
    run_here,
    run_of,
)
from countersign.agents.tools.checks import MOST_FACTS, MOST_OF_A_PREVIEW, Checks
from countersign.approvals.errors import (
    BesideGateError,
    CheckFailedError,
    ConfigurationError,
    InvalidError,
)
from countersign.approvals.forms.causes import SessionCause
from countersign.approvals.models import (
    Cause,
    Checked,
    JsonObject,
    Preview,
    RequestStatus,
    SessionStatus,
)
from countersign.sandbox.openai import ToolCall
from tests.agents.teams import Effects, Mode, calls_then, pair
from tests.agents.world import World, world

MAIL: JsonObject = {"to": "ceo@acme.test", "subject": "Renewal", "body": "Dear ACME"}
WHOLE = {**MAIL, "rationale": "because"}
BOTH_MODES = pytest.mark.parametrize("mode", ["async", "sync"])
ONCE = calls_then(ToolCall("send_email", WHOLE))


class Bank:
    """What a check looks at."""

    def __init__(self) -> None:
        self.balance = 500
        self.error: Exception | None = None
        self.asked: list[JsonObject] = []

    def check(self, arguments: JsonObject) -> JsonObject:
        """The balance."""
        self.asked.append(dict(arguments))
        arguments.clear()  # its own copy
        if self.error is not None:
            raise self.error
        return {"balance": self.balance}

    async def a_check(self, arguments: JsonObject) -> JsonObject:
        """The same, as a coroutine function."""
        await asyncio.sleep(0)
        return self.check(arguments)


def preview(arguments: JsonObject) -> str:
    """What would be sent."""
    return f"To {arguments['to']}: {arguments['body']}"


def banked(bank: Bank, effects: Effects, mode: Mode = "async", **proxy: Any) -> Workflow:
    check = bank.a_check if mode == "async" else bank.check
    checks = {"checks": {"send_email": check}, "previews": {"send_email": preview}}
    return pair(effects, mode=mode, **{**checks, **proxy})


async def waiting(w: World) -> Any:
    """The request that waits once the session has run as far as it can."""
    await w.start()
    await w.run()
    (request,) = await w.requests()
    return request


@BOTH_MODES
async def test_what_they_say_stands_in_the_request_and_is_asked_again_at_the_claim(
    mode: Mode, tmp_path: Path
) -> None:
    bank, effects = Bank(), Effects()
    flow = banked(bank, effects, mode)
    async with world(flow, ONCE, path=tmp_path, office="sqlite", guarded=["send_email"]) as w:
        request = await waiting(w)
        await w.office.approve(request)
        over = await w.run()

    assert {"balance": 500} == request.facts
    assert Preview(text="To ceo@acme.test: Dear ACME") == request.preview
    assert [MAIL, MAIL] == bank.asked
    assert [MAIL] == effects.of("send_email")
    assert SessionStatus.COMPLETED is over.status


@BOTH_MODES
async def test_drift_is_asked_again_with_what_is_found_now(mode: Mode, tmp_path: Path) -> None:
    bank, effects = Bank(), Effects()
    flow = banked(bank, effects, mode)
    async with world(flow, ONCE, path=tmp_path, office="sqlite", guarded=["send_email"]) as w:
        await w.office.approve(await waiting(w))
        bank.balance = 300
        paused = await w.run()
        (again,) = await w.requests()
        assert [] == effects.done
        await w.office.approve(again)
        await w.run()
        kinds = [entry.kind for entry in await w.ledger()]

    assert SessionStatus.WAITING is paused.status
    assert (2, {"balance": 300}) == (again.revision, again.facts)
    assert "Balance was 500 and is 300." in again.asked_again
    assert [MAIL] == effects.of("send_email")
    assert ["drifted", "asked_again"] == kinds[kinds.index("drifted") :][:2]


@BOTH_MODES
async def test_call_whose_check_says_no_is_not_asked_and_the_model_reads_why(
    mode: Mode, tmp_path: Path
) -> None:
    bank, effects = Bank(), Effects()
    bank.error = PreconditionFailedError("There are only 20 on the account.")
    flow = banked(bank, effects, mode)
    async with world(flow, ONCE, path=tmp_path, office="sqlite", guarded=["send_email"]) as w:
        await w.start()
        over = await w.run()
        (request,) = await w.requests()
        (told,) = await w.tool_texts()

    assert RequestStatus.REJECTED is request.status
    assert request.result is not None
    assert Cause.PRECONDITION is request.result.cause
    assert '"message": "There are only 20 on the account. Nobody was asked."' in told
    assert '"cause": "precondition"' in told
    assert [] == effects.done
    assert SessionStatus.COMPLETED is over.status


async def test_call_whose_check_says_no_after_the_approval_is_not_run(tmp_path: Path) -> None:
    bank, effects = Bank(), Effects()
    flow = banked(bank, effects)
    async with world(flow, ONCE, path=tmp_path, office="sqlite", guarded=["send_email"]) as w:
        await w.office.approve(await waiting(w))
        bank.error = PreconditionFailedError("The account is closed.")
        await w.run()
        (told,) = await w.tool_texts()

    assert "The account is closed. It was approved, and nothing was run." in told
    assert [] == effects.done


async def test_call_whose_check_fails_is_not_asked(tmp_path: Path) -> None:
    bank, effects = Bank(), Effects()
    bank.error = ZeroDivisionError("oh")
    flow = banked(bank, effects)
    async with world(flow, ONCE, path=tmp_path, office="sqlite", guarded=["send_email"]) as w:
        await w.start()
        await w.run()
        (told,) = await w.tool_texts()

    assert "The check of send_email failed: ZeroDivisionError: oh. Nobody was asked." in told


async def test_edit_is_checked_with_what_it_would_run(tmp_path: Path) -> None:
    bank, effects = Bank(), Effects()
    flow = banked(bank, effects, previews={})
    async with world(flow, ONCE, path=tmp_path, office="sqlite", guarded=["send_email"]) as w:
        request = await waiting(w)
        await w.office.approve(request, {**MAIL, "to": "cfo@acme.test"})
        await w.run()

    assert ["ceo@acme.test", "cfo@acme.test", "cfo@acme.test"] == [a["to"] for a in bank.asked]
    assert ["cfo@acme.test"] == [a["to"] for a in effects.of("send_email")]


async def test_edit_with_another_preview_is_shown_before_it_counts(tmp_path: Path) -> None:
    bank, effects = Bank(), Effects()
    flow = banked(bank, effects)
    async with world(flow, ONCE, path=tmp_path, office="sqlite", guarded=["send_email"]) as w:
        request = await waiting(w)
        await w.office.approve(request, {**MAIL, "to": "cfo@acme.test"})
        (shown,) = await w.requests()
        await w.office.approve(shown)
        await w.run()

    assert (RequestStatus.PENDING, 2) == (shown.status, shown.revision)
    assert Preview(text="To cfo@acme.test: Dear ACME") == shown.preview
    assert ["cfo@acme.test"] == [a["to"] for a in effects.of("send_email")]


async def test_they_are_not_asked_where_no_person_is(tmp_path: Path) -> None:
    bank, effects = Bank(), Effects()
    flow = banked(bank, effects)
    async with world(flow, ONCE, path=tmp_path, office="sqlite") as w:
        await w.start()
        await w.run()

    assert [] == bank.asked
    assert [MAIL] == effects.of("send_email")


def executing(_: JsonObject) -> JsonObject:
    """A check that is none."""
    code = CodeBlock(language="python", code="print(1)")
    return {"ran": LocalCommandLineCodeExecutor().execute_code_blocks([code]).output}


def swallowing(arguments: JsonObject) -> JsonObject:
    """The same, and it hides that it was refused."""
    try:
        return executing(arguments)
    except BesideGateError:
        return {}


@BOTH_MODES
@pytest.mark.parametrize("check", [executing, swallowing])
async def test_executor_in_a_check_is_refused_and_ends_the_session(
    check: Any, mode: Mode, tmp_path: Path
) -> None:
    effects = Effects()
    flow = pair(effects, mode=mode, checks={"send_email": check})
    async with world(flow, ONCE, path=tmp_path, office="sqlite", guarded=["send_email"]) as w:
        await w.start()
        over = await w.run()
        kinds = [entry.kind for entry in await w.ledger()]

    assert (SessionStatus.FAILED, SessionCause.BESIDE_GATE) == (over.status, over.cause)
    assert "beside_gate_refused" in kinds
    assert [] == effects.done


def with_executor(context: WorkflowContext) -> Chat:
    """A check that holds an executor."""
    executor = LocalCommandLineCodeExecutor()
    worker = AssistantAgent("worker", llm_config=context.llm_config)
    gate = ApprovalProxy(
        "gate",
        human_input_mode="NEVER",
        checks={"pay": lambda _: {"ran": executor.execute_code_blocks([])}},
    )

    def pay(amount: float) -> str:
        """Pay."""
        return "paid"

    worker.register_for_llm(name="pay", description="Pay")(pay)
    gate.register_for_execution(name="pay")(pay)
    return Chat(gate, worker)


async def test_check_that_holds_an_executor_is_refused_at_start(tmp_path: Path) -> None:
    async with world(pair(Effects()), ONCE, path=tmp_path) as w:
        with pytest.raises(ConfigurationError, match="can be reached from the chat"):
            w.registry.add(workflow("held", "1", "Held")(with_executor))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"checks": {"sendmail": preview}}, "has a check of sendmail, but does not execute it"),
        ({"previews": {"sendmail": preview}}, "has a preview of sendmail, but does not execute"),
        ({"checks": {"send_email": 7}}, "the check of send_email is no function: 7"),
        ({"checks": {"send_email": lambda: {}}}, "has to take one parameter"),
        ({"previews": {"send_email": lambda a, b: ""}}, "has to take one parameter"),
    ],
)
async def test_what_is_wrong_with_them_is_said_at_start(
    options: Any, says: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match=says):
        async with world(pair(Effects(), **options), ONCE, path=tmp_path):
            pass


async def test_builtin_that_says_nothing_of_itself_is_taken(tmp_path: Path) -> None:
    async with world(pair(Effects(), checks={"send_email": dict}), ONCE, path=tmp_path) as w:
        checked = await w.registry.checked("pair", "send_email", {"to": "a"})

    assert Checked(facts={"to": "a"}) == checked


async def test_registry_says_what_it_knows(tmp_path: Path) -> None:
    flow = banked(Bank(), Effects())
    async with world(flow, ONCE, path=tmp_path) as w:
        found = await w.registry.checked("pair", "send_email", MAIL)

        assert Checked() == await w.registry.checked("pair", "look_up", {"name": "a"})
        assert None is await w.registry.checked("pair", "gone", {})
        assert None is await w.registry.checked("gone", "send_email", {})

    assert found is not None
    assert {"balance": 500} == found.facts


@pytest.mark.parametrize("check", [executing, swallowing])
async def test_executor_in_a_check_is_refused_when_a_person_edits(
    check: Any, tmp_path: Path
) -> None:
    async with world(pair(Effects(), checks={"send_email": check}), ONCE, path=tmp_path) as w:
        with pytest.raises(CheckFailedError, match=r"about to run code .* which was refused"):
            await w.registry.checked("pair", "send_email", MAIL)


async def now(check: Any = None, preview: Any = None) -> Checked:
    """What they say."""
    return await Checks("pay", check, preview).now({"amount": 1}, RunContext("S-1"))


async def test_facts_are_simple_values() -> None:
    found = {
        "balance": Decimal("12.50"),
        "day": date(2026, 3, 1),
        "at": datetime(2026, 3, 1, tzinfo=UTC),
        "open": True,
        "owner": None,
        "tags": ("a", "b\x00"),
        "note": "\ud800",
    }
    checked = await now(lambda _: found)

    assert {
        "balance": "12.50",
        "day": "2026-03-01",
        "at": "2026-03-01T00:00:00Z",
        "open": True,
        "owner": None,
        "tags": ["a", "b\ufffd"],
        "note": "?",
    } == checked.facts


@pytest.mark.parametrize(
    ("found", "says"),
    [
        ("rich", "it gave a str, not a mapping of facts"),
        (None, "it gave a NoneType, not a mapping of facts"),
        ({str(n): n for n in range(MOST_FACTS + 1)}, "it gave 41 facts; 40 are the most"),
        ({"a": {"b": 1}}, "its fact a is a dict, not a simple value"),
        ({"a": [[1]]}, "its fact a is a list, not a simple value"),
        ({"a": "x" * 3_000}, "its fact a has more than 2,000 characters"),
        ({"a": object()}, "Unable to serialize unknown type"),
        ({"a": float("nan")}, "failed"),
    ],
)
async def test_what_are_no_facts_fails(found: Any, says: str) -> None:
    with pytest.raises(CheckFailedError) as caught:
        await now(lambda _: found)

    assert says in str(caught.value)


DIFF = "\n".join(difflib.unified_diff(["a"], ["b"], "old", "new", lineterm=""))


@pytest.mark.parametrize(
    ("made", "preview"),
    [
        (None, None),
        ("pays 1", Preview(text="pays 1")),
        (DIFF, Preview(kind="diff", text=DIFF)),
        (f"diff --git a/x b/x\nindex 1..2 100644\n{DIFF}", "diff"),
        ([["a", "b"], [1, None]], Preview(kind="table", rows=(("a", "b"), ("1", "")))),
        (
            [{"a": 1}, {"a": 2, "b": 3}],
            Preview(kind="table", rows=(("a", "b"), ("1", ""), ("2", "3"))),
        ),
        ([], Preview(kind="table")),
    ],
)
async def test_preview_is_a_text_a_table_or_a_diff(made: Any, preview: Any) -> None:
    checked = await now(preview=lambda _: made)

    if preview == "diff":
        assert checked.preview is not None
        assert "diff" == checked.preview.kind
    else:
        assert preview == checked.preview


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (7, "it gave a int, not a text or a list of rows"),
        (["a"], "a row of its table is a str, not a list of cells"),
        ([{"a": 1}, 2], "a row of its table is a dict, not a list of cells"),
        ("x" * (MOST_OF_A_PREVIEW + 1), "it has 100,001 characters; 100,000 are the most"),
    ],
)
async def test_what_is_no_preview_fails(made: Any, says: str) -> None:
    with pytest.raises(CheckFailedError) as caught:
        await now(preview=lambda _: made)

    assert f"The preview of pay failed: ValueError: {says}." == str(caught.value)


@pytest.mark.parametrize("kind", [StopIteration, SystemExit, asyncio.CancelledError])
async def test_whatever_they_raise_is_a_failure_of_theirs(kind: type[BaseException]) -> None:
    def check(_: JsonObject) -> JsonObject:
        raise kind

    with pytest.raises(CheckFailedError, match=kind.__name__):
        await now(check)


async def test_cancellation_of_its_own_is_a_failure_of_its_own() -> None:
    async def check(_: JsonObject) -> JsonObject:
        raise asyncio.CancelledError

    with pytest.raises(CheckFailedError, match="CancelledError"):
        await now(check)


async def test_what_takes_too_long_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("countersign.agents.tools.checks.TIME_LIMIT_S", 0.01)
    over = threading.Event()

    async def a_check(_: JsonObject) -> JsonObject:
        await asyncio.Event().wait()
        return {}

    def check(_: JsonObject) -> JsonObject:
        over.wait()
        return {}

    for one in (a_check, check):
        with pytest.raises(CheckFailedError, match=r"it took more than 0\.01 s"):
            await now(one)
    over.set()


async def test_our_own_cancellation_passes() -> None:
    begun = asyncio.Event()

    async def check(_: JsonObject) -> JsonObject:
        begun.set()
        await asyncio.Event().wait()
        return {}

    task = asyncio.create_task(now(check))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_function_that_gives_something_to_wait_for_is_waited_for() -> None:
    async def later() -> JsonObject:
        return {"a": 1}

    assert {"a": 1} == (await now(lambda _: later())).facts


async def test_precondition_is_said_in_words_that_can_be_stored() -> None:
    def check(_: JsonObject) -> JsonObject:
        raise PreconditionFailedError("\ud800 closed")

    with pytest.raises(InvalidError, match=r"^\? closed$"):
        await now(check)


async def test_precondition_without_words_says_whose_it_is() -> None:
    def check(_: JsonObject) -> JsonObject:
        raise PreconditionFailedError

    with pytest.raises(InvalidError, match="The check of pay says no, and not why"):
        await now(check)


async def test_check_may_start_a_program_that_looks_and_nothing_of_autogen() -> None:
    """Whoever reads the state of a repository or of a plan starts one."""
    seen: list[Any] = []

    def check(_: JsonObject) -> JsonObject:
        thread = threading.Thread(target=lambda: seen.append(run_of()))
        thread.start()
        thread.join()
        seen.append((run_of(), run_here()))
        command = [sys.executable, "-c", "print(7)"]
        return {"said": subprocess.run(command, capture_output=True, check=True).stdout.decode()}

    threads.install()
    processes.install()
    run_context = RunContext("S-1")
    checked = await Checks("pay", check).now({}, run_context)

    assert {"said": "7\n"} == checked.facts
    assert [run_context, (run_context, None)] == seen
    assert None is run_context.refusal


def test_agent_that_a_check_makes_is_watched() -> None:
    entries.install()
    run_context = RunContext("S-1")
    with checking(run_context):
        agent = AssistantAgent("made", llm_config=False)

    assert run_context is run_of(agent)
