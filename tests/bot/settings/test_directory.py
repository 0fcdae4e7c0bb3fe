"""The `directory` section: what is wrong with it is said with its path."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from countersign.bot.settings.directory import DirectorySettings
from tests.bot.settings.test_settings import ENVIRON, good, load, problems

GROUP = "6f1c2d3e-0000-4000-8000-00000000000a"
ENTRA = {
    "tenant_id": "contoso.onmicrosoft.com",
    "client_id": "app-1",
    "client_secret_env": "ENTRA_SECRET",
    "groups": {GROUP: "lawyer"},
}


def with_directory(**changed: Any) -> dict[str, Any]:
    """A good configuration whose one rule asks a role that only Entra gives."""
    document = good()
    document["policy"]["tools"]["send"]["roles"] = ["lawyer"]
    document["directory"] = {"entra": {**ENTRA}, **changed}
    return document


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENVIRON, "ENTRA_SECRET", "s3cret")


def test_a_role_that_only_a_directory_gives_is_held_by_people_yet_unknown(tmp_path: Path) -> None:
    settings = load(tmp_path, with_directory()).directory

    assert settings is not None
    assert {"lawyer"} == settings.roles()
    assert (900.0, 3600.0, 0.5) == (settings.every, settings.max_age, settings.most_gone)
    assert settings.entra is not None
    assert "s3cret" == settings.entra.client_secret.get_secret_value()
    assert "s3cret" not in repr(settings)


def test_groups_give_roles_in_three_ways() -> None:
    groups = {
        "a": "manager",
        "b": ["manager", "controller"],
        "c": {"roles": ["controller"], "domains": ["finance"]},
    }
    settings = DirectorySettings.model_validate(
        {"jira": {"groups": groups}, "servicenow": {"groups": {"d": "manager"}}}
    )
    jira, snow = settings.rules()

    assert ("jira", "servicenow") == (jira.name, snow.name)
    assert [{"manager"}, {"manager", "controller"}, {"controller"}] == [
        grant.roles for grant in jira.grants.values()
    ]
    assert {"finance"} == jira.grants["c"].domains


def test_other_groups_are_other_settings_and_other_roles_are_not() -> None:
    def fingerprint(groups: dict[str, Any], **more: Any) -> str:
        section = {"servicenow": {"groups": groups, **more}}
        return DirectorySettings.model_validate(section).fingerprint()

    one = fingerprint({"a": "manager"})

    assert one == fingerprint({"a": "controller"})
    assert one != fingerprint({"b": "manager"})
    assert one != fingerprint({"a": "manager"}, delegates=True)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"every": "40m"}, "directory: max_age is less than twice `every`"),
        ({"entra": None}, "directory: name at least one of entra, jira, servicenow"),
        ({"most_gone": 0}, "directory.most_gone"),
        ({"evry": "15m"}, "directory.evry"),
        ({"entra": {**ENTRA, "groups": {"Managers": "lawyer"}}}, "write the object id"),
        ({"entra": {**ENTRA, "groups": {}}}, "directory.entra.groups"),
        ({"entra": {**ENTRA, "groups": {GROUP: []}}}, f"directory.entra.groups.{GROUP}"),
        ({"entra": {**ENTRA, "client_secret_env": "NOT_SET"}}, "NOT_SET is not set"),
        ({"entra": {**ENTRA, "graph_url": "http://graph.example.com"}}, "write an https address"),
        ({"jira": {"groups": {"g": "lawyer"}}}, "directory.jira: is read through connectors.jira"),
    ],
)
def test_each_problem_is_named(tmp_path: Path, changed: dict[str, Any], says: str) -> None:
    assert says in problems(tmp_path, with_directory(**changed))
