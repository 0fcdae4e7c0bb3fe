"""kill -9 in a session of chats side by side: every process of it dies, and the next one goes on.

A story is told by processes that kill themselves at a step each, before or after it has committed,
until it has come to its end; two calls of it are approved on the way.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from functools import partial
from itertools import chain, repeat
from pathlib import Path

import pytest

from countersign.agents.classic.models import SharedClient
from countersign.approvals.models import PrincipalId, RequestStatus, SessionId, SessionStatus
from countersign.sandbox.openai import ScriptedModel
from tests.agents.parallel.flows import STEPS, plays
from tests.agents.people import SqliteOffice, sqlite_office
from tests.agents.teams import GUARDED
from tests.crash.side_by_side import DATABASE, EFFECTS, SESSION, registry_of
from tests.processes import ROOT

LATER_S = 40.0
"""Between two processes: more than a lease."""
BEFORE, AFTER = "before", "after"
DEATHS = {
    "early and often": [(2, AFTER), (3, BEFORE), (3, AFTER), (4, BEFORE), (4, AFTER), (5, BEFORE)],
    "between tools": [(5, AFTER), (6, AFTER), (7, BEFORE), (8, AFTER), (2, AFTER), (3, AFTER)],
    "late": [
        (9, BEFORE),
        (9, AFTER),
        (8, BEFORE),
        (3, BEFORE),
        (4, AFTER),
        (5, AFTER),
        (6, BEFORE),
    ],
}
MOST = 25
GUARDED_EFFECTS = {"send_email ceo@acme.test", "update_crm ACME-1"}


async def attempt(folder: Path, url: str, later_s: float, step: int, when: str) -> str:
    """One process; where it was killed, or `end`."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "ignore", "-m", "tests.crash.side_by_side",
        *(str(folder), url, str(later_s), str(step), when),
        cwd=ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, _ = await asyncio.wait_for(child.communicate(), 120)
    where = said.decode().split()[-1]  # the log is before it
    assert child.returncode == (0 if where == "end" else -signal.SIGKILL), where
    return where


def effects(folder: Path) -> Counter[str]:
    """What the tools have done, by what is written of it."""
    file = folder / EFFECTS
    return Counter(file.read_text().splitlines() if file.exists() else ())


async def approve_all(office: SqliteOffice, session_id: str) -> list[str]:
    """What waits is approved; the tools of it."""
    waiting = [
        request
        for request in await office.requests(session_id)
        if request.status is RequestStatus.PENDING
    ]
    for request in waiting:
        await office.approve(request)
    return [request.tool for request in waiting]


@pytest.mark.parametrize("story", DEATHS)
async def test_nothing_is_lost_and_nothing_runs_twice(story: str, tmp_path: Path) -> None:
    """The two guarded calls wait together, run once each after the approval or are in doubt, and
    the chat that follows hears of every branch."""
    deaths: Iterator[tuple[int, str]] = chain(DEATHS[story], repeat((0, AFTER)))
    asked: list[list[str]] = []
    async with ScriptedModel.start(reply=plays(STEPS)) as model:
        with SharedClient(trust_env=False, verify=False) as client:
            registry = registry_of(tmp_path, model.base_url, client)
            at_desk = partial(sqlite_office, tmp_path / DATABASE, registry, GUARDED, ())
            async with at_desk() as office:
                started = await office.runs.start(
                    workflow="parallel",
                    workflow_version=registry.info("parallel").version,
                    task="renew ACME",
                    owner=PrincipalId("ann"),
                )
            (tmp_path / SESSION).write_text(started.id)
            killed = []
            for number in range(1, MOST):
                step, when = next(deaths)
                where = await attempt(tmp_path, model.base_url, number * LATER_S, step, when)
                killed += [where] if where != "end" else []
                async with at_desk() as office:
                    office.advance(number * LATER_S)
                    session = await office.session(started.id)
                    if session.status is SessionStatus.WAITING:
                        assert not GUARDED_EFFECTS & set(effects(tmp_path))
                        asked.append(await approve_all(office, started.id))
                    page = await office.records.requests(session_id=SessionId(started.id), limit=50)
                    verified = await office.records.verify(SessionId(started.id))
                if session.status not in (SessionStatus.RUNNING, SessionStatus.WAITING):
                    break

        assert session.status is SessionStatus.COMPLETED, (killed, session.error)
        assert str(session.answer).startswith("SUMMARY of ")
        assert len(killed) >= 5
        assert asked == [["send_email", "update_crm"]]
        assert verified.verified, verified.problems
        done = effects(tmp_path)
        assert max(done.values()) == 1
        unsure = [each for each in page.items if each.status is RequestStatus.IN_DOUBT]
        ran = [each for each in page.items if each.status is RequestStatus.EXECUTED]
        assert len(ran) <= sum(done.values()) <= len(ran) + len(unsure)
        assert len(page.items) == len(ran) + len(unsure) == 5
        assert [each for each in model.requests if each.status != 200] == []
