"""Proofs of presence: that a person is there now, and means exactly this request."""

from __future__ import annotations

from typing import Protocol

from countersign.approvals.errors import InvalidError
from countersign.approvals.models import PrincipalId, Proof, RequestId


class Proofs(Protocol):
    """Takes proofs: of a passkey, of a fresh sign-in."""

    def page(self, request_id: RequestId) -> str:
        """The address at which people give one for this request; "" where nobody can."""

    async def verified(self, token: str, person: PrincipalId, digest: str) -> Proof:
        """The proof that `token` stands for, if this person gave it for what `digest` names.

        Whether it is fresh enough is for the caller. Raises InvalidError; UnavailableError if that
        cannot be found out now.
        """


class NoProofs:
    """Implements `Proofs` where nothing takes any."""

    def page(self, request_id: RequestId) -> str:
        """None."""
        return ""

    async def verified(self, token: str, person: PrincipalId, digest: str) -> Proof:
        """Nothing is."""
        raise InvalidError("No proof of presence can be given here.")
