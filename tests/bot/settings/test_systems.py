"""The `connectors` section: secrets by variable, rules that somebody can answer, all at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from countersign.bot.settings.sections import Mode
from countersign.connectors.jira.settings import JiraSettings
from countersign.connectors.jira.system import SYSTEM as JIRA
from countersign.connectors.servicenow.settings import ServiceNowSettings
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
    found = load(tmp_path, with_tickets(), environ=TICKET_ENVIRON)
    jira, servicenow = found.section(JiraSettings), found.section(ServiceNowSettings)
    assert jira is not None
    assert servicenow is not None
    secrets = [secret.get_secret_value() for secret in jira.webhook_secrets]

    assert ["teams", "jira", "servicenow"] == [each.name for each in found.systems]
    assert [TICKET_ENVIRON["JIRA_HOOK"], TICKET_ENVIRON["JIRA_HOOK_OLD"]] == secrets
    assert "snow-password" == servicenow.auth.password.get_secret_value()  # type: ignore[union-attr]
    assert "jira-token" not in f"{found}{jira}{servicenow}"


def test_people_who_may_be_asked_are_found_by_channel(tmp_path: Path) -> None:
    settings = load(tmp_path, with_tickets(), environ=TICKET_ENVIRON)

    assert ["alex"] == [person.id for person in settings.approvers_in(JIRA)]
    assert "712020:alex" == settings.approvers_in(JIRA)[0].identities["jira"]


def test_nothing_is_configured_by_itself(tmp_path: Path) -> None:
    assert ["teams"] == [each.name for each in load(tmp_path, good()).systems]


def test_every_problem_is_named_at_once(tmp_path: Path) -> None:
    document = with_tickets(monday={})
    document["connectors"]["jira"]["webhook_secret_env"] = "NO_SUCH"
    document["connectors"]["servicenow"]["auth"] = {"kind": "basic", "user": "svc"}
    said = problems(tmp_path, document, environ=TICKET_ENVIRON)

    assert (
        "connectors.monday: unknown system; known are jira, servicenow, asana, email, slack, "
        "webhook." in said
    )
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
    jira = local.section(JiraSettings)
    assert jira is not None

    assert "connectors.jira.auth.token: secrets never stand here" in said
    assert "connectors.jira.webhook_secret: secrets never stand here" in said
    assert "token_env" in said
    assert "literal-token" not in said
    assert "literal-hook" not in said
    assert "literal-hook" == jira.webhook_secrets[0].get_secret_value()


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


def test_rule_that_names_no_channel_asks_in_the_first_system_that_is_used(tmp_path: Path) -> None:
    document = with_tickets()
    del document["policy"]["tools"]["send"]["channels"]
    with_a_bot = load(tmp_path, document, environ=TICKET_ENVIRON)
    del document["teams"]
    without = load(tmp_path, document, environ=TICKET_ENVIRON)
    local = load(tmp_path, document, environ=TICKET_ENVIRON, mode=Mode.LOCAL)

    assert ("teams",) == with_a_bot.policy.tools["send"].channels
    assert ("jira",) == without.policy.tools["send"].channels
    assert ("teams",) == local.policy.tools["send"].channels


def test_version_of_a_policy_does_not_tell_who_has_named_the_channel(tmp_path: Path) -> None:
    """So no request is asked again because of it."""
    document = with_tickets()
    document["policy"]["tools"]["send"]["channels"] = ["teams"]
    named = load(tmp_path, document, environ=TICKET_ENVIRON)
    del document["policy"]["tools"]["send"]["channels"]
    default = load(tmp_path, document, environ=TICKET_ENVIRON)

    assert named.policy.version == default.policy.version


def test_misspelt_system_and_identity_are_told_what_they_were_to_be(tmp_path: Path) -> None:
    document = with_tickets()
    document["connectors"]["servcenow"] = document["connectors"].pop("servicenow")
    document["people"][0]["identities"]["jirra"] = "x"
    document["people"][0]["identities"]["badge"] = "y"
    said = problems(tmp_path, document, environ=TICKET_ENVIRON)

    assert "connectors.servcenow: unknown system; did you mean servicenow?" in said
    assert "people.0.identities.jirra: unknown kind of identity; did you mean jira?" in said
    assert "people.0.identities.badge: unknown kind of identity; write one of entra, jira" in said
