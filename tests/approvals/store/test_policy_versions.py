"""The text of every policy that has ruled can be read later, and stays what it was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from countersign.approvals.errors import IntegrityError, NotFoundError
from countersign.approvals.rules.policy import version_of
from countersign.approvals.store import policy_versions
from countersign.approvals.store.schema import policy_versions as table
from tests.doubles.world import World

pytestmark = pytest.mark.asyncio
NOW = datetime(2026, 12, 1, tzinfo=UTC)


async def kept(world: World, document: dict[str, Any], at: datetime = NOW) -> str:
    version = version_of(document)
    await world.store.write(lambda c: policy_versions.keep(c, version, document, at))
    return version


async def test_a_version_is_kept_once_and_read_later(world: World) -> None:
    first = await kept(world, {"rules": []})
    second = await kept(world, {"rules": [1]}, NOW + timedelta(hours=1))
    await kept(world, {"rules": [1]}, NOW + timedelta(hours=2))

    found = await world.store.read(lambda c: policy_versions.newest(c, limit=5))
    one = await world.store.read(lambda c: policy_versions.get(c, second))

    assert [second, first] == [each.version for each in found]
    assert ({"rules": [1]}, NOW + timedelta(hours=1)) == (one.document, one.first_used_at)
    assert [one] == await world.store.read(lambda c: policy_versions.newest(c, limit=1))


async def test_a_text_that_was_changed_is_found(world: World) -> None:
    version = await kept(world, {"rules": [1]})
    assert () == (await world.records.verify()).problems
    change = update(table).values(document='{"rules":[2]}')
    await world.store.write(lambda c: c.execute(change))

    (problem,) = (await world.records.verify()).problems
    assert f"the text of the policy {version} was changed" in problem
    with pytest.raises(IntegrityError, match=f"the text of the policy {version} was changed"):
        await world.store.read(lambda c: policy_versions.get(c, version))


async def test_a_version_that_nobody_used_is_not_there(world: World) -> None:
    with pytest.raises(NotFoundError, match="has ruled by a policy v9"):
        await world.store.read(lambda c: policy_versions.get(c, "v9"))
