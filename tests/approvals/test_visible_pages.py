"""A list for somebody who may read little of it is looked through by parts, not all at once."""

from __future__ import annotations

import pytest

from countersign.approvals.models import Domain
from countersign.approvals.records.paging import Page
from countersign.approvals.store import visible
from tests.doubles.directory import ANNA, BEN, DAVE, acting
from tests.doubles.world import World


@pytest.fixture
def bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small parts, so that few rows are many."""
    monkeypatch.setattr(visible, "LOOKED", 4)
    monkeypatch.setattr(visible, "AT_ONCE", 2)


@pytest.mark.usefixtures("bounded")
async def test_what_may_be_read_is_found_behind_what_may_not(world: World) -> None:
    world.directory.domains = {"finance": Domain(tools=frozenset({"quote"}))}
    for _ in range(6):
        await world.asked("quote")
        world.clock.advance(1)
    (mine,) = await world.asked("pay")
    pages: list[Page] = []  # type: ignore[type-arg]
    cursor: str | None = None
    while not pages or cursor:
        pages.append(await world.records.requests(reader=DAVE, limit=1, cursor=cursor))
        cursor = pages[-1].next

    assert [mine.id] == [request.id for page in pages for request in page.items]
    assert ((), True) == (pages[0].items, pages[0].next is not None)  # it looks at so many only
    assert [mine.session_id] == [
        session.id for session in (await world.records.sessions(reader=DAVE, limit=3)).items
    ]
    newest = await world.records.requests(reader=DAVE, limit=1, newest=True)
    assert [mine.id] == [request.id for request in newest.items]
    assert 7 == len((await world.records.requests(reader=BEN, limit=7)).items)


async def test_lists_of_every_status_go_on_where_they_ended(world: World) -> None:
    asked = []
    for _ in range(5):
        (request,) = await world.asked("quote")
        asked.append(request.id)
        world.clock.advance(1)
    await world.approvals.cancel(request.session_id, acting(ANNA))
    found: dict[bool, list[str]] = {}
    for newest in (False, True):
        cursor: str | None = None
        pages = found.setdefault(newest, [])
        while True:
            page = await world.records.requests(limit=2, cursor=cursor, newest=newest)
            pages += [request.id for request in page.items]
            cursor = page.next
            if cursor is None:
                break
    sessions = await world.records.sessions(limit=2)
    rest = await world.records.sessions(limit=9, cursor=sessions.next)

    assert {False: asked, True: asked[::-1]} == found
    assert 5 == len({session.id for session in (*sessions.items, *rest.items)})
    assert sessions.items[0].id == request.session_id
