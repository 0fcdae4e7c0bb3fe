"""What an issuer, or whoever stands between, can get wrong: each one changes the next answer."""

from __future__ import annotations

import time
from collections import deque
from typing import Any, Literal, get_args

Kind = Literal[
    # Of the ID token.
    "wrong_issuer",
    "wrong_audience",
    "other_audience_too",
    "wrong_azp",
    "wrong_nonce",
    "no_nonce",
    "expired",
    "not_yet",
    "never_expires",
    "wrong_tenant",
    "no_person",
    "no_auth_time",
    "stale_auth_time",
    "weak_acr",
    # Of its signature.
    "alg_none",
    "alg_hs256",
    "forged",
    "unknown_key",
    "no_kid",
    # Of the way back to the application.
    "wrong_iss",
    "no_iss",
    "wrong_state",
    "no_state",
    # Of the token endpoint.
    "no_id_token",
    "not_json",
]
KINDS: tuple[str, ...] = get_args(Kind)
OF_SIGNATURE = frozenset({"alg_none", "alg_hs256", "forged", "unknown_key", "no_kid"})
OF_WAY_BACK = frozenset({"wrong_iss", "no_iss", "wrong_state", "no_state"})
ELSEWHERE = "https://issuer.invalid"


class Misbehaviour:
    """What the next sign-ins suffer, one each, and habits that stay until they are taken back."""

    def __init__(self) -> None:
        self._next: deque[str] = deque()
        self.takes_codes_again = False
        """Whether a code can be redeemed twice."""
        self.ignores_pkce = False
        """Whether any code verifier will do."""

    def add(self, kind: str, times: int = 1) -> None:
        """Raises ValueError for what is not one of `KINDS`."""
        if kind not in KINDS:
            raise ValueError(f"{kind} is none of {', '.join(KINDS)}")
        self._next.extend([kind] * times)

    def take(self) -> str:
        """What is wrong with the sign-in that begins now; "" for nothing."""
        return self._next.popleft() if self._next else ""

    def clear(self) -> None:
        """Behave."""
        self._next.clear()
        self.takes_codes_again = self.ignores_pkce = False


def spoiled(claims: dict[str, Any], kind: str) -> dict[str, Any]:
    """The claims of an ID token, one of them wrong."""
    now = int(time.time())
    wrong: dict[str, dict[str, Any]] = {
        "wrong_issuer": {"iss": ELSEWHERE},
        "wrong_audience": {"aud": "another-application"},
        "other_audience_too": {"aud": [claims["aud"], "another-application"]},
        "wrong_azp": {"azp": "another-application"},
        "wrong_nonce": {"nonce": "of-another-sign-in"},
        "no_nonce": {"nonce": None},
        "expired": {"iat": now - 7200, "nbf": now - 7200, "exp": now - 3600},
        "not_yet": {"iat": now + 3600, "nbf": now + 3600, "exp": now + 7200},
        "never_expires": {"exp": None},
        "wrong_tenant": {"tid": "7e570000-0000-4000-8000-0000000000ff"},
        "no_person": {"oid": None, "sub": None},
        "no_auth_time": {"auth_time": None},
        "stale_auth_time": {"auth_time": now - 7200},
        "weak_acr": {"acr": "0"},
    }
    changed = {**claims, **wrong.get(kind, {})}
    return {name: value for name, value in changed.items() if value is not None}
