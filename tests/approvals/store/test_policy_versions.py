"""The text of every policy that has ruled can be read later, and stays what it was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from countersign.approvals.errors import NotFoundError
from countersign.approvals.store import policy_versions
from tests.doubles.world import World

pytestmark = pytest.mark.asyncio
NOW = datetime(2026, 12, 1, tzinfo=UTC)


async def test_a_version_is_kept_once_and_read_later(world: World) -> None:
    documents: list[dict[str, Any]] = [{"rules": []}, {"rules": [1]}, {"rules": ["changed"]}]
    for number, document in enumerate(documents):
        version, at = f"v{min(number, 1)}", NOW + timedelta(hours=number)
        keep = partial(policy_versions.keep, version=version, document=document, now=at)
        await world.store.write(keep)

    found = await world.store.read(lambda c: policy_versions.newest(c, limit=5))
    one = await world.store.read(lambda c: policy_versions.get(c, "v1"))

    assert ["v1", "v0"] == [each.version for each in found]
    assert ({"rules": [1]}, NOW + timedelta(hours=1)) == (one.document, one.first_used_at)
    assert [one] == await world.store.read(lambda c: policy_versions.newest(c, limit=1))


async def test_a_version_that_nobody_used_is_not_there(world: World) -> None:
    with pytest.raises(NotFoundError, match="has ruled by a policy v9"):
        await world.store.read(lambda c: policy_versions.get(c, "v9"))
