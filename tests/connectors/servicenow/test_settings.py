from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from countersign.approvals.models import Verdict
from countersign.approvals.tickets import TicketOutcome
from tests.connectors.servicenow.fixtures import settings

COLUMN = {"field": "state", "approved": [-1], "rejected": [4], "pending": [-5, -4]}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"url": "http://example.service-now.com"}, "must be https"),
        ({"url": "https://example.service-now.com/nav_to.do"}, "the instance only"),
        ({"url": "example.service-now.com"}, "must be like https://"),
        ({"url": "ftp://example.com"}, "must be like https://"),
        ({"table": "change_request^active=true"}, "no name of a table"),
        ({"changes_field": "u changes"}, "no name of a table or column"),
        ({"prefix": "agent^approval"}, "prefix"),
        ({"fields": {"approval": "approved"}}, "approval cannot be set here"),
        ({"fields": {"description": "Nothing to see"}}, "description cannot be set here"),
        ({"close": {"executed": {"approval": "approved"}}}, "approval cannot be set here"),
        ({"close": {"finished": {"state": "3"}}}, "close"),
        ({"decide_by": {**COLUMN, "pending": ["4"]}}, "stands in two of"),
        ({"auth": {"kind": "oauth", "client_id": "c", "client_secret": "s"}}, "user: required"),
    ],
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        settings(**wrong)


def test_http_is_allowed_on_this_machine_only() -> None:
    assert "http://127.0.0.1:8805" == settings(url="http://127.0.0.1:8805/").url


def test_own_user_is_that_of_the_credentials_unless_it_is_named() -> None:
    oauth = {"kind": "oauth", "client_id": "c", "client_secret": "s"}

    assert "svc_approvals" == settings().own_user
    assert "svc_oauth" == settings(auth=oauth, user="svc_oauth").own_user
    assert settings().is_own("SVC_Approvals")


def test_values_of_columns_are_sent_as_text() -> None:
    close = {"executed": [{"state": -1}, {"state": 3, "close_code": "successful"}]}
    found = settings(fields={"risk": 2, "cab_required": True}, close=close)

    assert {"risk": "2", "cab_required": "true"} == found.fields
    assert ({"state": "-1"}, {"state": "3", "close_code": "successful"}) == found.close[
        TicketOutcome.EXECUTED
    ]


def test_one_step_at_the_end_needs_no_list() -> None:
    found = settings(close={"rejected": {"state": 4}})

    assert ({"state": "4"},) == found.close[TicketOutcome.REJECTED]


@pytest.mark.parametrize(
    ("more", "verdicts"),
    [
        ({}, {"approved": Verdict.APPROVE, "rejected": Verdict.REJECT, "requested": None}),
        ({"decide_by": COLUMN}, {"-1": Verdict.APPROVE, "4": Verdict.REJECT, "approved": None}),
    ],
)
def test_only_mapped_states_are_answers(
    more: dict[str, Any], verdicts: dict[str, Verdict | None]
) -> None:
    assert verdicts == {state: settings(**more).verdict(state) for state in verdicts}


def test_delegates_answer_for_those_who_named_them_and_for_nobody_else() -> None:
    found = settings(delegates={"Alex.Wilber": ["sam.carter"]})

    assert found.may_answer("ALEX.wilber", "alex.wilber")
    assert found.may_answer("Sam.Carter", "alex.wilber")
    assert not found.may_answer("alex.wilber", "sam.carter")
    assert not found.may_answer("", "alex.wilber")


def test_secrets_do_not_show() -> None:
    assert "svc-pass" not in repr(settings())
