"""The app as it is pasted into Slack: with our address, or with none."""

from __future__ import annotations

from typing import Any

import yaml

from countersign.connectors.slack.checks import CHANNEL_SCOPES, SCOPES
from countersign.connectors.slack.manifest import slack_manifest
from countersign.connectors.slack.settings import PATH


def read(text: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def test_manifest_has_our_address() -> None:
    settings = read(slack_manifest("https://gate.acme.example"))["settings"]

    assert f"https://gate.acme.example{PATH}" == settings["interactivity"]["request_url"]
    assert not settings["socket_mode_enabled"]


def test_manifest_for_socket_mode_has_none() -> None:
    settings = read(slack_manifest("", socket=True))["settings"]

    assert {"is_enabled": True} == settings["interactivity"]
    assert settings["socket_mode_enabled"]


def test_manifest_asks_for_the_scopes_that_doctor_wants() -> None:
    asked = read(slack_manifest("https://gate.acme.example"))["oauth_config"]["scopes"]["bot"]

    assert {*SCOPES, *CHANNEL_SCOPES} == set(asked)
