"""Scenarios are played on both databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.doubles import postgres
from tests.scenarios import world


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def both_databases(request: pytest.FixtureRequest) -> Iterator[None]:
    """For `pytest.mark.usefixtures`: worlds that are made from now on use this database."""
    if request.param == "sqlite":
        yield
        return
    made: list[str] = []

    def fresh(_: object) -> str:
        made.append(postgres.fresh())
        return made[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world, "database_url", fresh)
        yield
    for url in made:
        postgres.drop(url)
