"""`countersign demo`, as a person or a script runs it: from anywhere, offline."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from countersign.bot.demo.command import run
from countersign.bot.demo.options import DecisionName, FrontName, WorkflowName
from tests.doubles.database import migrate_by_copying

TIMEOUT_S = 110
Shown = Callable[..., str]
Told = Callable[..., dict[str, Any]]


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Shown]:
    """Run the demo in this process and return what it has printed."""
    migrate_by_copying(monkeypatch)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "")  # put back afterwards: the demo sets them

    def show(
        decide: DecisionName,
        *,
        workflow: WorkflowName = "sales_quote",
        via: FrontName = "teams",
        as_json: bool = False,
    ) -> str:
        status = run(workflow=workflow, decide=decide, via=via, as_json=as_json)
        out, err = capsys.readouterr()
        assert (status, err) == (0, "")
        return out

    yield show
    structlog.reset_defaults()
    logging.getLogger().handlers.clear()


@pytest.fixture
def told(shown: Shown) -> Told:
    """Run the demo in this process and return its JSON."""

    def tell(
        decide: DecisionName, *, workflow: WorkflowName = "sales_quote", via: FrontName = "teams"
    ) -> dict[str, Any]:
        return checked(json.loads(shown(decide, workflow=workflow, via=via, as_json=True)))

    return tell


def checked(report: dict[str, Any]) -> dict[str, Any]:
    """The report, if it has exactly the shape that is promised."""
    assert set(report) == {"session", "requests", "executions", "ledger"}
    assert set(report["session"]) == {"id", "status"}
    assert report["session"]["status"] == "completed"
    assert report["ledger"]["verified"] is True
    for request in report["requests"]:
        assert set(request) == {
            "id", "tool", "arguments", "digest", "status", "decided_by", "via",
        }  # fmt: skip
        assert request["decided_by"] == "alex"
    for execution in report["executions"]:
        assert set(execution) == {"request_id", "tool", "arguments", "outcome"}
    return report


def in_a_process(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COUNTERSIGN_")}
    nowhere = "http://127.0.0.1:9"  # a proxy that is not there: nothing may go out
    return subprocess.run(
        [sys.executable, "-m", "countersign.bot.cli.main", "demo", *arguments],
        cwd=folder,
        env={**environment, "HTTPS_PROXY": nowhere, "HTTP_PROXY": nowhere},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def test_it_works_from_anywhere_and_prints_one_json_object(tmp_path: Path) -> None:
    done = in_a_process(tmp_path, "--json", "--decide", "approve")

    assert (done.returncode, done.stderr) == (0, "")
    report = checked(json.loads(done.stdout))
    (request,), (execution,) = report["requests"], report["executions"]
    assert (request["status"], request["via"]) == ("executed", "teams")
    assert execution["request_id"] == request["id"]
    assert execution["arguments"] == request["arguments"]
    assert list(tmp_path.iterdir()) == []


def test_the_story_can_be_read(shown: Shown) -> None:
    story = shown("approve")

    for part in (
        "release_quote(",
        "the card that Alex Wilber got",
        "clicks [ Approve ]",
        "CRM: create_quote",
        "✓ verified",
    ):
        assert part in story


def test_modify_changes_what_the_back_end_receives(told: Told) -> None:
    report = told("modify")

    (request,), (execution,) = report["requests"], report["executions"]
    assert execution["outcome"] == "executed_with_changes"
    assert execution["arguments"]["amount"] == request["arguments"]["amount"] == 27000


def test_reject_leads_to_a_revised_proposal(told: Told) -> None:
    report = told("reject", via="api")

    rejected, revised = report["requests"]
    assert (rejected["status"], revised["status"]) == ("rejected", "executed")
    assert rejected["via"] == "api"
    assert rejected["arguments"] != revised["arguments"]
    (execution,) = report["executions"]
    assert execution["arguments"] == revised["arguments"]


@pytest.mark.parametrize("decide", ["approve", "reject", "modify"])
def test_the_other_workflow_does_its_job_too(told: Told, decide: DecisionName) -> None:
    report = told(decide, workflow="crm_update")

    executions = report["executions"]
    assert sorted(e["tool"] for e in executions) == ["send_email", "update_opportunity"]
    update = next(e["arguments"] for e in executions if e["tool"] == "update_opportunity")
    assert update["stage"] == ("negotiation" if decide == "approve" else "proposal")


def test_chats_side_by_side_are_decided_together(told: Told) -> None:
    executions = told("modify", workflow="renewal")["executions"]
    update = next(e["arguments"] for e in executions if e["tool"] == "update_opportunity")

    assert ["send_email", "update_opportunity"] == sorted(e["tool"] for e in executions)
    assert "2027-01-15" == update["close_date"]


@pytest.mark.parametrize("decide", ["approve", "reject", "modify"])
def test_salesforce_gets_what_was_decided(told: Told, decide: DecisionName) -> None:
    report = told(decide, workflow="salesforce_update")

    (execution,) = report["executions"]
    wrote = execution["arguments"]
    stage = "Proposal/Price Quote" if decide == "reject" else "Negotiation/Review"
    assert ("change_opportunity", stage) == (execution["tool"], wrote["StageName"])
    assert (25480 if decide == "modify" else 26000) == wrote["Amount"]
    assert (2 if decide == "reject" else 1) == len(report["requests"])


@pytest.mark.parametrize("via", ["jira", "slack", "email"])
def test_change_that_shows_something_else_is_approved_once_more(told: Told, via: FrontName) -> None:
    """The difference is another one with another amount: it is read before it counts."""
    report = told("modify", workflow="salesforce_update", via=via)

    (request,), (execution,) = report["requests"], report["executions"]
    assert (25480, via) == (execution["arguments"]["Amount"], request["via"])


@pytest.mark.parametrize("decide", ["reject", "modify"])
def test_letters_go_out_as_they_were_decided(told: Told, decide: DecisionName) -> None:
    report = told(decide, workflow="outreach")

    first = next(e for e in report["executions"] if "ana" in e["arguments"]["to"])["arguments"]
    assert 2 == len(report["executions"])
    assert ("Ana, our" in first["subject"]) is (decide == "modify")
    assert ("It is about" in first["text"]) is (decide == "modify")


def test_hubspot_gets_what_was_decided(told: Told) -> None:
    report = told("reject", workflow="hubspot_update")

    (execution,) = report["executions"]
    assert ("26000", "2026-12-30T00:00:00Z") == tuple(
        execution["arguments"][name] for name in ("amount", "closedate")
    )
    assert 2 == len(report["requests"])


@pytest.mark.parametrize("decide", ["reject", "modify"])
def test_quote_is_released_as_it_was_decided(told: Told, decide: DecisionName) -> None:
    report = told(decide, workflow="cpq_quote")

    wrote = report["executions"][-1]["arguments"]
    off = wrote["lines"][0]["discount_percent"]
    until = wrote["valid_until"]
    assert {"reject": (5, "2026-12-31"), "modify": (8, "2027-01-15")}[decide] == (off, until)


@pytest.mark.parametrize(
    ("via", "decide"),
    [
        *(
            (via, each)
            for via in ("jira", "servicenow")
            for each in ("approve", "reject", "modify")
        ),
        ("asana", "modify"),
    ],
)
def test_the_whole_story_runs_in_a_ticket(told: Told, via: FrontName, decide: DecisionName) -> None:
    report = told(decide, via=via)

    *before, last = report["requests"]
    assert {via} == {request["via"] for request in report["requests"]}
    assert ["rejected"] * (decide == "reject") == [request["status"] for request in before]
    (execution,) = report["executions"]
    assert (last["id"], last["arguments"]) == (execution["request_id"], execution["arguments"])
    assert (27000 if decide == "modify" else execution["arguments"]["amount"]) == (
        execution["arguments"]["amount"]
    )


@pytest.mark.parametrize("decide", ["reject", "modify"])
def test_the_whole_story_runs_by_mail(told: Told, decide: DecisionName) -> None:
    report = told(decide, via="email")

    *before, last = report["requests"]
    assert {"email"} == {request["via"] for request in report["requests"]}
    assert ["rejected"] * (decide == "reject") == [request["status"] for request in before]
    (execution,) = report["executions"]
    assert (last["id"], last["arguments"]) == (execution["request_id"], execution["arguments"])


@pytest.mark.parametrize("decide", ["reject", "modify"])
def test_the_whole_story_runs_in_slack(told: Told, decide: DecisionName) -> None:
    report = told(decide, via="slack")

    *before, last = report["requests"]
    assert {"slack"} == {request["via"] for request in report["requests"]}
    assert ["rejected"] * (decide == "reject") == [request["status"] for request in before]
    (execution,) = report["executions"]
    assert (last["id"], last["arguments"]) == (execution["request_id"], execution["arguments"])


def test_the_messages_of_slack_can_be_read_in_the_terminal(shown: Shown) -> None:
    story = " ".join(shown("approve", workflow="crm_update", via="slack").split())

    for part in (
        "the message that Alex Wilber got",
        "presses [ Approve ]",
        "✓ Approved and done",
    ):
        assert part in story


def test_the_mails_can_be_read_in_the_terminal(shown: Shown) -> None:
    story = " ".join(shown("approve", workflow="crm_update", via="email").split())

    for part in (
        "the mail that Alex Wilber got",
        "WAITS FOR YOU",
        "follows the link, and presses [ Approve ]",
        "nothing came of that",
        "All 2 calls are over. 1. Update opportunity: Approved by Alex Wilber",
    ):
        assert part in story


@pytest.mark.parametrize("decide", ["modify"])
def test_the_whole_story_runs_on_the_page(shown: Shown, decide: DecisionName) -> None:
    story = " ".join(shown(decide, via="inbox").split())

    for part in (
        "the page that Alex Wilber reads",
        "What exactly would run",
        "presses [ Approve with these changes ]",
        "Your decision counts.",
        "amount 27000",
        "✓ verified",
    ):
        assert part in story, part


def test_tables_and_long_values_can_be_read_in_the_terminal(shown: Shown) -> None:
    page = shown("approve", workflow="financial_report", via="inbox")
    quote = shown("approve", workflow="cpq_quote", via="api").splitlines()
    (lines,) = [line for line in quote if line.startswith("    lines ")]

    assert "6200 Travel | 20,985.00 | 9,000.00 | 11,985.00 | +133.2" in page
    assert '[{"sku": "INS-SEAT", "quantity": 25' in lines
    assert lines.endswith("…")
    assert len(lines) <= 80


def test_the_ticket_can_be_read_in_the_terminal(shown: Shown) -> None:
    story = shown("modify", via="jira")

    for part in ("the ticket OPS-1 that Alex Wilber got", "Changes requested", "it ran once with"):
        assert part in " ".join(story.split())


def test_it_change_is_provisioned_after_a_change_in_servicenow(told: Told) -> None:
    report = told("approve", workflow="it_change", via="servicenow")

    assert {"servicenow"} == {request["via"] for request in report["requests"]}
    assert 1 == len(report["executions"])
