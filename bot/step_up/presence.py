"""Proofs of presence as rows: given once, used once, and only for what they were given for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from countersign.approvals.errors import InvalidError
from countersign.approvals.models import (
    GivenProof,
    JsonObject,
    PrincipalId,
    Proof,
    Request,
    RequestId,
)
from countersign.approvals.ports import Clock, Proofs, Store
from countersign.approvals.store import presence as rows
from countersign.bot.inbox.shell import HOME

log = structlog.get_logger(__name__)

USABLE = timedelta(minutes=10)
"""After so long a proof counts for nothing, whatever the rule says."""
DROPPED_AT_ONCE = 100
USED = "This proof has been used already; give another one."


def path_of(request_id: str) -> str:
    """The page on which a proof for a request is given."""
    return f"{HOME}/requests/{request_id}/step-up"


class Presence(Proofs):
    """Implements `approvals.ports.Proofs`."""

    def __init__(self, store: Store, clock: Clock, public_url: str):
        self._store, self._clock, self._url = store, clock, public_url

    def page(self, request_id: RequestId) -> str:
        """See `Proofs`."""
        return f"{self._url}{path_of(request_id)}"

    async def verified(self, token: str, person: PrincipalId, digest: str) -> Proof:
        """See `Proofs`. The proof is used up by that, whatever becomes of the vote."""
        now = self._clock.now()

        def use(connection: Connection) -> GivenProof | None:
            given = rows.of_id(connection, token)
            if given is None or not _fits(given, person, digest, now):
                return None
            return given if rows.use(connection, token, now) else None

        given = await self._store.write(use)
        if given is None:
            raise InvalidError(
                "This proof is not one of yours for this request as it is now, or it is too old or "
                f"used already; give another one at {self._url}{HOME}."
            )
        return given.proof

    async def give(
        self,
        request: Request,
        person: PrincipalId,
        *,
        proof_id: str,
        method: str,
        session_id: str,
        at: datetime,
        evidence: JsonObject,
        also: Callable[[Connection], None] = lambda _: None,
    ) -> GivenProof:
        """Keep what somebody has proved of a request as they were shown it; `also` happens with it.

        Raises InvalidError for one that was given before.
        """
        now = self._clock.now()
        proof = Proof(
            id=proof_id,
            method=method,
            principal_id=person,
            digest=request.digest,
            at=min(at, now),
        )
        given = GivenProof(
            proof=proof,
            request_id=request.id,
            session_id=session_id,
            expires_at=now + USABLE,
            evidence=evidence,
        )

        def keep(connection: Connection) -> bool:
            rows.drop_old(connection, now, limit=DROPPED_AT_ONCE)
            if not rows.add_proof(connection, given):
                return False
            also(connection)
            return True

        if not await self._store.write(keep):
            raise InvalidError(USED)
        log.info("presence proved", request_id=request.id, by=person, method=method)
        return given

    async def unused(self, session_id: str, person: PrincipalId, digest: str) -> GivenProof | None:
        """What this browser session has proved for a digest, and not used."""
        now = self._clock.now()
        return await self._store.read(lambda c: rows.unused(c, session_id, person, digest, now))


def _fits(given: GivenProof, person: PrincipalId, digest: str, now: datetime) -> bool:
    whose = (given.proof.principal_id, given.proof.digest)
    return whose == (person, digest) and given.used_at is None and now < given.expires_at
