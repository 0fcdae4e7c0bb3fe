"""What a test does with the application: start a session, see what waits, vote, see what ran."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import httpx

from countersign.approvals.errors import RefusedError
from countersign.testing.script import ModelScript
from countersign.testing.served import Served, served, token

T = TypeVar("T")
TIMEOUT_S = 30.0
LOOK_EVERY_S = 0.02
RAN = ("executed", "executed_with_changes")
GOES_ON = ("running", "waiting")


class Ran(NamedTuple):
    """A call that was carried out, with exactly these arguments."""

    tool: str
    arguments: dict[str, Any]
    result: str


class App:
    """The application under test. Everything goes through its REST API, as people of `people`."""

    def __init__(self, http: httpx.Client, here: Served):
        self._http, self._here = http, here
        self._people = [person.id for person in here.settings.people]

    @property
    def url(self) -> str:
        """Where it listens."""
        return self._here.url

    @property
    def troubles(self) -> list[str]:
        """What the scripted model's script has raised so far."""
        return self._here.troubles

    def start(self, workflow: str, task: str, *, by: str | None = None) -> Session:
        """Start a session as `by`: else as `teams.local_requester`, else as the first person."""
        person = by or self._here.requester or self._people[0]
        body = {"workflow": workflow, "task": task}
        return Session(self, str(self.api("POST", "/sessions", person, body)["id"]))

    def waiting(self) -> list[Request]:
        """Every request that waits for a person."""
        return [Request(self, body) for body in self.requests("status=pending")]

    def requests(self, query: str) -> list[dict[str, Any]]:
        """The requests as the API shows them, oldest first."""
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            path = f"/requests?{query}&limit=200{cursor}"
            page = self.api("GET", path, self._people[0])
            found += page["items"]
            if page["next"] is None:
                return sorted(found, key=lambda body: str(body["created_at"]))
            cursor = f"&cursor={page['next']}"

    def api(
        self, method: str, path: str, person: str, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The REST API as somebody. Raises RefusedError with the server's words."""
        if person not in self._people:
            known = ", ".join(self._people)
            raise ValueError(f"nobody in people has the id {person!r}; there are {known}.")
        headers = {"Authorization": f"Bearer {token(person)}"}
        answer = self._http.request(method, f"/api/v1{path}", json=body, headers=headers)
        content: dict[str, Any] = answer.json()
        if answer.is_error:
            raise RefusedError(str(content.get("detail", f"answered {answer.status_code}")))
        return content

    def read(self, path: str) -> dict[str, Any]:
        """Something that everybody may read."""
        return self.api("GET", path, self._people[0])


class Session:
    """One run of a workflow."""

    def __init__(self, app: App, session_id: str):
        self._app, self.id = app, session_id

    def waits(self, tool: str | None = None) -> Request:
        """The request for which it waits (of this tool), as soon as there is one.

        Raises AssertionError if it ends instead.
        """

        def look() -> Request | None:
            status = self.status
            for body in self._pending():
                if tool in (None, body["tool"]):
                    return Request(self._app, body)
            assert status in GOES_ON, f"{self._story()} It waits for nobody."
            return None

        return self._eventually(look, f"asks for {tool or 'nobody'}")

    def ended(self) -> str:
        """Its status once it is over: `completed`, `failed` or `cancelled`.

        Raises AssertionError if it waits for a person.
        """

        def look() -> str | None:
            status = self.status
            if status not in GOES_ON:
                return status
            pending = [f"{body['tool']} ({body['id']})" for body in self._pending()]
            assert not pending, f"Session {self.id} waits for a decision on {', '.join(pending)}."
            return None

        return self._eventually(look, "does not end")

    @property
    def status(self) -> str:
        """`running`, `waiting`, `completed`, `failed` or `cancelled`, now."""
        return str(self._body()["status"])

    @property
    def answer(self) -> str:
        """The last words of the agents, once it is over; "" if they had none."""
        self.ended()
        return str(self._body()["answer"] or "")

    @property
    def ran(self) -> list[Ran]:
        """What was carried out so far, in the order in which it was proposed; also what the policy
        allows without asking."""
        bodies = self._app.requests(f"session={self.id}")
        return [
            Ran(body["tool"], body["arguments"], str(body["result"]["content"]))
            for body in bodies
            if body["result"] and body["result"]["outcome"] in RAN
        ]

    def _pending(self) -> list[dict[str, Any]]:
        return self._app.requests(f"session={self.id}&status=pending")

    def _body(self) -> dict[str, Any]:
        return self._app.read(f"/sessions/{self.id}")

    def _story(self) -> str:
        body = self._body()
        said = body["error"] or body["answer"] or "nothing was said"
        story = f"Session {self.id} is {body['status']} ({body['cause']}): {said}"
        story = " ".join([story, *self._not_run()])
        return " The script raised ".join([story, *self._app.troubles])

    def _not_run(self) -> Iterator[str]:
        """What was proposed and did not run, each with why."""
        for body in self._app.requests(f"session={self.id}"):
            result = body["result"]
            if result and result["outcome"] not in RAN:
                why = result["content"] or body["rule"]["reason"]
                yield f"{body['tool']} is {body['status']} and did not run: {why}"

    def _eventually(self, look: Callable[[], T | None], trouble: str) -> T:
        deadline = time.monotonic() + TIMEOUT_S
        while time.monotonic() < deadline:
            found = look()
            if found is not None:
                return found
            time.sleep(LOOK_EVERY_S)  # as any client of the API would
        raise AssertionError(f"{self._story()} After {TIMEOUT_S:.0f} s it {trouble}.")


class Request:
    """A call that waits for a decision, as it stood when it was looked at."""

    def __init__(self, app: App, body: Mapping[str, Any]):
        self._app, self.body = app, body
        self.id = str(body["id"])
        self.tool = str(body["tool"])
        self.arguments: dict[str, Any] = dict(body["arguments"])
        self.why = str(body["rationale"])

    @property
    def approvers(self) -> list[str]:
        """Ids of those who may decide it."""
        return [str(person["id"]) for person in self.body["eligible"]]

    @property
    def status(self) -> str:
        """What has become of it, now."""
        return str(self._app.read(f"/requests/{self.id}")["status"])

    def approve(self, by: str, comment: str = "") -> None:
        """Approve it as somebody. Raises RefusedError with the reason if they may not."""
        self._vote(by, {"verdict": "approve", "comment": comment})

    def reject(self, by: str, comment: str) -> None:
        """Reject it, with the reason that the agents read. Raises RefusedError."""
        self._vote(by, {"verdict": "reject", "comment": comment})

    def change(self, by: str, comment: str = "", **arguments: Any) -> None:
        """Approve it with some other arguments. Raises RefusedError."""
        wanted = self.arguments | arguments
        self._vote(by, {"verdict": "modify", "comment": comment, "arguments": wanted})

    def _vote(self, by: str, vote: Mapping[str, Any]) -> None:
        body = {**vote, "digest": self.body["digest"]}
        self._app.api("POST", f"/requests/{self.id}/votes", by, body)


@contextmanager
def running(
    config: Path,
    *,
    script: ModelScript,
    folder: Path,
    settings: Mapping[str, Any] | None = None,
) -> Iterator[App]:
    """The project of `config`, running for the time of the block: its workflows, rules and people,
    with the scripted model, a new database in `folder` and nothing outside.

    `settings` are put over `workflows.settings`. Raises ConfigurationError.
    """
    with (
        served(config, script=script, folder=folder, settings=settings or {}) as here,
        httpx.Client(base_url=here.url, timeout=TIMEOUT_S, trust_env=False) as http,
    ):
        yield App(http, here)
