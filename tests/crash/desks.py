"""The ticket systems of a running stack, seen from outside: over their own APIs and switches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import httpx

from tests.stack import Stack

MARK = "agent-approval"


@dataclass(frozen=True)
class Found:
    """One ticket as it stands."""

    id: str
    key: str
    order: str
    """The order key that it carries; empty if it is nobody's."""
    open: bool
    """Whether it carries our mark of what waits."""
    comments: tuple[str, ...]


class Desk(Protocol):
    """What a test needs of a ticket system."""

    settings: Mapping[str, Any]
    """Of the connector, where they differ from the local ones."""
    create: Mapping[str, str]
    """The call that makes a ticket, as a fault names it."""
    lags: bool
    """Whether searches may be late there."""

    def tickets(self) -> list[Found]:
        """Every ticket, the first made first."""

    def approve(self, ticket: Found) -> None:
        """Alex approves it there."""

    def lag(self, lag_s: float) -> None:
        """Let searches hear of changes this late, if the system is one in which they may."""


class _Control:
    """The switches that both stand-ins have."""

    def __init__(self, ready: Mapping[str, Any], http: httpx.Client):
        self.ready, self._http = ready, http
        self.url = str(ready["url"])

    def switch(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._http.request(method, f"{self.url}/_sandbox/{path}", json=body)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def read(self, path: str, user: str, password: str, **params: Any) -> Any:
        answer = self._http.get(f"{self.url}{path}", params=params, auth=(user, password))
        assert answer.status_code == 200, answer.text
        return answer.json()


class ServiceNowDesk:
    """Changes with an approval for each approver."""

    settings: Mapping[str, Any] = {"poll_every": "1s"}
    create: Mapping[str, str] = {"method": "POST", "path": "/table/change_request$"}
    lags = False

    def __init__(self, ready: Mapping[str, Any], http: httpx.Client):
        self._at = _Control(ready, http)

    def tickets(self) -> list[Found]:
        user, password = self._at.ready["user"], self._at.ready["password"]
        path = "/api/now/table/sys_journal_field"
        rows = self._at.read(path, user, password, sysparm_limit=10_000)["result"]
        said: dict[str, list[str]] = {}
        for row in rows:
            said.setdefault(row["element_id"], []).append(row["value"])
        return [
            Found(
                id=change["sys_id"],
                key=change["number"],
                order=change["correlation_id"],
                open=change["correlation_display"] == f"{MARK}:open",
                comments=tuple(said.get(change["sys_id"], ())),
            )
            for change in self._at.switch("GET", "state")["changes"]
        ]

    def approve(self, ticket: Found) -> None:
        body = {"user": "alex.wilber", "do": "approve", "number": ticket.key}
        self._at.switch("POST", "act", body)

    def lag(self, lag_s: float) -> None:
        """The Table API reads the database that it writes."""


class JiraDesk:
    """Issues that people move."""

    settings: Mapping[str, Any] = {"poll_every": "1s", "settle": "1s"}
    create: Mapping[str, str] = {"method": "POST", "path": "/issue$"}
    lags = True

    def __init__(self, ready: Mapping[str, Any], http: httpx.Client):
        self._at = _Control(ready, http)

    def tickets(self) -> list[Found]:
        found: list[Found] = []
        token: str | None = None
        while True:
            more = {} if token is None else {"nextPageToken": token}
            page = self._at.read(
                "/rest/api/2/search/jql",
                self._at.ready["email"],
                self._at.ready["token"],
                jql="project = OPS ORDER BY created ASC",
                fields="labels,comment",
                maxResults=1000,
                **more,
            )
            found += [self._found(issue) for issue in page["issues"]]
            token = page.get("nextPageToken")
            if token is None:
                return found

    def _found(self, issue: Any) -> Found:
        labels = set(issue["fields"]["labels"])
        states = {f"{MARK}-open", f"{MARK}-closed"}
        orders = [label for label in labels - states if label.startswith(f"{MARK}-R-")]
        comments = issue["fields"]["comment"]["comments"]
        return Found(
            id=issue["id"],
            key=issue["key"],
            order=orders[0].removeprefix(f"{MARK}-") if orders else "",
            open=f"{MARK}-open" in labels,
            comments=tuple(comment["body"] for comment in comments),
        )

    def approve(self, ticket: Found) -> None:
        body = {"as": "alex", "action": "transition", "key": ticket.key, "to_status": "10002"}
        self._at.switch("POST", "act", body)

    def lag(self, lag_s: float) -> None:
        self._at.switch("PUT", "settings", {"index_lag_s": lag_s})


DESKS: Mapping[str, type[ServiceNowDesk] | type[JiraDesk]] = {
    "jira": JiraDesk,
    "servicenow": ServiceNowDesk,
}


def settings_of(*systems: str) -> Mapping[str, Mapping[str, Any]]:
    """What `stack(tickets=…)` takes for these systems."""
    return {system: DESKS[system].settings for system in systems}


def desk_of(one: Stack, system: str) -> Desk:
    """The desk of a running stack."""
    return DESKS[system](one.tickets[system], one.http)


def lose_answer(one: Stack, system: str, number: int) -> None:
    """One more create is carried out and not answered: 503, or a reset if the number is odd."""
    kind = {"kind": "reset_after"} if number % 2 else {"kind": "error_after", "status": 503}
    _Control(one.tickets[system], one.http).switch(
        "POST", "fault", {**DESKS[system].create, **kind}
    )


def faults_left(one: Stack, system: str) -> int:
    """How many lost answers are still to come."""
    left = _Control(one.tickets[system], one.http).switch("GET", "fault")
    return sum(fault["times"] for fault in left)
