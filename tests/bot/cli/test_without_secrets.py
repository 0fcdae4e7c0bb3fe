"""Commands that use no secret need none: with none in the environment, they do what they can."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.bot.cli.conftest import REPOSITORY, Cli

BOT = "11111111-2222-3333-4444-555555555555"
SHIPPED = {
    "token": "THEIR_TOKEN",
    "password": "SNOW_PASSWORD",
    "webhook_secret": "HOOK_SECRET",
    "crm_api_key": "CRM_KEY",
    "provisioning_api_key": "PROVISIONING_KEY",
}
"""The secrets of the shipped configuration, and a variable for each."""


def with_variables(section: Any, at: str = "") -> Any:
    """The section with a variable in place of each secret."""
    if isinstance(section, list):
        return [with_variables(each, f"{at}_{number}") for number, each in enumerate(section)]
    if not isinstance(section, Mapping):
        return section
    changed: dict[str, Any] = {}
    for key, value in section.items():
        if key.endswith("api_key"):
            changed[key] = {"env": SHIPPED[key]}
        elif key in SHIPPED:
            changed[f"{key}_env"] = SHIPPED[key] + at.upper()
        else:
            changed[key] = with_variables(value, f"{at}_{key}")
    return changed


@pytest.fixture(params=["local", "production"])
def without(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Cli:
    """Commands on a configuration that names variables, none of which is set."""
    document = with_variables(yaml.safe_load((REPOSITORY / "countersign.yaml").read_text()))
    document["model"] = {"provider": "openai"}
    document["public_url"] = "https://approvals.example"
    document["teams"] |= {"app_id": BOT, "tenant_id": BOT, "app_password_env": "BOT_SECRET"}
    document["links"] = {"key_env": "LINK_KEY"}
    document["metrics"] = {"token_env": "METRICS_TOKEN"}
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(document))
    monkeypatch.setenv("COUNTERSIGN_CONFIG", "c.yaml")
    monkeypatch.setenv("COUNTERSIGN_ENV", request.param)
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", f"sqlite:///{tmp_path}/c.db")
    return cli


def test_rules_are_checked_and_explained(without: Cli) -> None:
    checked = without("policy", "check")
    explained = without("policy", "explain", "release_quote")

    assert (0, False) == (checked.status, "FIX" in checked.out)
    assert "note policy.tools.release_quote: when Alex Wilber asks" in checked.out
    assert (0, True) == (explained.status, "asks 1 of sales_manager, in teams" in explained.out)


def test_app_package_is_packed(without: Cli, tmp_path: Path) -> None:
    said = without("manifest", "pack", "--output", "app.zip")

    assert (0, True) == (said.status, (tmp_path / "app.zip").is_file())


@pytest.mark.parametrize(
    "command",
    [("sessions", "list"), ("requests", "list"), ("ledger", "verify")],
    ids=lambda command: " ".join(command),
)
def test_records_are_read(without: Cli, command: tuple[str, str]) -> None:
    upgraded = without("db", "upgrade")

    assert 0 == upgraded.status, upgraded.err
    assert 0 == without(*command).status


def test_doctor_says_what_is_missing_and_goes_on(without: Cli) -> None:
    without("db", "upgrade")

    said = without("doctor")

    assert 1 == said.status
    missing = ("THEIR_TOKEN_PEOPLE_0", "OPENAI_API_KEY", "BOT_SECRET", "LINK_KEY", "CRM_KEY")
    assert [] == [name for name in missing if f"variable {name} is not set" not in said.out]
    for checked in ("workflows", "database", "sessions"):
        assert f"ok  {checked}: " in said.out
    for needs_secrets in ("model", "links", "Jira"):
        assert f"FIX {needs_secrets}: " not in said.out


def test_server_needs_them_all(without: Cli) -> None:
    said = without("serve")

    assert 1 == said.status
    for name in ("THEIR_TOKEN_PEOPLE_0", "SNOW_PASSWORD", "HOOK_SECRET", "METRICS_TOKEN"):
        assert f"variable {name}" in said.err


@pytest.mark.parametrize("without", ["local"], indirect=True)
def test_voting_needs_the_token_of_whoever_votes(
    without: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    vote = ("decide", "R-1", "approve", "--server", "http://127.0.0.1:9", "--as")

    unset = without(*vote, "alex")
    monkeypatch.setenv("THEIR_TOKEN_PEOPLE_0", "token-of-alex")
    tried = without(*vote, "alex")

    assert "people.0.token_env: the environment variable THEIR_TOKEN_PEOPLE_0" in unset.err
    assert 1 == unset.err.count("countersign: ")
    assert "http://127.0.0.1:9 cannot be reached" in tried.err


def test_wrong_section_does_not_hinder_what_needs_another(without: Cli, tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    document = yaml.safe_load(file.read_text())
    document["connectors"]["jira"]["project"] = "no project"
    document["people"] = "nobody"
    file.write_text(yaml.safe_dump(document))

    packed = without("manifest", "pack")
    explained = without("policy", "explain", "release_quote")

    assert 0 == packed.status
    assert (1, True) == (explained.status, "connectors.jira.project" in explained.err)
