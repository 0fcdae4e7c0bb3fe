"""What agents read about their calls."""

from __future__ import annotations

import json

import pytest

from countersign.agents.results import text_of
from countersign.approvals.models import (
    Cause,
    Decision,
    Outcome,
    Result,
    Verdict,
    Via,
)
from tests.agents.fakes import NOW
from tests.agents.requests import claimed

REQUEST = claimed("send", {"to": "bob"})
BY_RULE = Decision(verdict=Verdict.APPROVE, by="policy", by_name="rule x", via=Via.POLICY, at=NOW)
NO = Decision(
    verdict=Verdict.REJECT, by="mia", by_name="Mia", via=Via("jira"), at=NOW, comment="too much"
)


def test_executed_by_rule_is_the_plain_return_value() -> None:
    """As without a gate."""
    request = REQUEST.model_copy(update={"decision": BY_RULE})

    assert text_of(request, Result(outcome=Outcome.EXECUTED, content="plain")) == "plain"


def test_approved_by_a_person() -> None:
    """Says who."""
    told = json.loads(text_of(REQUEST, Result(outcome=Outcome.EXECUTED, content="sent")))

    assert told == {
        "decision": "USER_APPROVE",
        "status": "executed",
        "result": "sent",
        "decided_by": "Mia",
    }


def test_modified_by_a_person() -> None:
    """Says what ran."""
    request = REQUEST.model_copy(update={"proposed_arguments": {"to": "eve"}})
    result = Result(outcome=Outcome.EXECUTED_WITH_CHANGES, content="sent")

    assert json.loads(text_of(request, result)) == {
        "decision": "USER_APPROVE",
        "status": "executed_with_changes",
        "arguments_used": {"to": "bob"},
        "result": "sent",
        "decided_by": "Mia",
    }


@pytest.mark.parametrize(
    ("written", "told_what_ran"),
    [({}, False), ({"to": "bob"}, False), ({"to": "BOB"}, True), ({"to": {"name": "bob"}}, True)],
)
def test_what_the_tool_made_of_it_is_told_where_it_is_not_what_was_written(
    written: dict[str, object], told_what_ran: bool
) -> None:
    """A default is no news; a value that a validator changed is."""
    request = REQUEST.model_copy(update={"written": written})
    told = json.loads(text_of(request, Result(outcome=Outcome.EXECUTED, content="sent")))

    assert told_what_ran is ("arguments_used" in told)


def test_rejected_by_a_person() -> None:
    """Says why, so that agents can adapt."""
    request = REQUEST.model_copy(update={"decision": NO})
    result = Result(outcome=Outcome.NOT_EXECUTED, cause=Cause.REJECTED, retry=True)

    assert json.loads(text_of(request, result)) == {
        "decision": "USER_REJECT",
        "status": "not_executed",
        "cause": "rejected",
        "feedback": "too much",
        "retry": True,
        "decided_by": "Mia",
    }


@pytest.mark.parametrize("cause", [c for c in Cause if c is not Cause.REJECTED])
def test_every_other_cause(cause: Cause) -> None:
    """No decision of a person is claimed, also where one had approved before (drift, in_doubt)."""
    result = Result(outcome=Outcome.NOT_EXECUTED, cause=cause, retry=False, message="why")

    assert json.loads(text_of(REQUEST, result)) == {
        "status": "not_executed",
        "cause": cause,
        "retry": False,
        "message": "why",
    }


def test_failed() -> None:
    """The error stays in the chat."""
    result = Result(outcome=Outcome.FAILED, content="ValueError: no")

    assert json.loads(text_of(REQUEST, result)) == {"status": "failed", "error": "ValueError: no"}
