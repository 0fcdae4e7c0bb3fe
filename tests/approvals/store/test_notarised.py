"""What others say of a checkpoint is kept with it, and receipts take that one where they can."""

from __future__ import annotations

import json

import pytest

from countersign.approvals.audit.bundles import verify as verify_bundle
from countersign.approvals.audit.cosignatures import cosign, cosignatures, witness_key
from countersign.approvals.audit.merkle import is_consistent
from countersign.approvals.audit.notes import Checkpoint, NoteError, SigningKey, opened_unchecked
from countersign.approvals.audit.receipts import parse, verify
from countersign.approvals.errors import NotFoundError
from countersign.approvals.models import SessionId
from countersign.approvals.ports import Moment
from countersign.approvals.store import archiving, checkpoints
from countersign.approvals.store.exporting import Wanted
from tests.approvals.test_receipts import KEY, executed, trail
from tests.doubles.receipts import by_script
from tests.doubles.world import World

pytestmark = pytest.mark.asyncio
WITNESS = SigningKey("w.example/1", bytes([1]) * 32)
HERE = [witness_key(WITNESS)]


async def notarise(world: World, size: int, note: str) -> str:
    line = cosign(WITNESS, opened_unchecked(note), world.clock.now())
    moment = Moment(world.clock.now())
    return await world.store.unit(lambda u: checkpoints.notarise(u, size, [line]), moment)


async def test_a_receipt_is_of_the_checkpoint_that_others_have_seen(world: World) -> None:
    request = await executed(world)
    audit = trail(world)
    await audit.receipt(request.id)
    size, note = await audit.checkpoint()
    assert None is await audit.notarised()
    whole = await notarise(world, size, note)
    assert whole == await audit.notarised() == (await audit.checkpoint())[1]

    await executed(world)
    later = await executed(world)
    newest = await audit.receipt(later.id)
    made = await audit.receipt(request.id)

    assert (whole, True) == (made["checkpoint"], newest["checkpoint"] != whole)
    assert HERE == [each.key for each in cosignatures(made["checkpoint"], HERE)]
    assert verify(parse(json.dumps(made)), [KEY.verifier]) == by_script(json.dumps(made))
    assert (await audit.verify()).verified
    assert (await audit.verify(SessionId(request.session_id))).verified


async def test_bundles_and_archives_are_of_it_if_it_covers_what_is_in_them(world: World) -> None:
    request = await executed(world)
    audit, only = trail(world), Wanted(session=request.session_id)
    await audit.receipt(request.id)
    before = await audit.bundle(only)
    whole = await notarise(world, *await audit.checkpoint())
    same = await audit.bundle(only)
    at = world.clock.now()
    world.clock.advance(60)
    other = await executed(world)
    await audit.receipt(other.id)
    _, newest = await audit.checkpoint()

    assert before["checkpoint"] != whole == same["checkpoint"]
    made = await audit.bundle(only)
    assert whole == made["checkpoint"] != newest
    assert 1 == verify_bundle(json.loads(json.dumps(made)), [KEY.verifier]).sessions
    assert newest == (await audit.bundle(Wanted()))["checkpoint"]
    for since, note in ((at, whole), (world.clock.now(), newest)):
        proven = await world.store.read(lambda c, since=since: archiving.proof(c, since))  # type: ignore[misc]
        assert note == proven.note


async def test_nothing_is_added_to_what_is_not_there(world: World) -> None:
    await executed(world)
    audit = trail(world)
    request = await executed(world)
    await audit.receipt(request.id)
    size, note = await audit.checkpoint()
    with pytest.raises(NotFoundError, match="no checkpoint of size 9999"):
        await notarise(world, 9999, note)
    moment = Moment(world.clock.now())
    with pytest.raises(NoteError):
        await world.store.unit(lambda u: checkpoints.notarise(u, size, ["words\n"]), moment)
    assert note == (await audit.checkpoint())[1]

    assert [] == await audit.consistency(0, size)
    old, root, _ = await audit.tree(0)
    path = await audit.consistency(size, old)
    seen = Checkpoint.parse(opened_unchecked(note))
    assert is_consistent(size, old, path, seen.root, root)
