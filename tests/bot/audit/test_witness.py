"""A witness: what it cosigns, what it answers, and what it remembers (C2SP tlog-witness)."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from countersign.approvals.audit.cosignatures import cosignatures, witness_key
from countersign.approvals.audit.merkle import WIDTH, consistency, leaf_hash, node_hash, root
from countersign.approvals.audit.notes import Checkpoint, SigningKey
from countersign.approvals.errors import IntegrityError, InvalidError, UnavailableError
from countersign.bot.audit.witness import SIZE, Witness
from countersign.bot.audit.witnesses import Asked, ask, asked
from tests.bot.api_world import NOON

LOG = SigningKey("gate.example/ledger", bytes(32))
WITNESS = SigningKey("w.example/1", bytes([1]) * 32)


class Tree:
    """A log of so many leaves."""

    def __init__(self, salt: str = ""):
        self._salt = salt

    def complete(self, level: int, number: int) -> bytes:
        return self._of(number * WIDTH**level, WIDTH**level)

    def _of(self, first: int, count: int) -> bytes:
        if count == 1:
            return leaf_hash(f"{self._salt}{first}".encode())
        half = count // 2
        return node_hash(self._of(first, half), self._of(first + half, half))

    def note(self, size: int, by: SigningKey = LOG, origin: str = LOG.name) -> str:
        return by.sign(Checkpoint(origin, size, root(self.complete, size)).text)

    def proof(self, old: int, new: int) -> list[bytes]:
        return consistency(self.complete, old, new) if old else []


def body(old: int, proof: list[bytes], note: str) -> bytes:
    lines = "".join(f"{base64.b64encode(each).decode()}\n" for each in proof)
    return f"old {old}\n{lines}\n{note}".encode()


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[Witness]:
    found = Witness(WITNESS, [LOG.verifier], tmp_path / "seen.json", lambda: NOON)
    yield found
    found.close()


def test_it_cosigns_a_log_that_grows_and_nothing_else(witness: Witness) -> None:
    log, key = Tree(), witness_key(WITNESS)
    for old, size in ((0, 3), (3, 3), (3, 8), (8, 300)):
        note = log.note(size)
        answer = witness.add_checkpoint(body(old, log.proof(old, size), note))

        assert 200 == answer.status, answer
        assert [(key, NOON)] == [(c.key, c.at) for c in cosignatures(note + answer.body, [key])]
    other = Tree("other")
    cases = [
        (body(3, log.proof(3, 400), log.note(400)), 409, "300\n"),
        (body(300, [], other.note(300)), 409, "300\n"),
        (body(300, other.proof(300, 400), other.note(400)), 422, "proof"),
        (body(300, log.proof(300, 400)[1:], log.note(400)), 422, "proof"),
        (body(300, [], log.note(299)), 400, "larger"),
        (body(0, [], log.note(5, origin="else.example/ledger")), 404, "origin"),
        (body(300, [], log.note(400, by=SigningKey(LOG.name, b"1" * 32))), 403, "not signed"),
        (body(300, [b"1" * 32] * 64, log.note(400)), 400, "at most 63"),
        (body(300, [b"1"], log.note(400)), 400, "SHA-256"),
        (b"old 03\n\n" + log.note(400).encode(), 400, "old SIZE"),
        (b"old 0\n!\n\n" + log.note(400).encode(), 400, "base64"),
        (b"old 0\n\nno note\n", 400, "no signed note"),
        (b"\xff", 400, "no text"),
    ]
    for sent, status, why in cases:
        answer = witness.add_checkpoint(sent)

        assert (status, True) == (answer.status, why in answer.body), answer
        assert (SIZE if status == 409 else "text/plain") == answer.kind
    assert 200 == witness.add_checkpoint(body(300, [], log.note(300))).status


def test_it_remembers_over_a_restart_and_one_process_has_its_file(
    witness: Witness, tmp_path: Path
) -> None:
    log, state = Tree(), tmp_path / "seen.json"
    assert 200 == witness.add_checkpoint(body(0, [], log.note(5))).status
    with pytest.raises(InvalidError, match="another witness"):
        Witness(WITNESS, [LOG.verifier], state, lambda: NOON)
    witness.close()
    again = Witness(WITNESS, [LOG.verifier], state, lambda: NOON)
    assert 409 == again.add_checkpoint(body(0, [], Tree("other").note(6))).status
    again.close()
    for text in ("[]", '{"a": 1}', "no JSON"):
        state.write_text(text)
        with pytest.raises(InvalidError, match="cannot be read"):
            Witness(WITNESS, [LOG.verifier], state, lambda: NOON)
    with pytest.raises(InvalidError, match="cannot be written"):
        Witness(WITNESS, [LOG.verifier], tmp_path / "none" / "x", lambda: NOON)


def test_nothing_is_cosigned_that_is_not_on_the_disk(
    witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Tree()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr("countersign.bot.audit.witness.os.fsync", full)
        with pytest.raises(OSError, match="No space"):
            witness.add_checkpoint(body(0, [], log.note(5)))
    assert 200 == witness.add_checkpoint(body(0, [], log.note(4))).status


class Door(HTTPServer):
    """A witness behind HTTP, or one that answers what `says` has first."""

    def __init__(self, witness: Witness):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.witness = witness
        self.says: list[tuple[int, str]] = []
        self.asked = 0
        self.at = Asked(witness_key(WITNESS), f"http://127.0.0.1:{self.server_port}/")


class _Handler(BaseHTTPRequestHandler):
    server: Door

    def do_POST(self) -> None:
        self.server.asked += 1
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.says:
            status, text = self.server.says.pop(0)
        else:
            answer = self.server.witness.add_checkpoint(sent)
            status, text = answer.status, answer.body
        self.send_response(status if self.path == "/add-checkpoint" else 418)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def door(witness: Witness) -> Iterator[Door]:
    with Door(witness) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_log_finds_out_what_the_witness_has_seen(door: Door) -> None:
    log = Tree()
    for size, calls in ((3, 1), (3, 2), (9, 2)):
        door.asked = 0
        note = log.note(size)
        line = ask(door.at, size, note, log.proof)

        assert 1 == len(cosignatures(note + line, [door.at.key]))
        assert calls == door.asked
    other = Tree("other")
    cases = ((log, 5, "set back"), (other, 9, "another tree"), (other, 12, "no continuation"))
    for tree, size, why in cases:
        with pytest.raises(IntegrityError, match=why):
            ask(door.at, size, tree.note(size), tree.proof)


def test_an_answer_that_is_none_says_why(door: Door) -> None:
    log = Tree()
    note = log.note(3)
    by_other = ask(door.at, 3, note, log.proof).replace("w.example/1", "w.example/2")
    cases: list[tuple[list[tuple[int, str]], type[Exception], str]] = [
        ([(404, "")], InvalidError, "does not look at this ledger"),
        ([(403, "")], InvalidError, "another key"),
        ([(302, "")], InvalidError, "302"),
        ([(503, "")], UnavailableError, "503"),
        ([(409, "many\n")], InvalidError, "without a size"),
        ([(409, "1\n"), (409, "2\n"), (409, "1\n")], UnavailableError, "again and again"),
        ([(200, by_other)], InvalidError, "not with its own key"),
        ([(200, "")], InvalidError, "not with its own key"),
        ([(200, "words\n")], InvalidError, "something else"),
    ]
    for says, kind, why in cases:
        door.says = list(says)
        with pytest.raises(kind, match=why):
            ask(door.at, 3, note, log.proof)
        door.says = []


def test_enough_of_them_are_enough(door: Door) -> None:
    log = Tree()
    note = log.note(3)
    gone = Asked(witness_key(SigningKey("w.example/2", b"2" * 32)), "http://127.0.0.1:9")
    lines, wrong = asked([door.at, gone], 1, 3, note, log.proof)

    assert (1, True) == (len(lines), "w.example/2 cannot be reached" in wrong[0])
    door.asked = 0
    assert ([], []) == asked([door.at], 1, 3, note + lines[0], log.proof)
    assert 0 == door.asked
    with pytest.raises(UnavailableError, match="and 2 are needed"):
        asked([door.at, gone], 2, 3, note, log.proof)
