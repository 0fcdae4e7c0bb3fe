"""What docs/jira.md tells people to write can be read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from countersign.bot.settings.systems import read_systems
from countersign.connectors.jira.checks import PERMISSIONS
from countersign.connectors.jira.settings import JiraSettings
from countersign.connectors.jira.system import SYSTEM
from countersign.connectors.secrets import Reading
from tests.connectors.jira.fixtures import settings

TEXT = (Path(__file__).parents[3] / "docs" / "jira.md").read_text()
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
ENVIRON = {"JIRA_TOKEN": "x", "JIRA_WEBHOOK_SECRET": "y"}


def test_configuration_can_be_read() -> None:
    section = yaml.safe_load(next(b for b in BLOCKS if "connectors:" in b))
    (found,), problems = read_systems(section, (SYSTEM,), Reading(ENVIRON, local=False))

    assert [] == problems
    assert isinstance(found.settings, JiraSettings)
    assert ("10004",) == found.settings.statuses.changes
    assert 1 == len(found.settings.webhook_secrets)


@pytest.mark.parametrize("fragment", [b for b in BLOCKS if "connectors:" not in b])
def test_fragment_of_the_configuration_can_be_read(fragment: str) -> None:
    keys = yaml.safe_load(fragment)
    for secret in ("token", "password"):
        if keys.get("auth", {}).pop(f"{secret}_env", None):
            keys["auth"][secret] = "x"

    assert keys.keys() <= settings(**keys).model_fields_set


def test_every_setting_and_every_permission_is_explained() -> None:
    names = {name for name in JiraSettings.model_fields if name != "webhook_secrets"}
    told = " ".join(TEXT.split())

    assert set() == {name for name in names if f"`{name}`" not in TEXT}
    assert [] == [name for name in PERMISSIONS.values() if name not in told]
