"""Sessions that are over for long move into a file and back, and nothing is lost on the way."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select, update

from countersign.approvals.audit import archives
from countersign.approvals.audit.archives import Archive, Manifest, Writer
from countersign.approvals.audit.notes import SigningKey
from countersign.approvals.audit.private import PrivateRule
from countersign.approvals.audit.receipts import ReceiptError, UntrustedError
from countersign.approvals.audit.receipts import verify as verify_receipt
from countersign.approvals.audit_trail import AuditTrail
from countersign.approvals.decisions import archiving as flow
from countersign.approvals.decisions.archiving import Archiving
from countersign.approvals.errors import (
    ConflictError,
    IntegrityError,
    InvalidError,
    NotAuthorisedError,
    NotFoundError,
    RefusedError,
)
from countersign.approvals.forms.causes import Ending, SessionCause
from countersign.approvals.jobs.sealing import Sealing
from countersign.approvals.models import (
    HoldKind,
    HoldScope,
    Request,
    SessionId,
    SessionsRestored,
    Terms,
)
from countersign.approvals.ports import Unit
from countersign.approvals.store import archiving as rows_of
from countersign.approvals.store import belongings, budgets, governance, schema
from countersign.approvals.store.archive_checks import checked, proven
from countersign.approvals.store.exporting import Wanted
from tests.doubles.chats import NOTHING_SAID
from tests.doubles.directory import ANNA, BEN, ROOT, STRANGER, acting
from tests.doubles.world import World

KEY = SigningKey("gate.example/ledger", bytes(32))
ALL = PrivateRule(id="all", arguments=("*",))
DAY = 86_400


class Killed(BaseException):
    """The process is gone: nobody catches this, and nothing is cleaned up."""


class Office:
    """A ledger with a folder of archives."""

    def __init__(self, world: World, folder: Path):
        self.world, self.folder = world, folder
        self.restart()

    def restart(self) -> None:
        domain = self.world.composed(archive_dir=self.folder, private=[ALL])
        self.archiving, self.holding = domain.archiving, domain.holding
        self.sealing = Sealing(self.world.store, self.world.clock, KEY)
        self.trail = AuditTrail(
            self.world.store,
            self.world.records,
            self.sealing,
            erasing=domain.erasing,
            holding=domain.holding,
            archiving=domain.archiving,
        )

    async def over(self, tool: str = "quote") -> Request:
        """A session that has ended, and is sealed."""
        run = await self.world.begun()
        (request,) = await self.world.submit(run, tool)
        await self.world.vote(request)
        run = await self.world.begin(run.session.id)
        await self.world.runs.claim(run, request.id, request.arguments)
        await self.world.runs.finish(run, request.id, ok=True, content="Q-1 " * 2000)
        ending = Ending(cause=SessionCause.ANSWERED, answer="Done.")
        await self.world.runs.complete(run, state=NOTHING_SAID, ending=ending)
        await self.world.store.write(_told)
        await self.sealing.seal()
        return request

    async def everything(self, session_id: str) -> str:
        return str(await self.world.store.read(lambda c: belongings.read(c, session_id)))

    async def run(self, days: int = 30) -> flow.ArchiveRun:
        return await self.archiving.archive(days, acting(ROOT))

    def files(self) -> list[str]:
        return sorted(each.name for each in self.folder.glob("*archive*"))

    async def verified(self, *files: str) -> tuple[str, ...]:
        opened = [Archive(self.folder / name) for name in files]
        return (await self.trail.verify(archives=opened)).problems


def _told(connection: Connection) -> None:
    """Everybody was told."""
    connection.execute(update(schema.notices).values(next_at=None))
    connection.execute(update(schema.deliveries).values(next_at=None))


@pytest.fixture
def office(world: World, tmp_path: Path) -> Office:
    return Office(world, tmp_path / "archive")


async def test_an_archived_session_is_verified_from_its_file_and_comes_back_as_it_was(
    office: Office,
) -> None:
    request, late = await office.over(), await office.over()
    session_id = request.session_id
    receipt = await office.trail.receipt(request.id)
    before, rows = await office.trail.tree(0), await office.everything(session_id)
    both = [rows, await office.everything(late.session_id)]
    nothing = await office.run()
    office.world.clock.advance(31 * DAY)
    young = await office.over()
    run = await office.run()
    again = await office.run()
    assert run.file is not None

    assert (None, 0, ()) == (nothing.file, nothing.sessions, nothing.kept)
    assert (2, False, None) == (run.sessions, run.more, again.file)
    assert [run.file] == office.files()
    checked = await office.trail.verify()
    assert () == checked.problems
    assert (f"2 sessions with {run.entries} entries are archived in {run.file}",) == checked.notes
    with Archive(office.folder / run.file) as archive:
        assert () == (await office.trail.verify(archives=[archive])).problems
        one = await office.trail.verify(session_id, archives=[archive])
        assert (True, run.entries) == (one.verified, one.entries * 2)
        other = await office.trail.verify(young.session_id, archives=[archive])
        assert other.verified
        assert (2, run.entries) == (
            (found := proven(archive, [KEY.verifier])).sessions,
            found.entries,
        )
        with pytest.raises(UntrustedError):
            proven(archive, [SigningKey("gate.example/ledger", b"1" * 32).verifier])
    assert verify_receipt(receipt, [KEY.verifier])["request"] == request.id
    assert before[:2] != (await office.trail.tree(before[0]))[:2]  # and it is a continuation:
    assert (await office.trail.tree(before[0]))[2]
    assert "{}" == await office.everything(session_id)
    with pytest.raises(NotFoundError, match=f"was archived in {run.file}"):
        await office.world.records.session(session_id)
    with pytest.raises(NotFoundError, match=f"is of session {session_id}, which was archived"):
        await office.world.records.request(request.id)
    with pytest.raises(NotFoundError, match="There is no request R-x"):
        await office.world.records.request("R-x")
    assert [young.session_id] == list({e.session_id async for e in office.trail.entries(Wanted())})

    restored = await office.archiving.restore(run.file, "Case 7.", acting(ROOT), session=session_id)
    assert (1, rows) == (restored.sessions, await office.everything(session_id))
    assert () == await office.verified(run.file)
    assert 1 == (await office.archiving.restore(run.file, "Case 7.", acting(ROOT))).sessions
    assert both == [rows, await office.everything(late.session_id)]
    assert 0 == (await office.archiving.restore(run.file, "Case 7.", acting(ROOT))).sessions
    assert (True, ()) == ((last := await office.trail.verify()).verified, last.notes)
    kinds = [entry.kind for entry in await office.world.records.governance()]
    assert ["sessions_archived", "sessions_restored", "sessions_restored"] == kinds[-3:]
    assert receipt["summary"] == (await office.trail.receipt(request.id))["summary"]
    moved = await office.run()
    assert (2, 2) == (moved.sessions, len(office.files()))


DEATHS = ("write", "end", "_to_disk", "move", "append", "_name", "rename")


@pytest.mark.parametrize("step", DEATHS)
async def test_nothing_is_lost_or_archived_twice_by_a_death_between_two_steps(
    office: Office, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    request = await office.over()
    rows = await office.everything(request.session_id)
    office.world.clock.advance(31 * DAY)
    where: dict[str, tuple[object, str]] = {
        "write": (Writer, "add"),
        "end": (Writer, "end"),
        "_to_disk": (flow, "_to_disk"),
        "move": (rows_of, "move"),
        "append": (governance, "append"),
        "_name": (flow, "_name"),
        "rename": (Path, "chmod"),
    }

    def killed(*_: Any, **__: Any) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(*where[step], killed)
        with pytest.raises(Killed):
            await office.run()
    office.restart()
    assert () == (await office.trail.verify()).problems
    there = await office.everything(request.session_id)
    run = await office.run()
    (file,) = office.files()

    assert (there == "{}") == (step in ("_name", "rename"))
    assert (rows if run.sessions else "{}") == there
    assert () == await office.verified(file)
    assert 1 == (await office.archiving.restore(file, "Case 7.", acting(ROOT))).sessions
    assert rows == await office.everything(request.session_id)
    archived = [e for e in await office.world.records.governance() if e.kind == "sessions_archived"]
    assert 1 == len(archived)


async def test_a_restoration_finds_a_file_that_only_lacks_its_name(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = await office.over()
    office.world.clock.advance(31 * DAY)
    with monkeypatch.context() as patched:
        patched.setattr(flow, "_name", lambda _: None)
        file = (await office.run()).file
    assert file is not None
    foreign = office.folder / f"other{archives.SUFFIX}{flow.PART}"
    foreign.write_bytes((office.folder / f"{file}{flow.PART}").read_bytes()[:-1])
    foreign.with_name("whole" + foreign.name).write_bytes(
        (office.folder / f"{file}{flow.PART}").read_bytes()
    )

    restored = await office.archiving.restore(file, "Case 7.", acting(ROOT))

    assert (1, ["wholeother.archive.zip.part"]) == (restored.sessions, office.files()[1:])
    assert (await office.world.records.request(request.id)).id == request.id


@pytest.mark.parametrize(
    "scope",
    [(HoldKind.PERSON, "ben"), (HoldKind.PERSON, "anna"), (HoldKind.TOOL, "quote"), None],
    ids=str,
)
async def test_what_is_on_hold_is_neither_archived_nor_erased(
    office: Office, scope: tuple[HoldKind, str] | None
) -> None:
    request = await office.over()
    kind, name = scope or (HoldKind.SESSION, request.session_id)
    held = HoldScope(kind=kind, name=name)
    hold = await office.trail.holding.hold(held, "Lawsuit 12.", acting(ROOT))
    elsewhere = HoldScope(kind=HoldKind.TOOL, name="look")
    await office.holding.hold(elsewhere, "Lawsuit 13.", acting(ROOT))
    office.world.clock.advance(31 * DAY)
    kept = await office.run()

    assert (None, f"is on hold {hold.id}, of the {kind} {name}") == (kept.file, kept.kept[0].why)
    with pytest.raises(ConflictError, match=r"is on hold .*Lawsuit 12\."):
        await office.trail.erase(request.session_id, "all", "Art. 17.", acting(ROOT))
    with pytest.raises(ConflictError, match="is on hold already"):
        await office.holding.hold(held, "Again.", acting(ROOT))
    assert 2 == len(await office.trail.holds(limit=5))
    lifted = await office.holding.lift(hold.id, "It is over.", acting(ROOT))
    with pytest.raises(ConflictError, match="It was lifted by"):
        await office.holding.lift(hold.id, "It is over.", acting(ROOT))
    assert ["look"] == [each.scope.name for each in await office.trail.holds(limit=5)]
    assert lifted in await office.trail.holds(limit=5, lifted=True)
    assert 1 == (await office.run()).sessions
    told = [
        (e.kind, e.body.get("by"), e.body.get("reason"))
        for e in await office.world.records.governance()
    ]
    assert ("hold_placed", "root", "Lawsuit 12.") in told
    assert ("hold_lifted", "root", "It is over.") in told
    assert (await office.trail.verify()).verified


async def test_only_admins_with_a_reason_hold_archive_and_restore(office: Office) -> None:
    held = HoldScope(kind=HoldKind.TOOL, name="quote")
    for who in (acting(BEN), STRANGER):
        for act in (
            office.holding.hold(held, "Why.", who),
            office.holding.lift("H-1", "Why.", who),
            office.archiving.archive(30, who),
            office.archiving.restore("a.archive.zip", "Why.", who),
        ):
            with pytest.raises(NotAuthorisedError):
                await act
    with pytest.raises(InvalidError, match="Say why"):
        await office.holding.hold(held, " ", acting(ROOT))
    with pytest.raises(NotFoundError, match="There is no hold"):
        await office.holding.lift("H-1", "Why.", acting(ROOT))
    scope = HoldScope(kind=HoldKind.SESSION, name="S-1")
    with pytest.raises(NotFoundError, match="There is no session"):
        await office.holding.hold(scope, "Why.", acting(ROOT))
    with pytest.raises(InvalidError, match="1 at least"):
        await office.archiving.archive(0, acting(ROOT))
    with pytest.raises(InvalidError, match=r"set ledger\.archive_dir"):
        await office.world.domain.archiving.archive(30, acting(ROOT))
    with pytest.raises(ConflictError, match="No checkpoint"):
        await office.run()
    for name in ("../x.archive.zip", "x.zip"):
        with pytest.raises(InvalidError, match="Name a file in the archive's folder"):
            await office.archiving.restore(name, "Why.", acting(ROOT))
    with pytest.raises(InvalidError, match="cannot be read"):
        await office.archiving.restore("none.archive.zip", "Why.", acting(ROOT))
    bare = AuditTrail(office.world.store, office.world.records)
    for name in ("holding", "archiving"):
        with pytest.raises(RefusedError, match="ask the running one"):
            getattr(bare, name)
    (office.folder.parent / "file").touch()
    blocked = Archiving(
        office.world.store, office.world.moments, office.world.policy, office.folder.parent / "file"
    )
    with pytest.raises(InvalidError, match=r"ledger\.archive_dir"):
        await blocked.archive(30, acting(ROOT))
    with flow._alone(office.folder), pytest.raises(ConflictError, match="Another process"):
        await office.run()


async def test_what_still_counts_stays(office: Office) -> None:
    world = office.world
    await office.over()
    (open_,) = await world.submit(await world.begun(), "quote")
    await world.approvals.cancel(open_.session_id, acting(ANNA))
    await world.store.write(_told)
    office.world.clock.advance(31 * DAY)
    unsealed = [each.why for each in (await office.run()).kept]
    await office.sealing.seal()
    waits = schema.notices.insert().values(
        session_id=open_.session_id, conversation="x", text="x", next_at="2030"
    )
    await world.store.write(lambda c: c.execute(waits))
    told = [each.why for each in (await office.run()).kept]

    assert ["is in no signed checkpoint yet"] == unsealed
    assert ["is still being told somewhere"] == told


async def test_a_session_of_a_grant_or_a_budget_stays_while_they_go_by_it(office: Office) -> None:
    world = office.world
    budget = {"tool": "*", "window": "month", "zone": "UTC", "count": {"hard": 99}}
    world.use({**world.rules, "budgets": {"calls": budget}})
    office.restart()
    await office.over()
    rule = {"effect": "require_approval", "roles": ["manager"], "grants": {"max_uses": 9}}
    world.use({"tools": {"give": rule}, "reversibility": {"give": "reversible"}})
    office.restart()
    run = await world.begun()
    (given,) = await world.submit(run, "give")
    await world.vote(given, BEN, grant=Terms(uses=5))
    await world.approvals.cancel(given.session_id, acting(ANNA))
    await world.store.write(_told)
    await office.sealing.seal()
    world.clock.advance(31 * DAY)
    kept = sorted(each.why for each in (await office.run()).kept)
    ((grant, _), *_) = await world.records.grants()
    await world.approvals.granting.revoke(grant.id, acting(BEN))

    assert ["is about a grant that was neither revoked nor has expired",
            "still counts for a budget"] == kept  # fmt: skip
    assert 1 == (await office.run()).sessions


Change = Callable[[Connection], object]


async def test_what_is_changed_about_an_archived_session_is_named(office: Office) -> None:
    request = await office.over()
    rows = await office.world.store.read(lambda c: belongings.read(c, request.session_id))
    office.world.clock.advance(31 * DAY)
    run = await office.run()
    assert run.file is not None
    path, table = office.folder / run.file, schema.archived_sessions

    async def named(change: Change, said: str) -> None:
        def undone(connection: Connection) -> None:
            before = [dict(r) for r in connection.execute(select(table)).mappings()]
            change(connection)
            changed.append(before)

        changed: list[list[dict[str, Any]]] = []
        await office.world.store.write(undone)
        problems = await office.verified()
        assert any(said in problem for problem in problems), problems
        await office.world.store.write(lambda c: _set(c, changed[0]))
        assert () == await office.verified()

    def _set(connection: Connection, before: list[dict[str, Any]]) -> None:
        connection.execute(table.delete())
        connection.execute(table.insert(), before)

    await named(lambda c: c.execute(table.delete()), "is gone")
    await named(lambda c: c.execute(update(table).values(head="0" * 64)), "another end than was")
    await named(lambda c: c.execute(update(table).values(entries=1)), "is gone")
    await office.world.store.write(lambda c: belongings.put_back(c, rows))
    assert any("and is in the tables too" in each for each in await office.verified())
    await office.world.store.write(
        lambda c: belongings.take_out(c, SessionId(request.session_id), rows)
    )
    path.chmod(0o600)
    whole = path.read_bytes()
    other = path.with_name("x.archive.zip")
    for change, said in (
        (lambda m: m["sessions"].clear(), "is not in x"),
        (lambda m: m["sessions"][0].update(sha256="0" * 64), "is not the one of the manifest"),
        (lambda m: m["sessions"][0].update(session="S-0"), "There is no item named"),
        (lambda m: m["sessions"][0].update(head="0" * 64), "ends elsewhere"),
    ):
        _rewritten(path, other, change)
        assert any("is not a file in which" in each for each in await office.verified(other.name))
        own = archives.hash_of(other)
        await office.world.store.write(
            lambda c, own=own: c.execute(update(table).values(sha256=own))  # type: ignore[misc]
        )
        problems = await office.verified(other.name)
        assert any(said in each or "is not in x" in each for each in problems), problems
        with Archive(other) as archive:
            if archive.manifest.sessions:
                with pytest.raises(ReceiptError):
                    proven(archive, [KEY.verifier])
    assert whole == path.read_bytes()
    with pytest.raises(ConflictError, match="of another version"):
        await office.world.store.write(lambda c: belongings.put_back(c, {"x": []}))
    with pytest.raises(ConflictError, match=r"sessions\.x is of another version"):
        await office.world.store.write(lambda c: belongings.put_back(c, {"sessions": [{"x": 1}]}))


def _rewritten(path: Path, other: Path, change: Callable[[dict[str, Any]], object]) -> None:
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(other, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == archives.MANIFEST:
                manifest = json.loads(content)
                change(manifest)
                content = json.dumps(manifest).encode()
            new.writestr(name, content)


async def test_what_moves_between_writing_and_deleting_is_not_archived(office: Office) -> None:
    request = await office.over()
    world, session_id = office.world, request.session_id
    now = world.clock.now()
    by = await world.store.read(lambda c: rows_of.proof(c, now))
    taken = await world.store.read(lambda c: rows_of.taken(c, session_id, [], by, now))
    assert not isinstance(taken, str)
    manifest = Manifest(
        format=archives.FORMAT, revision="1", checkpoint="", handovers=(), sessions=(taken[0],)
    )

    async def moved() -> None:
        await world.unit(lambda unit: rows_of.move(unit, manifest, "a", "b"))

    before = await world.store.read(lambda c: belongings.read(c, session_id))
    note = update(schema.deliveries).values(error="late")
    await world.store.write(lambda c: c.execute(note))
    with pytest.raises(ConflictError, match="has moved meanwhile; archive again"):
        await moved()
    with pytest.raises(ConflictError, match=r"has moved meanwhile \(votes\)"):
        await world.store.write(
            lambda c: belongings.take_out(c, session_id, {**before, "votes": []})
        )
    await world.store.write(lambda c: c.execute(update(schema.deliveries).values(error=None)))
    held = HoldScope(kind=HoldKind.TOOL, name="quote")
    await office.holding.hold(held, "Lawsuit 12.", acting(ROOT))
    with pytest.raises(ConflictError, match="was put on hold meanwhile"):
        await moved()
    assert before == await world.store.read(lambda c: belongings.read(c, session_id))


async def test_a_session_with_an_open_request_stays(office: Office) -> None:
    world = office.world
    run = await world.begun()
    (request,) = await world.submit(run, "quote")
    await world.vote(request)
    run = await world.begin(run.session.id)
    await world.runs.claim(run, request.id, request.arguments)
    await world.runs.unknown(run, request.id, message="The line broke.")
    await world.approvals.cancel(request.session_id, acting(ANNA))
    await world.store.write(_told)
    await office.sealing.seal()
    world.clock.advance(31 * DAY)

    assert ["has a request that is still open"] == [each.why for each in (await office.run()).kept]


async def test_what_cannot_be_restored_as_it_was_is_refused(office: Office) -> None:
    world = office.world
    request = await office.over()
    keyed = update(schema.sessions).values(idempotency_key="k")
    rows = await world.store.read(lambda c: belongings.read(c, request.session_id))
    note = {"session_id": request.session_id, "conversation": "x", "text": "x"}
    world.clock.advance(31 * DAY)
    run = await office.run()
    assert run.file is not None
    other = await office.over()
    await world.store.write(lambda c: c.execute(keyed))
    theirs = {"id": 7, **note, "session_id": other.session_id}
    await world.store.write(lambda c: c.execute(schema.notices.insert().values(theirs)))

    async def back(changed: dict[str, Any]) -> None:
        own = archives.hash_of(office.folder / str(run.file))
        given = {request.session_id: {**rows, **changed}}
        await world.unit(lambda unit: _brought(unit, given, own))

    def _brought(unit: Unit, given: Any, own: str) -> None:
        assert rows_of.bring_back(unit, given, own, None)
        told = {"file": "a", "sha256": own, "sessions": 1, "entries": 1, "reason": "x"}
        by = {"by": "root", "via": "inbox", "identity": "x"}
        governance.append(unit, SessionsRestored.model_validate({**told, **by}))

    session = rows["sessions"][0]
    with pytest.raises(ConflictError, match="has been used again"):
        await back({"sessions": [{**session, "idempotency_key": "k"}]})
    with pytest.raises(IntegrityError, match="does not verify"):
        await back({"sessions": [{**session, "task": "Another."}]})
    ends = update(schema.archived_sessions)
    await world.store.write(lambda c: c.execute(ends.values(entries=1)))
    with pytest.raises(IntegrityError, match="ends elsewhere"):
        await back({})
    count = len(rows["ledger"])
    await world.store.write(lambda c: c.execute(ends.values(entries=count)))
    noted = [{"id": n, "attempts": 0, "progress": 0, **note} for n in (7, 8)]
    await back({"sessions": [session], "notices": noted})
    with pytest.raises(NotFoundError, match=r"There is no request R-\."):
        await world.records.request("R-")
    found = await world.store.read(lambda c: belongings.read(c, request.session_id))
    assert {8} < {row["id"] for row in found["notices"]}


async def test_a_key_that_nobody_has_used_again_comes_back(office: Office) -> None:
    request = await office.over()
    rows = await office.world.store.read(lambda c: belongings.read(c, request.session_id))
    gone = {**rows["sessions"][0], "id": "S-GONE", "idempotency_key": "k"}
    await office.world.store.write(lambda c: belongings.put_back(c, {"sessions": [gone]}))
    found = await office.world.records.begun_with("k")

    assert found is not None
    assert "S-GONE" == found.id


async def test_uses_of_budgets_that_count_no_more_keep_nothing(office: Office) -> None:
    uses = [{"budget": name, "scope": "", "at": ""} for name in ("calls", "money")]

    assert not await office.world.store.read(lambda c: budgets.counted(c, uses))


async def test_a_file_of_another_kind_is_refused(office: Office, tmp_path: Path) -> None:
    await office.over()
    office.world.clock.advance(31 * DAY)
    file = (await office.run()).file
    assert file is not None
    with pytest.raises(NotFoundError, match=r"There is no request R-\."):
        await office.world.records.request("R-")
    path, other = office.folder / file, office.folder / "x.archive.zip"
    _rewritten(path, other, lambda m: m.update(format="countersign-archive/v9"))
    with pytest.raises(archives.ArchiveFormatError, match="of the format 'countersign-archive/v9'"):
        Archive(other)
    _rewritten(path, other, lambda m: m.update(revision="9999"))
    with pytest.raises(ConflictError, match="of a newer version"):
        await office.archiving.restore(other.name, "Why.", acting(ROOT))
    _rewritten(path, other, lambda m: m.update())
    with pytest.raises(NotFoundError, match="no file that this ledger has archived to"):
        await office.archiving.restore(other.name, "Why.", acting(ROOT))
    with pytest.MonkeyPatch.context() as patched, Archive(path) as archive:
        (kept,) = archive.manifest.sessions
        assert not checked(kept, {}).verified
        patched.setattr(archives, "MAX_MEMBER", 10)
        with pytest.raises(IntegrityError, match="bytes"):
            archive.rows(kept)
