"""Packed columns: text everywhere but in the database, also of a release that packed nothing."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import bindparam, select, text, update

from countersign.approvals.models import Request
from countersign.approvals.store import engine_of, packing
from countersign.approvals.store.prepared import Prepared
from countersign.approvals.store.revision import HEAD, MIGRATIONS
from countersign.approvals.store.schema import requests, sessions
from countersign.approvals.store.urls import sqlite_path
from tests.doubles import postgres
from tests.doubles.chats import chat_of
from tests.doubles.clock import ManualClock
from tests.doubles.database import postgres_store, sqlite_store, sqlite_url
from tests.doubles.jobs import RecordingJobs
from tests.doubles.world import World

PACKED = "0045"
WORDS = "84672d154d79161d9fe222a73ff515525724d8a42dd8daa262fca0c89276c320"
DIGESTS = ("digest", "execution_token", "call_hash")
SAID = {"content": "Refund order 8841 for customer 1203.", "role": "user", "name": "gatekeeper"}


@given(st.text())
def test_every_text_comes_back(words: str) -> None:
    packed = packing.pack(words)

    assert packed is not None
    assert words == packing.unpack(packed)
    assert len(packed) <= len(words.encode()) + 1


@given(st.binary())
def test_bytes_that_nobody_packed_are_some_other_text_and_no_error(found: bytes) -> None:
    text = packing.unpack(found)

    assert isinstance(text, str)
    assert text == found.hex() or packing.unpack(packing.pack(text)) == text


def test_what_follows_a_packed_text_or_is_cut_off_makes_it_another_one() -> None:
    text = json.dumps(SAID)
    packed = packing.pack(text) or b""

    assert packing.DEFLATED == packed[:1]
    assert {False} == {packing.unpack(found) == text for found in (packed[:-1], packed + b"\x00")}


def test_words_of_the_first_form_are_never_changed() -> None:
    """What was packed with them could not be read any more: other words, another first byte."""
    found = sha256(packing.WORDS).hexdigest()

    assert WORDS == found
    assert 70 > len(packing.pack(json.dumps(SAID, separators=(",", ":"))) or b"")


@pytest.mark.parametrize("text", ["", "00ff", "1428a78fd99cbd096011e9203acce91e"])
def test_digits_come_back_in_half_the_bytes(text: str) -> None:
    packed = packing.pack_hex(text)

    assert packed is not None
    assert (text, len(text) // 2) == (packing.unpack_hex(packed), len(packed))


def test_nothing_is_nothing() -> None:
    every = (packing.pack, packing.unpack, packing.pack_hex, packing.unpack_hex)

    assert {None} == {convert(None) for convert in every}


@pytest.mark.parametrize("text", ["0", "0F", "no digest"])
def test_only_digits_are_packed_as_such(text: str) -> None:
    with pytest.raises(ValueError, match="is no digest"):
        packing.pack_hex(text)


@pytest.mark.parametrize("convert", [packing.unpack, packing.unpack_hex])
def test_text_is_read_as_it_is(convert: Any) -> None:
    assert "{}" == convert("{}")


async def waiting(world: World) -> Request:
    """A request that waits, of a chat in which something was said."""
    run = await world.begun()
    (request,) = await world.runs.submit(
        run, [world.proposal(run.session.id, "quote")], state=chat_of(SAID)
    )
    return request


async def test_values_that_stand_in_a_statement_are_packed_too(world: World) -> None:
    request = await waiting(world)
    at = requests.c.id == bindparam("of")
    mark = Prepared(update(requests).where(at).values(call_hash="0a"))
    await world.store.write(lambda c: mark.run(c, of=request.id))
    known = Prepared(select(requests.c.call_hash).where(at, requests.c.call_hash == "0a"))
    found = await world.store.read(
        lambda c: (known.first(c, of=request.id), known.all(c, of=request.id))
    )

    stored = text("SELECT call_hash FROM requests")

    kept = await world.store.read(lambda c: c.execute(stored).scalar_one())
    assert (("0a",), [("0a",)]) == found
    assert kept in (b"\x0a", "0a")


@pytest.mark.parametrize("found", [b"", b"\x01nobody", b"\x02", "text", packing.pack("{}")])
async def test_what_is_written_over_a_packed_column_is_found(
    tmp_path: Path, found: bytes | str
) -> None:
    """Bytes that nobody packs, text, and another one that is packed as ours are."""
    async with at(sqlite_url(tmp_path)) as world:
        await written_over(world, found)


async def written_over(world: World, found: bytes | str) -> None:
    request = await waiting(world)
    change = text("UPDATE sessions SET snapshot = :found")
    await world.store.write(lambda c: c.execute(change, {"found": found}))
    verified = await world.records.verify(request.session_id)
    (problem,) = verified.problems

    assert problem.endswith("column snapshot: is not what the ledger says")


@asynccontextmanager
async def at(url: str) -> AsyncIterator[World]:
    """The domain on a database that is there."""
    store = postgres_store(url) if "postgresql" in url else sqlite_store(sqlite_path(url))
    async with store as opened:
        yield World(opened, RecordingJobs(), ManualClock())


def unpacked(url: str, snapshot: str, digests: Sequence[str]) -> None:
    """Make it what the last release that packed nothing has left."""
    engine = engine_of(url)
    scripts = ScriptDirectory(str(MIGRATIONS))
    values = {**dict(zip(DIGESTS, digests, strict=True)), "snapshot": snapshot}
    with engine.begin() as connection:
        for statement in (
            "UPDATE sessions SET snapshot = :snapshot",
            "UPDATE requests SET digest = :digest, execution_token = :execution_token, "
            "call_hash = :call_hash",
            "UPDATE alembic_version SET version_num = :before",
        ):
            before = scripts.get_revision(PACKED).down_revision
            connection.execute(text(statement), {**values, "before": before})
    engine.dispose()


def packed(url: str) -> list[Any]:
    """Take the one step; what the columns hold then."""
    engine, config = engine_of(url), Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, PACKED)
        connection.execute(text("UPDATE alembic_version SET version_num = :of"), {"of": HEAD})
        found = [
            *connection.execute(text("SELECT snapshot FROM sessions")).one(),
            *connection.execute(
                text("SELECT digest, execution_token, call_hash FROM requests")
            ).one(),
        ]
    engine.dispose()
    return found


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_what_waits_since_the_release_before_goes_on(tmp_path: Path, database: str) -> None:
    url = sqlite_url(tmp_path) if database == "sqlite" else postgres.fresh()
    async with at(url) as world:
        request = await waiting(world)
        snapshot = await world.store.read(
            lambda c: str(c.execute(select(sessions.c.snapshot)).scalar_one())
        )
    unpacked(url, snapshot, [getattr(request, name) for name in DIGESTS])
    found = packed(url)
    async with at(url) as world:
        same = await world.records.request(request.id)
        verified = await world.records.verify(request.session_id)
        await world.vote(request)
        run = await world.begin(request.session_id)
        said = run.chat.messages() if run.chat else []
        claimed = await world.runs.claim(run, request.id, request.arguments)

    assert request == same
    assert () == verified.problems
    assert [SAID] == said
    assert isinstance(claimed, Request)
    digests = [getattr(request, name) for name in DIGESTS]
    small = [packing.pack(snapshot), *map(packing.pack_hex, digests)]
    assert found == (small if database == "sqlite" else [snapshot, *digests])


async def test_what_is_no_digest_stays_as_it_is_and_is_named(tmp_path: Path) -> None:
    """Somebody has written there by hand before the step."""
    url = sqlite_url(tmp_path)
    async with at(url) as world:
        request = await waiting(world)
    unpacked(url, "{}", ["by hand", request.execution_token, request.call_hash])
    _, digest, token, _ = packed(url)
    async with at(url) as world:
        verified = await world.records.verify(request.session_id)

    assert ("by hand", packing.pack_hex(request.execution_token)) == (digest, token)
    assert any("column digest" in problem for problem in verified.problems)
