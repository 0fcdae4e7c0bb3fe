"""What people read of undos, in every state and of rows whose words were erased."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from countersign.approvals.forms.undos import attempt_words, offered_words, takes_back
from countersign.approvals.models import (
    PrincipalId,
    Request,
    RequestId,
    RequestKind,
    RequestStatus,
    Risk,
    Session,
    SessionId,
    SessionStatus,
    UndoAct,
    Undone,
    UndoOffer,
    Via,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BEN = UndoAct(
    by=PrincipalId("ben"),
    by_name="Ben",
    via=Via("teams"),
    identity="entra:ben",
    reason="The wrong one.",
    at=NOW,
)


def session(undoing: UndoAct | None = BEN, **more: object) -> Session:
    kept = {
        "id": SessionId("S-1"), "workflow": "w", "workflow_version": "1", "task": "t",
        "owner": "anna", "status": SessionStatus.WAITING, "conversation": None,
        "created_at": NOW, "updated_at": NOW, "undoes": RequestId("R-1"), "undoing": undoing,
    }  # fmt: skip
    return Session.model_validate({**kept, **more})


def request(status: RequestStatus) -> Request:
    kept = {
        "id": "R-2", "session_id": "S-1", "checkpoint_id": "C-1", "position": 0,
        "kind": RequestKind.TOOL, "call_id": "0.0", "tool": "reopen", "arguments": {},
        "agent": "a", "executor": "g", "rationale": "", "risk": Risk.LOW, "rule_id": "r",
        "reason": "The rule says no.", "policy_version": "1", "revision": 1, "digest": "0" * 64,
        "stages": (), "stage": 0, "status": status, "requester": "anna", "idempotent": False,
        "created_at": NOW, "expires_at": None, "execution_token": "t",
    }  # fmt: skip
    return Request.model_validate(kept)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (RequestStatus.EXECUTED, "Undone for Ben (request R-2)."),
        (RequestStatus.PENDING, "Ben has it undone (request R-2); that is under way."),
        (RequestStatus.IN_DOUBT, "It is not known whether it was undone for Ben (request R-2)."),
        (RequestStatus.REJECTED, "Not undone, as Ben asked (request R-2): The rule says no."),
    ],
)
def test_an_attempt_says_how_it_stands(status: RequestStatus, said: str) -> None:
    assert said == attempt_words(Undone(session=session(), request=request(status)))


def test_an_attempt_that_was_never_asked_says_why_if_that_is_known() -> None:
    failed = session(status=SessionStatus.FAILED, error="Nobody executes it.")
    silent = session(None, status=SessionStatus.FAILED)

    assert "Not undone, as Ben asked: Nobody executes it." == attempt_words(
        Undone(session=failed, request=None)
    )
    assert "Not undone, as somebody asked." == attempt_words(Undone(session=silent, request=None))


def test_the_request_of_an_undo_says_what_it_takes_back() -> None:
    assert "This takes back request R-1, as Ben asked: The wrong one." == takes_back(session())
    assert "This takes back request R-1." == takes_back(session(None))
    assert "" == takes_back(session(None, undoes=None))


def test_what_is_offered_says_until_when_and_where() -> None:
    offer = UndoOffer(tool="cancel", executor="proxy", arguments={}, within_s=60)

    assert "" == offered_words(None) == offered_words(offer)
    said = offered_words(offer.model_copy(update={"until": NOW}))
    assert "It can be undone until 2026-03-02 09:00 UTC by those who could approve it" in said
