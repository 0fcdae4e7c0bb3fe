"""What the rules say is said in German, whatever stands in it; what others wrote stays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from countersign.approvals.forms import times
from countersign.approvals.forms.on_call import on_call_words
from countersign.approvals.forms.rollouts import PHASES, progress_words
from countersign.approvals.models import (
    Duty,
    Limit,
    OnCall,
    PrincipalId,
    RequestId,
    RequestStatus,
    SameCall,
    Standing,
)
from countersign.approvals.rules.budgets.words import (
    asked_because,
    in_line,
    ordinal,
    stopped_because,
)
from countersign.approvals.rules.repeats import in_sentence
from countersign.connectors.sentences import line_said, ruled, times_said

AT = datetime(2026, 11, 30, 16, 0, tzinfo=UTC)
ENGLISH = (
    "the ",
    " is ",
    " of ",
    " and ",
    " calls",
    " needed",
    " nobody",
    "today",
    " not ",
)


def german(text: str) -> str:
    """In German; it fails if anything of it is English still."""
    said = ruled("de", text)
    assert [] == [word for word in ENGLISH if word in said.lower()], said
    assert said != text
    assert text == ruled("en", text)
    return said


STANDINGS = [
    Standing(budget="refunds", period="today", count=3, hard_count=5),
    Standing(budget="refunds", period="this week", count=3, soft_count=5, scope="payee ACME"),
    Standing(
        budget="refunds", period="in 24 hours", count=12, hard_count=10, passes=Limit.HARD,
        currency="EUR", amount="200", value="12400.50", hard_value="12000", frees_at=AT,
    ),
    Standing(
        budget="refunds", period="this month", count=2, soft_count=1, passes=Limit.SOFT,
        currency="EUR", amount="200", value="400", soft_value="300",
    ),
    Standing(budget="refunds", period="today", count=1, hard_count=0, passes=Limit.HARD),
]  # fmt: skip


def test_budgets_are_told_with_the_marks_of_the_language() -> None:
    said = [line_said("de", in_line(each)) for each in STANDINGS]

    assert [
        "refunds: 3. von 5 heute",
        "refunds: 3. von 5 diese Woche (payee ACME)",
        "refunds: 12. von 10 in 24 Stunden, 12.400,50 von 12.000 EUR; über der harten Grenze: "
        "10 Aufrufe und 12.000 EUR",
        "refunds: 2. von 1 diesen Monat, 400 von 300 EUR; über der weichen Grenze: "
        "1 Aufruf und 300 EUR",
        "refunds: 1. von 0 heute; über der harten Grenze: 0 Aufrufe",
    ] == said
    assert in_line(STANDINGS[0]) == line_said("en", in_line(STANDINGS[0]))
    assert ["1.", "22.", "1.013."] == [
        line_said("de", f"x: {ordinal(n)} of 9 today")[3:].partition(" ")[0] for n in (1, 22, 1013)
    ]


@pytest.mark.parametrize("standing", STANDINGS)
def test_why_a_budget_asks_or_stops_is_told(standing: Standing) -> None:
    if standing.passes is Limit.SOFT:
        german(asked_because(standing))
    if standing.passes is Limit.HARD:
        german(stopped_because(standing))


def same_calls() -> Iterator[SameCall]:
    for status in RequestStatus:
        for by, comment in (("Ben", ""), ("", ""), ("Ben", "zu teuer")):
            yield SameCall(
                request_id=RequestId("R-1"), status=status, at=AT, by=by, comment=comment,
                changed=bool(by),
            )  # fmt: skip


@pytest.mark.parametrize(
    "same", list(same_calls()), ids=lambda same: f"{same.status}-{same.by}-{same.comment}"
)
def test_what_became_of_the_same_call_is_told(same: SameCall) -> None:
    said = german(in_sentence(same))

    assert same.comment in said


def test_who_is_on_call_is_told() -> None:
    ana = Duty(person=PrincipalId("ana"), name="Ana Li", until=AT)
    stranger = Duty(person=None, name="Zed", until=AT)
    known = OnCall(schedule="payments", zone="Europe/Berlin", duties=(ana, ana))
    said = german(on_call_words(known))

    zone = "(Mo. 30. Nov. 2026, 17:00 in Europe/Berlin)"
    one = f"Ana Li bis 30.11.26, 16:00 UTC {zone}"
    assert f"Bereitschaft für payments: {one} und {one}." == said
    for found in (
        OnCall(schedule="payments", zone="UTC", duties=(stranger,)),
        OnCall(schedule="payments", zone="UTC", duties=(), otherwise=("manager",), follows=ana),
        OnCall(schedule="payments", zone="UTC", duties=(), outdated="Zed hat nichts gelesen."),
    ):
        german(on_call_words(found))


@pytest.mark.parametrize("text", ["If nobody decides by then, {then}.", "{happened}", "{coming}"])
def test_what_comes_of_the_time_is_told(text: str) -> None:
    at = times.moment(AT, "Europe/Berlin")
    for then in ("it does not run", "it runs", "the chat ends", "boss is asked instead",
                 "boss is asked as well"):  # fmt: skip
        german(
            text.format(
                then=then,
                happened=f"Escalated to boss at {at}.",
                coming=f"If nobody decides, boss is asked as well from {at}.",
            )
        )


def test_undos_rollouts_and_who_may_decide_are_told() -> None:
    for request in ("", " (request R-1)"):
        german(f"Undone for Ben{request}.")
        german(f"It is not known whether it was undone for Ben{request}.")
        german(f"Ben has it undone{request}; that is under way.")
        german(f"Not undone, as Ben asked{request}.")
        german(f"Not undone, as Ben asked{request}: Es ist weg.")
    for phase in PHASES:
        german(f"Sampled, this one of 5 was drawn: {progress_words(4, 30, phase)}.")
        german(f"In shadow: {progress_words(40, 30, phase)}.")
    german(f"Autonomous: {progress_words(4, 30, None)}.")
    german("This needs the role manager or controller, or the group finance, or the name alex.")
    assert "Den Vertrag kennt Ben." == ruled("de", "Den Vertrag kennt Ben.")


def test_steps_and_who_decides_are_lines() -> None:
    for line in (
        "manager: approved by Ben; 1 more is needed, from Cara or Dave",
        "controller: 2 are needed, and nobody could, once the steps before are through",
        "2 of: Ana Li, Bo (step 1 of 2)",
        "2 of: Ana Li, Bo (steps 1 to 2, in any order of 3)",
    ):
        said = line_said("de", line)
        assert [] == [word for word in ENGLISH if word in said], said


def test_a_time_in_no_zone_that_there_is_and_what_is_too_long_stay() -> None:
    said = times_said("de", "bis 2026-11-30 16:00 UTC (Mon 30 Nov 2026, 17:00 in No/Where)")

    assert "bis 30.11.26, 16:00 UTC" == said
    assert "2026-11-30 16:00 UTC" == times_said("en", "2026-11-30 16:00 UTC")
    assert "x" * 6000 == ruled("de", "x" * 6000) == line_said("de", "x" * 6000)
    assert "Large refunds and credits need a manager." == ruled(
        "de", "Large refunds and credits need a manager."
    )
