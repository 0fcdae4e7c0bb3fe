"""Servers that die, whoever starts them again, and clients that never give up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from countersign.sandbox.botframework.desk import TeamsDesk
from tests.crash.desks import people_of
from tests.crash.points import DIRECTORY, LEASE_S, LOOK_S, Points
from tests.processes import Nursery, until
from tests.stack import Database, Stack, stack

REPLICAS: dict[Database, int] = {"sqlite": 1, "postgresql": 2}
SERVER = "tests.crash.server"
SHORT_LEASE_S = "2"
"""Of a session, where servers die; on a busy machine those that live may lose it, too."""
LEASE_LOST = "lease on session {} has run out"
"""What a server says that could not renew its lease in time, and the result of a call of its."""
SAFE_LEASE_S = "5"
"""For tests in which no request may be in doubt because its server was slow."""
LOOK_EVERY_S = 0.1
OPEN = ("running", "waiting")
AWAY = (500, 502, 503, 504)


class Crowd:
    """A running stack, its points, and patience."""

    def __init__(self, one: Stack, points: Points):
        self.one, self.points, self.kills = one, points, 0
        self.teams = TeamsDesk(people_of(one)) if one.people else None
        self.told_by_webhook = False
        """Whether a program is told of what is asked, and Alex decides there."""
        self.called_off: set[str] = set()
        """Sessions that were cancelled: a server that lives has lost its lease on them."""

    def mind(self) -> None:
        """Start again what died, if nobody else can take over."""
        if len(self.one.servers) == 1:
            self.revive()

    def revive(self) -> list[int]:
        """Start again whatever has died, and do not wait for it; which ones."""
        dead = [n for n, server in enumerate(self.one.servers) if not server.running]
        for number in dead:
            self.kills += 1
            self.one.new_server(number=number).start()
        return dead

    def mend(self) -> None:
        """Start again whatever has died, and wait until it is ready."""
        for number in self.revive():
            self.one.until_one_is_ready(self.one.ports[number], self.one.servers[number])

    def fallen(self) -> bool:
        """Whether the server that reached the point is dead."""
        pid = self.points.fired
        return bool(pid) and not any(s.pid == pid and s.running for s in self.one.servers)

    def frozen(self) -> int | None:
        """Which server is stopped at the point that was armed."""
        for number, server in enumerate(self.one.servers):
            if server.pid == self.points.fired and server.frozen:
                return number
        return None

    def lost_a_lease(self, session: str) -> bool:
        """Whether a server that lives has lost its lease on the session."""
        if not session:
            return False
        said, logs = LEASE_LOST.format(session), {server.log for server in self.one.servers}
        if any(said in log.read_text() for log in logs if log.exists()):
            return True
        rows = self.patient(lambda: self.get(f"/requests?session={session}&limit=100"), "requests")
        return said in str(rows)

    def call_off(self, session: str) -> None:
        """End a session, whatever it is at."""
        self.called_off.add(session)

        def over() -> bool:
            found = self.get(f"/sessions/{session}")
            if found["status"] not in OPEN:
                return True
            token = f"local-token-{found['owner']}"  # nobody else may
            answer = self.one.api("POST", f"/sessions/{session}/cancel", token)
            assert answer.status_code in (200, 409, *AWAY), answer.text
            return False

        self.patient(over, "the session to be cancelled")

    def patient(self, call: Callable[[], Any], what: str, timeout_s: float = 60.0) -> Any:
        """The first true answer, whatever happens to the servers meanwhile."""

        def answer() -> Any:
            try:
                return call()
            except httpx.TransportError:
                return None
            finally:
                self.mind()

        return until(answer, what, timeout_s, every_s=LOOK_EVERY_S)

    def get(self, path: str) -> Any:
        """The JSON of a GET. Raises httpx.TransportError while nobody answers."""
        answer = self.one.api("GET", path)
        if answer.status_code in AWAY:
            raise httpx.TransportError(f"{path}: {answer.status_code}")
        assert answer.status_code == 200, answer.text
        return answer.json()


BUDGETS: dict[str, Any] = {
    "calls": {"tool": "*", "window": "day", "zone": "Europe/Berlin", "count": {"hard": 100_000}},
    "quotes": {
        "tool": "release_quote",
        "window": "1h",
        "value": {"amount": "args.amount", "currency": "EUR", "hard": 10**12},
    },
}
"""What every call draws on; nothing here uses them up."""


def only_the_quote(settings: dict[str, Any]) -> None:
    """The workflow of the stories and no other: building their chats is most of a start."""
    settings["workflows"]["modules"] = ["countersign.examples.sales_quote"]
    settings["policy"]["budgets"] = BUDGETS


@contextmanager
def crowd(
    directory: Path,
    nursery: Nursery,
    database: Database,
    *,
    lease_s: str = SHORT_LEASE_S,
    look_s: float | None = None,
    adjust: Callable[[dict[str, Any]], None] | None = None,
    **kwargs: Any,
) -> Iterator[Crowd]:
    """A stack on this database with mortal servers: one on SQLite, two on PostgreSQL. Without a
    `lease_s` it is the product's own; `look_s` is when a message is drawn once more."""

    def adjusted(settings: dict[str, Any]) -> None:
        only_the_quote(settings)
        if adjust is not None:
            adjust(settings)

    points = Points(directory / "points")
    env = {
        DIRECTORY: str(directory / "points"),
        LEASE_S: lease_s,
        **({} if look_s is None else {LOOK_S: str(look_s)}),
    }
    with stack(
        directory,
        database=database,
        replicas=REPLICAS[database],
        nursery=nursery,
        module=SERVER,
        server_env=env,
        adjust=adjusted,
        **kwargs,
    ) as one:
        one.start()
        yield Crowd(one, points)
