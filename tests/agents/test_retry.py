"""A result is stored, even if the store is away for a while; then, in the end, it is given up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from countersign.agents import retry
from countersign.agents.retry import retry_while_unavailable
from countersign.approvals.errors import LostLeaseError, UnavailableError
from countersign.approvals.models import RequestStatus
from countersign.sandbox.openai import ToolCall
from tests.agents.teams import GUARDED, Effects, calls_then, pair
from tests.agents.world import world

MAIL = {"to": "bob@x.test", "subject": "Hi", "body": "Hello"}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_WAIT_S", 0.001)


async def test_store_that_is_away_is_asked_again_and_said_once() -> None:
    asked: list[int] = []

    async def store() -> str:
        asked.append(1)
        if len(asked) < 4:
            raise UnavailableError("away")
        return "stored"

    structlog.configure(wrapper_class=structlog.BoundLogger)  # the fixture silences it
    with capture_logs() as logs:
        stored = await retry_while_unavailable(store)

    assert ("stored", 4) == (stored, len(asked))
    assert ["result not stored yet"] == [entry["event"] for entry in logs]


async def test_it_ends_some_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "KEEP_TRYING_S", 0.005)

    async def store() -> str:
        raise UnavailableError("away")

    with pytest.raises(UnavailableError):
        await retry_while_unavailable(store)


async def test_other_errors_pass() -> None:
    async def store() -> str:
        raise LostLeaseError("somebody else runs it")

    with pytest.raises(LostLeaseError):
        await retry_while_unavailable(store)


async def test_result_of_a_tool_survives_a_store_that_is_away(tmp_path: Path) -> None:
    """The tool has run once; what it returned is on record when the store is back."""
    effects = Effects()
    script = calls_then(ToolCall("send_email", MAIL))
    async with world(pair(effects), script, path=tmp_path, guarded=GUARDED) as w:
        await w.start()
        await w.run()
        (request,) = await w.requests()
        await w.office.approve(request)
        finish, failures = w.office.runs.finish, [1, 2]

        async def away(*args: Any, **kwargs: Any) -> Any:
            if failures:
                failures.pop()
                raise UnavailableError("away")
            return await finish(*args, **kwargs)

        w.office.runs.finish = away
        await w.run()
        (request,) = await w.requests()

        assert RequestStatus.EXECUTED is request.status
        assert 1 == len(effects.done)
