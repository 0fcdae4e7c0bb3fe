"""Whoever can write to the database is found out, and what they did is named; what that takes a
checkpoint from outside for is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, Table, delete, insert, select, update

from countersign.approvals.audit.ledger import GENESIS, hash_as_written, older_text
from countersign.approvals.audit.notes import Checkpoint, opened_unchecked
from countersign.approvals.audit.receipts import parse
from countersign.approvals.audit.receipts import verify as verify_receipt
from countersign.approvals.audit.seals import SEALS, leaf_of, seal_hash, tree_seal_hash
from countersign.approvals.audit_trail import AuditTrail
from countersign.approvals.errors import IntegrityError
from countersign.approvals.jobs.sealing import Sealing
from countersign.approvals.models import LedgerEntry, Request
from countersign.approvals.store import codec, seals, tree
from countersign.approvals.store.ledger import linked
from countersign.approvals.store.receipts import shows_other_requests
from countersign.approvals.store.schema import (
    governance,
    ledger,
    ledger_checkpoints,
    ledger_leaves,
    ledger_seals,
    metadata,
    requests,
    sessions,
    votes,
)
from tests.doubles.receipts import KEY, NEXT
from tests.doubles.world import World

pytestmark = pytest.mark.asyncio
L = ledger.c
Rows = dict[str, list[dict[str, Any]]]


async def sealed(world: World) -> tuple[AuditTrail, Request, Request]:
    """Two sessions, one of which is decided, in two signed checkpoints."""
    sealing = Sealing(world.store, world.clock, KEY)
    (one,) = await world.asked()
    await sealing.seal()
    await world.vote(one)
    (two,) = await world.asked()
    await sealing.seal()
    return AuditTrail(world.store, world.records, sealing), one, two


def entry(request: Request, seq: int) -> Any:
    return (L.session_id == request.session_id) & (L.seq == seq)


def rewritten(connection: Connection, request: Request, **members: Any) -> None:
    """The whole chain is made anew with another amount, hashes, links, head and all; `members` are
    in each of its bodies."""
    found = connection.execute(
        select(ledger).where(L.session_id == request.session_id).order_by(L.seq)
    ).all()
    before = (0, GENESIS)
    connection.execute(delete(ledger).where(L.session_id == request.session_id))
    for row in found:
        body = json.loads(row.body.replace("Contoso", "Fabrikam")) | members
        at, told = codec.from_text(row.at), [(row.kind, body)]
        rows, before = linked(before, request.session_id, at, told)
        connection.execute(insert(ledger), rows)
    head = {"ledger_seq": before[0], "ledger_head": before[1]}
    of_it = sessions.c.id == request.session_id
    connection.execute(update(sessions).where(of_it).values(head))


def swapped(connection: Connection, one: Request, two: Request) -> None:
    found = [dict(row) for row in connection.execute(select(ledger)).mappings()]
    other = {one.session_id: two.session_id, two.session_id: one.session_id}
    connection.execute(delete(ledger))
    rows = [{**row, "session_id": other[row["session_id"]]} for row in found]
    connection.execute(insert(ledger), rows)


def inserted(connection: Connection, one: Request) -> None:
    row = connection.execute(select(ledger).where(entry(one, 4))).one()
    connection.execute(insert(ledger).values({**row._mapping, "seq": 5}))


def reordered(connection: Connection, one: Request) -> None:
    for old, new in ((2, 99), (3, 2), (99, 3)):
        connection.execute(update(ledger).where(entry(one, old)).values(seq=new))


def forged(connection: Connection, two: Request) -> None:
    row = dict(connection.execute(select(votes)).mappings().one())
    connection.execute(insert(votes).values({**row, "request_id": two.id}))


def replayed(connection: Connection) -> None:
    """The newest checkpoint says what the one before said."""
    old, new = connection.execute(
        select(ledger_checkpoints).order_by(ledger_checkpoints.c.size)
    ).all()
    by_new = ledger_checkpoints.c.size == new.size
    connection.execute(update(ledger_checkpoints).where(by_new).values(note=old.note))


def by_nobody(connection: Connection) -> None:
    """The newest checkpoint is signed with a key of the intruder's."""
    query = select(ledger_checkpoints).order_by(ledger_checkpoints.c.size.desc())
    newest = connection.execute(query.limit(1)).one()
    note = NEXT.sign(opened_unchecked(newest.note))
    by_size = ledger_checkpoints.c.size == newest.size
    connection.execute(update(ledger_checkpoints).where(by_size).values(note=note))


Change = Callable[[Connection, Request, Request], object]
BACKWARDS = update(ledger_seals).where(ledger_seals.c.number == 2).values(size=1)
TAMPERING: dict[str, tuple[Change, str]] = {
    "flip": (
        lambda c, one, _: c.execute(update(ledger).where(entry(one, 2)).values(body="{}")),
        "entry 2: was changed and cannot be read: entry 2 has another body than was written",
    ),
    "flip a header": (
        lambda c, one, _: c.execute(update(ledger).where(entry(one, 3)).values(kind="decided")),
        "entry 3: was changed after it was written",
    ),
    "delete": (
        lambda c, one, _: c.execute(delete(ledger).where(entry(one, 2))),
        "entry 3: follows entry 1; something is missing or out of order",
    ),
    "insert": (lambda c, one, _: inserted(c, one), "entry 5: does not link to the entry before"),
    "reorder": (lambda c, one, _: reordered(c, one), "entry 2: does not link to the entry before"),
    "truncate": (
        lambda c, one, _: c.execute(delete(ledger).where(entry(one, 4))),
        "ends at entry 3, but its head is entry 4",
    ),
    "swap sessions": (swapped, "entry 1: was changed after it was written"),
    "replace a chain": (lambda c, one, _: rewritten(c, one), "entry 2 is not the one of seal 1"),
    "replace a chain by nonsense": (
        lambda c, one, _: rewritten(c, one, rows=[7]),
        "what an entry says of the tables cannot be read",
    ),
    "forge an approval": (lambda c, _, two: forged(c, two), "votes "),
    "replay a checkpoint": (lambda c, *_: replayed(c), "is one of size 1"),
    "sign with another key": (lambda c, *_: by_nobody(c), "It is not signed by gate.example"),
    "a checkpoint of no seal": (
        lambda c, *_: c.execute(delete(ledger_seals).where(ledger_seals.c.number == 2)),
        "the seal that it signs is gone",
    ),
    "a leaf": (
        lambda c, *_: c.execute(update(ledger_leaves).values(seq=1)),
        "its root is not that of the leaves",
    ),
    "a leaf less": (
        lambda c, *_: c.execute(delete(ledger_leaves).where(ledger_leaves.c.position == 2)),
        "the tree's leaf 2, which seal 2 covers, is gone",
    ),
    "a leaf more": (
        lambda c, *_: c.execute(
            insert(ledger_leaves).values(position=99, session_id="S", seq=1, hash="")
        ),
        "1 leaves of the tree are in no seal",
    ),
    "the keys": (
        lambda c, *_: c.execute(
            update(governance)
            .where(governance.c.kind == "sealing_key_changed")
            .values(body="{}")
        ),
        "the keys of the checkpoints cannot be read",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TAMPERING)
async def test_tampering_is_found_and_named(world: World, name: str) -> None:
    change, named = TAMPERING[name]
    trail, one, two = await sealed(world)

    assert () == (await trail.verify()).problems

    await world.store.write(lambda c: change(c, one, two))
    found = await trail.verify()

    assert any(named in problem for problem in found.problems), found.problems


async def test_a_column_that_says_nothing_we_write_is_named(world: World) -> None:
    (request,) = await world.submit(await world.begun(), "quote")
    of_it = sessions.c.id == request.session_id

    async def changed(table: Table, where: Any, **values: Any) -> None:
        await world.store.write(lambda c: c.execute(update(table).where(where).values(**values)))

    await changed(requests, requests.c.id == request.id, status="approoved")
    with pytest.raises(IntegrityError, match=f"request {request.id} was changed"):
        await world.records.request(request.id)
    for columns in ({"status": "nonsense"}, {"status": "waiting", "created_at": "yesterday"}):
        await changed(sessions, of_it, **columns)
        one = await world.records.verify(request.session_id)

        said = [f"column {name}: is not what the ledger says" for name in list(columns)[-1:]]
        assert all(any(each in problem for problem in one.problems) for each in said), one.problems
        assert set(one.problems) <= set((await world.records.verify()).problems)
        assert await world.records.ledger(request.session_id)
        with pytest.raises(IntegrityError, match=f"verify --session {request.session_id}"):
            await world.records.session(request.session_id)


async def test_a_seal_of_a_smaller_tree_is_found(world: World) -> None:
    trail, *_ = await sealed(world)

    def back(connection: Connection) -> None:
        (one, two) = seals.page(connection, 0, limit=2)
        again = tree_seal_hash(2, two.at, 0 + one.size - 1 or 1, one.root, one.hash)
        leaf = update(ledger_seals).where(ledger_seals.c.number == 1)
        connection.execute(leaf.values(size=2))
        last = update(ledger_seals).where(ledger_seals.c.number == 2)
        connection.execute(last.values(size=1, root=one.root, hash=again))

    await world.store.write(back)

    assert any("smaller tree" in problem for problem in (await trail.verify()).problems)


def everything(connection: Connection) -> Rows:
    tables: list[Table] = metadata.sorted_tables
    return {t.name: [dict(r) for r in connection.execute(select(t)).mappings()] for t in tables}


def put_back(kept: Rows) -> Callable[[Connection], None]:
    def unit(connection: Connection) -> None:
        for table in reversed(metadata.sorted_tables):
            connection.execute(delete(table))
        for table in metadata.sorted_tables:
            if kept[table.name]:
                connection.execute(insert(table), kept[table.name])

    return unit


async def test_a_database_that_was_set_back_is_found_with_a_checkpoint_from_outside(
    world: World,
) -> None:
    """And without one it is not: it is what it once was, to the last row."""
    trail, one, _ = await sealed(world)
    before = await world.store.read(everything)
    await world.vote(await world.now((await world.asked())[0]))
    await Sealing(world.store, world.clock, KEY).seal()
    _, note = await trail.checkpoint()
    outside = Checkpoint.parse(opened_unchecked(note))
    assert (await trail.verify(outside=[outside])).verified

    await world.store.write(put_back(before))
    (problem,) = (await trail.verify(outside=[outside])).problems
    of_session = await trail.verify(one.session_id, outside=[outside])

    assert (await trail.verify()).verified
    assert "set back to an older state" in problem
    assert (problem,) == of_session.problems


async def test_a_ledger_that_was_made_anew_is_found_with_a_checkpoint_from_outside(
    world: World,
) -> None:
    trail, *_ = await sealed(world)
    _, note = await trail.checkpoint()
    kept = Checkpoint.parse(opened_unchecked(note))
    other = Checkpoint(kept.origin, kept.size, bytes(32))

    assert any("signs another tree" in p for p in (await trail.verify(outside=[other])).problems)


def as_before(connection: Connection) -> None:
    """The ledger as an older release has written it, with a seal of that time."""
    heads = {}
    for session_id in connection.execute(select(sessions.c.id)).scalars().all():
        before = GENESIS
        found = connection.execute(
            select(ledger).where(L.session_id == session_id).order_by(L.seq)
        ).all()
        for row in found:
            said = LedgerEntry(
                session_id=session_id, seq=row.seq, at=codec.from_text(row.at), kind=row.kind,
                body=json.loads(row.body), prev_hash=before, hash="",
            )  # fmt: skip
            before = hash_as_written(said) or ""
            values = {"body": codec.dumps(said.body), "prev_hash": said.prev_hash, "hash": before}
            of = (L.session_id == session_id) & (L.seq == row.seq)
            connection.execute(update(ledger).where(of).values(salt="", commitment="", **values))
        heads[session_id] = (len(found), before)
        at_end = update(sessions).where(sessions.c.id == session_id)
        connection.execute(at_end.values(ledger_head=before))
    at = codec.from_text("2026-01-01T00:00:00.000000+00:00")
    seal = {"number": 1, "at": codec.to_text(at), "heads": codec.dumps(heads), "prev_hash": GENESIS}
    own = seal_hash(1, at, heads, GENESIS)
    connection.execute(insert(ledger_seals).values(seal | {"hash": own}))


async def test_a_ledger_of_an_older_release_is_taken_into_the_tree(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("countersign.approvals.jobs.sealing.PAGE", 1)
    run = await world.begun()
    one, _ = await world.submit(run, "quote", "quote")
    await world.asked()
    await world.store.write(as_before)
    world.store.unsealed.take()
    assert (await world.records.verify()).verified

    await world.vote(one)
    sealing = Sealing(world.store, world.clock, KEY)
    await sealing.seal()
    trail = AuditTrail(world.store, world.records, sealing)
    made = await trail.receipt(one.id)
    leaves = await world.store.read(lambda c: tree.page(c, 0, limit=9))

    assert verify_receipt(parse(json.dumps(made)), [KEY.verifier])["decision"] is not None
    assert shows_other_requests(made)
    assert await trail.receipt(one.id, world.directory.by_id("anna"))
    assert SEALS in [row[1] for row in leaves]
    assert () == (await trail.verify()).problems
    assert leaf_of(*leaves[0][1:])
    changed = update(ledger_seals).where(ledger_seals.c.number == 1)
    await world.store.write(
        lambda c: c.execute(changed.values(heads='{"S":[18014398509481985,"x"]}'))
    )
    assert "seal 1: was changed after it was written" in (await trail.verify()).problems
    await Sealing(world.store, world.clock, KEY).seal()  # once is enough
    again = await world.store.read(lambda c: tree.page(c, 0, limit=99))
    assert 1 == [row[1] for row in again].count(SEALS)
    first = (await world.records.ledger(one.session_id))[0]
    huge = first.model_copy(update={"body": {"n": 10**400}})
    double = first.model_copy(update={"body": {"n": 10**20}})
    assert hash_as_written(huge) is None
    assert "100000000000000000000" in older_text(double)
