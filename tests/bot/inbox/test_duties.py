"""Who is on call, in German."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from countersign.approvals.forms.on_call import on_call_words
from countersign.approvals.models import Duty, OnCall, PrincipalId
from countersign.bot.inbox.duties import duty_words
from countersign.bot.inbox.words import words

UNTIL = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
"""Half past two in Berlin, for the first time of that night."""
ANA = Duty(name="Ana Li", until=UNTIL, person=PrincipalId("ana"))
BO = Duty(name="Bo", until=UNTIL, person=PrincipalId("bo"))
ZED = Duty(name="Zed", until=UNTIL)
AT = "25.10.2026, 00:30:00 UTC"
THERE = f"{AT} (So. 25. Okt., 02:30, Europe/Berlin)"


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"duties": (ANA,)}, f"Bereitschaft für payments: Ana Li bis {THERE}."),
        (
            {"duties": (ANA, BO), "zone": "UTC"},
            f"Bereitschaft für payments: Ana Li bis {AT} und Bo bis {AT}.",
        ),
        (
            {"duties": (ZED,), "otherwise": ("manager", "controller")},
            f"Zed hat bis {THERE} Bereitschaft für payments, ist hier aber nicht bekannt. "
            "Niemand, der hier bekannt ist, hat gerade Bereitschaft für payments. "
            "Stattdessen gefragt: manager oder controller.",
        ),
        (
            {"follows": BO},
            f"Niemand hat gerade Bereitschaft für payments. Ab {THERE}: Bo.",
        ),
        (
            {"outdated": "There is no schedule payments any more."},
            "Den Plan payments gibt es nicht mehr. "
            "Danach kann niemand entscheiden, bevor er gelesen ist.",
        ),
        (
            {
                "outdated": "The schedule payments was last read at 2026-10-24 20:00 UTC; that is "
                "too long ago."
            },
            "Der Plan payments wurde zuletzt 2026-10-24 20:00 UTC gelesen; das ist zu lange her. "
            "Danach kann niemand entscheiden, bevor er gelesen ist.",
        ),
        (
            {"outdated": "The schedule payments was not read yet."},
            "Der Plan payments wurde noch nicht gelesen. "
            "Danach kann niemand entscheiden, bevor er gelesen ist.",
        ),
    ],
)
def test_who_is_on_call_is_said_in_german(more: dict[str, Any], says: str) -> None:
    found = OnCall.model_validate({"schedule": "payments", "zone": "Europe/Berlin", **more})

    assert says == duty_words(words("de"), found)
    assert on_call_words(found) == duty_words(words("en"), found)
