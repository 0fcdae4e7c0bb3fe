"""Who is calling: basic credentials, an OAuth access token, or an API key.

Sources (read 2026-11-25): ServiceNow docs "OAuth API request parameters" (grants, form-encoded body
to /oauth_token.do; while an access token is good the password grant returns it again), KB0778194
(lifetimes of 1,800 s and 100 days), KB2058936 (client credentials: no refresh token, the call runs
as the OAuth Application User).
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from countersign.sandbox.servicenow.errors import not_authenticated
from countersign.sandbox.servicenow.options import Options
from countersign.sandbox.servicenow.people import BOT, BY_NAME, User

CLIENT_ID = "c0de0000000000000000000000000301"
CLIENT_SECRET = "sandbox-client-secret"  # noqa: S105 (of a stand-in)
API_KEY = "sandbox-api-key"
API_KEY_HEADER = "x-sn-apikey"
_REFRESH_LIFETIME = timedelta(days=100)


class GrantError(Exception):
    """A token request that is refused, with OAuth's error code."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.status, self.error, self.description = status, error, description


@dataclass(frozen=True)
class _Token:
    value: str
    user: User
    expires_at: datetime


class Tokens:
    """The tokens that were issued; a restart forgets them."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._access: dict[str, _Token] = {}
        self._refresh: dict[str, _Token] = {}

    def expire(self) -> None:
        """Every access token has expired; refresh tokens are still good."""
        self._access.clear()

    def issue(self, form: Mapping[str, str]) -> dict[str, Any]:
        """Answer a token request. Raises GrantError."""
        if not _same(form.get("client_id", ""), CLIENT_ID) or not _same(
            form.get("client_secret", ""), CLIENT_SECRET
        ):
            raise GrantError(401, "invalid_client", "access_denied")
        match form.get("grant_type"):
            case "client_credentials":
                return self._answer(self._new(self._access, BOT, self._lifetime))
            case "password":
                user = _checked(form.get("username", ""), form.get("password", ""))
                if user is None:
                    raise GrantError(401, "server_error", "access_denied")
                refresh = self._new(self._refresh, user, _REFRESH_LIFETIME)
                return self._answer(self._current(user), refresh)
            case "refresh_token":
                known = self._good(self._refresh, form.get("refresh_token", ""))
                if known is None:
                    raise GrantError(401, "server_error", "access_denied")
                access = self._new(self._access, known.user, self._lifetime)
                return self._answer(access, known)
            case _:
                raise GrantError(400, "unsupported_grant_type", "unsupported_grant_type")

    def caller(self, headers: Mapping[str, str]) -> User:
        """The user a request comes from. Raises RestError 401."""
        kind, _, credentials = headers.get("Authorization", "").partition(" ")
        user: User | None = None
        if kind.lower() == "basic":
            user = _checked(*_decoded(credentials))
        elif kind.lower() == "bearer":
            token = self._good(self._access, credentials)
            user = None if token is None else token.user
        elif _same(headers.get(API_KEY_HEADER, ""), API_KEY):
            user = BOT
        if user is None:
            raise not_authenticated()
        return user

    @property
    def _lifetime(self) -> timedelta:
        return timedelta(seconds=self._options.token_lifetime_s)

    def _new(self, kept: dict[str, _Token], user: User, lifetime: timedelta) -> _Token:
        token = _Token(secrets.token_urlsafe(48), user, self._options.now() + lifetime)
        kept[token.value] = token
        return token

    def _current(self, user: User) -> _Token:
        good = (self._good(self._access, value) for value in reversed(list(self._access)))
        found = next((token for token in good if token and token.user == user), None)
        return found or self._new(self._access, user, self._lifetime)

    def _good(self, kept: dict[str, _Token], value: str) -> _Token | None:
        token = kept.get(value)
        return token if token and token.expires_at > self._options.now() else None

    def _answer(self, access: _Token, refresh: _Token | None = None) -> dict[str, Any]:
        left = access.expires_at - self._options.now()
        answer: dict[str, Any] = {"access_token": access.value}
        if refresh is not None:
            answer["refresh_token"] = refresh.value
        return {
            **answer,
            "scope": "useraccount",
            "token_type": "Bearer",
            "expires_in": int(left.total_seconds()),
        }


def _decoded(credentials: str) -> tuple[str, str]:
    try:
        text = base64.b64decode(credentials, validate=True).decode()
    except (binascii.Error, ValueError):
        return "", ""
    user_name, _, password = text.partition(":")
    return user_name, password


def _checked(user_name: str, password: str) -> User | None:
    user = BY_NAME.get(user_name)
    return user if user is not None and _same(password, user.password) else None


def _same(given: str, expected: str) -> bool:
    return secrets.compare_digest(given.encode(), expected.encode())
