"""Commands that change something: they ask the running server, which holds the database."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from countersign.approvals.audit.canonical import short
from countersign.approvals.errors import (
    ConfigurationError,
    InvalidError,
    RefusedError,
    UnavailableError,
)
from countersign.approvals.models import Verdict
from countersign.bot.cli.options import ConfigOption, read_part
from countersign.bot.console import console
from countersign.bot.settings.people import tokens_of

TIMEOUT_S = 30.0
TOKEN_VARIABLE = "COUNTERSIGN_TOKEN"  # noqa: S105 - the name of a variable
"""The token of whoever sits at the command line, for what admins do in production as well."""

PersonOption = Annotated[str, typer.Option("--as", help="The id of a person in `people`.")]
ServerOption = Annotated[
    str | None, typer.Option("--server", help="The running server; else public_url.")
]


class Server:
    """The API of the running server, as one person."""

    def __init__(self, config: Path | None, person: str, url: str | None):
        part = read_part(config)
        self._url = (url or part.public_url()).rstrip("/")
        if not person and (own := os.environ.get(TOKEN_VARIABLE, "").strip()):
            self._headers = {"Authorization": f"Bearer {own}"}
            return
        if not person:
            raise ConfigurationError(
                [f"say who you are: {TOKEN_VARIABLE}, or in local mode --as PERSON."]
            )
        if not part.local:
            raise RefusedError(
                "This command speaks as somebody else, so it works in local mode only: set "
                "COUNTERSIGN_ENV=local, or decide in Teams or through the API with your own token."
            )
        people, token = part.people(), part.token(person)
        part.require_sound()
        if token is None:
            is_known = any(each.id == person for each in people)
            what = "has no token" if is_known else "nobody has this id"
            known = ", ".join(sorted(tokens_of(people)))
            raise ConfigurationError([f"--as {person}: {what}; people with a token: {known}."])
        self._headers = {"Authorization": f"Bearer {token.get_secret_value()}"}

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """The answer. Raises RefusedError with the server's own words, or UnavailableError."""
        import httpx  # with a command line of its own; other commands need none of it

        try:
            with httpx.Client(timeout=TIMEOUT_S, trust_env=False) as client:
                response = client.request(
                    method, self._url + path, json=body, headers=self._headers
                )
        except httpx.HTTPError as exc:
            raise UnavailableError(
                f"The server at {self._url} cannot be reached ({exc}). It holds the "
                "database, so start it with `countersign serve`, or name it with --server."
            ) from exc
        answer: dict[str, Any] = response.json() if response.content else {}
        if response.is_error:
            raise RefusedError(
                str(answer.get("detail", f"The server answered {response.status_code}."))
            )
        return answer


def decide(
    request: Annotated[str, typer.Argument(help="The id of the request.")],
    verdict: Verdict,
    person: PersonOption,
    arguments: Annotated[
        str | None, typer.Option(help="With modify: all arguments, as JSON.")
    ] = None,
    comment: Annotated[str, typer.Option(help="Required to reject.")] = "",
    preview: Annotated[
        bool, typer.Option("--preview", help="With modify: say who would decide, and do nothing.")
    ] = False,
    server: ServerOption = None,
    config: ConfigOption = None,
) -> None:
    """Decide a request as somebody (local mode only)."""
    api = Server(config, person, server)
    found = api.call("GET", f"/api/v1/requests/{request}")
    if preview:
        changed = {"digest": found["digest"], "arguments": _object(arguments or "")}
        edit = api.call("POST", f"/api/v1/requests/{request}/edits/preview", changed)
        console.print(edit["others"] or "Nobody else has to decide it then.", markup=False)
        return
    body: dict[str, Any] = {"verdict": verdict, "digest": found["digest"], "comment": comment}
    if arguments is not None:
        body["arguments"] = _object(arguments)
    decided = api.call("POST", f"/api/v1/requests/{request}/votes", body)
    console.print(
        f"{decided['id']} is {decided['status']} (digest {short(decided['digest'])})", markup=False
    )


def withdraw(
    request: Annotated[str, typer.Argument(help="The id of the request.")],
    person: PersonOption,
    server: ServerOption = None,
    config: ConfigOption = None,
) -> None:
    """Take back somebody's vote while nothing is decided (local mode only)."""
    api = Server(config, person, server)
    left = api.call("POST", f"/api/v1/requests/{request}/votes/withdraw")
    console.print(f"{left['id']} is {left['status']}, without that vote", markup=False)


def revoke(
    request: Annotated[str, typer.Argument(help="The id of the request.")],
    reason: Annotated[str, typer.Option(help="The agents and whoever asked read it.")],
    person: PersonOption,
    ask_again: Annotated[
        bool, typer.Option("--ask-again", help="Ask people again instead of rejecting it.")
    ] = False,
    server: ServerOption = None,
    config: ConfigOption = None,
) -> None:
    """Take back an approval that nobody has used yet (local mode only)."""
    api = Server(config, person, server)
    body: dict[str, Any] = {"reason": reason, "ask_again": ask_again}
    left = api.call("POST", f"/api/v1/requests/{request}/revocation", body)
    console.print(f"{left['id']} is {left['status']}", markup=False)


def resolve(
    request: Annotated[str, typer.Argument(help="The id of the request.")],
    happened: Annotated[
        bool,
        typer.Option(
            "--happened/--did-not-happen", help="Whether the call took effect.", show_default=False
        ),
    ],
    note: Annotated[str, typer.Option(help="Where you looked and what you found.")],
    person: PersonOption,
    server: ServerOption = None,
    config: ConfigOption = None,
) -> None:
    """Say what became of a request in doubt; look at the target system first (local mode only)."""
    api = Server(config, person, server)
    body: dict[str, Any] = {"happened": happened, "note": note}
    resolved = api.call("POST", f"/api/v1/requests/{request}/resolution", body)
    console.print(f"{resolved['id']} is {resolved['status']}", markup=False)


def ask(
    request: Annotated[str, typer.Argument(help="The id of the request.")],
    text: Annotated[str, typer.Argument(help="What you want to know before you decide.")],
    person: PersonOption,
    server: ServerOption = None,
    config: ConfigOption = None,
) -> None:
    """Ask the agent about a request before deciding it (local mode only)."""
    api = Server(config, person, server)
    asked = api.call("POST", f"/api/v1/requests/{request}/questions", {"text": text})
    console.print(
        f"{asked['id']} is {asked['status']}; `countersign requests show {request}` shows the "
        "answer",
        markup=False,
    )


def answer(
    question: Annotated[str, typer.Argument(help="The id of the question.")],
    text: Annotated[str, typer.Argument(help="What the agent could not say.")],
    person: PersonOption,
    server: ServerOption = None,
    config: ConfigOption = None,
) -> None:
    """Answer, as whoever asked for the call, what its agent could not (local mode only)."""
    api, (request, _, number) = Server(config, person, server), question.rpartition(".")
    path = f"/api/v1/requests/{request}/questions/{number}/answer"
    given = api.call("POST", path, {"text": text})
    console.print(f"{given['id']} is {given['status']}", markup=False)


def start(
    workflow: Annotated[str, typer.Argument(help="Its name, e.g. sales_quote.")],
    task: Annotated[str, typer.Argument(help="What the agents shall do.")],
    person: PersonOption,
    server: ServerOption = None,
    config: ConfigOption = None,
) -> None:
    """Start a session for somebody (local mode only)."""
    api = Server(config, person, server)
    started = api.call("POST", "/api/v1/sessions", {"workflow": workflow, "task": task})
    console.print(f"{started['id']} is {started['status']}", markup=False)


def cancel(
    session: Annotated[str, typer.Argument(help="The id of the session.")],
    person: PersonOption,
    server: ServerOption = None,
    config: ConfigOption = None,
) -> None:
    """End a session as its owner or an admin (local mode only)."""
    api = Server(config, person, server)
    ended = api.call("POST", f"/api/v1/sessions/{session}/cancel")
    console.print(f"{ended['id']} is {ended['status']}", markup=False)


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as exc:
        raise InvalidError(f"--arguments is not JSON: {exc}") from exc
    if not isinstance(value, dict):
        raise InvalidError('--arguments must be a JSON object, for example {"amount": 900}.')
    return value
