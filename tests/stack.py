"""The whole product as real processes: its servers on one database, model, CRM and mailbox.

For tests that must survive `kill -9`, or that a browser drives. Everything is on free ports, and
the database is a new one: an SQLite file for one server, or PostgreSQL for as many as are wanted.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, Literal

import httpx
import yaml

from countersign.sandbox.standins import ask_in, use
from tests.api_client import ADELE, ALEX, SAM, TASK, ApiClient
from tests.balancer import Balancer
from tests.doubles import postgres
from tests.processes import (
    ROOT,
    START_TIMEOUT_S,
    Forked,
    Nursery,
    Process,
    countersign,
    free_port,
    said_by,
    stand_in,
    until,
)

__all__ = ["ADELE", "ALEX", "ROOT", "SAM", "TASK", "Process", "Stack", "free_port", "until"]
COUNTERSIGN = "countersign.bot.cli.main"
Database = Literal["sqlite", "postgresql"]


class Stack(ApiClient):
    """The running product, and what a client of it can do and see."""

    def __init__(
        self,
        directory: Path,
        *,
        database: Database = "sqlite",
        replicas: int = 1,
        teams: Mapping[str, Any] | None = None,
        tickets: Mapping[str, Mapping[str, Any]] | None = None,
        bot_framework: bool = False,
        by_mail: bool = False,
        by_slack: bool = False,
        adjust: Callable[[dict[str, Any]], None] | None = None,
        nursery: Nursery | None = None,
        module: str = COUNTERSIGN,
        server_env: Mapping[str, str] | None = None,
    ):
        """`teams` and `tickets` are settings that differ from the local ones: of the bot, and of
        each ticket system to run, in which every request is shown as well. `bot_framework` runs
        the people in Teams, too; `by_mail` sends every request by mail. `adjust` changes anything
        else. `module` is the program of the servers and `server_env` what they find around them;
        `nursery` forks them instead."""
        assert database == "postgresql" or replicas == 1, "SQLite is for one server"
        self.directory, self.database, self.by_mail = directory, database, by_mail
        self.by_slack = by_slack
        self._module, self._nursery = module, nursery
        self.ports = [free_port() for _ in range(replicas)]
        self.port = self.ports[0] if replicas == 1 else free_port()
        super().__init__(f"http://127.0.0.1:{self.port}")
        self.balancer = None if replicas == 1 else Balancer(self.port, self.ports)
        self.database_url = (
            f"sqlite:///{directory}/countersign.db" if database == "sqlite" else postgres.fresh()
        )
        self._children: list[Process] = []
        self.servers: list[Process] = []
        try:
            self._set_up(teams or {}, tickets or {}, bot_framework, adjust, server_env or {})
        except BaseException:
            self.close()
            raise

    def _set_up(
        self,
        teams: Mapping[str, Any],
        tickets: Mapping[str, Mapping[str, Any]],
        bot_framework: bool,
        adjust: Callable[[dict[str, Any]], None] | None,
        server_env: Mapping[str, str],
    ) -> None:
        directory = self.directory
        self.tickets = {name: self._ticket_system(name) for name in tickets}
        people = (
            self._stand_in("botframework", "--bot", f"{self.url}/api/messages")
            if bot_framework
            else None
        )
        model = self._stand_in("openai")
        crm = self._stand_in("crm", "--db", str(directory / "crm.db"))
        mail = self._stand_in("mailbox", "--db", str(directory / "mail.db"), "--smtp-port", "0")
        self.model, self.crm, self.mail = (p.first_json() for p in (model, crm, mail))
        self.people = {} if people is None else people.first_json()
        self.slack = {}
        if self.by_slack:
            hook = f"{self.url}/webhooks/slack"
            self.slack = self._stand_in("slack", "--hook-url", hook).first_json()
        self.config = directory / "countersign.yaml"
        settings = self._settings(teams, tickets)
        if adjust is not None:
            adjust(settings)
        self.config.write_text(yaml.safe_dump(settings))
        self.env = {
            "COUNTERSIGN_ENV": "local",
            "COUNTERSIGN_CONFIG": str(self.config),
            "COUNTERSIGN_DATABASE_URL": self.database_url,
            "OPENAI_API_KEY": "",
            "AZURE_OPENAI_API_KEY": "",
            "XDG_CACHE_HOME": str(directory / "cache"),
            **server_env,
        }
        for number in range(len(self.ports)):
            self.new_server(number=number)

    @property
    def server(self) -> Process:
        """The only one, or the first."""
        return self.servers[0]

    def _stand_in(self, name: str, *options: str) -> Process:
        child = stand_in(name, self.directory, *options)
        self._children.append(child)
        return child

    def _ticket_system(self, name: str) -> dict[str, Any]:
        where = f"{self.url}/webhooks/{name}"
        if name == "asana":
            return self._stand_in(name, "--hook-url", where).first_json()
        option = "--webhook-url" if name == "jira" else "--rule-url"
        database = str(self.directory / f"{name}.db")
        return self._stand_in(name, "--db", database, option, where).first_json()

    def _settings(
        self, teams: Mapping[str, Any], tickets: Mapping[str, Mapping[str, Any]]
    ) -> dict[str, Any]:
        settings: dict[str, Any] = yaml.safe_load((ROOT / "countersign.yaml").read_text())
        settings["public_url"] = self.url
        settings["teams"] = {**settings["teams"], **teams}
        ready = {"openai": self.model, "crm": self.crm, "mailbox": self.mail, **self.tickets}
        if self.by_mail:
            ready["email"] = self.mail
        if self.by_slack:
            ready["slack"] = self.slack
        use(settings, ready)
        for name, differs in tickets.items():
            settings["connectors"][name] |= differs
        ask_in(settings, "teams", *self.tickets, *self._others())
        return settings

    def _others(self) -> list[str]:
        """Where requests are shown beside Teams and tickets."""
        return [*(["email"] if self.by_mail else ()), *(["slack"] if self.by_slack else ())]

    def new_server(
        self, *, module: str = "", number: int = 0, hold: bool = False, **env: str
    ) -> Process:
        """A server as a process that is not started yet, in the place of the one before it."""
        name = "server" if len(self.ports) == 1 else f"server-{number + 1}"
        options = ["serve", "--port", str(self.ports[number]), *(["--hold"] if hold else [])]
        full = {**self.env, **env}
        module = module or self._module
        if self._nursery is not None:
            made: Process = Forked(name, options, self.directory, full, self._nursery)
        elif module == COUNTERSIGN:
            made = countersign(name, options, self.directory, full)
        else:
            made = Process(name, [sys.executable, "-m", module, *options], self.directory, full)
        self._children.append(made)
        self.servers[number : number + 1] = [made]
        return made

    def start(self) -> None:
        """Start the servers and wait until each says that it is ready."""
        if self.balancer is not None and not self.balancer.running:
            self.balancer.start()
        for server in self.servers:
            server.start()
        self.until_ready()

    def until_ready(self) -> None:
        """Wait for `/readyz` of every server."""
        for port, server in zip(self.ports, self.servers, strict=True):
            self.until_one_is_ready(port, server)

    def until_one_is_ready(self, port: int, server: Process) -> None:
        """Wait for one of them."""

        def ready() -> bool:
            assert server.running, f"the server ended at its start:\n{server.text()}"
            try:
                return self.http.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
            except httpx.TransportError:
                return False

        until(ready, "the server to be ready", START_TIMEOUT_S)

    def effects(self, action: str | None = None) -> list[dict[str, Any]]:
        """Every write that the CRM really received."""
        headers = {"X-Api-Key": self.crm["api_key"]}
        answer = self.http.get(f"{self.crm['url']}/effects", headers=headers)
        rows: list[dict[str, Any]] = answer.json()["effects"]
        return [row for row in rows if action is None or row["action"] == action]

    def ledger_verifies(self) -> bool:
        """What the command line says of every chain, read from the database."""
        return self.said("ledger", "verify").returncode == 0

    def said(self, *argv: str, **env: str) -> CompletedProcess[str]:
        """What a command says beside the servers."""
        # After half an hour of load there is much to check.
        return said_by(argv, self.directory, {**self.env, **env}, timeout_s=900)

    def close(self) -> None:
        """End everything that was started, and drop the database."""
        for child in self._children:
            child.kill()
        self.http.close()
        if self.balancer is not None:
            self.balancer.close()
        if self.database == "postgresql":
            postgres.drop(self.database_url)


@contextmanager
def stack(directory: Path, **kwargs: Any) -> Iterator[Stack]:
    """A stack with its stand-ins running and its servers not started yet."""
    running = Stack(directory, **kwargs)
    try:
        yield running
    finally:
        running.close()
