"""Receipts and checkpoints over HTTP."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from countersign.approvals.audit.notes import Checkpoint, VerifierKey, opened
from countersign.approvals.audit.receipts import parse, verify
from tests.bot.api_world import SEALING_KEY, running

pytestmark = pytest.mark.asyncio


async def test_whoever_may_read_a_request_takes_its_receipt(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        request = await world.waiting()
        await world.vote(request)
        status, made = await world.call("GET", f"/api/v1/ledger/receipts/{request['id']}")
        told = verify(parse(json.dumps(made)), [SEALING_KEY.verifier])
        _, found = await world.call("GET", "/api/v1/ledger/checkpoint")

        assert (200, request["digest"]) == (status, told["digest"])
        assert ("alex", "api") == (told["votes"][0]["by"], told["votes"][0]["via"])
        key = VerifierKey.parse(found["public_keys"][0])
        assert found["size"] == Checkpoint.parse(opened(found["note"], [key])[0]).size

        assert 404 == (await world.call("GET", "/api/v1/ledger/receipts/R-NONE"))[0]


async def test_there_is_no_checkpoint_before_the_first_is_signed(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        status, body = await world.call("GET", "/api/v1/ledger/checkpoint")

        assert 404 == status
        assert "No checkpoint" in body["detail"]
