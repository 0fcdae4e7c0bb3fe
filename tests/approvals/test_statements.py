"""How many statements each step of a session takes: what is read twice, or written twice, shows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Connection

from countersign.approvals.forms.causes import Ending, SessionCause
from countersign.approvals.models import RequestStatus, Verdict
from countersign.approvals.store.requests import alike
from tests.doubles.chats import NOTHING_SAID
from tests.doubles.world import World, opened

pytestmark = pytest.mark.asyncio
PAUSE = {"start": 2, "submit": 5}
RESUME = {"vote": 6, "claim": 5, "finish": 3, "complete": 2}
ENDED = Ending(cause=SessionCause.ANSWERED, answer="Done.")


class Writer:
    """Hears the statements of an SQLite store, but for begins and commits."""

    def __init__(self, world: World):
        self._world = world
        self.said: list[str] = []

    async def listen(self) -> None:
        """From now on."""

        def tell(connection: Connection) -> None:
            driver: Any = connection.connection.dbapi_connection
            driver.set_trace_callback(self._hear)

        await self._world.store.write(tell)

    def _hear(self, statement: str) -> None:
        if statement.split()[0] in {"SELECT", "INSERT", "UPDATE", "DELETE"}:
            self.said.append(statement)

    async def count(self, step: Awaitable[object]) -> int:
        """How many statements a step takes."""
        self.said.clear()
        await step
        return len(self.said)


@contextmanager
def shown(writer: Writer) -> Iterator[None]:
    """The statements of the last step, if it is another one than expected."""
    try:
        yield
    except AssertionError:
        print(*writer.said, sep="\n")  # noqa: T201 - for whoever reads the failure
        raise


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """On SQLite, whose statements are heard where they run."""
    async with opened(tmp_path) as world:
        yield world


async def test_statements_of_a_pause_and_of_what_follows_an_approval(world: World) -> None:
    """Without channels and threads, with room to go on in the process that decides."""
    world.channels = {}
    world.use(world.rules)
    world.handoff.open(lambda: 1)
    writer = Writer(world)
    await writer.listen()

    counted = {"start": await writer.count(world.start())}
    (session,) = (await world.records.sessions()).items
    run = await world.begin(session.id)
    counted["submit"] = await writer.count(world.submit(run, "quote"))
    (request,) = (await world.records.requests()).items
    with shown(writer):
        assert PAUSE == counted

    counted = {"vote": await writer.count(world.vote(request))}
    run = await world.begin(session.id)
    claim = world.runs.claim(run, request.id, request.arguments)
    counted["claim"] = await writer.count(claim)
    finish = world.runs.finish(run, request.id, ok=True, content="42")
    counted["finish"] = await writer.count(finish)
    complete = world.runs.complete(run, state=NOTHING_SAID, ending=ENDED)
    counted["complete"] = await writer.count(complete)

    with shown(writer):
        assert RESUME == counted
    assert (await world.records.verify(session.id)).verified


@pytest.mark.parametrize(
    ("budgets", "more"),
    [
        ({"others": {"tool": "look", "window": "1h", "count": {"hard": 9}}}, (0, 0)),
        ({"day": {"window": "day", "zone": "UTC", "count": {"soft": 9}}}, (3, 3)),
        ({"span": {"window": "1h", "count": {"hard": 9}}}, (4, 3)),
        (
            {
                "day": {"window": "day", "zone": "UTC", "count": {"hard": 9}},
                "month": {"window": "month", "zone": "UTC", "count": {"hard": 9}},
            },
            (6, 6),
        ),
    ],
)
async def test_each_budget_of_a_call_takes_so_many_statements(
    world: World, budgets: dict[str, Any], more: tuple[int, int]
) -> None:
    """At a claim, and where it is given back: however much was used before."""
    world.channels = {}
    named = {name: {"tool": "quote", **each} for name, each in budgets.items()}
    world.use({**world.rules, "budgets": named})
    writer = Writer(world)
    await writer.listen()
    for number in range(4):
        world.clock.advance(3)
        run, request = await world.approved()
        claim = await writer.count(world.runs.claim(run, request.id, request.arguments))
        with shown(writer):
            assert number == 0 or RESUME["claim"] + more[0] == claim
    finish = await writer.count(world.runs.finish(run, request.id, ok=False, content="No."))
    with shown(writer):
        assert RESUME["finish"] + more[1] + (1 if more[1] else 0) == finish


async def test_a_first_proposal_reads_nothing_and_a_later_one_what_is_alike(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await world.begun()
    read, units = world.store.read, []

    async def counted(unit: Any) -> Any:
        units.append(unit)
        found = await read(unit)
        return found

    monkeypatch.setattr(world.store, "read", counted)
    quote = world.proposal(run.session.id, "quote")
    (first,) = await world.runs.submit(run, [quote], state=NOTHING_SAID, first=True)

    assert [] == units
    monkeypatch.undo()

    await world.vote(first, verdict=Verdict.REJECT)
    again = await world.begin(run.session.id)
    call = quote.call.model_copy(update={"call_id": "1.0"})
    other = call.model_copy(update={"call_id": "1.1", "arguments": {"amount": 7}})
    two = [quote.model_copy(update={"call": each}) for each in (call, other)]
    same, new = await world.runs.submit(again, two, state=NOTHING_SAID, first=True)

    assert RequestStatus.REJECTED == same.status  # with a stored chat, it is not the first
    assert RequestStatus.PENDING == new.status
    hashes = frozenset({new.call_hash})
    assert [new] == await world.store.read(lambda c: alike(c, run.session.id, hashes))
