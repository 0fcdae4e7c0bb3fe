"""What an observer hears of a run: each call once, in spans around the steps that it takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from countersign import SessionManager
from countersign.approvals.models import Outcome, Request, Result
from countersign.approvals.observer import Silent
from countersign.sandbox.openai import ToolCall
from tests.agents.teams import GUARDED, Effects, Mode, calls_then, pair
from tests.agents.test_crash import Died
from tests.agents.world import World, world

MAIL = {"to": "bob@x.test", "subject": "Hi", "body": "Hello"}
EVERY_ATTEMPT = 3
"""A call and the two retries of the OpenAI client."""
SCRIPT = calls_then(ToolCall("look_up", {"name": "bob"}), ToolCall("send_email", MAIL))


class Heard(Silent):
    """Remembers what it was told, and in which spans it was."""

    def __init__(self) -> None:
        self.settled_calls: list[tuple[str, Outcome]] = []
        self.tools_ran_s: list[float] = []
        self.proposed_calls: list[str] = []
        self.spans: list[str] = []
        self.open: list[str] = []

    def proposed(self, requests: Sequence[Request]) -> None:
        self.proposed_calls += [request.tool for request in requests]

    def completed(self, request: Request, result: Result, *, took_s: float | None = None) -> None:
        self.settled_calls.append((request.tool, result.outcome))
        if took_s is not None:
            self.tools_ran_s.append(took_s)

    @contextmanager
    def _span(self, name: str) -> Iterator[None]:
        self.spans.append("/".join([*self.open, name]))
        self.open.append(name)
        yield
        self.open.pop()

    def span(self, name: str, request: Request | None = None, **_: Any) -> Any:
        return self._span(name)

    def traceparent(self) -> str | None:
        return f"span:{'/'.join(self.open)}"


async def run(w: World, heard: Heard) -> None:
    """A process that takes the session further."""
    async with SessionManager(w.office.runs, w.new_registry(), observer=heard) as manager:
        await manager.run(w.session_id)


async def die_after_finish(w: World) -> None:
    """A process that dies right after the first result is stored."""

    class Mortal:
        lease_s = w.office.runs.lease_s

        def __getattr__(self, name: str) -> Any:
            return getattr(w.office.runs, name)

        async def finish(self, *args: Any, **kwargs: Any) -> Any:
            await w.office.runs.finish(*args, **kwargs)
            raise Died

    mortal: Any = Mortal()
    async with SessionManager(mortal, w.new_registry()) as manager:
        with pytest.raises(Died):
            await manager.run(w.session_id)
    await w.office.lose_owner(w.session_id)


@pytest.mark.parametrize("mode", ["async", "sync"])
async def test_a_call_is_heard_when_it_is_proposed_and_when_it_is_settled(
    mode: Mode, tmp_path: Path
) -> None:
    first, second, effects = Heard(), Heard(), Effects()
    seen: list[dict[str, Any]] = []
    effects.before = lambda _: seen.append(
        {**structlog.contextvars.get_contextvars(), "spans": list(second.open)}
    )
    async with world(
        pair(effects, mode=mode), SCRIPT, path=tmp_path, office="sqlite", guarded=GUARDED
    ) as w:
        await w.start()
        await run(w, first)
        _, mail = await w.requests()
        await w.office.approve(mail)
        await run(w, second)

    assert ["look_up", "send_email"] == first.proposed_calls
    assert ["run", "run/submit"] == first.spans
    assert "span:run/submit" == mail.traceparent
    assert [
        ("look_up", Outcome.EXECUTED),
        ("send_email", Outcome.EXECUTED),
    ] == second.settled_calls
    steps = ["run/claim", "run/execute", "run/finish"]
    assert ["run", *steps, *steps] == second.spans
    assert 2 == len(second.tools_ran_s)
    assert {"run", "execute"} == set(seen[-1]["spans"])
    assert (w.session_id, mail.id) == (seen[-1]["session_id"], seen[-1]["request_id"])


async def test_what_ran_before_a_crash_is_not_heard_again(tmp_path: Path) -> None:
    """Its result is read again, so that the agents learn of it."""
    heard, effects = Heard(), Effects()
    async with world(pair(effects), SCRIPT, path=tmp_path, office="sqlite", guarded=GUARDED) as w:
        await w.start()
        await run(w, Heard())
        await w.office.approve((await w.requests())[1])
        await die_after_finish(w)
        await run(w, heard)

    assert [("send_email", Outcome.EXECUTED)] == heard.settled_calls


async def test_a_model_that_is_away_is_logged_once_and_its_return_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many sessions ask it; each of them says that it is parked."""
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.001)
    structlog.reset_defaults()  # the tests around this one are quiet
    async with world(pair(Effects()), SCRIPT, path=tmp_path, office="sqlite", guarded=GUARDED) as w:
        async with SessionManager(w.office.runs, w.new_registry()) as manager:
            with capture_logs() as logged:
                for _ in range(2):
                    await w.start()
                    w.model.faults.fail(503, times=EVERY_ATTEMPT)
                    await manager.run(w.session_id)
                await w.start()
                await manager.run(w.session_id)

    said = [line["event"] for line in logged if line["event"] != "session parked"]
    assert ["model unreachable", "model reachable again", "session waits"] == said
    assert 2 == len(logged) - len(said)
