"""The `connectors` section: secrets by variable, rules that somebody can answer, all at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from countersign.bot.settings.sections import Mode
from tests.bot.settings.test_settings import ENVIRON, Document, good, load, problems

TICKET_ENVIRON = {
    **ENVIRON,
    "JIRA_TOKEN": "jira-token",
    "JIRA_HOOK": "hook-one-0123456789-0123456789-0123456789",
    "JIRA_HOOK_OLD": "hook-two-0123456789-0123456789-0123456789",
    "SNOW_PASSWORD": "snow-password",
}


def with_tickets(**changes: Any) -> Document:
    """The small configuration with both ticket systems."""
    document = good()
    document["people"][0]["identities"] |= {"jira": "712020:ALEX", "servicenow": "alex.wilber"}
    document["connectors"] = {
        "jira": {
            "url": "https://contoso.atlassian.net",
            "auth": {"kind": "basic", "email": "bot@contoso.example", "token_env": "JIRA_TOKEN"},
            "project": "OPS",
            "issue_type": "Task",
            "statuses": {"pending": ["1"], "approved": ["2"], "rejected": ["3"]},
            "webhook_secret_env": ["JIRA_HOOK", "JIRA_HOOK_OLD"],
        },
        "servicenow": {
            "url": "https://contoso.service-now.com",
            "auth": {"kind": "basic", "user": "svc", "password_env": "SNOW_PASSWORD"},
        },
        **changes,
    }
    document["policy"]["tools"]["send"]["channels"] = ["teams", "jira", "servicenow"]
    return document


def test_good_settings_load_with_their_secrets(tmp_path: Path) -> None:
    found = load(tmp_path, with_tickets(), environ=TICKET_ENVIRON).connectors
    assert found.jira is not None
    assert found.servicenow is not None
    secrets = [secret.get_secret_value() for secret in found.jira.webhook_secrets]

    assert ("jira", "servicenow") == found.names
    assert [TICKET_ENVIRON["JIRA_HOOK"], TICKET_ENVIRON["JIRA_HOOK_OLD"]] == secrets
    assert "snow-password" == found.servicenow.auth.password.get_secret_value()  # type: ignore[union-attr]
    assert "jira-token" not in str(found)


def test_people_who_may_be_asked_are_found_by_channel(tmp_path: Path) -> None:
    settings = load(tmp_path, with_tickets(), environ=TICKET_ENVIRON)

    assert ["alex"] == [person.id for person in settings.approvers_in("jira")]
    assert "712020:alex" == settings.approvers_in("jira")[0].identities["jira"]


def test_nothing_is_configured_by_itself(tmp_path: Path) -> None:
    assert () == load(tmp_path, good()).connectors.names


def test_every_problem_is_named_at_once(tmp_path: Path) -> None:
    document = with_tickets(asana={})
    document["connectors"]["jira"]["webhook_secret_env"] = "NO_SUCH"
    document["connectors"]["servicenow"]["auth"] = {"kind": "basic", "user": "svc"}
    said = problems(tmp_path, document, environ=TICKET_ENVIRON)

    assert "connectors.asana: unknown system; known are jira, servicenow." in said
    assert "connectors.jira.webhook_secret_env: the environment variable NO_SUCH" in said
    assert "connectors.servicenow.auth" in said
    assert "password" in said


@pytest.mark.parametrize("section", ["jira", ["jira"], {"jira": "https://x"}])
def test_section_of_another_shape_is_refused(tmp_path: Path, section: Any) -> None:
    document = with_tickets()
    document["connectors"] = section

    assert "connectors" in problems(tmp_path, document, environ=TICKET_ENVIRON)


def test_literal_secrets_are_for_local_mode(tmp_path: Path) -> None:
    document = with_tickets()
    document["connectors"]["jira"]["auth"] = {
        "kind": "basic", "email": "bot@contoso.example", "token": "literal-token",
    }  # fmt: skip
    document["connectors"]["jira"]["webhook_secret"] = "literal-hook"
    del document["connectors"]["jira"]["webhook_secret_env"]
    said = problems(tmp_path, document, environ=TICKET_ENVIRON)
    local = load(tmp_path, document, environ=TICKET_ENVIRON, mode=Mode.LOCAL)
    assert local.connectors.jira is not None

    assert "connectors.jira.auth.token: secrets never stand here" in said
    assert "connectors.jira.webhook_secret: secrets never stand here" in said
    assert "token_env" in said
    assert "literal-token" not in said
    assert "literal-hook" not in said
    assert "literal-hook" == local.connectors.jira.webhook_secrets[0].get_secret_value()


def test_rule_with_a_channel_that_is_not_there_is_refused(tmp_path: Path) -> None:
    document = with_tickets()
    del document["connectors"]["servicenow"]
    said = problems(tmp_path, document, environ=TICKET_ENVIRON)

    assert "policy.tools.send.channels: servicenow is not configured" in said


def test_rule_that_nobody_could_answer_there_is_refused(tmp_path: Path) -> None:
    document = with_tickets()
    del document["people"][0]["identities"]["jira"]
    said = problems(tmp_path, document, environ=TICKET_ENVIRON)

    assert "policy.tools.send: is asked in jira, but nobody with the role manager" in said
