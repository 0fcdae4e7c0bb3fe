"""A server that is told where to send spans sends them, and the last ones when it stops."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.stack import stack


@contextmanager
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """Whoever takes OTLP over HTTP, and what it was sent."""
    bodies: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        """Answers every export."""

        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", bodies
        server.shutdown()
        thread.join()


def test_spans_reach_the_collector(tmp_path: Path) -> None:
    with collector() as (url, bodies), stack(tmp_path) as one:
        # Longer than the test: what arrives was sent because the server stopped.
        env: dict[str, Any] = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": url,
            "OTEL_BSP_SCHEDULE_DELAY": "600000",
        }
        server = one.new_server(**env)
        one.start()
        one.ask()
        request = one.pending()
        server.kill(signal.SIGTERM)

        assert 0 == server.wait()
        sent = b"".join(bodies)
        for name in ("submit", "POST /api/v1/sessions", request["id"], "countersign"):
            assert name.encode() in sent
        assert b"25 seats" not in sent


def test_a_collector_that_is_away_keeps_no_server_from_stopping(tmp_path: Path) -> None:
    with stack(tmp_path) as one:
        server = one.new_server(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
        one.start()
        one.ask()
        one.pending()
        server.kill(signal.SIGTERM)

        assert 0 == server.wait()
        assert 1 == server.text().count("collector unreachable")
