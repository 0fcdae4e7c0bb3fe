"""Proofs of presence as rows: given once, whoever else does so at the same time."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from countersign.approvals.models import GivenProof, PrincipalId, Proof, RequestId
from countersign.approvals.store import presence
from tests.doubles.world import World

pytestmark = pytest.mark.asyncio


async def test_of_many_who_give_the_same_proof_at_once_one_does(world: World) -> None:
    now = world.clock.now()
    given = GivenProof(
        proof=Proof(
            id="p", method="passkey", principal_id=PrincipalId("anna"), digest="0" * 64, at=now
        ),
        request_id=RequestId("R-1"),
        session_id="0" * 64,
        expires_at=now + timedelta(minutes=10),
        evidence={},
    )
    writers = (world.store.write(lambda c: presence.add_proof(c, given)) for _ in range(8))

    assert [True, *[False] * 7] == sorted(await asyncio.gather(*writers), reverse=True)
    assert given == await world.store.read(lambda c: presence.of_id(c, "p"))
