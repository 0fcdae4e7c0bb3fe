"""Presence: passkeys of people, and what they have proved with them or by signing in again."""

from __future__ import annotations

from datetime import datetime

from countersign.approvals.models.base import JsonObject, PrincipalId, RequestId, Value
from countersign.approvals.models.principals import Proof


class Passkey(Value):
    """A public key whose private half a person's device keeps."""

    id: str
    """The credential's id, in base64url."""
    principal_id: PrincipalId
    name: str
    """As its owner calls it."""
    public_key: str
    """In COSE, as base64url."""
    created_at: datetime
    sign_count: int = 0
    """How often it was used, as it says itself; 0 where it does not count."""
    last_used_at: datetime | None = None
    removed_at: datetime | None = None
    """It counts no longer."""


class GivenProof(Value):
    """A proof, where and until when it can be used, and by what it was made."""

    proof: Proof
    request_id: RequestId
    session_id: str
    """The browser session in which it was given."""
    expires_at: datetime
    evidence: JsonObject
    """What the device or the issuer said, for whoever wants to check it later."""
    used_at: datetime | None = None
