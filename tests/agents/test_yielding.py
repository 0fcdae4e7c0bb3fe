"""A tool whose work nobody would begin is refused at start, or said not to have run.

Without postponed annotations: AutoGen reads those of functions that are defined in a test.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest

from countersign import (
    Chat,
    WorkflowContext,
    workflow,
)
from countersign.agents.classic.workflows import Workflow
from countersign.agents.tools.returned import unrun
from countersign.approvals.errors import ConfigurationError
from countersign.approvals.models import RequestStatus
from countersign.sandbox.openai import ToolCall
from tests.agents.teams import Mode, calls_then, one_tool
from tests.agents.world import world

PAY = ToolCall("pay", {"amount": 9, "rationale": "asked"}, "call_1")
DONE: list[int] = []


def paying(pay: Callable[..., Any], mode: Mode = "async") -> Workflow:
    def build(context: WorkflowContext) -> Chat:
        return one_tool(context, pay, name="pay")

    return workflow("payments", "1", "Payments", mode=mode)(build)


def yields(amount: Annotated[int, "EUR"]) -> Iterator[str]:
    DONE.append(amount)
    yield "paid"


async def yields_later(amount: Annotated[int, "EUR"]) -> AsyncIterator[str]:
    DONE.append(amount)
    yield "paid"


async def pays(amount: int) -> str:
    DONE.append(amount)
    return "paid"


async def nested(amount: int) -> Any:
    return pays(amount)


def behind(give: Callable[[int], Any]) -> Callable[..., Any]:
    def pay(amount: Annotated[int, "EUR"]) -> Any:
        return give(amount)

    return pay


@pytest.mark.parametrize("mode", ["async", "sync"])
@pytest.mark.parametrize("pay", [yields, yields_later])
async def test_what_yields_is_refused_at_start(
    pay: Callable[..., Any], mode: Mode, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match="pay cannot be guarded: it yields") as refused:
        async with world(paying(pay, mode), calls_then(PAY), path=tmp_path):
            pass
    assert "return what it gives, as a list" in str(refused.value)


@pytest.mark.parametrize("mode", ["async", "sync"])
@pytest.mark.parametrize(
    ("give", "kind"),
    [
        (yields, "generator"),
        (yields_later, "async_generator"),
        (nested, "coroutine"),
        (lambda amount: map(DONE.append, [amount]), "map"),
        (lambda amount: [pays(amount)], "coroutine"),
        (lambda amount: {"result": yields(amount)}, "generator"),
    ],
)
@pytest.mark.filterwarnings("ignore:coroutine 'pays' was never awaited")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_work_that_nobody_begins_is_not_told_as_done(
    give: Callable[[int], Any], kind: str, mode: Mode, tmp_path: Path
) -> None:
    DONE.clear()
    around = world(
        paying(behind(give), mode), calls_then(PAY), path=tmp_path, office="sqlite", guarded=["pay"]
    )
    async with around as w:
        await w.start()
        await w.run()
        (request,) = await w.requests()
        await w.office.approve(request)
        await w.run()
        after = await w.office.records.request(request.id)  # type: ignore[attr-defined]

    assert ([], RequestStatus.IN_DOUBT) == (DONE, after.status)
    assert f"it returned a {kind}, which does its work only when" in after.result.message


def test_values_are_no_work() -> None:
    class Sly(dict[str, Any]):
        def values(self) -> Any:
            raise ValueError

    for value in ("text", 5, None, [1, "a"], {"a": [1]}, (1,), {1}, iter([1]), Sly(a=1)):
        assert unrun(value) is None
