"""What is private can be left out of exports, and erased: the chain holds, and says so."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Connection, select, update

from countersign.approvals import ids
from countersign.approvals.audit import bundles
from countersign.approvals.audit.notes import SigningKey
from countersign.approvals.audit.private import PrivateRule, without
from countersign.approvals.audit.receipts import ReceiptError, summary
from countersign.approvals.audit_trail import AuditTrail
from countersign.approvals.decisions.erasing import require_erasable
from countersign.approvals.errors import (
    ConflictError,
    IntegrityError,
    InvalidError,
    NotAuthorisedError,
    RefusedError,
)
from countersign.approvals.forms.causes import Ending, SessionCause
from countersign.approvals.jobs.sealing import Sealing
from countersign.approvals.models import LedgerEntry, LookUp, Request
from countersign.approvals.rules import proposals
from countersign.approvals.rules.proposals import call_digest, call_hash, call_of
from countersign.approvals.store import ledger as ledger_rows
from countersign.approvals.store import policy_versions, schema
from countersign.approvals.store.exporting import Wanted
from countersign.bot.cli.verifying import in_words
from tests.doubles.chats import NOTHING_SAID
from tests.doubles.directory import ANNA, BEN, ROOT, STRANGER, acting
from tests.doubles.receipts import by_product, by_script
from tests.doubles.world import QUOTE, World

KEY = SigningKey("gate.example/ledger", bytes(32))
CUSTOMER = PrivateRule(id="customer", tools=("quote",), arguments=("customer", "to.email"))
RESULTS = PrivateRule(id="results", results=True)
WORDS = PrivateRule(id="words", words=True)
EVERYTHING = PrivateRule(id="all", arguments=("*",), results=True, words=True)
PRIVATE = (CUSTOMER, RESULTS, WORDS, EVERYTHING)
SECRETS = ("Contoso", "ann@contoso.example", "Secret result", "Because of Contoso")
ARGUMENTS = {**QUOTE, "to": {"email": "ann@contoso.example", "name": "Ann"}}


def trail(world: World, *private: PrivateRule) -> AuditTrail:
    sealing = Sealing(world.store, world.clock, KEY)
    erasing = world.composed(private=PRIVATE).erasing
    return AuditTrail(world.store, world.records, sealing, private=private, erasing=erasing)


async def over(world: World) -> Request:
    """A session that is over, with private arguments, words and results, and a call beside it."""
    now, policy = world.clock.now(), world.policy
    text = policy.document.text()
    await world.store.write(lambda c: policy_versions.keep(c, policy.version, text, now))
    run = await world.begun()
    quote = world.proposal(run.session.id, "quote", ARGUMENTS, rationale="Because of Contoso")
    request, _ = await world.submit(run, quote, world.proposal(run.session.id, "look", {"n": 1}))
    question = await world.approvals.questions.ask(request.id, acting(BEN), "For Contoso?")
    assert question is not None
    side = await world.domain.answering.begin(question.id)
    assert side is not None
    looked = LookUp(tool="look", arguments={"name": "Contoso"}, ran=True, text="Two orders.")
    await world.domain.answering.answered(side, "For Contoso.", (looked,))
    await world.vote(await world.now(request), comment="Because of Contoso")
    run = await world.begin(run.session.id)
    for each in run.batch:
        await world.runs.claim(run, each.id, each.arguments)
        content = f"Secret result of Contoso {each.tool} " * 2000
        await world.runs.finish(run, each.id, ok=True, content=content)
    ending = Ending(cause=SessionCause.ANSWERED, answer="Contoso has its quote.")
    state = replace(NOTHING_SAID, chunks=1, chunk='{"content":"Contoso"}')
    await world.runs.complete(run, state=state, ending=ending)
    return request


async def everything(world: World) -> str:
    """All rows of all tables that say something of sessions, as text."""
    names = ("sessions", "session_messages", "requests", "votes", "questions", "result_texts",
             "notices", "ledger")  # fmt: skip
    tables = [schema.metadata.tables[name] for name in names]
    return str(await world.store.read(lambda c: [c.execute(select(t)).all() for t in tables]))


@pytest.mark.asyncio
async def test_a_redacted_export_verifies_and_says_nothing_private(world: World) -> None:
    request = await over(world)
    await trail(world).receipt(request.id)  # seals
    bundle = await trail(world, CUSTOMER, WORDS, RESULTS).bundle(Wanted())
    found = bundles.verify(bundle, [KEY.verifier])
    lines = [e async for e in trail(world, CUSTOMER, WORDS, RESULTS).entries(Wanted(tool="quote"))]
    late = [e async for e in trail(world, CUSTOMER).entries(Wanted(since=lines[3].at))]

    for text in (json.dumps(bundle), str(lines)):
        assert not [secret for secret in SECRETS if secret in text]
    assert 0 < found.withheld < found.entries == len(lines)
    assert {"redacted": "customer"} == lines[1].body
    assert "" == lines[1].salt
    assert "Contoso" not in str([e.body for e in late if "arguments" in e.body])
    assert "Contoso" in json.dumps(await trail(world, RESULTS).bundle(Wanted()))


def guesses(request: Request, salt: str) -> set[str]:
    """Hashes, of calls, by who knows all of a request but its salt."""
    call = call_of(request, request.arguments)
    salted = call.model_copy(update={"digest_salt": salt})
    return {call_digest(salted, request.policy_version), call_hash(call.tool, call.arguments)}


@pytest.mark.asyncio
@pytest.mark.parametrize("when", ["asked", "asked after the rule", "erased"])
async def test_no_hash_that_leaves_the_house_helps_to_guess_what_is_private(
    world: World, when: str
) -> None:
    """Of an auditor who knows all but a short value, tries out what that could be, and takes each
    text in an export for the salt."""
    if when == "asked after the rule":
        world.domain = world.composed(handoff=world.handoff, private=[CUSTOMER])
        world.records, world.approvals = world.domain.records, world.domain.approvals
        world.runs = world.domain.runs
    request = await over(world)
    rules = () if when == "erased" else (CUSTOMER,)
    if when == "erased":
        await trail(world).receipt(request.id)
        await trail(world).erase(request.session_id, "customer", "Art. 17.", acting(ROOT))
    audit = trail(world, *rules)
    receipt, bundle = await audit.receipt(request.id), await audit.bundle(Wanted())
    lines = [e.model_dump(mode="json") async for e in audit.entries(Wanted())]
    said = json.dumps([receipt, bundle, lines])
    hexes = set(re.findall(r"[0-9a-f]{16,}", said))
    found = {guess for salt in {"", *hexes} for guess in guesses(request, salt)}

    assert request.digest in hexes
    assert {request.digest} <= guesses(request, request.digest_salt)
    assert set() == hexes & found
    assert request.digest_salt not in said
    transcript = NOTHING_SAID.transcript_sha256
    assert (when == "asked after the rule") == (transcript not in said)
    if when == "erased":
        assert request.digest_salt not in await everything(world)
        assert request.call_hash not in await everything(world)


@pytest.mark.asyncio
async def test_what_was_signed_without_a_salt_runs_and_is_on_receipts_as_it_was(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As releases before there was one have asked, and their databases have it."""
    monkeypatch.setattr(proposals, "ids", SimpleNamespace(**{**vars(ids), "new_token": str}))
    now, policy = world.clock.now(), world.policy
    await world.store.write(
        lambda c: policy_versions.keep(c, policy.version, policy.document.text(), now)
    )
    run = await world.begun()
    (request,) = await world.submit(run, world.proposal(run.session.id, "quote", ARGUMENTS))
    await world.vote(request)
    run = await world.begin(run.session.id)
    claimed = await world.runs.claim(run, request.id, request.arguments)
    made = await trail(world).receipt(request.id)

    assert "" == request.digest_salt
    assert isinstance(claimed, Request)
    assert '"salt"' not in made["signed"]
    assert request.digest == sha256(made["signed"].encode()).hexdigest()
    assert made["summary"] == by_product(json.dumps(made)) == by_script(json.dumps(made))
    hidden = await trail(world, CUSTOMER).receipt(request.id)
    assert ("", hidden["summary"]) == (hidden["signed"], by_script(json.dumps(hidden)))


@pytest.mark.asyncio
async def test_a_redacted_receipt_says_that_the_call_is_not_shown(world: World) -> None:
    request = await over(world)
    made = await trail(world, CUSTOMER).receipt(request.id)
    text = json.dumps(made)
    told = by_product(text)
    said = in_words(told)

    assert told == made["summary"] == by_script(text)
    assert ("", []) == (made["signed"], told["authorization_details"])
    assert ("approve", "executed") == (told["decision"]["verdict"], told["execution"]["entry"])
    assert request.digest == told["digest"]
    assert "its call is private" in said[0]
    assert "ann@contoso.example" not in text
    without = in_words((await trail(world, RESULTS).receipt(request.id))["summary"])
    assert "whether it has run is not shown" in without
    for broken in ({**made, "signed": None}, {**made, "signed": "{}"}):
        assert 3 == by_product(json.dumps(broken)) == by_script(json.dumps(broken))
    nothing = {**made, "entries": [{"text": e["text"]} for e in made["entries"]]}
    assert 1 == by_product(json.dumps(nothing)) == by_script(json.dumps(nothing))


@pytest.mark.asyncio
@pytest.mark.parametrize("rule", PRIVATE, ids=lambda rule: rule.id)
async def test_what_is_erased_is_gone_and_the_ledger_says_by_whom(
    world: World, rule: PrivateRule
) -> None:
    request = await over(world)
    audit = trail(world)
    before = await world.records.ledger(request.session_id)
    erased = await audit.erase(request.session_id, rule.id, "Art. 17, case 4.", acting(ROOT))
    entries = await world.records.ledger(request.session_id)
    left = await everything(world)
    verification = await world.records.verify()

    assert verification.verified, verification.problems
    assert [e.hash for e in before] == [e.hash for e in entries[: len(before)]]
    assert set(erased.entries) == {e.seq for e in entries if e.erased} != set()
    told = [e.body for e in entries if e.kind == "erased"]
    assert {("all" if rule is EVERYTHING else rule.id, "root", "Art. 17, case 4.")} == {
        (body["rule"], body["by"], body["reason"]) for body in told
    }
    gone = {"customer": SECRETS[1:2], "results": SECRETS[2:3], "words": SECRETS[3:], "all": SECRETS}
    assert not [secret for secret in gone[rule.id] if secret in left]
    made = await audit.receipt(request.id)
    text = json.dumps(made)
    assert made["summary"] == by_product(text) == by_script(text)
    assert any(line.startswith("erased by Root") for line in in_words(made["summary"]))
    assert (rule is RESULTS) == bool(made["signed"])
    found = bundles.verify(await audit.bundle(Wanted()), [KEY.verifier])
    assert found.withheld >= len(erased.entries)
    with pytest.raises(ConflictError, match="nothing"):
        await audit.erase(request.session_id, rule.id, "Again.", acting(ROOT))


@pytest.mark.asyncio
async def test_whoever_may_not_erase_and_what_cannot_be_erased(world: World) -> None:
    request = await over(world)
    (open_request,) = await world.asked()
    audit, of = trail(world), request.session_id
    cases: list[tuple[type[Exception], str, tuple[Any, ...]]] = [
        (NotAuthorisedError, "role", (of, "words", "Why.", acting(ANNA))),
        (NotAuthorisedError, "not", (of, "words", "Why.", STRANGER)),
        (InvalidError, "rules: customer", (of, "nothing", "Why.", acting(ROOT))),
        (InvalidError, "Say why", (of, "words", " ", acting(ROOT))),
        (ConflictError, "goes on", (open_request.session_id, "words", "Why.", acting(ROOT))),
    ]
    for error, words, given in cases:
        with pytest.raises(error, match=words):
            await audit.erase(*given)
    with pytest.raises(RefusedError):
        await AuditTrail(world.store, world.records).erase(of, "words", "Why.", acting(ROOT))
    forged = update(schema.requests).where(schema.requests.c.id == request.id)
    await world.store.write(lambda c: c.execute(forged.values(agent="mallory")))
    with pytest.raises(IntegrityError, match="agent"):
        await audit.erase(of, "words", "Why.", acting(ROOT))
    doubted = forged.values(agent="seller", status="in_doubt")
    await world.store.write(lambda c: c.execute(doubted))
    with pytest.raises(ConflictError, match="not known yet"):
        await audit.erase(of, "words", "Why.", acting(ROOT))


@pytest.mark.asyncio
async def test_a_body_that_somebody_else_erased_is_found(world: World) -> None:
    request = await over(world)
    entry = update(schema.ledger).where(schema.ledger.c.kind == "claimed")
    await world.store.write(lambda c: c.execute(entry.values(body="", salt="")))
    problems = (await world.records.verify()).problems

    assert any("no entry says who had it erased" in problem for problem in problems)
    with pytest.raises(ReceiptError, match="nothing of any request"):
        summary("", [({"session": request.session_id}, {})], "")


@pytest.mark.asyncio
async def test_bodies_of_older_releases_stay(world: World) -> None:
    entries = await world.records.ledger((await over(world)).session_id)
    require_erasable(entries)
    with pytest.raises(ConflictError, match="Entry 2 is of an older release"):
        require_erasable([entries[0], entries[1].model_copy(update={"commitment": ""})])


def test_paths_name_what_is_inside() -> None:
    deep = {"to": {"email": "a@b.example", "name": "Ann"}, "amount": 1}
    rule = PrivateRule(id="mail", arguments=("to.email",))

    assert {"to": {"email": "[erased]", "name": "Ann"}, "amount": 1} == without(deep, ["to.email"])
    assert {"to": "[erased]", "amount": 1} == without(deep, ["to", "none"])
    assert {"to": "[erased]", "amount": "[erased]"} == without(deep, ["*"])
    assert {"to": "[erased]"} == without({"to": "a@b.example"}, ["to.email"])
    cases = [deep, json.dumps(deep), {"to": "a@b.example"}, "sha256:00"]
    assert [True] * 4 == [rule.says("arguments", each) for each in cases]
    others: list[Any] = [{"to": {"name": "Ann"}}, {"amount": 1}, {}, [1]]
    assert [False] * 4 == [rule.says("arguments", each) for each in others]


@pytest.mark.asyncio
async def test_a_session_of_an_older_release_is_not_erased(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = await over(world)
    real = ledger_rows.entries

    def older(connection: Connection, session_id: str) -> list[LedgerEntry]:
        found = real(connection, session_id)
        return [each.model_copy(update={"commitment": ""}) for each in found]

    with monkeypatch.context() as patched:
        patched.setattr(ledger_rows, "entries", older)
        with pytest.raises(ConflictError, match="is of an older release"):
            await trail(world).erase(request.session_id, "all", "Art. 17.", acting(ROOT))

    assert not any(entry.erased for entry in await world.records.ledger(request.session_id))
