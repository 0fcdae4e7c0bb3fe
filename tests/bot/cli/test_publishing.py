"""Published checkpoints: files that are only added, an endpoint, and what they find."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from countersign.approvals.audit.notes import Checkpoint
from countersign.approvals.errors import (
    ConflictError,
    IntegrityError,
    InvalidError,
    UnavailableError,
)
from countersign.bot.audit.publishing import ATTEMPTS, publish, published
from countersign.bot.cli import publishing
from countersign.bot.cli.publishing import Outlet
from tests.bot.api_world import SEALING_KEY, running
from tests.bot.cli.conftest import Cli

KEY = str(SEALING_KEY.verifier)


class Board(HTTPServer):
    """Where notes are posted; answers with the statuses of `failing` first."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.notes: list[str] = []
        self.tokens: set[str | None] = set()
        self.failing: list[int] = []
        self.url = f"http://127.0.0.1:{self.server_port}/checkpoints"


class _Handler(BaseHTTPRequestHandler):
    server: Board

    def do_GET(self) -> None:
        self._answer(200 if self.server.notes else 404, "\n".join(self.server.notes))

    def do_POST(self) -> None:
        note = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.tokens.add(self.headers["Authorization"])
        status = self.server.failing.pop(0) if self.server.failing else 201
        if status == 201:
            self.server.notes.append(note)
        self._answer(status, "")

    def _answer(self, status: int, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def board() -> Iterator[Board]:
    with Board() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def note(size: int) -> str:
    return SEALING_KEY.sign(Checkpoint(SEALING_KEY.name, size, bytes(32)).text)


def test_a_note_is_there_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr("countersign.bot.audit.publishing.os.fsync", full)
        with pytest.raises(InvalidError, match="No space left"):
            publish(str(tmp_path), 7, note(7))

    assert [] == list(tmp_path.iterdir())
    assert publish(str(tmp_path), 7, note(7))


def test_a_place_that_cannot_be_read_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    """Else a database that was set back would be published beside what shows it."""
    assert Outlet(str(tmp_path / "none")).newest() is None
    assert Outlet(str(tmp_path)).newest() is None
    (tmp_path / "0.checkpoint").write_bytes(b"\xff")
    with pytest.raises(InvalidError, match="cannot be read"):
        Outlet(str(tmp_path)).newest()
    (tmp_path / "0.checkpoint").write_bytes(b"something else")
    with pytest.raises(InvalidError, match="no checkpoint"):
        Outlet(str(tmp_path)).newest()


def test_files_are_only_added(tmp_path: Path) -> None:
    place = str(tmp_path / "kept")
    assert [True, False, True] == [publish(place, n, note(n)) for n in (7, 7, 12)]
    (first, second) = sorted((tmp_path / "kept").iterdir())

    assert f"{note(7)}\n{note(12)}" == published(place)
    assert note(7) == published(str(first))
    assert 0 == first.stat().st_mode & 0o222
    with pytest.raises(ConflictError, match="another checkpoint"):
        publish(place, 12, note(7))
    with pytest.raises(InvalidError, match="cannot be written"):
        publish(str(second), 1, note(1))
    with pytest.raises(InvalidError, match="cannot be read"):
        published(str(tmp_path / "none"))
    with (tmp_path / "huge").open("wb") as sparse:
        sparse.truncate(2**29)
    with pytest.raises(InvalidError, match="at most"):
        published(str(tmp_path / "huge"))


def test_what_is_no_continuation_is_not_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = SEALING_KEY.name
    for before in (Checkpoint(name, 3, bytes(32)), Checkpoint(name, 2, b"1" * 32)):
        with pytest.raises(IntegrityError, match="was set back"):
            publishing._require_same("x", before, 2, note(2))
    monkeypatch.setattr(publishing, "auditing", lambda _: (2, b"1" * 32, []))
    with pytest.raises(IntegrityError, match="no continuation"):
        publishing._require_continuation("x", Checkpoint(name, 1, bytes(32)))

    place = str(tmp_path / "board")
    publish(place, 1, note(1))
    answers: Iterator[tuple[object, ...]] = iter([(2, note(2)), (2, b"1" * 32, [])])
    monkeypatch.setattr(publishing, "auditing", lambda _: next(answers))
    with pytest.raises(IntegrityError, match="no continuation"):
        publishing._publish([Outlet(place)])
    assert published(place) == note(1)


def test_an_endpoint_that_fails_is_asked_again(board: Board) -> None:
    waits: list[float] = []
    board.failing = [500, 429]
    assert "" == published(board.url)
    assert publish(board.url, 7, note(7), "secret", pause=waits.append)
    assert (2, [note(7)], {"Bearer secret"}) == (len(waits), board.notes, board.tokens)
    assert note(7) == published(board.url)

    for url in ("http://example.com/x", "http://10.0.0.1/", "http://[::2]/"):
        with pytest.raises(InvalidError, match="would read the token"):
            publish(url, 7, note(7), "secret")
        with pytest.raises(InvalidError, match="would read the token"):
            published(url, "secret")
    with pytest.raises(InvalidError, match="is no URL"):
        published("http://[", "secret")
    board.failing = [403]
    with pytest.raises(InvalidError, match="answered 403"):
        publish(board.url, 8, note(8), pause=waits.append)
    board.failing = [503] * ATTEMPTS
    with pytest.raises(UnavailableError, match="503"):
        publish(board.url, 8, note(8), pause=waits.append)
    board.server_close()
    with pytest.raises(UnavailableError):
        publish("http://127.0.0.1:9/", 8, note(8), pause=waits.append)


def test_a_database_that_was_set_back_is_found_by_what_is_published(
    cli: Cli, board: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, database = str(tmp_path / "kept"), tmp_path / "countersign.db"
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", f"sqlite:///{database}")
    older = tmp_path / "older.db"
    places = ["--to", kept, "--to", board.url]

    async def story() -> None:
        async with running(tmp_path) as world:
            for number in range(2):
                request = await world.waiting()
                await world.vote(request)
                await world.call("GET", f"/api/v1/ledger/receipts/{request['id']}")
                for _ in range(2):  # the second time there is nothing new
                    said = await asyncio.to_thread(cli, "ledger", "publish", *places)
                    assert 0 == said.status, said.err
                if number == 0:
                    await asyncio.to_thread(_copy, database, older)

    asyncio.run(story())
    against = ["--against", kept, "--against", board.url, "--key", KEY]
    whole = cli("ledger", "verify", *against)
    database.write_bytes(older.read_bytes())
    for name in ("-wal", "-shm"):
        database.with_name(database.name + name).unlink(missing_ok=True)
    unseen, found = cli("ledger", "verify"), cli("ledger", "verify", *against)
    refused = cli("ledger", "publish", "--to", kept)

    assert (2, 2) == (len(list((tmp_path / "kept").iterdir())), len(board.notes))
    assert (0, True) == (whole.status, "a continuation of 4 outside checkpoints" in whole.out)
    assert (0, 1) == (unseen.status, found.status)
    assert "the database was set back" in found.out
    assert (1, True) == (refused.status, "its database was set back" in refused.err)


def _copy(database: Path, to: Path) -> None:
    source, target = sqlite3.connect(database), sqlite3.connect(to)
    with source, target:
        source.backup(target)
    source.close()
    target.close()
