"""The accounts of the tenant: who may sign in, and since when somebody is signed in."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field

from countersign.sandbox.graph.tenant import TENANT_ID

__all__ = ["TENANT_ID", "Account", "Accounts", "SignedIn"]


@dataclass(frozen=True)
class Account:
    """One person as the tenant knows them. `name` and `username` can change, `oid` cannot."""

    oid: str
    name: str
    username: str

    @property
    def sub(self) -> str:
        """Other than the oid, and another one for each application: so does Entra."""
        return f"sub-{self.oid}"


@dataclass(frozen=True)
class SignedIn:
    """A browser's session at the issuer."""

    account: Account
    auth_time: int
    acr: str
    sid: str = field(default_factory=lambda: secrets.token_urlsafe(12))


def _listed(*given: tuple[str, str, str]) -> dict[str, Account]:
    return {key: Account(oid, name, f"{key}@example.com") for key, name, oid in given}


class Accounts:
    """Those of `countersign.yaml` with their object ids, and one whom nobody there knows."""

    def __init__(self) -> None:
        self.all = _listed(
            ("alex", "Alex Wilber", "00000000-0000-0000-0000-0000000000020"),
            ("megan", "Megan Bowen", "00000000-0000-0000-0000-0000000000021"),
            ("adele", "Adele Vance", "00000000-0000-0000-0000-0000000000022"),
            ("stranger", "Robin Stranger", "00000000-0000-0000-0000-0000000000099"),
        )
        self._sessions: dict[str, SignedIn] = {}

    def add(self, key: str, name: str, oid: str, username: str | None = None) -> Account:
        """Let one more person sign in; the same key takes the place of whoever had it."""
        self.all[key] = Account(oid, name, username or f"{key}@example.com")
        return self.all[key]

    def sign_in(self, key: str, *, acr: str) -> tuple[str, SignedIn]:
        """A new session of this browser, with the value of its cookie. Raises KeyError."""
        session = SignedIn(self.all[key], int(time.time()), acr)
        cookie = secrets.token_urlsafe(24)
        self._sessions[cookie] = session
        return cookie, session

    def session(self, cookie: str | None) -> SignedIn | None:
        """Who is signed in in the browser with this cookie."""
        return self._sessions.get(cookie or "")

    def sign_out(self, cookie: str | None) -> None:
        """End the session, if there is one."""
        self._sessions.pop(cookie or "", None)
