"""Private fields are committed to on their own: the rest is shown, and all of it verifies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from countersign.approvals.audit import bundles
from countersign.approvals.audit.commitments import commitment
from countersign.approvals.audit.fields import (
    COMMITMENTS,
    covered,
    covered_text,
    disclosed,
    private_in,
    redacted,
    taken_out,
    whole,
    withheld,
)
from countersign.approvals.audit.ledger import hash_as_written
from countersign.approvals.audit.notes import SigningKey
from countersign.approvals.audit.private import PrivateRule
from countersign.approvals.audit.receipts import loads
from countersign.approvals.audit_trail import AuditTrail
from countersign.approvals.jobs.sealing import Sealing
from countersign.approvals.models import JsonObject, LedgerEntry
from countersign.approvals.store import codec
from countersign.approvals.store.exporting import Wanted
from countersign.approvals.store.schema import ledger
from countersign.bot.cli.verifying import in_words
from tests.approvals.decisions.test_erasing import ARGUMENTS, CUSTOMER, RESULTS, SECRETS, over
from tests.doubles.directory import ROOT, acting
from tests.doubles.receipts import by_product, by_script
from tests.doubles.world import World

KEY = SigningKey("gate.example/ledger", bytes(32))
VECTORS = Path(__file__).parents[3] / "docs" / "vectors" / "fields.json"
MAIL = PrivateRule(id="mail", arguments=("to.email", "body", "x.y.z", "a/b~c"), words=True)
BODY: JsonObject = {
    "request": "R-1",
    "arguments": {"to": {"email": "a@b", "name": "Ann"}, "x": {"y": 1}, "a/b~c": 2, "amount": 3},
    "comment": "Because.",
    "rows": [
        {"table": "requests", "key": ["R-1"], "set": {"arguments": "sha256:0", "status": "x"}}
    ],
}
PRIVATE = ["/arguments/a~1b~0c", "/arguments/to/email", "/arguments/x/y", "/comment",
           "/rows/0/set/arguments"]  # fmt: skip


def entry(body: JsonObject, fields: dict[str, str], **more: Any) -> LedgerEntry:
    m = {"session_id": "S-1", "seq": 1, "at": "2026-03-02T09:00:00Z", "kind": "proposed"}
    return LedgerEntry.model_validate(
        {**m, "body": body, "prev_hash": "", "hash": "", "salt": "00", "fields": fields, **more}
    )


def test_what_rules_call_private_is_found_by_member() -> None:
    everything = PrivateRule(id="all", arguments=("*", "to.email"))

    assert PRIVATE == private_in(BODY, [MAIL])
    assert ["/arguments", *PRIVATE[3:]] == private_in(BODY, [everything, MAIL])
    assert ["/proposed_arguments"] == private_in({"proposed_arguments": "sha256:0"}, [MAIL])
    assert [] == private_in({"arguments": {"amount": 1}}, [MAIL])


def test_a_body_is_whole_again_with_its_fields() -> None:
    salts = {pointer: f"{n:032x}" for n, pointer in enumerate(PRIVATE)}
    found = covered(BODY, salts)
    of = entry(BODY, salts)
    shown = disclosed(of, ())

    assert {"to": {"name": "Ann"}, "x": {}, "amount": 3} == found["arguments"]
    assert set(salts) == set(found[COMMITMENTS])
    assert commitment(salts["/comment"], '"Because."') == found[COMMITMENTS]["/comment"]
    assert BODY == whole(found, shown)
    part = whole(found, disclosed(of, {"/comment"}))
    assert ["/comment"] == list(part.pop(COMMITMENTS))
    assert {n: v for n, v in BODY.items() if n != "comment"} == part
    other = {**shown["/comment"], "value": '"Whatever."'}
    with pytest.raises(ValueError, match="/comment is not what was committed to"):
        whole(found, {"/comment": other})
    assert covered_text(BODY, {}) == covered_text(json.loads(json.dumps(BODY)), {})
    for nothing in ("/none", "/none/x", "/rows/7/set/x", "/comment/x"):
        with pytest.raises(ValueError, match="a field is not there"):
            taken_out(BODY, [nothing])
        assert hash_as_written(entry(BODY, {nothing: "00"}, commitment="00")) is None


def test_what_was_not_committed_to_field_by_field_takes_the_whole_body() -> None:
    salts = {"/arguments": "00", "/comment": "00"}
    words = PrivateRule(id="words", words=True)

    assert frozenset({"/comment"}) == withheld(entry(BODY, salts), [words])
    assert withheld(entry(BODY, salts), [MAIL]) is None
    assert withheld(entry(BODY, {"/arguments/body": "00"}), [words]) is None
    assert BODY == redacted(entry(BODY, salts), ()).body
    assert {"redacted": "mail"} == redacted(entry(BODY, salts), [MAIL]).body
    left = redacted(entry(BODY, salts), [words])
    assert ("words", ["/comment"]) == (left.body["redacted"], left.body["withheld"])
    assert ({}, "", False) == (left.fields, left.salt, "comment" in left.body)


def test_a_hash_that_an_older_release_has_left_takes_no_body_with_it() -> None:
    older = {"call_hash": "00", "execution_token": ""}
    sets = (older, {**older, "digest_salt": "00"}, {"call_hash": "00"})
    rows = [{"table": "requests", "key": ["R-1"], "set": each} for each in sets]
    bodies: list[JsonObject] = [{"request": "R-1", "rows": [row]} for row in rows]

    assert [frozenset(), None, None] == [withheld(entry(each, {}), [MAIL]) for each in bodies]


def test_the_published_vectors_hold() -> None:
    for each in json.loads(VECTORS.read_text("utf-8")):
        text = covered_text(each["body"], each["fields"])

        assert each["covered"] == text
        assert each["commitment"] == commitment(each["salt"], text)
        assert each["disclosed"] == disclosed(entry(each["body"], each["fields"]), ())


@pytest.mark.parametrize(
    ("text", "why"), [("x", "Expecting"), ("[]", "are none"), ('{"a":1}', "are none")]
)
def test_salts_that_are_none_are_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        codec.salts(text)


def trail(world: World, *private: PrivateRule) -> AuditTrail:
    sealing = Sealing(world.store, world.clock, KEY)
    erasing = world.composed(private=[CUSTOMER, RESULTS]).erasing
    return AuditTrail(world.store, world.records, sealing, private=private, erasing=erasing)


async def test_a_redacted_receipt_shows_all_but_the_private_fields(world: World) -> None:
    world.domain = world.composed(handoff=world.handoff, private=[CUSTOMER, RESULTS])
    world.records, world.approvals = world.domain.records, world.domain.approvals
    world.runs = world.domain.runs
    request = await over(world)
    full = await trail(world).receipt(request.id)
    made = await trail(world, CUSTOMER, RESULTS).receipt(request.id)
    text = json.dumps(made)
    told = by_product(text)
    bundle = await trail(world, CUSTOMER, RESULTS).bundle(Wanted())
    found = bundles.verify(bundle, [KEY.verifier])
    unredacted = await trail(world).bundle(Wanted())

    assert told == made["summary"] == by_script(text)
    assert full["summary"] == by_product(json.dumps(full)) == by_script(json.dumps(full))
    hidden = (*SECRETS[1:3], json.dumps('"customer":"Contoso"')[1:-1])
    assert not [secret for secret in hidden if secret in text]
    assert hidden[2] in json.dumps(full)
    (proposed,) = [e for e in told["history"] if e["entry"] == "proposed"]
    assert {"/arguments/customer", "/arguments/to/email"} <= set(proposed[COMMITMENTS])
    assert {"amount": 100, "to": {"name": "Ann"}} == proposed["arguments"]
    said = [line for line in in_words(told) if line.startswith("withheld of proposed")]
    assert 1 == len(said)
    assert "/arguments/customer" in said[0]
    assert found.fields > 0 == bundles.verify(unredacted, [KEY.verifier]).fields
    lines = bundles.lines(unredacted)
    assert any(e["body"].get("arguments") == ARGUMENTS for e in lines if "body" in e)
    (line, *_) = [e async for e in trail(world, CUSTOMER).entries(Wanted()) if "withheld" in e.body]
    assert "customer" == line.body["redacted"]
    assert '"fields"' in (await world.records.ledger(request.session_id))[1].model_dump_json()

    for link in full["entries"]:
        for field in link.get("disclosed", {}).values():
            before, field["value"] = field["value"], '"Another."'
            assert 1 == by_product(json.dumps(full)) == by_script(json.dumps(full))
            field["value"] = before
    assert {"/arguments/customer"} <= {f for e in full["entries"] for f in e.get("disclosed", {})}
    shown = next(e for e in full["entries"] if "disclosed" in e)
    shown["disclosed"] = []
    assert 3 == by_product(json.dumps(full)) == by_script(json.dumps(full))
    assert COMMITMENTS in loads(shown["body"])

    assert () == (await world.records.verify()).problems
    where = ledger.c.session_id == request.session_id, ledger.c.fields != ""
    changed = update(ledger).where(*where).values(fields='{"/arguments/customer":"00"}')
    await trail(world).erase(request.session_id, "customer", "Art. 17.", acting(ROOT))
    assert () == (await world.records.verify()).problems
    await world.store.write(lambda c: c.execute(changed))
    problems = (await world.records.verify()).problems
    assert any("was changed and cannot be read" in each for each in problems)
