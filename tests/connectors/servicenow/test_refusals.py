from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from countersign.approvals.errors import (
    CountersignError,
    InvalidError,
    NotFoundError,
    UnansweredError,
    UnavailableError,
)
from countersign.connectors.servicenow.refusals import ForbiddenError, refused
from tests.connectors.servicenow.fixtures import FOLDER, payload

ERRORS = payload("errors.json")
DATE = "Wed, 25 Nov 2026 09:00:00 GMT"


def answer(status: int, body: Any = None, **headers: str) -> requests.Response:
    made = requests.Response()
    made.status_code = status
    made._content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    made.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return made


@pytest.mark.parametrize(
    ("name", "kind", "said"),
    [
        ("not authenticated", UnavailableError, "connectors.servicenow.auth"),
        ("access rule", ForbiddenError, "access rules that docs/servicenow.md lists"),
        ("business rule", InvalidError, "Check State Transition"),
        ("no record", NotFoundError, "or hides it from us"),
        ("no table", InvalidError, "Invalid table change_requests"),
        ("too many", UnavailableError, "no more calls"),
    ],
)
def test_each_refusal_says_what_to_do(name: str, kind: type[CountersignError], said: str) -> None:
    error = refused(
        answer(ERRORS[name]["status"], ERRORS[name]["body"]), "an update of x", write=True
    )

    assert kind is type(error)
    assert said in str(error)
    assert "an update of x" in str(error)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_failure_of_a_write_may_have_been_done(status: int) -> None:
    assert UnansweredError is type(refused(answer(status), "a new row", write=True))
    assert UnavailableError is type(refused(answer(status), "reading", write=False))


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, {"X_RateLimit_Reset": "1795597260"}, 60.0),
        (429, {"Retry_After": "7"}, 7.0),
        (503, {"X_RateLimit_Reset": "1795597260"}, None),
    ],
)
def test_wait_is_told_on(status: int, headers: dict[str, str], seconds: float | None) -> None:
    error = refused(answer(status, Date=DATE, **headers), "reading", write=False)

    assert seconds == getattr(error, "retry_after_s", None)


def test_page_instead_of_an_error_is_not_shown() -> None:
    page = (FOLDER / "hibernating.html").read_text()

    assert "hibernating" not in str(refused(answer(400, page), "reading", write=False))


def test_reason_of_the_instance_is_shown_in_one_short_line() -> None:
    body = {"error": {"message": "No\n\u202eway", "detail": "x" * 5000}, "status": "failure"}
    said = str(refused(answer(400, body), "reading", write=False))

    assert "No \\u202eway" in said
    assert len(said) < 500
