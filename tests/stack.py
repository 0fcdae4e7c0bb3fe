"""The whole product as real processes: the server, its model, CRM and mailbox, on free ports.

For tests that must survive `kill -9`, or that a browser drives.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

ROOT = Path(__file__).resolve().parent.parent
START_TIMEOUT_S = 60.0
STORY_TIMEOUT_S = 60.0
POLL_S = 0.05
ALEX, SAM, ADELE = "local-token-alex", "local-token-sam", "local-token-adele"
"""Tokens of the local configuration: who approves, who asks, who may do neither."""
TASK = "quote for Contoso, 25 seats"


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process:
    """A child in a process group of its own, with its output in a file."""

    def __init__(self, name: str, argv: list[str], directory: Path, env: Mapping[str, str]):
        self.name, self._argv, self._directory, self._env = name, argv, directory, env
        self.log = directory / f"{name}.log"
        self._popen: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; its output is appended to the log."""
        with self.log.open("ab") as out:
            self._popen = subprocess.Popen(
                self._argv,
                cwd=self._directory,
                env={**os.environ, "PYTHONPATH": str(ROOT), **self._env},
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._popen is not None and self._popen.poll() is None

    def wait(self, timeout_s: float = START_TIMEOUT_S) -> int:
        """Its exit status, once it has ended by itself."""
        assert self._popen is not None
        return self._popen.wait(timeout_s)

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End it, at once unless told otherwise."""
        if self._popen is not None and self._popen.poll() is None:
            os.killpg(self._popen.pid, how)
            self._popen.wait(START_TIMEOUT_S)

    def text(self) -> str:
        """What it has printed so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def first_json(self) -> dict[str, Any]:
        """The JSON line with which a stand-in says that it is ready."""

        def found() -> dict[str, Any] | None:
            for line in self.text().splitlines():
                if line.startswith("{"):
                    value: dict[str, Any] = json.loads(line)
                    return value
            assert self.running, f"{self.name} ended at its start:\n{self.text()}"
            return None

        return until(found, f"{self.name} to be ready")


def until(found: Any, what: str, timeout_s: float = STORY_TIMEOUT_S) -> Any:
    """The first true answer of `found`, which another process brings about."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        value = found()
        if value:
            return value
        time.sleep(POLL_S)
    raise AssertionError(f"waited {timeout_s:.0f} s for {what}")


class Stack:
    """The running product, and what a client of it can do and see."""

    def __init__(
        self,
        directory: Path,
        *,
        teams: Mapping[str, Any] | None = None,
        tickets: Mapping[str, Mapping[str, Any]] | None = None,
    ):
        """`tickets` names the ticket systems to run, with settings that differ from the local ones;
        every request is shown in all of them as well."""
        self.directory = directory
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._children: list[Process] = []
        self.tickets = {name: self._ticket_system(name) for name in tickets or {}}
        model = self._stand_in("openai")
        crm = self._stand_in("crm", "--db", str(directory / "crm.db"))
        mail = self._stand_in(
            "mailbox", "--db", str(directory / "mail.db"), "--smtp-port", str(free_port())
        )
        self.model, self.crm, self.mail = (p.first_json() for p in (model, crm, mail))
        self.config = directory / "countersign.yaml"
        self.config.write_text(yaml.safe_dump(self._settings(teams or {}, tickets or {})))
        self.env = {
            "COUNTERSIGN_ENV": "local",
            "COUNTERSIGN_CONFIG": str(self.config),
            "COUNTERSIGN_DATABASE_URL": f"sqlite:///{directory}/countersign.db",
            "OPENAI_API_KEY": "",
            "AZURE_OPENAI_API_KEY": "",
        }
        self.server = self.new_server()

    def _stand_in(self, name: str, *options: str) -> Process:
        argv = [sys.executable, "-m", f"sandbox.{name}", "--port", "0", *options]
        child = Process(name, argv, self.directory, {})
        self._children.append(child)
        child.start()
        return child

    def _ticket_system(self, name: str) -> dict[str, Any]:
        where = f"{self.url}/webhooks/{name}"
        option = "--webhook-url" if name == "jira" else "--rule-url"
        database = str(self.directory / f"{name}.db")
        return self._stand_in(name, "--db", database, option, where).first_json()

    def _settings(
        self, teams: Mapping[str, Any], tickets: Mapping[str, Mapping[str, Any]]
    ) -> dict[str, Any]:
        settings: dict[str, Any] = yaml.safe_load((ROOT / "countersign.yaml").read_text())
        settings["public_url"] = self.url
        settings["model"] = {**settings["model"], "base_url": self.model["base_url"]}
        settings["teams"] = {**settings["teams"], **teams}
        settings["workflows"]["settings"] |= {
            "crm_url": self.crm["url"],
            "smtp_port": self.mail["smtp_port"],
        }
        settings["connectors"] = {
            name: {**settings["connectors"][name], "url": ready["url"], **tickets[name]}
            for name, ready in self.tickets.items()
        }
        for rule in settings["policy"]["tools"].values():
            if isinstance(rule, dict):
                rule["channels"] = ["teams", *self.tickets]
        return settings

    def new_server(self, *, module: str = "bot.cli", **env: str) -> Process:
        """The server as a process that is not started yet."""
        argv = [sys.executable, "-m", module, "serve", "--port", str(self.port)]
        self.server = Process("server", argv, self.directory, {**self.env, **env})
        self._children.append(self.server)
        return self.server

    def start(self) -> None:
        """Start the server and wait until it says that it is ready."""
        self.server.start()
        self.until_ready()

    def until_ready(self) -> None:
        """Wait for `/readyz`."""

        def ready() -> bool:
            assert self.server.running, f"the server ended at its start:\n{self.server.text()}"
            try:
                return httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200
            except httpx.TransportError:
                return False

        until(ready, "the server to be ready", START_TIMEOUT_S)

    def api(self, method: str, path: str, token: str = ALEX, **kwargs: Any) -> httpx.Response:
        """One call of the REST API."""
        headers = {"Authorization": f"Bearer {token}", **kwargs.pop("headers", {})}
        return httpx.request(
            method, f"{self.url}/api/v1{path}", headers=headers, timeout=30, **kwargs
        )

    def get(self, path: str) -> Any:
        """The JSON of a GET that must succeed; None while the server is away."""
        try:
            answer = self.api("GET", path)
        except httpx.TransportError:
            return None
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ask(self, task: str = TASK, workflow: str = "sales_quote", key: str = "the-one") -> str:
        """Start a session as Sam; the same key gives the same session. Returns its id."""
        answer = self.api(
            "POST",
            "/sessions",
            SAM,
            json={"workflow": workflow, "task": task},
            headers={"Idempotency-Key": key},
        )
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def pending(self) -> dict[str, Any]:
        """The first request that waits for a person, once there is one."""

        def first() -> Any:
            page = self.get("/requests?status=pending")
            return page["items"][0] if page and page["items"] else None

        found: dict[str, Any] = until(first, "a pending request")
        return found

    def vote(self, request: Mapping[str, Any], verdict: str = "approve", **more: Any) -> Any:
        """Vote as Alex."""
        body = {"verdict": verdict, "digest": request["digest"], **more}
        return self.api("POST", f"/requests/{request['id']}/votes", json=body)

    def ended(self, session: str) -> dict[str, Any]:
        """The session, once it is over."""

        def over() -> Any:
            found = self.get(f"/sessions/{session}")
            return found if found and found["status"] not in ("running", "waiting") else None

        found: dict[str, Any] = until(over, f"session {session} to end")
        return found

    def effects(self, action: str | None = None) -> list[dict[str, Any]]:
        """Every write that the CRM really received."""
        answer = httpx.get(
            f"{self.crm['url']}/effects", headers={"X-Api-Key": self.crm["api_key"]}, timeout=10
        )
        rows: list[dict[str, Any]] = answer.json()["effects"]
        return [row for row in rows if action is None or row["action"] == action]

    def ledger_verifies(self) -> bool:
        """What the command line says of every chain, read from the file."""
        done = subprocess.run(
            [sys.executable, "-m", "bot.cli", "ledger", "verify"],
            cwd=self.directory,
            env={**os.environ, "PYTHONPATH": str(ROOT), **self.env},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode == 0

    def close(self) -> None:
        """End everything that was started."""
        for child in self._children:
            child.kill()


@contextmanager
def stack(directory: Path, **kwargs: Any) -> Iterator[Stack]:
    """A stack with its stand-ins running and its server not started yet."""
    running = Stack(directory, **kwargs)
    try:
        yield running
    finally:
        running.close()
