"""kill -9 at every step of the stories: nothing is lost, and nothing happens twice.

A story without a death says which steps there are. Then the same story is told again for each of
them, and the server that gets there is killed: before and after each commit, and before and after
each thing that is done outside. What a session does is the same wherever its request is decided:
in Teams servers die at all of it, in tickets at what is theirs. On SQLite the server is started
again; on PostgreSQL the other one takes over, and the dead one is started again afterwards.
"""

from __future__ import annotations

import queue
import signal
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.crash.conftest import Figure
from tests.crash.crowd import SAFE_LEASE_S, Crowd, crowd
from tests.crash.desks import settings_of
from tests.crash.invariants import check, effects
from tests.crash.plan import BY_CHANCE, EVERY_TIME, OF_A_DECISION, of_the_session, points_of
from tests.crash.points import Point
from tests.crash.stories import QUOTE, STORIES, SYSTEMS, TOOL, requests_of
from tests.processes import Nursery
from tests.stack import Database

STACKS = 3
"""Stacks of each kind that are at work at the same time."""
TELLINGS, GET_THERE_S = 3, 20.0
"""How often a story is told for one point, and how long it may take to get there."""
UNREACHED = "unreached"
TEAMS, PAUSED = ("teams",), ("paused",)
CLAIM = "Claiming.claim"
IN_A_PAUSE = (CLAIM, *OF_A_DECISION)
"""Steps of other stories that mean something else in a pause: by the claim the session is held, and
a vote lets nothing run. What is sent and read is the same."""
OF_MAIL = (
    "Threads.",
    "EmailChannel.",
    "Links.",
    "Courier.",
    "Attempts.",
    "BrowserSessions.begin",
    "Casting.",
)
Work = tuple[str, Point]


def world_of(story: str) -> dict[str, Any]:
    """What a story needs around the servers."""
    if story == "mail":
        return {"by_mail": True}
    return {"bot_framework": True} if story == "teams" else {"tickets": settings_of(*SYSTEMS)}


def plain(one: Crowd, story: str) -> list[tuple[str, str]]:
    """The steps of a story in which nobody dies."""
    one.points.record()
    before = effects(one)
    session = STORIES[story](one, f"plain {story}")

    assert "executed" == check(one, session, before)
    return one.points.steps()


def die_at(one: Crowd, story: str, point: Point) -> str:
    """The story with a death at this point; what became of the request. `UNREACHED` if nobody has
    got there, however often it was told: some steps are taken only if two things meet in time, as
    a webhook and a poll, or two doorbells."""
    for told in range(TELLINGS):
        before, session = effects(one), ""
        one.points.arm(point)
        try:
            session = STORIES[story](one, f"{story} {point} {told}")
            if not somebody_fell(one):
                check(one, session, before)
                if one.points.disarm():
                    continue
                one.patient(one.fallen, "who got there at last to be dead")
            outcome = check(one, session, before)
        except AssertionError as exc:
            if one.lost_a_lease(session):
                call_off(one, session, before)
                continue
            exc.add_note(f"killed at {point} of the story {story}")
            raise
        one.revive()
        return outcome
    return UNREACHED


def call_off(one: Crowd, session: str, before: Counter[str]) -> None:
    """A server that lives has lost its lease, as the machine was too busy to renew it in time: what
    it had claimed is in doubt or has not run, and may be asked again. Nothing may have run twice,
    and the story is no longer the one that was to be told."""
    one.points.disarm()
    one.mend()
    one.call_off(session)
    since = effects(one) - before

    assert {} == {action: times for action, times in since.items() if times > 1}


def somebody_fell(one: Crowd) -> bool:
    """Whether a server got to the point that is armed and is dead, after some patience."""
    try:
        return bool(one.patient(one.fallen, "somebody to get there", timeout_s=GET_THERE_S))
    except AssertionError:
        return False


def work_through(one: Crowd, todo: queue.SimpleQueue[Work]) -> dict[Work, str]:
    """One stack dies at whatever is left to be died at; what became of each request."""
    outcomes: dict[Work, str] = {}
    while True:
        try:
            story, point = todo.get_nowait()
        except queue.Empty:
            break
        outcomes[story, point] = die_at(one, story, point)
    doubtful = one.get("/requests?status=in_doubt&limit=200")["items"]
    guarded = [
        request
        for request in doubtful
        if request["tool"] == TOOL and request["session_id"] not in one.called_off
    ]

    assert len(guarded) == Counter(outcomes.values())["in_doubt"]
    assert one.kills >= len(outcomes) - Counter(outcomes.values())[UNREACHED]
    assert one.one.ledger_verifies()
    return outcomes


def die_everywhere(
    directory: Path,
    nursery: Nursery,
    database: Database,
    stories: Sequence[str],
    *,
    but: Sequence[Point] = (),
    only: tuple[str, ...] = ("",),
) -> dict[Work, str]:
    """Every point of these stories, with some stacks at work at the same time; without steps of
    which `but` has one, and of those whose names begin with one of `only`."""
    todo: queue.SimpleQueue[Work] = queue.SimpleQueue()

    def worker(number: int) -> dict[Work, str]:
        folder = directory / f"{stories[0]}-{number}"
        folder.mkdir()
        with crowd(folder, nursery, database, **world_of(stories[0])) as one:
            if number == 0:
                known = list(but)
                for story in stories:
                    new = points_of(plain(one, story), but=known)
                    known += new
                    for point in new:
                        if point.name.startswith(only):
                            todo.put((story, point))
                planned.set()
            planned.wait()
            return work_through(one, todo)

    planned = threading.Event()
    with ThreadPoolExecutor(STACKS) as pool:
        found = list(pool.map(worker, range(STACKS)))
    return {work: outcome for part in found for work, outcome in part.items()}


def summary(database: Database, stories: Sequence[str], outcomes: dict[Work, str]) -> str:
    """The line for docs/guarantees.md."""
    became = Counter(outcomes.values())
    reached = [work for work in outcomes if outcomes[work] != UNREACHED]
    steps = len({(story, point.name, point.side) for story, point in reached})
    return (
        f"crash {database} {'+'.join(stories)}: {len(reached)} points ({steps} sides of steps), "
        f"each killed once: {became['executed']} executed, {became['in_doubt']} in doubt, "
        f"0 lost, 0 run twice; {became[UNREACHED]} more were not reached again"
    )


@pytest.mark.timeout(1800)
def test_kill_at_every_step(
    tmp_path: Path, nursery: Nursery, database: Database, figure: Figure
) -> None:
    """Before and after each commit, each delivery, the claim, the tool, its result, the resume."""
    in_teams = die_everywhere(tmp_path, nursery, database, TEAMS)
    figure(summary(database, TEAMS, in_teams))
    known = of_the_session(point for _, point in in_teams)
    in_tickets = die_everywhere(tmp_path, nursery, database, SYSTEMS, but=known)
    figure(summary(database, SYSTEMS, in_tickets))
    same = [p for _, p in (*in_teams, *in_tickets) if not p.name.startswith(IN_A_PAUSE)]
    in_pauses = die_everywhere(tmp_path, nursery, database, PAUSED, but=same)
    figure(summary(database, PAUSED, in_pauses))

    assert {"executed", "in_doubt"} == set(in_teams.values()) - {UNREACHED}
    assert min(len(in_teams), len(in_tickets)) >= 20
    assert {"Pausing.pause", "Pausing.resume_by_id", "Pausing._let_go", CLAIM} <= {
        point.name for _, point in in_pauses
    }
    check_reached(in_teams | in_tickets | in_pauses)


@pytest.mark.timeout(900)
def test_kill_at_every_step_of_a_mail(
    tmp_path: Path, nursery: Nursery, database: Database, figure: Figure
) -> None:
    """What is theirs alone: around the sending, what is kept of it, and the page behind the link.
    What a session does is the same as above."""
    outcomes = die_everywhere(tmp_path, nursery, database, ("mail",), only=OF_MAIL)
    figure(summary(database, ("mail",), outcomes))

    assert {
        "EmailChannel.post",
        "EmailChannel.update",
        "Threads.planned",
        "Links.url_of",
    } <= {point.name for (_, point), became in outcomes.items() if became != UNREACHED}


def check_reached(outcomes: dict[Work, str]) -> None:
    """Nearly everywhere somebody has died, and at every first step that is always taken."""
    unreached = [point for (_, point), became in outcomes.items() if became == UNREACHED]
    core = [
        point
        for point in unreached
        if point.name.startswith(EVERY_TIME) and not point.name.startswith(BY_CHANCE)
    ]
    assert [] == [point for point in core if point.number == 1]
    assert len(unreached) <= len(outcomes) / 20


@pytest.fixture
def running(tmp_path: Path, nursery: Nursery, database: Database) -> Iterator[Crowd]:
    """Servers with Teams around them."""
    around: dict[str, Any] = {"bot_framework": True, "lease_s": SAFE_LEASE_S}
    with crowd(tmp_path, nursery, database, **around) as one:
        yield one


def test_kill_during_the_tool_leaves_it_in_doubt_and_never_repeats_it(running: Crowd) -> None:
    one, before = running.one, effects(running)
    one.http.post(
        f"{one.crm['url']}/_sandbox/fault",
        json={"kind": "slow", "delay_s": 30, "method": "POST", "path": "/quotes"},
    ).raise_for_status()
    session = STORIES["teams"](running, "slow")

    def in_the_tool() -> bool:
        return bool(requests_of(running, session)[0]["status"] == "executing")

    running.patient(in_the_tool, "the tool to start")
    for server in one.servers:  # whoever runs it
        server.kill()
    running.mend()

    assert "in_doubt" == check(running, session, before)
    assert one.ledger_verifies()


def test_every_server_is_killed_while_a_request_waits(running: Crowd) -> None:
    """What waits costs nothing and loses nothing."""
    one, before = running.one, effects(running)
    session = one.ask()
    (request,) = running.patient(lambda: requests_of(running, session), "the request")
    for server in one.servers:
        server.kill()
    running.mend()
    (after,) = requests_of(running, session)

    assert {**request, "deliveries": []} == {**after, "deliveries": []}
    assert 0 == (effects(running) - before)[QUOTE]
    assert 200 == one.vote(after).status_code
    assert "completed" == one.ended(session)["status"]
    assert 1 == (effects(running) - before)[QUOTE]


def test_stop_and_start_again_between_ask_and_vote(running: Crowd) -> None:
    """A graceful stop loses nothing either."""
    one = running.one
    session = one.ask()
    (request,) = running.patient(lambda: requests_of(running, session), "the request")
    for server in one.servers:
        server.kill(signal.SIGTERM)
    running.mend()

    assert 200 == one.vote(request).status_code
    assert "completed" == one.ended(session)["status"]
    assert "executed" == requests_of(running, session)[0]["status"]
