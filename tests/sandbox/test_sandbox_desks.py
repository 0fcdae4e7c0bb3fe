"""People at a desk do the same things in either system, in this process or in another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

import httpx
import pytest
import pytest_asyncio

from countersign.sandbox.desk import Answer, Desk, NotDoneError, Switches
from countersign.sandbox.jira.desk import JiraDesk
from countersign.sandbox.jira.server import Jira
from countersign.sandbox.remote import Remote
from countersign.sandbox.servicenow.desk import ServiceNowDesk
from countersign.sandbox.servicenow.people import ALEX
from countersign.sandbox.servicenow.server import ServiceNow
from tests.scenarios.traffic import TicketSystem

P = ParamSpec("P")
R = TypeVar("R")
pytestmark = pytest.mark.asyncio
ORDER = "R-1.1.0"


@dataclass
class Room:
    """A desk, and the system that stands on it."""

    desk: Desk
    system: TicketSystem
    remote: bool
    key: str = ""
    """Of a ticket that the account of the connector made, and of which Alex is asked."""

    async def do(self, act: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """A client over HTTP waits in a thread, while the system's own loop answers."""
        if self.remote:
            return await asyncio.to_thread(act, *args, **kwargs)
        return act(*args, **kwargs)

    async def ask(self) -> None:
        """The ticket of our connector."""
        self.key = await self.do(self.desk.make, "Quote", ORDER, who="bot")
        if isinstance(self.system, ServiceNow):
            values = {
                "approver": ALEX.sys_id,
                "sysapproval": self.system.change(self.key)["sys_id"],
            }
            approval = {**values, "state": "requested"}
            self.system.as_person("svc_approvals").add("sysapproval_approver", approval)


@asynccontextmanager
async def room(name: str, remote: bool) -> AsyncIterator[Room]:
    start: Any = Jira.start if name == "jira" else ServiceNow.start
    desk_of: Any = JiraDesk if name == "jira" else ServiceNowDesk
    async with start() as system:
        with httpx.Client(trust_env=False) as http:
            at: Switches = Remote(system.url, http) if remote else system
            found = Room(desk_of(at), system, remote)
            await found.ask()
            yield found


@pytest_asyncio.fixture(params=["jira", "servicenow"])
async def here(request: pytest.FixtureRequest) -> AsyncIterator[Room]:
    async with room(request.param, remote=False) as found:
        yield found


@pytest_asyncio.fixture(
    params=[("jira", False), ("jira", True), ("servicenow", False), ("servicenow", True)],
    ids=["jira", "jira over HTTP", "servicenow", "servicenow over HTTP"],
)
async def anywhere(request: pytest.FixtureRequest) -> AsyncIterator[Room]:
    async with room(*request.param) as found:
        yield found


async def test_ticket_shows_what_its_maker_wrote_and_whom_it_asks(anywhere: Room) -> None:
    ticket = await anywhere.do(anywhere.desk.ticket, anywhere.key)
    others = await anywhere.do(anywhere.desk.make, "Lunch")
    everything = await anywhere.do(anywhere.desk.tickets)
    found = [ticket for ticket in everything if ticket.key in (anywhere.key, others)]

    assert (anywhere.key, "Quote", ORDER) == (ticket.key, ticket.summary, ticket.order)
    assert (True, True, True) == (ticket.open, ticket.ours, ticket.asks)
    assert [(anywhere.key, True), (others, False)] == [(t.key, t.ours) for t in found]
    assert ("", False) == (found[1].order, found[1].open)


@pytest.mark.parametrize("answer", ["approve", "reject", "modify"])
async def test_answer_is_given_with_what_was_said(anywhere: Room, answer: Answer) -> None:
    desk, key = anywhere.desk, anywhere.key
    words = await anywhere.do(desk.answer, key, answer, comment="So be it.", changes="amount: 1")
    after = await anywhere.do(desk.ticket, key)

    assert key in words
    assert not after.asks
    assert ["So be it."] == [*after.comments, *after.aside]
    assert "amount: 1" in str(anywhere.system.state(key))


async def test_comment_answers_nothing(anywhere: Room) -> None:
    desk, key = anywhere.desk, anywhere.key
    await anywhere.do(desk.comment, key, "Who asked for this?")
    after = await anywhere.do(desk.ticket, key)

    assert after.asks
    assert ["Who asked for this?"] == [*after.comments, *after.aside]


async def test_answer_is_taken_back(anywhere: Room) -> None:
    await anywhere.do(anywhere.desk.answer, anywhere.key, "approve")
    await anywhere.do(anywhere.desk.reopen, anywhere.key)

    assert (await anywhere.do(anywhere.desk.ticket, anywhere.key)).asks


async def test_stranger_finds_a_way_to_answer(anywhere: Room) -> None:
    before = anywhere.system.state(anywhere.key)
    await anywhere.do(anywhere.desk.meddle, anywhere.key, "mallory", "reject")

    assert before != anywhere.system.state(anywhere.key)


async def test_what_is_not_there_can_be_neither_read_nor_answered(anywhere: Room) -> None:
    with pytest.raises(NotDoneError):
        await anywhere.do(anywhere.desk.ticket, "OPS-404")
    with pytest.raises(NotDoneError) as caught:
        await anywhere.do(anywhere.desk.answer, "OPS-404", "approve")

    assert caught.value.status in (404, 422)


async def test_ticket_is_shelved_and_closed_without_a_decision(here: Room) -> None:
    here.desk.shelve(here.key)
    shelved = here.desk.ticket(here.key)
    here.desk.finish(here.key)

    assert not shelved.asks
    assert shelved.state not in ("Approved", "Rejected", "approved", "rejected")
    assert here.desk.ticket(here.key).state != "approved"


async def test_ticket_is_changed_unmarked_and_deleted(here: Room) -> None:
    here.desk.edit_text(here.key, "Lunch for everybody")
    here.desk.relabel(here.key, "R-2.1.0")
    changed = here.desk.ticket(here.key)
    here.desk.relabel(here.key, "")
    unmarked = here.desk.ticket(here.key)
    here.desk.delete(here.key)

    assert ("Lunch for everybody", "R-2.1.0", True) == (changed.text, changed.order, changed.open)
    assert ("", False) == (unmarked.order, unmarked.open)
    assert here.key not in [ticket.key for ticket in here.desk.tickets()]


async def test_impostor_carries_the_marks_of_another_and_is_not_ours(here: Room) -> None:
    made = here.desk.ticket(here.desk.impostor(here.key))

    assert (ORDER, True, False, False) == (made.order, made.open, made.ours, made.asks)


async def test_switches_over_http_turn_what_the_system_has(here: Room) -> None:
    system = here.system
    with httpx.Client(trust_env=False) as http:
        remote = Remote(system.url, http)
        await asyncio.to_thread(remote.fail, **here.desk.create, kind="reset_after", times=3)
        failing = await asyncio.to_thread(remote.failing)
        await asyncio.to_thread(remote.clear)
        await asyncio.to_thread(remote.slow_down, 0.001)
        await asyncio.to_thread(http.get, system.url)
        asked = await asyncio.to_thread(remote.requests)
        await asyncio.to_thread(remote.forget_requests)

        assert (3, 0.001) == (failing, system.faults.latency_s)
        assert [] == system.faults.pending()
        assert ["/"] == [request["path"] for request in asked]
        assert [] == system.requests
