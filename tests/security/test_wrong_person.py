"""A signed-in wrong person at every address: who may not read a request does not learn that there
is one, and who may not decide it changes nothing. New routes are attacked by being there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import select

from countersign.approvals.models import Domain
from countersign.approvals.store.schema import metadata
from countersign.bot.people import SettingsDirectory
from countersign.bot.server.app import OPERATIONS, PROBES
from countersign.bot.settings.sections import PersonSettings
from tests.bot import api_world
from tests.bot.api_world import PEOPLE, POLICY
from tests.bot.inbox_world import Browser, InboxWorld, inbox

FINANCE = {"finance": Domain(tools=frozenset({"send"}), workflows=frozenset({"echo"}))}
STRANGER, READER, CONTROLLER, REQUESTER = "adele", "rita", "carl", "sam"
SECRET = "zebra"
"""A word that stands nowhere else."""
STAGES = [{"roles": ["manager"]}, {"roles": ["controller"]}]
QUERIES = {
    "/inbox": (f"?q={SECRET}", "?sort=due", "?sort=risk&risk=high", "?part=1"),
    "/inbox/sessions": ("?status=waiting", "?status=failed"),
    "/inbox/rules": (f"?q={SECRET}",),
    "/api/v1/requests": ("?status=pending", "?status=in_doubt", "?mine=true", "?session={session}"),
    "/api/v1/sessions": ("?status=waiting",),
}
"""What is asked of a list besides all of it."""
BY_QUERY = (
    "/inbox/live?request={request}",
    "/inbox/live?session={session}",
    "/api/v1/ledger?session={session}",
    "/inbox/ledger/export?session={session}",
    "/api/v1/requests?session={session}",
)
"""What is named by the query."""
VALUES: dict[str, Any] = {
    "verdict": "reject", "comment": "no", "reason": "because", "text": "why?", "note": "seen",
    "happened": True, "arguments": {"to": "me", "amount": 1}, "older_than_days": 1, "limit": 1,
    "rule": "tools.send", "tool": "send", "phase": "autonomous", "evidence": "e" * 64,
    "file": "x.jsonl", "hold": "H-1", "delegate": "alex", "ends_at": "2026-11-23T12:00:00Z",
    "workflow": "quote", "task": "mine", "all": True, "ask_again": True,
}  # fmt: skip
"""Of fields of forms and bodies, by name."""
OWN = (
    "/api/v1/sessions", "/api/v1/delegations", "/inbox/workflows", "/inbox/language",
    "/inbox/sign-out", "/inbox/sign-in/local",
)  # fmt: skip
"""What everybody may do: their own things."""
NOT_OF_PEOPLE = ("/api/messages", "/webhooks/", "/inbox/static/", "/api/openapi.json", "/read/")
"""Spoken to by systems and by links."""
COUNTED = (
    "requests", "votes", "questions", "hindsights", "sessions", "pauses", "grants", "rollouts",
    "legal_holds", "archived_sessions", "ledger_checkpoints", "deliveries", "delegations",
)  # fmt: skip
HEADS = ("ledger_", "updated_at")
"""Where the ledger of a session stands: a refusal is on it."""


@pytest.fixture(autouse=True)
def divided(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls belong to a domain; there are people of each kind."""
    more = [
        PersonSettings(id=READER, name="Rita Reader", domains=frozenset({"finance"})),
        PersonSettings(id=CONTROLLER, name="Carl Controller", roles=frozenset({"controller"})),
    ]
    sends = {k: v for k, v in POLICY["tools"]["send"].items() if k != "roles"}
    tools = {**POLICY["tools"], "send": {**sends, "stages": STAGES}}
    monkeypatch.setattr(api_world, "PEOPLE", [*PEOPLE, *more])
    monkeypatch.setattr(api_world, "POLICY", {**POLICY, "tools": tools})
    divided = partial(SettingsDirectory, domains=lambda: FINANCE)
    monkeypatch.setattr(api_world, "SettingsDirectory", divided)


class Target:
    """Requests of Sam's that concern Finance alone, and all routes of a server."""

    def __init__(self, world: InboxWorld):
        self.world, self.api = world, world.api
        self.request: dict[str, Any] = {}
        self.names: dict[str, str] = {}

    async def ask(self) -> None:
        """One waits, one was approved by a manager, one was rejected."""
        arguments = {"to": f"{SECRET}@contoso.example", "amount": 10}
        for verdict in ("reject", "approve"):
            other = await self.api.waiting(arguments)
            await self.api.vote(other, verdict=verdict, comment=f"{SECRET} again")
        self.request = await self.api.waiting(arguments)
        self.names = {
            "id": self.request["id"], "request": self.request["id"], "number": "1",
            "session": self.request["session_id"], "token": "x" * 43, "name": "x",
        }  # fmt: skip

    def routes(self, *methods: str) -> Iterator[tuple[str, str]]:
        """Method and address of each that people use."""
        for route in self.api.client.server.app.router.routes():  # type: ignore[attr-defined]
            path = route.resource.canonical
            if route.method in methods and not path.startswith((*NOT_OF_PEOPLE, *PROBES)):
                yield route.method, path

    def address(self, path: str, **names: str) -> str:
        """The path about the request, or the session, that waits."""
        found = {**self.names, **names}
        if "/sessions/{id}" in path and "id" not in names:
            found["id"] = found["session"]
        return path.format(**found)

    def body(self, path: str) -> dict[str, Any]:
        """What fits an operation of the API."""
        (found,) = (o for o in OPERATIONS if o.path == path and o.method == "POST")
        fields = {} if found.body is None else found.body.model_fields
        sent = {name: VALUES[name] for name in fields if name in VALUES}
        for name, value in (("digest", self.request["digest"]), ("request", self.request["id"])):
            sent |= {name: value} if name in fields else {}
        if "digests" in fields:
            sent["digests"] = {self.request["id"]: self.request["digest"]}
        if path.endswith(("/votes", "/pauses", "/holds")):
            left = {"arguments"} if path.endswith("/votes") else {"tool", "workflow"}
            sent = {name: value for name, value in sent.items() if name not in left}
        if "session" in fields and not path.endswith("/restorations"):
            sent["session"] = self.request["session_id"]
        return sent

    def form(self) -> dict[str, str]:
        """All fields of all forms of pages."""
        texts = {name: value for name, value in VALUES.items() if isinstance(value, str)}
        request = self.request
        return {
            **texts, "digest": request["digest"], "question": f"{request['id']}.1", "scope": "all:",
            "happened": "yes", "did": "nothing", f"pick.{request['id']}": request["digest"],
            f"pick-{request['id']}": request["digest"], "argument.to": "me", "next": "/inbox",
            "language": "en", "key": "k", "requester": "sam", "person": STRANGER,
        }  # fmt: skip

    async def state(self) -> dict[str, Any]:
        """All rows that a decision could change."""
        tables = [table for table in metadata.sorted_tables if table.name in COUNTED]
        kept = {t.name: [c for c in t.columns if not c.name.startswith(HEADS)] for t in tables}
        return await self.api.store.read(
            lambda c: {n: sorted(map(repr, c.execute(select(*of)))) for n, of in kept.items()}
        )


def plain(text: str) -> str:
    """A page without what differs at each look."""
    return re.sub(r'value="[0-9A-Za-z_-]{20,}"', "", text)


async def attempt(
    target: Target, person: str, browser: Browser, method: str, path: str, at: str
) -> tuple[int, str]:
    """Status and text of what this person is answered at an address."""
    if path.startswith("/api/"):
        sent = {"json": target.body(path)} if method == "POST" else {}
        status, body = await target.api.call(method, at, person=person, **sent)
        return status, json.dumps(body)
    if path.startswith("/inbox/live"):
        async with browser.client.get(at) as response:
            return response.status, ""
    if method == "GET":
        text = await browser.open(at)
        return browser.status, plain(text)
    await browser.open("/inbox/rules")
    text = await browser.send(at, **target.form())
    return browser.status, plain(text)


def attacked(method: str, path: str) -> bool:
    """Whether it can name a request or a session; a link of a mail is somebody's own."""
    if path in OWN or "{token}" in path or path.startswith("/inbox/static"):
        return False
    return "{" in path or method == "POST"


async def test_lists_and_counts_are_as_if_there_were_nothing(tmp_path: Path) -> None:
    async with inbox(tmp_path) as world:
        target = Target(world)
        stranger = await world.signed_in(STRANGER)
        lists = [path for _, path in target.routes("GET") if "{" not in path]
        target.names = {"session": "S-NONE"}
        before = {}
        for path in lists:
            for query in ("", *QUERIES.get(path, ())):
                if path != "/inbox/live":
                    at = path + query.format(session="S-NONE")
                    before[path, query] = await attempt(target, STRANGER, stranger, "GET", path, at)
        await target.ask()
        different = {}
        for path, query in before:
            at = path + query.format(session=target.request["session_id"])
            after = await attempt(target, STRANGER, stranger, "GET", path, at)
            if after != before[path, query]:
                different[path, query] = (before[path, query], after)

    assert {} == different
    assert len(before) > 30


async def test_nobody_learns_of_what_they_may_not_read(tmp_path: Path) -> None:
    async with inbox(tmp_path) as world:
        target = Target(world)
        await target.ask()
        stranger = await world.signed_in(STRANGER)
        real, digest = dict(target.names), target.request["digest"]
        none = {**real, "id": "R-NONE1", "request": "R-NONE1", "session": "S-NONE1"}
        asked = [("GET", path) for path in BY_QUERY]
        asked += [each for each in target.routes("GET", "POST", "DELETE") if attacked(*each)]
        told = {}
        for method, path in asked:
            found = []
            for names in (real, none):
                target.names = names
                target.request = {"id": names["id"], "session_id": names["session"]}
                target.request["digest"] = digest
                at = target.address(path)
                status, text = await attempt(target, STRANGER, stranger, method, path, at)
                for name in {names["request"], names["session"], quote(names["session"])}:
                    text = text.replace(name, "?")
                found.append((status, text))
            if found[0] != found[1] or SECRET in found[0][1]:
                told[method, path] = found

    assert {} == told
    assert len(asked) > 50


@pytest.mark.parametrize("person", [STRANGER, READER, CONTROLLER, REQUESTER])
async def test_who_may_not_decide_changes_nothing(person: str, tmp_path: Path) -> None:
    async with inbox(tmp_path) as world:
        target = Target(world)
        await target.ask()
        browser = await world.signed_in(person)
        before = await target.state()
        changed: dict[tuple[str, str], Any] = {}
        statuses = {}
        for method, path in target.routes("POST", "DELETE"):
            if path in OWN or "{token}" in path:
                continue
            if person == REQUESTER and path.endswith(("/cancel", "/end")):
                continue  # their own session
            at = target.address(path)
            status, said = await attempt(target, person, browser, method, path, at)
            statuses[method, path] = status
            after = await target.state()
            if after != before:
                changed[method, path] = (status, [t for t in after if after[t] != before[t]])
                before = after
            if path.startswith("/api/") and json.loads(said).get("errors"):
                changed[method, path] = (status, said)  # it was not understood: no attack

    assert {} == changed
    assert len(statuses) > 35
