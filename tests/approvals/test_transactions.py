"""Nothing outside is asked inside a transaction: it is read before, as the moment of the unit.

The doubles of the directory, of channels and of the catalog refuse to be asked there, in every test
that uses them; here it is shown that they would, and that nobody inside could ask.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from countersign import approvals
from countersign.approvals.ports import Moment, Unit
from tests.doubles.directory import BEN
from tests.doubles.transactions import AskedInsideError
from tests.doubles.world import THREAD, World

ROOT = Path(approvals.__path__[0])
OUTSIDE = frozenset({"Channel", "Channels", "Directory", "TicketConnector", "TicketConnectors"})
ASKS_BEFORE = frozenset({"decisions/moments.py"})
"""Reads the moment of a unit."""
ASKERS: tuple[Callable[[World], object], ...] = (
    lambda world: world.directory.people(),
    lambda world: world.directory.by_id(BEN.id),
    lambda world: world.catalog.forms(),
    lambda world: world.catalog.schema("sales", "quote"),
)


@pytest.mark.asyncio
@pytest.mark.parametrize("ask", ASKERS)
async def test_who_is_asked_inside_says_so(world: World, ask: Callable[[World], object]) -> None:
    def work(_: Unit | Connection) -> object:
        return ask(world)

    for run in (
        world.store.read(work),
        world.store.write(work),
        world.store.unit(work, Moment(world.clock.now())),
    ):
        with pytest.raises(AskedInsideError):
            await run
    assert ask(world) is not None


@pytest.mark.asyncio
async def test_request_that_is_shown_decided_and_run_asks_nobody_inside(world: World) -> None:
    """With a stage that others decide, edits, and a thread that is told of it."""
    run = await world.begun(THREAD)
    (request,) = await world.submit(run, "pay")
    for who in ("ben", "cara", "dave"):
        person = world.directory.by_id(who)
        assert person is not None
        request = await world.vote(request, person)
    run = await world.begin(run.session.id)
    claimed = await world.runs.claim(run, request.id, request.arguments)
    await world.runs.finish(run, request.id, ok=True, content="paid")
    for delivery in await world.records.deliveries(request.id):
        await world.courier.deliver(delivery.id)

    assert request.id == getattr(claimed, "id", None)
    assert world.channel.posted


def test_nobody_inside_knows_whom_to_ask() -> None:
    """What decides and what is stored has no names for them."""
    modules = [*(ROOT / "decisions").glob("*.py"), *(ROOT / "store").glob("*.py")]
    modules += (ROOT / "rules").glob("*.py")
    knowing = {str(path.relative_to(ROOT)) for path in modules if OUTSIDE & {*_imported(path)}}

    assert len(modules) > 50
    assert ASKS_BEFORE == knowing


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            yield from (alias.name for alias in node.names)
