"""A program of one's own in the stories that are cut off: it is told, and brings the decision.

It keeps what it was told as whoever uses a library of Standard Webhooks would: what is not signed
is refused, what comes again is known by its id.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from countersign.connectors.webhook.bodies import PATH
from countersign.sandbox.standins import ask_in
from tests.crash.crowd import AWAY, Crowd

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYqrTwjU"
TOOL = "release_quote"
ENDS = {"executed": "executed", "in_doubt": "in_doubt"}
"""The event that says how a request with this status has ended."""


class Program:
    """What it was told of requests, in the order in which it came, repetitions too."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.unsigned = 0
        self.url = ""

    def adjust(self, settings: dict[str, Any]) -> None:
        """Let a server tell it of everything, and take decisions of Alex from it."""
        shared = {"name": "ops", "secret": SECRET}
        settings["connectors"]["webhook"] = {
            "endpoints": [{**shared, "url": self.url, "include": ["arguments"]}],
            "callers": [{**shared, "name": "desk", "speaks_for": ["alex"]}],
        }
        ask_in(settings, "webhook")

    def take(self, headers: dict[str, str], raw: bytes) -> int:
        """The status with which it answers."""
        try:
            Webhook(SECRET).verify(raw, headers)
        except WebhookVerificationError:
            self.unsigned += 1
            return 401
        self.heard.append(json.loads(raw))
        return 200

    def about(self, request_id: str) -> dict[str, dict[str, Any]]:
        """What it knows of a request, by the ids of the events, in order."""
        mine = [e for e in self.heard if e["data"].get("request") == request_id]
        return {event["id"]: event for event in mine}


@contextmanager
def program() -> Iterator[Program]:
    """It, on a port of its own."""
    made = Program()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(made.take({k.lower(): v for k, v in self.headers.items()}, raw))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}/told"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def by_program(told: Program, ask: Callable[[Crowd, str], str]) -> Callable[[Crowd, str], str]:
    """The story: Sam asks through the API, the program is told, and brings what Alex has decided,
    the same message again and again until it is answered, and once more."""

    def tell(crowd: Crowd, key: str) -> str:
        session = ask(crowd, key)

        def asked() -> dict[str, Any] | None:
            of_it = [e["data"] for e in told.heard if e["data"].get("session") == session]
            return next((d for d in of_it if d["tool"] == TOOL and d["status"] == "pending"), None)

        data: dict[str, Any] = crowd.patient(asked, "the program to be told")
        said = {name: data[name] for name in ("request", "digest")}
        body = json.dumps({**said, "verdict": "approve", "actor": "alex"})
        message_id = f"msg_{session}"

        def brought() -> int:
            at = datetime.now(UTC)
            signature = Webhook(SECRET).sign(message_id, at, body)
            headers = {
                "webhook-id": message_id,
                "webhook-timestamp": str(int(at.timestamp())),
                "webhook-signature": signature,
            }
            answer = crowd.one.http.post(crowd.one.url + PATH, content=body, headers=headers)
            return 0 if answer.status_code in AWAY else int(answer.status_code)

        first = crowd.patient(brought, "the decision to be taken")
        again = crowd.patient(brought, "the decision to be known")

        assert (first, again) in ((200, 409), (409, 409)), (first, again)
        return session

    return tell


def check_program(told: Program, crowd: Crowd, request: dict[str, Any]) -> None:
    """It was told that it is asked, that it is decided, and how it has ended: each once by its id,
    in their order, whatever came twice."""

    def ended() -> bool:
        return any(
            e["type"] == f"request.{ENDS[request['status']]}"
            for e in told.about(request["id"]).values()
        )

    crowd.patient(ended, "the program to be told of the end")
    events = told.about(request["id"])
    kinds = [event["type"].removeprefix("request.") for event in events.values()]
    by_id: dict[str, set[str]] = {}
    for event in told.heard:
        if event["id"] in events:
            by_id.setdefault(event["id"], set()).add(event["type"])

    assert 0 == told.unsigned
    assert len(kinds) == len(set(kinds)), kinds
    assert ["created", "decided", ENDS[request["status"]]] == [k for k in kinds if k != "updated"]
    assert {1} == {len(types) for types in by_id.values()}
    assert sorted(e["sequence"] for e in events.values()) == [
        e["sequence"] for e in events.values()
    ]
    (vote,) = request["votes"]
    assert ("alex", "webhook") == (vote["by"], vote["via"])
