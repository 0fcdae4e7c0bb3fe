"""The API of the running server, as the commands call it for one person."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from countersign.approvals.errors import ConfigurationError, RefusedError, UnavailableError
from countersign.bot.cli.options import read_part
from countersign.bot.settings.people import tokens_of

TIMEOUT_S = 30.0
TOKEN_VARIABLE = "COUNTERSIGN_TOKEN"  # noqa: S105 - the name of a variable
"""The token of whoever sits at the command line, for what people do in production as well."""

PersonOption = Annotated[str, typer.Option("--as", help="The id of a person in `people`.")]
ServerOption = Annotated[
    str | None, typer.Option("--server", help="The running server; else public_url.")
]


class ServerRefusedError(RefusedError):
    """The server has said no; `kind` is the problem's (`stale-digest`), `errors` by field."""

    def __init__(self, detail: str, kind: str, errors: tuple[str, ...]):
        self.kind, self.errors = kind, errors
        super().__init__(detail)


class Server:
    """The API of the running server, as one person."""

    def __init__(self, config: Path | None, person: str, url: str | None):
        own = os.environ.get(TOKEN_VARIABLE, "").strip()
        if not person and own and url:  # a server elsewhere: there need be no configuration here
            self.url, self._headers = url.rstrip("/"), _bearer(own)
            return
        part = read_part(config)
        self.url = (url or part.public_url()).rstrip("/")
        if not person and own:
            self._headers = _bearer(own)
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
        self._headers = _bearer(token.get_secret_value())

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """The answer. Raises ServerRefusedError with the server's own words, or
        UnavailableError."""
        import httpx  # with a command line of its own; other commands need none of it

        try:
            with httpx.Client(timeout=TIMEOUT_S, trust_env=False) as client:
                response = client.request(method, self.url + path, json=body, headers=self._headers)
        except httpx.HTTPError as exc:
            raise UnavailableError(
                f"The server at {self.url} cannot be reached ({exc}). It holds the "
                "database, so start it with `countersign serve`, or name it with --server."
            ) from exc
        try:
            answer = response.json() if response.content else {}
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise UnavailableError(
                f"What answers at {self.url} is not Countersign's API (status "
                f"{response.status_code}); check --server."
            )
        if response.is_error:
            detail = str(answer.get("detail", f"The server answered {response.status_code}."))
            kind = str(answer.get("type", "")).rpartition(":")[2]
            raise ServerRefusedError(detail, kind, tuple(map(str, answer.get("errors") or ())))
        return answer


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
