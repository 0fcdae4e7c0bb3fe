from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from countersign.approvals.models import Verdict
from countersign.approvals.tickets import (
    Observation,
    TicketAct,
    TicketRef,
    TicketRefusal,
    TicketVote,
)
from countersign.connectors.servicenow.deciding import decide
from countersign.connectors.servicenow.reading import CLOSED
from tests.connectors.servicenow.fixtures import settings

AT = datetime(2026, 11, 25, 7, 10, tzinfo=UTC)


def seen(altered_by: str | None = None, **act: Any) -> Observation:
    values = {"actor": "alex.wilber", "assigned_to": "alex.wilber", "state": "approved", **act}
    return Observation(
        ref=TicketRef(id="5" * 32, key="CHG0030001", url="https://example.service-now.com/x"),
        order_key="R-7F3K2M9QXC4V.1.0",
        awaiting=False,
        state_name="approval approved, state -5",
        acts=(TicketAct.model_validate({"id": "a:1", "at": AT, **values}),),
        altered_by=altered_by,
    )


@pytest.mark.parametrize(
    ("act", "verdict"),
    [
        ({}, Verdict.APPROVE),
        ({"state": "rejected"}, Verdict.REJECT),
        ({"changes": "amount: 900"}, Verdict.MODIFY),
        ({"changes": " \n"}, Verdict.APPROVE),
        ({"state": "rejected", "changes": "amount: 900"}, Verdict.REJECT),
        ({"actor": "ALEX.WILBER"}, Verdict.APPROVE),
        ({"actor": "sam.carter"}, Verdict.APPROVE),
    ],
)
def test_answer_of_the_approver_or_a_delegate_is_a_verdict(
    act: dict[str, Any], verdict: Verdict
) -> None:
    (found,) = decide(settings(delegates={"alex.wilber": ["sam.carter"]}), seen(**act))

    assert isinstance(found, TicketVote)
    assert verdict == found.verdict


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        ({"actor": None}, "does not say who"),
        ({"actor": "svc_approvals"}, "The account that opens these tickets"),
        ({"actor": "SVC_APPROVALS", "assigned_to": "svc_approvals"}, "The account that opens"),
        ({"actor": "mallory.evil"}, "mallory.evil gave the answer that alex.wilber was asked for"),
        ({"assigned_to": ""}, "does not say whose"),
        ({"altered_by": "mallory.evil"}, "changed by mallory.evil"),
        ({"state": CLOSED, "assigned_to": None}, "closed without an approval"),
    ],
)
def test_what_cannot_count_is_refused_with_its_reason(act: dict[str, Any], reason: str) -> None:
    (found,) = decide(settings(), seen(**act))

    assert isinstance(found, TicketRefusal)
    assert reason in found.reason


@pytest.mark.parametrize("state", ["requested", "not_required", "cancelled", "duplicate", "", "x"])
def test_every_other_state_means_pending(state: str) -> None:
    assert [] == decide(settings(), seen(state=state))
