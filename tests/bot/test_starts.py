"""Sessions that run are bounded; those that wait for people are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from countersign.approvals.errors import BusyError
from countersign.approvals.models import PrincipalId
from countersign.approvals.store import open_reader
from countersign.bot.starts import BoundedRuns
from tests.bot.api_world import running

pytestmark = pytest.mark.asyncio
ECHO: dict[str, Any] = {
    "workflow": "echo",
    "workflow_version": "1",
    "task": "t",
    "owner": PrincipalId("sam"),
}


async def test_a_session_too_many_is_told_to_come_again(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/countersign.db"
    async with running(tmp_path) as world, open_reader(url) as reader:
        starts = BoundedRuns(world.chats.runs, reader, at_most=2)
        first, _ = [await starts.start(**ECHO) for _ in range(2)]
        with pytest.raises(BusyError, match="2 sessions are running") as caught:
            await starts.start(**ECHO)
        await world.chats.propose(first.id, {"to": "ceo"})
        third = await starts.start(**ECHO)

    assert (5.0, "running") == (caught.value.retry_after_s, third.status)
