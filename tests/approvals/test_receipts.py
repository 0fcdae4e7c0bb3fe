"""Receipts: true ones are verified by both verifiers, and every change of one is found by both."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete, update

from countersign.approvals.audit.handover import hand_over
from countersign.approvals.audit.merkle import is_consistent
from countersign.approvals.audit.notes import (
    Checkpoint,
    NoteError,
    SigningKey,
)
from countersign.approvals.audit.receipts import (
    parse,
    verify,
)
from countersign.approvals.audit_trail import AuditTrail
from countersign.approvals.errors import ConflictError, IntegrityError, NotFoundError, RefusedError
from countersign.approvals.jobs.sealing import Sealing
from countersign.approvals.models import JsonObject, Request, Verdict
from countersign.approvals.store import checkpoints, policy_versions
from countersign.approvals.store.receipts import NotSealedError
from countersign.approvals.store.schema import ledger, ledger_checkpoints, ledger_leaves, requests
from tests.doubles.directory import ANNA, BEN
from tests.doubles.receipts import by_product, by_script
from tests.doubles.world import QUOTE, World

pytestmark = pytest.mark.asyncio
KEY = SigningKey("gate.example/ledger", bytes(32))
OTHER = SigningKey("gate.example/ledger", bytes([1]) * 32)


def trail(world: World, key: SigningKey | None = KEY) -> AuditTrail:
    return AuditTrail(world.store, world.records, Sealing(world.store, world.clock, key))


async def kept_policy(world: World) -> None:
    now, policy = world.clock.now(), world.policy
    text = policy.document.text()
    await world.store.write(lambda c: policy_versions.keep(c, policy.version, text, now))


async def executed(world: World, **more: Any) -> Request:
    await kept_policy(world)
    run, request = await world.executing(**more)
    await world.runs.finish(run, request.id, ok=True, content="Q-1")
    return request


async def test_a_receipt_tells_the_whole_story_of_a_call(world: World) -> None:
    request = await executed(world)
    made = await trail(world).receipt(request.id)
    told = verify(parse(json.dumps(made)), [KEY.verifier])

    assert made["summary"] == told == by_script(json.dumps(made))
    assert told["authorization_details"] == [
        {
            "type": "countersign_tool_call",
            "actions": ["quote"],
            "identifier": request.call_id,
            "arguments": QUOTE,
        }
    ]
    assert (request.digest, "anna") == (told["digest"], told["requested_by"])
    assert ("tools.quote", ["manager"]) == (told["rule"]["id"], told["rule"]["text"]["roles"])
    assert [("Ben", "entra:oid-ben", "teams", "approve")] == [
        (vote["name"], vote["identity"], vote["via"], vote["verdict"]) for vote in told["votes"]
    ]
    assert ("approve", "executed") == (told["decision"]["verdict"], told["execution"]["outcome"])
    assert [] == told["withheld"]


async def test_a_receipt_is_of_the_call_as_it_was_changed(world: World) -> None:
    (request,) = await world.asked()
    changed = {**QUOTE, "amount": 90}
    revised = await world.vote(request, BEN, Verdict.MODIFY, arguments=changed)
    made = await trail(world).receipt(request.id)
    told = by_product(json.dumps(made))

    assert told == by_script(json.dumps(made))
    assert (changed, revised.digest) == (
        told["authorization_details"][0]["arguments"],
        told["digest"],
    )


async def test_a_receipt_shows_nothing_of_other_requests(world: World) -> None:
    secret = world.proposal((await world.start()).id, "quote", {"customer": "Fabrikam"})
    run = await world.begin(secret.call.session_id)
    one, two = await world.submit(run, "quote", secret)
    await world.vote(one)
    made = await trail(world).receipt(one.id)
    text = json.dumps(made)

    assert ["proposed"] == [each["entry"] for each in by_product(text)["withheld"]]
    assert by_product(text) == by_script(text)
    assert "Fabrikam" not in text
    assert two.id not in text


async def test_a_receipt_of_what_waits_says_so(world: World) -> None:
    (request,) = await world.asked()
    told = by_product(json.dumps(await trail(world).receipt(request.id)))

    assert (None, None, []) == (told["decision"], told["execution"], told["votes"])
    assert told["rule"]["text"] is None  # this world has kept no policy


async def test_numbers_survive_tools_that_know_only_doubles(world: World) -> None:
    """Node and jq write an integer for 1e20, jsonb one for 1e300."""
    request = await executed(world, arguments={**QUOTE, "amount": 1e20, "rate": 0.1})
    text = json.dumps(await trail(world).receipt(request.id))
    passed = json.dumps(as_others_write(json.loads(text)))

    assert "100000000000000000000" in passed
    assert "100000000000000000000" not in text.replace(r"\"amount\":100000000000000000000", "")
    assert by_product(text) == by_product(passed) == by_script(passed) == by_script(text)
    assert isinstance(by_product(passed), dict)


def as_others_write(value: Any) -> Any:
    """Numbers as jsonb writes them again."""
    if isinstance(value, dict):
        return {name: as_others_write(item) for name, item in value.items()}
    if isinstance(value, list):
        return [as_others_write(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


async def test_what_is_not_signed_yet_has_no_receipt(world: World) -> None:
    request = await executed(world)
    unsigned = trail(world, key=None)
    with pytest.raises(NotSealedError, match="in no signed checkpoint yet"):
        await unsigned.receipt(request.id)
    with pytest.raises(NotFoundError, match="No checkpoint"):
        await unsigned.checkpoint()
    with pytest.raises(NotFoundError, match="no request"):
        await unsigned.receipt("R-NONE")


async def test_what_happened_since_the_checkpoint_needs_another_one(world: World) -> None:
    (request,) = await world.asked()
    made = trail(world)
    await made.receipt(request.id)
    await world.vote(request)
    with pytest.raises(NotSealedError):
        await AuditTrail(world.store, world.records).receipt(request.id)

    assert (await made.receipt(request.id))["summary"]["decision"] is not None


async def test_nothing_sealed_is_nothing_to_sign(world: World) -> None:
    empty = trail(world)
    await Sealing(world.store, world.clock, KEY).sign()
    with pytest.raises(NotFoundError, match="Nothing of the ledger is sealed"):
        await empty.tree(0)

    assert [] == await empty.handovers()


async def test_a_receipt_with_a_broken_hand_over_is_not_true(world: World) -> None:
    made = await trail(world).receipt((await executed(world)).id)
    broken = json.dumps({**made, "handovers": ["no note"]})
    deep = json.dumps({**made, "signed": "[" * 100_000})
    bare = {**made, "entries": [{"text": each["text"]} for each in made["entries"]]}

    assert (1, 3, 1) == (by_product(broken), by_product(deep), by_product(json.dumps(bare)))


async def test_somebody_sees_receipts_of_what_they_may_read(world: World) -> None:
    request = await executed(world)

    assert await trail(world).receipt(request.id, ANNA)


Change = Callable[[JsonObject], object]


def swap(made: JsonObject) -> None:
    made["entries"][1], made["entries"][2] = made["entries"][2], made["entries"][1]


def replaced(old: str, new: str) -> Change:
    """A change of the texts and of the summary alike."""

    def change(made: JsonObject) -> None:
        text = json.dumps(made)

        assert old in text

        made.clear()
        made.update(json.loads(text.replace(old, new)))

    return change


def without_body(made: JsonObject) -> None:
    """A vote is hidden, and the summary says as little."""
    del made["entries"][1]["body"], made["entries"][1]["salt"]


def resigned(made: JsonObject) -> None:
    text = made["checkpoint"].partition("\n\n")[0] + "\n"
    made["checkpoint"] = OTHER.sign(text)


CHANGES: list[tuple[Change, int]] = [
    (lambda made: made["entries"].pop(1), 1),
    (lambda made: made["entries"].pop(), 1),
    (swap, 1),
    (replaced("Ben", "Bob"), 1),
    (replaced("Contoso", "Fabrikam"), 1),
    (without_body, 1),
    (lambda made: made["summary"].update(requested_by="ben"), 1),
    (lambda made: made["summary"].update(more=1), 1),
    (lambda made: made.update(policy="{}"), 1),
    (lambda made: made["proof"]["path"].append("00" * 32), 1),
    (lambda made: made["proof"].update(position=7), 1),
    (lambda made: made["proof"].update(position="x"), 3),
    (lambda made: made["entries"][0].update(text="{"), 3),
    (lambda made: made["entries"].clear(), 3),
    (lambda made: made.pop("signed"), 3),
    (lambda made: made.update(format="countersign-receipt/v9"), 3),
    (lambda made: made.update(checkpoint=re.sub(r"\n\d+\n", "\n77\n", made["checkpoint"])), 4),
    (lambda made: made.update(checkpoint="no note"), 4),
    (resigned, 4),
]


@pytest.mark.parametrize("number", range(len(CHANGES)))
async def test_a_changed_receipt_is_found_out(world: World, number: int) -> None:
    change, status = CHANGES[number]
    request = await executed(world)
    made = copy.deepcopy(await trail(world).receipt(request.id))
    change(made)
    text = json.dumps(made)
    by_both = by_product(text), by_script(text)

    assert not any(isinstance(each, dict) for each in by_both)
    # The small one does not tell what is unreadable from what is unsigned where both fit.
    assert status == by_both[0]
    assert by_both[1] in (status, 3, 4)


@pytest.mark.parametrize("text", ["", "no JSON", "[]", "{}", '{"format": 1}', "[" * 100_000, "NaN"])
async def test_what_is_no_receipt_is_said_to_be_none(text: str) -> None:
    assert (3, 3) == (by_product(text), by_script(text))


async def test_another_request_of_the_same_session_does_not_pass_for_this_one(
    world: World,
) -> None:
    (one,) = await world.asked()
    (two,) = await world.asked()
    made, of_another = [await trail(world).receipt(r.id) for r in (one, two)]
    made["signed"] = of_another["signed"]

    assert (1, 1) == (by_product(json.dumps(made)), by_script(json.dumps(made)))


async def test_a_new_key_is_trusted_by_whoever_trusted_the_old_one(world: World) -> None:
    request = await executed(world)
    made = await trail(world).receipt(request.id)
    text = made["checkpoint"].partition("\n\n")[0] + "\n"
    size = int(text.split("\n")[1])
    by_new = {
        **made,
        "checkpoint": OTHER.sign(text),
        "handovers": [hand_over(KEY, OTHER.verifier, size)],
    }
    retired = {**made, "handovers": [hand_over(KEY, OTHER.verifier, size - 1)]}

    assert by_product(json.dumps(by_new)) == made["summary"] == by_script(json.dumps(by_new))
    assert (4, 4) == (by_product(json.dumps(retired)), by_script(json.dumps(retired)))


async def test_a_receipt_is_not_made_of_what_does_not_fit_together(world: World) -> None:
    request = await executed(world)
    made = trail(world)
    await made.receipt(request.id)
    await world.store.write(lambda c: c.execute(update(requests).values(digest="0" * 64)))
    with pytest.raises(IntegrityError, match="digest"):
        await made.receipt(request.id)
    await world.store.write(lambda c: c.execute(update(ledger).values(body="{}")))
    with pytest.raises(IntegrityError, match="was changed and cannot be read"):
        await made.receipt(request.id)


async def test_only_one_key_signs_a_ledger_at_a_time(world: World) -> None:
    await executed(world)
    await Sealing(world.store, world.clock, KEY).seal()
    before = await trail(world).checkpoint()
    await executed(world)
    await Sealing(world.store, world.clock, OTHER).seal()

    assert [str(KEY.verifier)] == await trail(world).keys()
    assert before == await trail(world).checkpoint()
    assert (await trail(world).verify()).verified


async def test_a_key_gives_way_to_another(world: World) -> None:
    request = await executed(world)
    made = trail(world)
    await made.receipt(request.id)
    with pytest.raises(ConflictError, match="once that one has given way"):
        await world.unit(lambda unit: checkpoints.give_way(unit, OTHER, KEY.verifier))
    size = await world.unit(lambda unit: checkpoints.give_way(unit, KEY, OTHER.verifier))
    later = trail(world, OTHER)
    again = await later.receipt((await executed(world)).id)

    assert size == (await world.store.read(lambda c: checkpoints.keys(c)[-1].size))
    assert [str(KEY.verifier), str(OTHER.verifier)] == await later.keys()
    assert again["summary"] == by_product(json.dumps(again)) == by_script(json.dumps(again))
    assert (await later.verify()).verified
    forged = KEY.sign(again["checkpoint"].partition("\n\n")[0] + "\n")
    signed = update(ledger_checkpoints).where(ledger_checkpoints.c.size > size).values(note=forged)
    await world.store.write(lambda c: c.execute(signed))

    assert any("retired key" in problem for problem in (await later.verify()).problems)


async def test_a_sealer_elsewhere_signs_what_it_was_shown(world: World) -> None:
    await executed(world)
    await Sealing(world.store, world.clock).seal()
    sealing = Sealing(world.store, world.clock)
    made = AuditTrail(world.store, world.records, sealing, signer=KEY.verifier)
    size, root, path = await made.tree(0)
    note = KEY.sign(Checkpoint(KEY.name, size, root).text)
    for wrong in (
        KEY.sign(Checkpoint(KEY.name, size, bytes(32)).text),
        KEY.sign(Checkpoint(KEY.name, size + 1, root).text),
        KEY.sign(Checkpoint("another/ledger", size, root).text),
        OTHER.sign(Checkpoint(KEY.name, size, root).text),
    ):
        with pytest.raises(NoteError):
            await made.accept(wrong)
    await made.accept(note)
    await made.accept(note)

    assert ((size, note), []) == (await made.checkpoint(), path)
    await executed(world)
    await Sealing(world.store, world.clock).seal()
    larger, after, path = await made.tree(size)
    assert is_consistent(size, larger, path, root, after)
    with pytest.raises(ConflictError, match="has only the size"):
        await made.tree(larger + 1)
    with pytest.raises(RefusedError, match="names no public key"):
        await trail(world).accept(note)


async def test_a_forged_checkpoint_is_found(world: World) -> None:
    request = await executed(world)
    made = trail(world)
    await made.receipt(request.id)
    await world.store.write(lambda c: c.execute(delete(ledger_leaves)))

    assert not (await made.verify()).verified
