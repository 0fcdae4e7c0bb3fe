"""The ledger goes to a SIEM at least once, whatever stops between sending and being taken."""

from __future__ import annotations

import asyncio
import json
import os
import queue
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from countersign.approvals.errors import InvalidError, UnavailableError
from countersign.approvals.models import LedgerEntry, SessionId
from countersign.bot.audit.forwarding import cursor, move
from countersign.bot.audit.siem_formats import SiemFormat, document, event_id, line
from countersign.bot.audit.siem_targets import target
from tests.bot.api_world import running
from tests.bot.cli.conftest import REPOSITORY, Cli

ENTRY = LedgerEntry(
    session_id=SessionId("S-1"),
    seq=2,
    at=datetime(2026, 3, 2, 9, tzinfo=UTC),
    kind="voted",
    body={"by": "ben", "name": "Ben", "via": "teams", "verdict": "approve", "request": "R-1",
          "comment": "a=b|c\\d\nnext"},
    prev_hash="0" * 64,
    hash="ab" * 32,
    salt="00" * 16,
    commitment="cd" * 32,
)  # fmt: skip
ALARM = ENTRY.model_copy(update={"kind": "evidence_missing", "body": {}})


class Receiver(HTTPServer):
    """Takes what is posted; holds the answer back until it may go on."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.taken: queue.Queue[tuple[str | None, str]] = queue.Queue()
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.answers: list[tuple[int, Any]] = []
        self.url = f"http://127.0.0.1:{self.server_port}/in"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.taken.put((self.headers["Authorization"], text))
        self.server.may_answer.wait()
        status, answer = self.server.answers.pop(0) if self.server.answers else (200, {"code": 0})
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            pass  # whoever asked was killed

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.may_answer.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of all entries of a database, two sessions and the governance ledger."""

    async def fill() -> list[str]:
        async with running(tmp_path) as world:
            ids = set()
            for _ in range(2):
                request = await world.waiting()
                await world.vote(request)
                await world.call("GET", f"/api/v1/ledger/receipts/{request['id']}")
                path = f"/api/v1/ledger?session={request['session_id']}"
                items = (await world.call("GET", path))[1]["items"]
                ids |= {event_id(LedgerEntry.model_validate(each)) for each in items}
            await world.call("GET", f"/api/v1/ledger/receipts/{request['id']}")
            return sorted(ids)

    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", f"sqlite:///{tmp_path}/countersign.db")
    return asyncio.run(fill())


def of_sessions(ids: list[str]) -> list[str]:
    return [each for each in ids if not each.startswith("governance:")]


def test_nothing_is_lost_when_the_forwarder_is_killed(
    receiver: Receiver, entries: list[str], tmp_path: Path
) -> None:
    place = ["--to", f"splunk:{receiver.url}", "--cursor", str(tmp_path / "cursor")]
    command = [sys.executable, "-m", "countersign", "ledger", "forward", *place]
    environ = {**os.environ, "COUNTERSIGN_ENV": "local", "COUNTERSIGN_SIEM_TOKEN": "secret",
               "PYTHONPATH": str(REPOSITORY)}  # fmt: skip
    receiver.may_answer.clear()
    with subprocess.Popen(command, env=environ) as killed:
        before = receiver.taken.get(timeout=120)
        killed.send_signal(signal.SIGKILL)
    receiver.may_answer.set()
    done = [subprocess.run(command, env=environ, check=False).returncode for _ in range(2)]
    after = receiver.taken.get_nowait()
    sent = [[json.loads(each) for each in text.split("\n")] for _, text in (before, after)]

    assert [0, 0] == done
    assert receiver.taken.empty(), "what was taken is sent again"
    assert "Splunk secret" == before[0] == after[0]
    ids = [[event["fields"]["id"] for event in events] for events in sent]
    assert entries == sorted(of_sessions(ids[1]))
    assert set(ids[0]) <= set(ids[1]), "a duplicate is known by its id"
    assert len(set(ids[1])) == len(ids[1])


def test_each_format_and_the_cursor(cli: Cli, entries: list[str], tmp_path: Path) -> None:
    to = ["ledger", "forward", "--to"]
    out = cli(*to, "stdout", "--cursor", "a").out
    again = cli(*to, "stdout", "--cursor", "a")
    (tmp_path / "siem.log").write_text('{"class_uid": 6003, "meta')  # killed while it wrote
    cli(*to, "file:siem.log", "--cursor", "b", "--format", "ocsf")
    cli(*to, "file:siem.cef", "--cursor", "c", "--format", "cef")
    private = ["--redact", "--config", "c.yaml"]
    text = (REPOSITORY / "countersign.yaml").read_text()
    rule = '\nledger: {private: [{id: mail, arguments: ["*"]}]}\n'
    (tmp_path / "c.yaml").write_text(text + rule)
    redacted = cli(*to, "stdout", "--cursor", "d", *private).out
    wrong = cli(*to, "file:/none/siem", "--cursor", "e")
    with sqlite3.connect(tmp_path / "countersign.db") as database:
        database.execute("UPDATE ledger SET body = replace(body, 'ceo', 'eve')")
    database.close()
    forged = cli(*to, "stdout", "--cursor", "f")

    found = [json.loads(each) for each in out.splitlines()]
    assert entries == sorted(of_sessions([each["id"] for each in found]))
    assert "salt" not in found[0]
    assert (0, "") == (again.status, again.out)
    ocsf = [json.loads(each) for each in (tmp_path / "siem.log").read_text().splitlines()[1:]]
    assert {6003} == {each["class_uid"] for each in ocsf}
    assert entries == sorted(of_sessions([each["metadata"]["uid"] for each in ocsf]))
    cef = (tmp_path / "siem.cef").read_text().splitlines()
    assert len(ocsf) == len(cef) == len(found)
    assert "ceo" in out
    assert "ceo" not in redacted
    assert (1, True) == (wrong.status, "cannot be written" in wrong.err)
    assert not (tmp_path / "e").exists()
    assert (1, True) == (forged.status, "another body than was written" in forged.err)


def test_what_a_line_looks_like() -> None:
    cef, ocsf = line(ENTRY, SiemFormat.CEF), document(ENTRY, SiemFormat.OCSF)

    assert cef.startswith("CEF:0|Countersign|Countersign|0.1.0|voted|voted|3|rt=1772442000000 ")
    assert "externalId=S-1:2:abababababababab act=approve suser=ben app=teams cs1=S-1" in cef
    assert cef.endswith(r"msg=a\=b|c\\d\nnext cs1Label=session cs2Label=request")
    assert (600399, 1, 1772442000000) == tuple(ocsf[n] for n in ("type_uid", "severity_id", "time"))
    assert {"uid": "ben", "name": "Ben"} == ocsf["actor"]["user"]
    assert 4 == document(ALARM, SiemFormat.OCSF)["severity_id"]
    refused = ENTRY.model_copy(update={"kind": "vote_refused"})
    assert "|vote refused|5|" in line(refused, SiemFormat.CEF)


def test_elastic_has_taken_what_it_names(receiver: Receiver) -> None:
    send = target(f"elastic:{receiver.url}", SiemFormat.JSONL, "key")
    taken = {"items": [{"create": {"status": 201}}, {"create": {"status": 409}}]}
    refused = {"items": [{"create": {"status": 201}}, {"create": {"status": 400, "error": "no"}}]}
    receiver.answers = [(200, taken), (200, refused), (200, {"items": []}), (503, {}), (200, b"-")]
    send([ENTRY, ALARM])
    for why in ('not taken all entries: "no"', "does not name", "answered 503", "does not name"):
        with pytest.raises(UnavailableError, match=why):
            send([ENTRY, ALARM])
    authorization, text = receiver.taken.get_nowait()
    lines = [json.loads(each) for each in text.splitlines()]

    assert "ApiKey key" == authorization
    assert {"create": {"_id": event_id(ENTRY)}} == lines[0]
    assert "2026-03-02T09:00:00+00:00" == lines[1]["@timestamp"]
    with pytest.raises(UnavailableError, match="cannot be reached"):
        target("splunk:http://127.0.0.1:9/", SiemFormat.OCSF, None)([ENTRY])


def test_syslog_has_taken_what_it_has_closed() -> None:
    got: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def take() -> None:
            connection, _ = server.accept()
            with connection:
                while found := connection.recv(65536):
                    got.append(found)

        thread = threading.Thread(target=take)
        thread.start()
        port = server.getsockname()[1]
        target(f"syslog:127.0.0.1:{port}", SiemFormat.CEF, None)([ENTRY, ALARM])
        thread.join()
    first = re.fullmatch(rb"(\d+) (.*)", b"".join(got), re.DOTALL)
    assert first is not None
    size, rest = int(first[1]), first[2]

    assert rest[:size].startswith(b"<110>1 2026-03-02T09:00:00.000000Z ")
    assert b" countersign - voted [origin" in rest[:size]
    assert re.match(rb"\d+ <105>1 ", rest[size:])
    with pytest.raises(UnavailableError, match="has not taken"):
        target(f"syslog:127.0.0.1:{port}", SiemFormat.CEF, None)([ENTRY])


@pytest.mark.parametrize(
    ("where", "why"),
    [
        ("nowhere", "none of"),
        ("file:", "none of"),
        ("splunk:ftp://x", "none of"),
        ("syslog:host:port", "none of"),
        ("elastic:https://x", "takes JSON"),
    ],
)
def test_a_place_that_is_none_is_named(where: str, why: str) -> None:
    with pytest.raises(InvalidError, match=why):
        target(where, SiemFormat.CEF, None)


@pytest.mark.parametrize("kind", ["splunk", "elastic"])
def test_a_token_goes_over_plain_http_to_this_machine_only(kind: str) -> None:
    for host in ("siem.example", "10.0.0.1:8088"):
        with pytest.raises(InvalidError, match="would read the token"):
            target(f"{kind}:http://{host}/x", SiemFormat.JSONL, "secret")

    for where, token in (("http://siem.example", None), ("https://siem.example", "secret"),
                         ("http://127.0.0.1:8088", "secret"), ("http://localhost", "secret"),
                         ("http://[::1]:8088", "secret")):  # fmt: skip
        assert callable(target(f"{kind}:{where}", SiemFormat.JSONL, token))


def test_a_cursor_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "cursor"
    assert 0 == cursor(path)
    move(path, 7)
    assert 7 == cursor(path)
    for text in ("x", "{}", '{"leaves": -1}', '{"leaves": true}'):
        path.write_text(text)
        with pytest.raises(InvalidError, match="no cursor"):
            cursor(path)
    with pytest.raises(InvalidError, match="cannot be written"):
        move(tmp_path / "none" / "cursor", 7)
