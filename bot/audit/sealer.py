"""`countersign seal`: signs a server's checkpoints where neither it nor its database is.

It remembers what it has signed, and signs nothing that is not a continuation of that: a database
that was set back, or a chain that was replaced, gets no signature.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import httpx

from countersign.approvals.audit.merkle import is_consistent
from countersign.approvals.audit.notes import Checkpoint, SigningKey
from countersign.approvals.errors import IntegrityError, InvalidError, UnavailableError

PATH = "/api/v1/ledger"
TIMEOUT_S = 30.0


class Sealer:
    """Signs with one key, and keeps in a file what it has signed last."""

    def __init__(self, client: httpx.Client, key: SigningKey, state: Path):
        self._client, self._key, self._state = client, key, state

    def seal(self) -> Checkpoint | None:
        """Sign the tree as it is now; None if that is signed already.

        Raises IntegrityError if it is no continuation of what was signed; UnavailableError;
        InvalidError if the server does not take it, or the file cannot be read.
        """
        last = self._last()
        since = 0 if last is None else last.size
        answer = self._call("GET", f"{PATH}/tree?since={since}")
        if answer.status_code == httpx.codes.NOT_FOUND and last is None:
            return None
        if answer.status_code == httpx.codes.CONFLICT or (
            answer.status_code == httpx.codes.NOT_FOUND
        ):
            raise IntegrityError(
                f"The ledger is smaller than the {since} leaves that were signed: its database was "
                "set back. Nothing is signed."
            )
        found = self._checked(answer)
        path = [bytes.fromhex(each) for each in found["consistency"]]
        now = Checkpoint(self._key.name, found["size"], bytes.fromhex(found["root"]))
        if last is not None and not is_consistent(since, now.size, path, last.root, now.root):
            raise IntegrityError(
                f"The ledger is no continuation of the {since} leaves that were signed: something "
                "in it was replaced. Nothing is signed."
            )
        is_new = last is None or last.size < now.size
        if is_new:  # before it is sent: what was signed once is never signed otherwise
            self._keep(now)
        note = self._key.sign(now.text)
        self._checked(self._call("POST", f"{PATH}/checkpoints", {"note": note}))
        return now if is_new else None

    def _call(self, method: str, path: str, body: Any = None) -> httpx.Response:
        try:
            return self._client.request(method, path, json=body)
        except httpx.HTTPError as exc:
            raise UnavailableError(f"{self._client.base_url}: cannot be reached: {exc}.") from exc

    def _checked(self, answer: httpx.Response) -> Any:
        try:
            body = answer.json()
        except ValueError:
            body = {}
        if answer.is_error:
            why = body.get("detail", "") if isinstance(body, dict) else ""
            kind = UnavailableError if answer.status_code >= 500 else InvalidError
            raise kind(f"{answer.url} answers {answer.status_code}: {why}")
        return body

    def _last(self) -> Checkpoint | None:
        try:
            kept = json.loads(self._state.read_text(encoding="utf-8"))
            return Checkpoint(self._key.name, int(kept["size"]), bytes.fromhex(kept["root"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as exc:
            raise InvalidError(f"{self._state}: cannot be read: {exc}.") from exc

    def _keep(self, checkpoint: Checkpoint) -> None:
        text = json.dumps({"size": checkpoint.size, "root": checkpoint.root.hex()})
        new = self._state.with_name(f"{self._state.name}.new")
        try:
            with new.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            new.replace(self._state)
        except OSError as exc:
            raise InvalidError(f"{self._state}: cannot be written: {exc.strerror}.") from exc
