"""The issuer's keys, and tokens that are signed with them or with something else."""

from __future__ import annotations

import base64
import functools
import json
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm

_STRANGER = 0
"""The number of the key that no issuer publishes."""


@functools.cache
def _key(number: int) -> rsa.RSAPrivateKey:
    """The same for every issuer of this process: making one takes a tenth of a second."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Keys:
    """Signs with the newest of its keys."""

    def __init__(self) -> None:
        self._published: dict[str, int] = {"oidc-key-1": 1}
        self._made = 1

    @property
    def kid(self) -> str:
        """The id of the key that signs now."""
        return next(reversed(self._published))

    def rotate(self, *, withdraw: bool = False) -> str:
        """Sign with a new key from now on; with `withdraw` the old ones are not published any
        more. Returns its id."""
        if withdraw:
            self._published.clear()
        self._made += 1
        self._published[f"oidc-key-{self._made}"] = self._made
        return self.kid

    def jwks(self) -> dict[str, Any]:
        """What is published."""
        return {"keys": [self._jwk(kid, number) for kid, number in self._published.items()]}

    def signed(self, claims: dict[str, Any], *, key: str = "") -> str:
        """A token; `key` says what is wrong with the signature, see `misbehaviour`."""
        number, headers = self._published[self.kid], {"kid": self.kid}
        if key == "alg_none":
            return _parts({"alg": "none", "typ": "JWT"}, claims) + "."
        if key == "alg_hs256":  # the public key, which everybody has, taken for a shared secret
            return _with_mac(claims, headers, _public(number))
        if key == "forged":
            number = _STRANGER
        elif key == "unknown_key":
            number, headers = _STRANGER, {"kid": f"nobody-{time.time_ns()}"}
        elif key == "no_kid":
            headers = {}
        return jwt.encode(claims, _key(number), algorithm="RS256", headers=headers)

    @staticmethod
    def _jwk(kid: str, number: int) -> dict[str, Any]:
        jwk = json.loads(RSAAlgorithm.to_jwk(_key(number).public_key()))
        return {**jwk, "kid": kid, "use": "sig", "alg": "RS256", "x5t": kid}


def _public(number: int) -> bytes:
    public = _key(number).public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _parts(header: dict[str, Any], claims: dict[str, Any]) -> str:
    return ".".join(_base64(json.dumps(part).encode()) for part in (header, claims))


def _with_mac(claims: dict[str, Any], headers: dict[str, Any], secret: bytes) -> str:
    # PyJWT will not sign with what looks like a public key.
    signer = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    unsigned = _parts({"alg": "HS256", "typ": "JWT", **headers}, claims)
    return f"{unsigned}.{_base64(signer.sign(unsigned.encode(), secret))}"
