"""What people have put on record of a call, as a sentence."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from countersign.approvals.forms.rollouts import hindsight_words
from countersign.approvals.models import (
    Hindsight,
    HindsightKind,
    PrincipalId,
    RequestId,
    Via,
)

BY_HAND: dict[str, Any] = {"kind": HindsightKind.BY_HAND, "arguments": {"amount": 5}}


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ({"kind": HindsightKind.WRONG, "text": "Twice."}, "Ben says that this was wrong."),
        ({**BY_HAND, "arguments": None}, "Ben found that nothing was to be done."),
        ({**BY_HAND, "agrees": True}, "Ben did it by hand as proposed."),
        (
            {**BY_HAND, "agrees": False, "differs": ("amount", "note")},
            "Ben did it by hand otherwise: amount, note.",
        ),
    ],
)
def test_what_somebody_put_on_record(known: dict[str, Any], words: str) -> None:
    hindsight = Hindsight(
        request_id=RequestId("R-1"),
        principal_id=PrincipalId("ben"),
        name="Ben",
        via=Via.API,
        identity="bearer:ben",
        at=datetime(2026, 12, 1, tzinfo=UTC),
        **known,
    )

    assert words == hindsight_words(hindsight)
