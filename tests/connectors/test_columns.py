"""Each column of each table: `ledger verify` finds a change, or docs/ledger.md says why not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Connection, Float, Integer, Table, and_, select, update
from sqlalchemy.exc import IntegrityError

from countersign.approvals.audit.merkle import WIDTH
from countersign.approvals.audit.notes import SigningKey
from countersign.approvals.decisions.delegating import Wanted
from countersign.approvals.forms.causes import Ending, SessionCause
from countersign.approvals.jobs.sealing import Sealing
from countersign.approvals.models import (
    Account,
    Archived,
    BrowserSession,
    Conversation,
    Delegate,
    Delivery,
    DirectoryPage,
    GivenProof,
    Group,
    HoldKind,
    HoldScope,
    KnownShift,
    LookUp,
    Membership,
    Passkey,
    PasskeyAdded,
    PasskeyRemoved,
    PauseKind,
    PauseScope,
    PolicyChanged,
    PolicySource,
    PrincipalId,
    Proof,
    RequestId,
    SessionId,
    SessionsArchived,
    Terms,
    UndoOffer,
    Verdict,
    Via,
)
from countersign.approvals.ports import Unit
from countersign.approvals.store import (
    archived,
    browser_sessions,
    directories,
    directory_changes,
    governance,
    mail,
    policy_versions,
    presence,
    reminders,
    schedules,
    seals,
)
from countersign.approvals.store.schema import (
    metadata,
    requests,
    sessions,
    vote_refusals,
)
from countersign.approvals.store.sqlite import SqliteStore
from countersign.approvals.store.verifying import verify_one
from tests.connectors.desk_world import DeskWorld
from tests.doubles.chats import chat_of
from tests.doubles.directory import ANNA, BEN, CARA, ERIN, ROOT, acting
from tests.doubles.rollouts import moved
from tests.doubles.world import QUOTE, THREAD

DOCS = Path(__file__).resolve().parents[2] / "docs" / "ledger.md"
LONG = "A result of some length. " * 2_000
SAMPLE = {"sqlite": 14, "postgresql": 3}
"""Rows of one table that are changed, spread over all there are. What verifies them is the same on
both databases; only the columns are others."""


def listed() -> dict[str, set[str]]:
    """The columns that the docs say nobody can check, by table."""
    _, _, text = DOCS.read_text("utf-8").partition("\n## What it cannot check\n")
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| .+ \|$", text, re.M)
    return {table: set(re.findall(r"`(\w+)`", columns)) for table, columns in rows}


BUDGET = {"tool": "*", "window": "day", "zone": "UTC", "count": {"hard": 99}}


async def lived(world: DeskWorld) -> None:
    """Rows in every table, of sessions in every state: as after some days of work."""
    world.rules = {**world.rules, "budgets": {"calls": BUDGET}}
    world.restart()
    thread = {
        "key": THREAD,
        "channel": "teams",
        "kind": "channel",
        "principal_id": "anna",
        "reference": {"serviceUrl": "https://example.com"},
        "updated_at": "2026-03-02T09:00:00Z",
    }
    await world.conversations.save(Conversation.model_validate(thread))
    await world.reconciler.plan()
    undo = await _ran(world)
    await _waits(world)
    (question,) = await world.asked(world.question((await world.start()).id))
    await world.approvals.vote(
        question.id, acting(ANNA), verdict=Verdict.APPROVE, digest=question.digest, comment="Yes."
    )
    await world.asked("drop", "look", "dream")
    (late,) = await world.asked("quote")
    (ended,) = await world.submit(await world.begin(undo), "wire")
    await world.approvals.cancel(ended.session_id, acting(ANNA))
    refused = {"request_id": late.id, "identity": "entra:oid-erin", "count": 3}
    await world.store.write(lambda c: c.execute(vote_refusals.insert().values(refused)))
    (shown, *_) = await world.records.deliveries(late.id)
    await world.unit(lambda unit: reminders.add(unit, shown, 1, escalated=False))
    policy, now = world.policy, world.clock.now()
    await world.unit(moved)
    await world.store.write(
        lambda c: policy_versions.keep(c, policy.version, policy.document.text(), now)
    )
    await world.store.write(lambda c: _read_directory(c, now))
    await world.store.write(lambda c: _mailed(c, shown, now))

    signed_in = BrowserSession(
        id="0" * 64,
        principal_id=PrincipalId("anna"),
        method="picker",
        identity="inbox:anna",
        authenticated_at=now,
        created_at=now,
        seen_at=now,
        expires_at=now,
        claims={"acr": "1"},
    )
    await world.store.write(lambda c: browser_sessions.add(c, signed_in))
    for after in ("v1", policy.version):
        began = PolicyChanged(before=None, after=after, source=PolicySource.START, file="c.yaml")
        await world.unit(lambda unit, began=began: governance.append(unit, began))  # type: ignore[misc]
    await _passkeys(world)
    await _retained(world)
    await _pauses(world)
    await _grants(world)
    await _delegations(world)
    await _questions(world)
    for name in ("ben", "cara"):
        world.directory.set_roles(name)
    await world.domain.review.run()
    world.clock.advance(3700)
    await world.approvals.expire(late.id)
    await Sealing(world.store, world.clock, SigningKey("gate.example/ledger", bytes(32))).seal()
    await world.store.write(lambda c: _sealed_often(c, now))


def _sealed_often(connection: Connection, now: datetime) -> None:
    """As many leaves as it takes to keep the hash of a subtree."""
    while (before := seals.last(connection)) is not None and before.size < WIDTH:
        seals.add(connection, before, seals.heads_after(connection, "", limit=50), now)


def _mailed(connection: Connection, shown: Delivery, now: datetime) -> None:
    """A request was shown by mail to somebody who wants no reminders."""
    about = {"request_id": shown.request_id, "principal_id": BEN.id}
    thread = {"delivery_id": shown.id, "message_id": "1f", "address": "b@x.org", "subject": "Pay"}
    mail.keep_thread(connection, mail.MailThread.model_validate({**about, **thread}), now)
    link = mail.MailLink.model_validate({**about, "kind": "request", "expires_at": now})
    mail.add_link(connection, link, now)
    mail.mute(connection, BEN.id, "reminders", now)


def _read_directory(connection: Connection, now: datetime) -> None:
    """A reading has ended, and another one has begun."""
    page = DirectoryPage(
        accounts=(Account(id="acc", name="Kim", email="kim@example.com", active=True),),
        groups=(Group(id="managers", name="Managers"),),
        memberships=(Membership(group_id="managers", member_id="acc"),),
        delegates=(Delegate(id="1", account_id="acc", delegate_id="acc", ends_at=now),),
        shifts=(KnownShift(id="1", person="acc", starts_at=now, ends_at=now),),
    )
    schedules.show(connection, "payments", "[]")
    directories.know(connection, "entra", "1", now)
    for _ in range(2):
        begun = directories.begin(connection, "entra", now, whole_every=timedelta(days=1))
        assert begun is not None
        directories.stage(connection, begun, page, now)
        for step in directory_changes.steps(begun, lists_everybody=True):
            step(connection, begun, ("", ""))
        if begun.generation == 1:
            directories.finish(connection, begun, "link", now)


async def _passkeys(world: DeskWorld) -> None:
    """One that counts and has proved something, and one that was removed."""
    anna, now, via = PrincipalId("anna"), world.clock.now(), Via("inbox")
    for name in ("one", "two"):
        passkey = Passkey(id=name, principal_id=anna, name=name, public_key="k", created_at=now)
        added = PasskeyAdded(
            passkey=name, key="0" * 64, name=name, by=anna, via=via, identity="inbox:anna"
        )
        await world.unit(lambda u, p=passkey, a=added: presence.add_passkey(u, p, a))  # type: ignore[misc]
    gone = PasskeyRemoved(passkey="two", of=anna, by=anna, via=via, identity="inbox:anna")
    await world.unit(lambda unit: presence.remove_passkey(unit, "two", gone))
    proof = Proof(id="p", method="passkey", principal_id=anna, digest="0" * 64, at=now)
    given = GivenProof(
        proof=proof,
        request_id=RequestId("R-1"),
        session_id="0" * 64,
        expires_at=now,
        evidence={"passkey": "one"},
    )
    await world.store.write(lambda c: presence.add_proof(c, given))


async def _retained(world: DeskWorld) -> None:
    """One hold, one that was lifted, and a session that is in a file."""
    holding = world.domain.holding
    for name in ("one", "two"):
        scope = HoldScope(kind=HoldKind.TOOL, name=name)
        held = await holding.hold(scope, "Lawsuit.", acting(ROOT))
    await holding.lift(held.id, "It is over.", acting(ROOT))
    row = Archived(
        session=SessionId("S-0"),
        file="a.archive.zip",
        sha256="0" * 64,
        at=world.clock.now(),
        entries=3,
        head="0" * 64,
        requests=("R-0",),
    )
    entry = SessionsArchived(
        file=row.file,
        sha256=row.sha256,
        sessions=1,
        entries=row.entries,
        older_than_days=30,
        by=ROOT.id,
        via=Via("inbox"),
        identity="inbox:root",
    )

    def work(unit: Unit) -> None:
        archived.record(unit, row)
        governance.append(unit, entry)

    await world.unit(work)


async def _pauses(world: DeskWorld) -> None:
    """One that holds a session, and one that has ended."""
    pausing, everything = world.approvals.pausing, PauseScope(kind=PauseKind.ALL)
    run, request = await world.approved()
    await pausing.pause(everything, "Incident.", acting(ROOT), {})
    await world.runs.claim(run, request.id, request.arguments)
    await pausing.resume(everything, acting(ROOT))
    quotes = PauseScope(kind=PauseKind.TOOL, name="quote")
    known = {PauseKind.TOOL: frozenset({"quote"})}
    await pausing.pause(quotes, "The price list is wrong.", acting(ROOT), known)


async def _delegations(world: DeskWorld) -> None:
    """One that holds, and one that is revoked."""
    wanted = Wanted(delegate=ERIN.id, ends_at=world.clock.now() + timedelta(days=1), reason="Leave")
    delegating = world.approvals.delegating
    await delegating.give(wanted.model_copy(update={"roles": ("manager",)}), acting(BEN))
    given = await delegating.give(wanted, acting(CARA))
    await delegating.revoke(given.id, acting(ROOT))


async def _questions(world: DeskWorld) -> None:
    """One that its agent has answered, one that a person has, and one that is open."""
    (request,) = await world.asked("quote")
    questions, answering = world.approvals.questions, world.domain.answering
    looked = LookUp(tool="look", arguments={"name": "Contoso"}, ran=True, text="Two orders.")
    for text in ("Why?", "Since when?", "What for?"):
        asked = await questions.ask(request.id, acting(BEN), text)
        assert asked is not None
        side = await answering.begin(asked.id)
        assert side is not None
        if text == "Why?":
            await answering.answered(side, "They buy every year.", [looked])
        elif text == "Since when?":
            await answering.unanswered(side, "It has no model.")
            await questions.answer(asked.id, acting(ANNA), "For years.")


async def _grants(world: DeskWorld) -> None:
    """One that is used, and one that is revoked."""
    granting = world.approvals.granting
    asked = [(await world.submit(await world.begun(), "give"))[0] for _ in range(2)]
    for request in asked:
        await world.vote(request, BEN, grant=Terms(uses=5))
    ((grant, _), *_) = await world.records.grants()
    await granting.revoke(grant.id, acting(BEN))
    run = await world.begun()
    (covered,) = await world.submit(run, "give")
    await world.runs.claim(run, covered.id, covered.arguments)


async def _ran(world: DeskWorld) -> SessionId:
    """One that is done, one in doubt that a person has settled, and one that runs.

    What the first one did is to be taken back by the session that it gives.
    """
    run, request = await world.executing()
    offer = UndoOffer(tool="look", executor="gatekeeper", arguments=QUOTE, within_s=60)
    await world.runs.finish(run, request.id, ok=True, content=LONG, undo=offer)
    undo = await world.approvals.undo(request.id, acting(BEN), reason="The wrong quote.")
    ending = Ending(cause=SessionCause.ANSWERED, answer="Q-1")
    message = '{"role":"user","content":"Quote"}'
    state = chat_of({"role": "assistant", "content": "Q-1"}, chunks=1, chunk=message)
    await world.runs.complete(run, state=state, ending=ending)
    run, request = await world.executing()
    await world.runs.unknown(run, request.id, message="The line broke.")
    await world.approvals.resolve(request.id, acting(BEN), happened=True, note="It is there.")
    await world.approvals.recording.wrong(request.id, acting(BEN), reason="Too dear.")
    await world.executing()
    (seen,) = await world.submit(await world.begun(), "dream")
    await world.approvals.recording.by_hand(seen.id, acting(ROOT), arguments={**QUOTE, "amount": 2})
    return undo.id


async def _waits(world: DeskWorld) -> None:
    """Changed, read on its page, approved at one stage, refused in its ticket."""
    run = await world.begun(THREAD)
    one, two = await world.submit(run, "pay", "quote")
    changed = {**QUOTE, "amount": 1}
    revised = await world.vote(one, BEN, Verdict.MODIFY, arguments=changed)
    await world.approvals.opened(revised.id, CARA.id, revision=2, link="teams")
    await world.vote(revised, CARA)
    await world.vote(two, BEN, Verdict.REJECT, comment="No.")
    await world.work()
    await world.poll()
    ticket = await world.ticket(revised, "ticket:2.1")
    world.tickets.as_person(ERIN).approve(ticket.id)
    await world.poll()


def other(column: Column[Any], value: Any) -> Any:
    """Something else that the column takes."""
    if isinstance(column.type, Integer | Float):
        return (value or 0) + 1
    if not value:
        return "x"
    return value[:-1] + ("0" if value[-1:] != "0" else "1")


def others(connection: Connection, column: Column[Any], value: Any) -> list[Any]:
    """Values to try: of a column that refers to a row, some that are there."""
    if not column.foreign_keys:
        return [other(column, value)]
    target = next(iter(column.foreign_keys)).column
    query = select(target).where(target != value).order_by(target).limit(3)
    return list(connection.execute(query).scalars())


def rows_of(connection: Connection, table: Table) -> list[dict[str, Any]]:
    """Some rows, from the first to the last."""
    found = [dict(row) for row in connection.execute(select(table)).mappings()]
    step = -(-len(found) // SAMPLE[connection.dialect.name])
    return found[:: step or 1]


def where(table: Table, row: dict[str, Any]) -> Any:
    return and_(*(column == row[column.name] for column in table.primary_key))


async def is_found(
    world: DeskWorld, column: Column[Any], row: dict[str, Any], *, of_the_session: bool
) -> bool:
    """Whether the database refuses each such change, or verifying everything tells of it.

    What verifying its session tells of is told `of_the_session`: all of them are verified like it,
    which takes ten times as long.
    """
    values = await world.store.read(lambda c: others(c, column, row[column.name]))
    table = column.table
    assert isinstance(table, Table)
    session = None
    if of_the_session:
        session = await world.store.read(lambda c: session_of(c, table, row))
    for value in values:
        if not await _is_found(world, column, row, value, session):
            return False
    return True


def session_of(connection: Connection, table: Table, row: dict[str, Any]) -> SessionId | None:
    """The session that a row belongs to, if it belongs to one."""
    if table is sessions:
        found = row["id"]
    elif "request_id" in row:
        query = select(requests.c.session_id).where(requests.c.id == row["request_id"])
        found = connection.execute(query).scalar()
    else:
        found = row.get("session_id")
    return None if found is None else SessionId(found)


async def _tells(world: DeskWorld, session: SessionId | None) -> bool:
    """Whether verifying the session, or else verifying everything, finds something."""
    if session is not None:
        one = await world.store.read(lambda c: verify_one(c, session))
        if not one.verified:
            return True
    return not (await world.records.verify()).verified


async def _is_found(
    world: DeskWorld,
    column: Column[Any],
    row: dict[str, Any],
    value: Any,
    session: SessionId | None,
) -> bool:
    table, name = column.table, column.name
    assert isinstance(table, Table)
    moved = {**row, name: value}
    change = update(table).where(where(table, row)).values({name: moved[name]})
    back = update(table).where(where(table, moved)).values({name: row[name]})
    try:
        await world.store.write(lambda c: c.execute(change))
    except IntegrityError:
        return True
    told = await _tells(world, session)
    await world.store.write(lambda c: c.execute(back))
    return told


def columns() -> Iterator[Column[Any]]:
    for table in metadata.sorted_tables:
        yield from table.columns


@pytest.mark.timeout(900)
async def test_change_of_any_column_is_found_unless_the_docs_say_why_not(world: DeskWorld) -> None:
    await lived(world)
    assert () == (await world.records.verify()).problems
    missed: dict[str, set[str]] = {}
    for column in columns():
        rows = await world.store.read(lambda c, of=column.table: rows_of(c, of))  # type: ignore[misc]
        assert rows, f"{column.table.name} has no rows: let something happen in `lived`"
        for number, row in enumerate(rows):  # up to the first that shows that it is not found
            if not await is_found(world, column, row, of_the_session=number > 0):
                missed.setdefault(column.table.name, set()).add(column.name)
                break

    assert () == (await world.records.verify()).problems
    known = listed()
    assert {} == {table: gone for table, found in missed.items() if (gone := found - known[table])}
    if isinstance(world.store, SqliteStore):  # of so few rows on PostgreSQL some hide nothing
        assert known == missed
