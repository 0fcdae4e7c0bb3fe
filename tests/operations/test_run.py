"""A project that `init` wrote, served by `countersign run` and used by commands."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from countersign.bot.project.init import write_project
from tests.processes import ROOT, Process, free_port, until

PROGRAM = [sys.executable, "-m", "countersign"]
START_TIMEOUT_S = 120.0
NODE = """#!{python}
import http.server, pathlib, sys

if sys.argv[1] == "--version":
    print("v20.20.2")
    sys.exit()
pathlib.Path("asked").write_text("\\n".join(sys.argv))


class Pong(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()


http.server.HTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("-p") + 1])), Pong).serve_forever()
"""
"""A program in place of Node and the Playground: it keeps how it was started, and answers."""


class Local:
    """The project, and what runs in it."""

    def __init__(self, folder: Path):
        self.folder, self.port = folder, free_port()
        write_project(folder, "desk_that_runs")
        config = folder / "countersign.yaml"
        self.taken = socket.create_server(("127.0.0.1", 0))  # where the model is to listen
        model = self.taken.getsockname()[1]
        config.write_text(config.read_text().replace(":8801/v1", f":{model}/v1"))
        package = folder / "npm" / "@microsoft" / "m365agentsplayground"
        package.mkdir(parents=True)
        (package / "cli.js").write_text("")
        node = folder / "npm" / "node"
        node.write_text(NODE.format(python=sys.executable))
        node.chmod(0o755)
        self.environment = {
            "PATH": f"{node.parent}:{os.environ['PATH']}",
            "COUNTERSIGN_PLAYGROUND": str(node.parent),
            "COUNTERSIGN_ENV": "local",
            "COUNTERSIGN_DATABASE_URL": "sqlite:///./.local/countersign.db",
            "COLUMNS": "80",
            "OPENAI_API_KEY": "",
            "AZURE_OPENAI_API_KEY": "",
        }
        options = ["run", "--port", str(self.port)]
        self.options = options
        self.process = Process("run", [*PROGRAM, *options], folder, self.environment)

    def found(self, path: str) -> bool:
        """Whether the API has something there."""
        answer = httpx.get(
            f"http://127.0.0.1:{self.port}/api/v1/{path}",
            headers={"Authorization": "Bearer local-token-rita"},
            trust_env=False,
        )
        return bool(answer.json()["items"])

    def say(self, *arguments: str) -> str:
        """What a command prints; it must succeed."""
        done = self.command(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One command in a second terminal."""
        return subprocess.run(
            [*PROGRAM, *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), **self.environment},
            capture_output=True,
            text=True,
            timeout=START_TIMEOUT_S,
            check=False,
        )


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Local]:
    started = Local(tmp_path)
    started.process.start()
    try:
        until(lambda: is_up(started.process), "countersign run", START_TIMEOUT_S)
        yield started
    finally:
        started.process.kill(signal.SIGINT)
        started.taken.close()


def is_up(process: Process) -> bool:
    assert process.running, f"it ended at its start:\n{process.text()}"
    return "Countersign is running." in process.text()


@pytest.mark.timeout(600)  # six programs, one after the other, each of which imports everything
def test_call_is_approved_by_commands(local: Local) -> None:
    server = ("--server", f"http://127.0.0.1:{local.port}")
    task = "refund 40 EUR for invoice INV-7"
    session = local.say("sessions", "start", "refunds", task, "--as", "bob", *server).split()[0]
    until(lambda: local.found("requests?status=pending"), "a request")

    listed = re.findall(r"R-\w{12}", local.say("requests", "list", "--status", "pending"))
    local.say("decide", listed[0], "approve", "--as", "rita", *server)
    until(lambda: local.found("sessions?status=completed"), "the session to end")

    assert "40.00 EUR paid back for INV-7." in local.say("sessions", "show", session)
    asked = (local.folder / ".local" / "playground" / "asked").read_text().splitlines()
    assert f"http://127.0.0.1:{local.port}/api/messages" == asked[asked.index("-e") + 1]
    assert f" for {local.taken.getsockname()[1]}" in local.process.text()
    assert "Open the Agents Playground: http://127.0.0.1:" in local.process.text()
    again = local.command(*local.options)
    assert 1 == again.returncode
    assert "It runs in this folder already" in again.stderr
    assert f"server: http://127.0.0.1:{local.port}" in again.stderr


@pytest.mark.timeout(600)
def test_interrupt_ends_all_of_it(local: Local) -> None:
    local.process.kill(signal.SIGINT)

    assert "Stopping" in local.process.text()
    assert 0 == local.process.wait()
    ended = Process("again", [*PROGRAM, *local.options], local.folder, local.environment)
    ended.start()
    until(lambda: is_up(ended), "it to start again", START_TIMEOUT_S)
    ended.kill(signal.SIGINT)
