"""What a production server refuses to start with, all of it at once, each with its path."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from countersign.bot.serving import serving
from countersign.bot.settings.production import WELL_KNOWN, WELL_KNOWN_TOKEN, plain_http
from countersign.bot.settings.sections import Mode
from tests.bot.settings.test_settings import (
    ENVIRON,
    REPOSITORY,
    Document,
    good,
    load,
    problems,
    set_at,
)
from tests.bot.settings.test_systems import TICKET_ENVIRON, with_tickets

SHORT = "x" * 31

TABLE: list[tuple[str, Any, str]] = [
    ("public_url", "http://gate.example", "public_url: must be https"),
    ("public_url", "https://0.0.0.0", "public_url: 0.0.0.0 is no host that anybody can reach"),
    ("public_url", "https://[::]", "public_url: :: is no host that anybody can reach"),
    ("public_url", "https://*.gate.example", "public_url: *.gate.example is no host"),
    ("public_url", "https://me:pw@gate.example", "public_url: has a name or password in it"),
    ("teams.app_id", "", "teams.app_id: required where people are asked in Teams"),
    ("teams.tenant_id", "", "teams.tenant_id: required with teams.app_id"),
    ("teams.service_url", "https://evil.example/", "teams.service_url: is no address of the Bot"),
    ("teams.service_url", "http://smba.trafficmanager.net/", "teams.service_url: is no address"),
    ("teams.openid_metadata_url", "http://x.example/", "teams.openid_metadata_url: must be https"),
    ("teams.local_requester", "sam", "teams.local_requester: only allowed in local mode"),
    ("teams.local_approver", "sam", "teams.local_approver: only allowed in local mode"),
    ("teams.extra_service_hosts", ["x"], "teams.extra_service_hosts: only allowed in local mode"),
    ("model.base_url", "http://model.example/v1", "model.base_url: must be https"),
    ("connectors.jira.url", "http://jira.example", "connectors.jira.url: must be https"),
    ("connectors.servicenow.url", "http://x.example", "connectors.servicenow.url: must be https"),
    (
        "connectors.jira.auth",
        {"kind": "oauth", "cloud_id": "a" * 8, "token_env": "JIRA_TOKEN", "gateway": "http://x.example"},
        "connectors.jira.auth.gateway: must be https",
    ),
    ("limits", {"trusted_proxies": ["0.0.0.0/0"]}, "limits.trusted_proxies: 0.0.0.0/0 is"),
    ("limits", {"trusted_proxies": ["::/0"]}, "limits.trusted_proxies: ::/0 is everybody"),
    ("workflows.settings.crm_api_key", "crm-1", "workflows.settings.crm_api_key: secrets never"),
    ("workflows.settings.smtp_password", "x", "workflows.settings.smtp_password: secrets never"),
    ("workflows.settings.other", "svc-pass", "workflows.settings.other: secrets never stand here"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "expected"), TABLE, ids=[t for *_, t in TABLE])
def test_each_is_refused_with_its_path(
    tmp_path: Path, path: str, value: Any, expected: str
) -> None:
    document = with_tickets()
    set_at(path, value)(document)

    assert expected in problems(tmp_path, document, environ=TICKET_ENVIRON)


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("TOKEN_ALEX", "x" * 19, "people.alex.token_env: the token is shorter than 20"),
        ("TOKEN_ALEX", "local-token-alex-longer", "people.alex: the token is one of local mode"),
        ("JIRA_HOOK_OLD", SHORT, "connectors.jira.webhook_secret_env: a secret is well known or"),
        ("SNOW_HOOK", SHORT, "connectors.servicenow.webhook_secret_env: a secret is well known"),
        ("JIRA_TOKEN", "sandbox-token-bot", "connectors.jira.auth.token_env: the secret is one of"),
        ("SNOW_PASSWORD", "svc-pass", "connectors.servicenow.auth.password_env: the secret is one"),
        ("OPENAI_API_KEY", "sk-sandbox-model", "model.api_key_env: the secret is one of"),
        ("BOT_SECRET", "svc-pass", "teams.app_password_env: the secret is one of"),
    ],
)
def test_secrets_that_are_known_or_short_are_refused(
    tmp_path: Path, variable: str, value: str, expected: str
) -> None:
    document = with_tickets()
    document["connectors"]["servicenow"]["webhook_secret_env"] = "SNOW_HOOK"
    environ = {**TICKET_ENVIRON, "SNOW_HOOK": "x" * 32, variable: value}
    said = problems(tmp_path, document, environ=environ)

    assert expected in said
    assert value not in said


def test_everything_is_said_at_once(tmp_path: Path) -> None:
    document = with_tickets()
    for path, value, _ in TABLE[::6]:
        set_at(path, value)(document)
    said = problems(tmp_path, document, environ={**TICKET_ENVIRON, "JIRA_HOOK": SHORT})

    assert all(expected in said for *_, expected in [*TABLE[::6], ("", "", "a secret is well")])


def test_none_of_it_matters_in_local_mode(tmp_path: Path) -> None:
    document = good()
    document["public_url"] = "http://gate.example"
    document["workflows"]["settings"]["crm_api_key"] = "crm-sandbox-key"

    assert load(tmp_path, document, mode=Mode.LOCAL).local


def test_literal_secrets_of_the_shipped_file_are_known() -> None:
    """A new stand-in must not bring a password that production takes."""
    document = yaml.safe_load((REPOSITORY / "countersign.yaml").read_text())

    def secrets(value: Any, key: str = "") -> Iterator[str]:
        if isinstance(value, dict):
            for name, inner in value.items():
                yield from secrets(inner, str(name))
        elif isinstance(value, list):
            for inner in value:
                yield from secrets(inner, key)
        elif key in {"token", "password", "webhook_secret"} or key.endswith("_key"):
            yield str(value)

    found = list(secrets(document))

    assert len(found) >= 8
    assert [] == [s for s in found if s not in WELL_KNOWN and not s.startswith(WELL_KNOWN_TOKEN)]


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("https://gate.example", False),
        ("http://127.0.0.1:3978", False),
        ("http://[::1]:3978", False),
        ("http://localhost", False),
        ("http://gate.example", True),
        ("http://127.0.0.1.gate.example", True),
        ("http://localhost.gate.example", True),
        ("http://127.0.0.1@gate.example", True),
        ("ftp://gate.example", True),
        ("", True),
    ],
)
def test_plain_http_reaches_this_machine_only(url: str, plain: bool) -> None:
    assert plain == plain_http(url)


def tickets_only() -> Document:
    """Nobody is asked in Teams, and there is no bot."""
    document = with_tickets()
    document["policy"]["tools"]["send"]["channels"] = ["jira"]
    document["teams"] = {}
    document["workflows"] = {"modules": ["countersign.examples.crm_update"], "settings": {
        "crm_url": "http://127.0.0.1:9", "crm_api_key": {"env": "CRM_KEY"},
        "smtp_host": "127.0.0.1", "smtp_port": 9, "mail_from": "x@example.com",
    }}  # fmt: skip
    return document


async def test_production_does_without_teams_where_nobody_is_asked_there(tmp_path: Path) -> None:
    """And nobody can speak to the bot that is not there."""
    url = f"sqlite:///{tmp_path}/x.db"
    settings = load(tmp_path, tickets_only(), environ=TICKET_ENVIRON, database_url=url)
    activity = {
        "type": "message", "channelId": "emulator", "conversation": {"id": "1"}, "text": "hi",
        "serviceUrl": "https://smba.trafficmanager.net/teams/",
    }  # fmt: skip
    async with (
        serving(settings, host="127.0.0.1", port=0) as base,
        aiohttp.ClientSession() as client,
        client.post(f"{base}/api/messages", json=activity) as answer,
    ):
        assert 401 == answer.status
    assert ["jira", "servicenow"] == [s.name for s in settings.systems if s.is_used(local=False)]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("policy.tools.send.channels", ["jira", "teams"]),
        ("policy.human_input", {"roles": ["owner"]}),
    ],
)
def test_teams_is_needed_wherever_somebody_is_asked_there(
    tmp_path: Path, path: str, value: Any
) -> None:
    document = tickets_only()
    set_at(path, value)(document)

    assert "teams.app_id: required" in problems(tmp_path, document, environ=TICKET_ENVIRON)


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("connectors.jira.auth.email", None, "connectors.jira.auth.email: "),
        ("connectors.servicenow.decide_by", {"field": "X"}, ".servicenow.decide_by.field:"),
        ("connectors.servicenow.close", {"approved": [{"State": "3"}]}, ".servicenow.close:"),
        ("connectors.jira.statuses.pending", ["To do"], "connectors.jira.statuses.pending.0: "),
        ("policy.tools.send.stages", 3, "policy.tools.send"),
    ],
)  # fmt: skip
def test_path_is_that_of_the_file(tmp_path: Path, path: str, value: Any, expected: str) -> None:
    """Without the kinds that pydantic tried on the way."""
    document = with_tickets()
    set_at(path, value)(document)
    said = problems(tmp_path, document, environ=TICKET_ENVIRON)

    assert expected in said
    assert not [word for word in (".basic", "BasicAuth", "FieldDecision", "literal[", "function-")
                if word in said]  # fmt: skip


def test_missing_secret_is_named_as_it_stands_in_the_file(tmp_path: Path) -> None:
    document = with_tickets()
    del document["connectors"]["jira"]["auth"]["token_env"]
    said = problems(tmp_path, document, environ=TICKET_ENVIRON)

    assert "connectors.jira.auth.token_env: is missing; add it" in said
    assert ENVIRON["BOT_SECRET"] not in said
