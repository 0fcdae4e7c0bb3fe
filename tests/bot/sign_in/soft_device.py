"""A device that keeps passkeys in memory and does what browsers ask: for tests without one."""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import bytes_to_base64url as text

_PRESENT, _VERIFIED, _ATTESTED = 1, 4, 64


class SoftDevice:
    """One passkey, for one site."""

    def __init__(self, origin: str, rp_id: str = "localhost"):
        self.origin, self.rp_id = origin, rp_id
        self.id, self.count = os.urandom(16), 0
        self._key = ec.generate_private_key(ec.SECP256R1())

    def made(self, options: str) -> str:
        """What a browser sends of `navigator.credentials.create`."""
        numbers = self._key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: _bytes(numbers.x), -3: _bytes(numbers.y)}
        credential = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cbor2.dumps(cose)
        data = self._data(_PRESENT | _VERIFIED | _ATTESTED) + credential
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", options)
        return self._answer(clientDataJSON=client, attestationObject=attestation)

    def signed(self, options: str, *, verified: bool = True) -> str:
        """What a browser sends of `navigator.credentials.get`."""
        self.count += 1
        data = self._data(_PRESENT | (_VERIFIED if verified else 0))
        client = self._client("webauthn.get", options)
        signature = self._key.sign(
            data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256())
        )
        return self._answer(clientDataJSON=client, authenticatorData=data, signature=signature)

    def _data(self, flags: int) -> bytes:
        site = hashlib.sha256(self.rp_id.encode()).digest()
        return site + bytes([flags]) + self.count.to_bytes(4, "big")

    def _client(self, kind: str, options: str) -> bytes:
        challenge = json.loads(options)["challenge"]
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(said).encode()

    def _answer(self, **response: bytes) -> str:
        named: dict[str, Any] = {"id": text(self.id), "rawId": text(self.id), "type": "public-key"}
        named["response"] = {name: text(value) for name, value in response.items()}
        return json.dumps(named)


def _bytes(number: int) -> bytes:
    return number.to_bytes(32, "big")
