"""`countersign approve` where it cannot begin: one clear message, and nothing is decided."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from countersign.approvals.errors import UnavailableError
from countersign.bot.cli.server import Server
from tests.bot.cli.conftest import Cli


def test_without_a_terminal_nobody_decides(cli: Cli) -> None:
    said = cli("approve", "--as", "alex")

    assert said.status == 1
    assert "ssh -t HOST countersign approve" in said.err


def test_what_is_no_api_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy's page in HTML, or a list: neither is taken for an answer."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(502)
            self.end_headers()
            self.wfile.write(b"<html>" if self.path == "/html" else b"[]")

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    monkeypatch.setenv("COUNTERSIGN_TOKEN", "t")
    with HTTPServer(("127.0.0.1", 0), Page) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        server = Server(None, "", f"http://127.0.0.1:{http.server_port}/")
        for path in ("/html", "/list"):
            with pytest.raises(UnavailableError, match="is not Countersign's API"):
                server.call("GET", path)
        http.shutdown()
