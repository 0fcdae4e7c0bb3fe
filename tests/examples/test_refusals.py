"""What the answers of back ends mean, and how they are said."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from countersign import OutcomeUnknownError
from countersign.examples.back_office import Rest
from countersign.examples.refusals import MOST_WORDS, perhaps_done, refused, words_of
from countersign.examples.vendors.cpq import Cpq

ZENDESK = '{"error": "RecordInvalid", "description": "Record validation errors"}'


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_what_stands_in_between_may_have_passed_the_call_on(status: int) -> None:
    assert perhaps_done(status)


@pytest.mark.parametrize("status", [400, 401, 409, 412, 422, 429, 501])
def test_what_the_system_says_of_the_call_itself_is_no_doubt(status: int) -> None:
    assert not perhaps_done(status)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"message": "No such deal."}', "No such deal."),
        (b'{"error": {"message": "Locked."}}', "Locked."),
        (ZENDESK, "Record validation errors"),
        ('{"error": {"title": "Forbidden", "message": ""}}', "Forbidden"),
        ("<html><body>503 Service Unavailable</body></html>", ""),
        ("upstream connect error", "upstream connect error"),
        ('["what?"]', ""),
        ("", ""),
        (b"\xff", "\ufffd"),
    ],
)
def test_words_of_an_answer_are_found_in_every_shape(body: str | bytes, said: str) -> None:
    assert said == words_of(body)


def test_refusal_says_what_why_when_and_what_has_not_happened() -> None:
    assert "The ERP refused (HTTP 409): Signed already. Nothing was changed." == refused(
        "The ERP", 409, "Signed already.", nothing="Nothing was changed."
    )
    assert "X is unavailable (HTTP 503): it does not say why. Try again in 5 s." == refused(
        "X", 503, " ", later="5"
    )
    assert refused("X", 429, "Slow down", later="Wed, 02 Dec 2026 07:28:00 GMT").endswith(
        "Slow down. Try again after Wed, 02 Dec 2026 07:28:00 GMT."
    )
    assert refused("X", 403, "No").endswith("an operator has to look at them.")
    assert "later" not in refused("X", 400, "No", later="5")
    assert MOST_WORDS + 50 > len(refused("X", 400, "long " * 1000))


@pytest.mark.parametrize("second", [400, 401, 403, 409, 412, 422, 429, 501, 503])
@pytest.mark.parametrize("first", [0, 408, 500])
async def test_refused_repetition_leaves_open_what_the_first_attempt_did(
    monkeypatch: pytest.MonkeyPatch, first: int, second: int
) -> None:
    answers = [first, second] * 2
    made: list[str] = []

    async def request(_: Any, method: str, path: str, **__: Any) -> httpx.Response:
        made.append(method)
        if not (status := answers.pop(0)):
            raise httpx.ReadError("gone")
        return httpx.Response(status, json={"error": {"message": "no"}})

    monkeypatch.setattr(httpx.AsyncClient, "request", request)
    with pytest.raises(OutcomeUnknownError):
        await Rest("desk", "http://127.0.0.1:9", "k").write("POST", "/a", {}, "key-1")
    with pytest.raises(OutcomeUnknownError):
        await Cpq("http://127.0.0.1:9", "k").change("Q-1", {"a": 1}, 1, "key-2")

    assert ["POST", "POST", "PATCH", "PATCH"] == made
