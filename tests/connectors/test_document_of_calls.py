"""The text of a ticket of several calls: whole, or a list that leads to where it is decided."""

from __future__ import annotations

import pytest
import yaml

from countersign.approvals.models import RequestStatus
from countersign.approvals.ports import TicketOrder
from countersign.connectors.document_of_calls import LISTED, NOT_ASKED, document_of
from countersign.connectors.jira import text as jira_text
from countersign.connectors.jira.settings import JiraSettings
from countersign.connectors.servicenow import text as servicenow_text
from tests.connectors.servicenow.fixtures import settings as servicenow_settings
from tests.connectors.slack.test_slack_several import several
from tests.doubles.directory import BEN
from tests.processes import ROOT

NAMES = {status: status for status in ("10001", "10002", "10003", "10004", "10005")}


def jira_settings() -> JiraSettings:
    """Those of the local configuration."""
    document = yaml.safe_load((ROOT / "countersign.yaml").read_text())
    return JiraSettings.model_validate(document["connectors"]["jira"])


def order(count: int) -> TicketOrder:
    view, calls = several(count)
    return TicketOrder(key="R-SUITE0.1.0.abc", view=view, approvers=(BEN,), calls=calls)


@pytest.mark.parametrize("count", [2, 3, 30, 200, 500])
def test_any_number_of_calls_fits_into_every_ticket(count: int) -> None:
    said = document_of(order(count), None, "jira")
    jira = jira_text.description(said, jira_settings(), NAMES)
    servicenow = servicenow_text.description(said, servicenow_settings())

    assert len(jira.text) <= jira_text.DESCRIPTION_LIMIT
    assert len(servicenow.text) <= servicenow_settings().description_limit
    for written in (jira, servicenow):
        plain = written.text.replace("\\", "")
        assert written.whole is ("To decide them differently" in plain)
        assert written.whole is not ("turned down here" in plain)
        assert written.whole or "requests decide-together R-SUITE0" in plain
    if count == 3:
        assert jira.whole
        assert all(each.digest in jira.text for each in order(3).calls)
    if count > LISTED:
        assert f"and {count - LISTED} more calls" in jira.text


def test_a_call_that_is_decided_keeps_its_number_and_says_so() -> None:
    asked = order(3)
    first, second, third = asked.calls
    over = second.model_copy(update={"status": RequestStatus.REJECTED})
    said = document_of(asked.model_copy(update={"calls": (first, over, third)}), None, "jira")

    assert [1, 2, 3] == [part.number for part in said.parts]
    assert ["", NOT_ASKED, ""] == [part.why if part.why == NOT_ASKED else "" for part in said.parts]
    assert () == said.parts[1].arguments
    assert "Approve 3 calls" in said.title


def test_a_long_value_makes_the_ticket_lead_elsewhere() -> None:
    asked = order(2)
    first, second = asked.calls
    long = second.model_copy(update={"arguments": {"body": "x" * 20_000}})
    said = document_of(asked.model_copy(update={"calls": (first, long)}), None, "jira")

    assert not said.complete
    assert 2 == len(said.listed)
