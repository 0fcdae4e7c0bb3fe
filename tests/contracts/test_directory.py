"""Every directory of ours: the `people` section, and the one of the tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from countersign.approvals.models import Principal
from countersign.approvals.ports import Directory
from countersign.bot.people import SettingsDirectory
from countersign.bot.settings.sections import PersonSettings
from countersign.testing.suites.directory import *  # noqa: F403
from tests.doubles.directory import EVERYBODY, FakeDirectory


def configured() -> Directory:
    return SettingsDirectory(
        PersonSettings(
            id=person.id, name=person.name, roles=person.roles, identities=person.identities
        )
        for person in reversed(EVERYBODY)
    )


@pytest.fixture(params=[configured, FakeDirectory], ids=["people", "fake"])
def directory(request: pytest.FixtureRequest) -> Directory:
    made: Any = request.param()
    return made  # type: ignore[no-any-return]


@pytest.fixture
def people() -> Sequence[Principal]:
    return EVERYBODY
