"""The issuer a bot trusts: metadata, keys, and tokens that are good or wrong in one way.

Source: Bot Framework documentation, "Authenticate requests from the Bot Connector service to your
bot"; the paths are those of https://login.botframework.com/v1/.well-known/openidconfiguration.
"""

from __future__ import annotations

import functools
import json
import time
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

ISSUER = "https://api.botframework.com"
METADATA_PATH = "/v1/.well-known/openidconfiguration"
KEYS_PATH = "/v1/.well-known/keys"
_LIFETIME_S = 3600
_STRANGER = 0
"""The number of the key that no issuer publishes."""


@functools.cache
def _key(number: int) -> rsa.RSAPrivateKey:
    """The same for every issuer of this process: making one takes a tenth of a second."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class TokenIssuer:
    """Signs tokens for one bot. Keys are made on first use."""

    def __init__(self, app_id: str) -> None:
        self.app_id = app_id
        self.base_url = ""
        self.endorsements: list[str] = ["msteams", "emulator", "webchat", "directline"]
        self._keys: dict[str, rsa.RSAPrivateKey] = {}

    @property
    def metadata_url(self) -> str:
        """The metadata; for botbuilder's `ChannelValidation.open_id_metadata_endpoint`."""
        return self.base_url + METADATA_PATH

    @property
    def kid(self) -> str:
        """The id of the key that signs now."""
        if not self._keys:
            self.rotate()
        return next(reversed(self._keys))

    def rotate(self) -> str:
        """Sign with a new key from now on and return its id; the old ones stay published."""
        number = len(self._keys) + 1
        kid = f"sandbox-key-{number}"
        self._keys[kid] = _key(number)
        return kid

    def token(
        self, *, forged: bool = False, headers: dict[str, Any] | None = None, **claims: Any
    ) -> str:
        """A signed token; `claims` replace the right ones, None removes one.

        `forged` signs with a key that was never published, under the id of the published one.
        Times are epoch seconds.
        """
        kid = self.kid
        key = _key(_STRANGER) if forged else self._keys[kid]
        now = int(time.time())
        payload: dict[str, Any] = {
            "iss": ISSUER,
            "aud": self.app_id,
            "nbf": now - 300,
            "exp": now + _LIFETIME_S,
            **claims,
        }
        payload = {name: value for name, value in payload.items() if value is not None}
        if key is None:
            raise RuntimeError("no key to sign with")
        return jwt.encode(payload, key, algorithm="RS256", headers={"kid": kid, **(headers or {})})

    def expired(self, **claims: Any) -> str:
        """A token that was good until ten minutes ago: twice the leeway botbuilder grants."""
        return self.token(exp=int(time.time()) - 600, **claims)

    def routes(self) -> list[web.RouteDef]:
        """The metadata and the keys."""

        async def metadata(_: web.Request) -> web.Response:
            return web.json_response(
                {
                    "issuer": ISSUER,
                    "authorization_endpoint": "https://invalid.botframework.com",
                    "jwks_uri": self.base_url + KEYS_PATH,
                    "id_token_signing_alg_values_supported": ["RS256"],
                    "token_endpoint_auth_methods_supported": ["private_key_jwt"],
                }
            )

        async def keys(_: web.Request) -> web.Response:
            self.kid  # noqa: B018 - makes the first key
            published = [
                {
                    **json.loads(RSAAlgorithm.to_jwk(key.public_key())),
                    "kid": kid,
                    "use": "sig",
                    "alg": "RS256",
                    "x5t": kid,
                    "endorsements": self.endorsements,
                }
                for kid, key in self._keys.items()
            ]
            return web.json_response({"keys": published})

        return [web.get(METADATA_PATH, metadata), web.get(KEYS_PATH, keys)]
