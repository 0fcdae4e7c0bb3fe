"""Words beside an approval: a plain yes, changes that can be read, or asked once more."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from countersign.approvals.errors import InvalidError
from countersign.approvals.models import (
    JsonObject,
    Verdict,
)
from countersign.approvals.ports import RequestView
from countersign.connectors.comments.wanted import Written, wanted
from countersign.connectors.jira import typed as jira
from countersign.connectors.servicenow import typed as servicenow
from countersign.testing.suites.asked import asked

NOW = datetime(2026, 11, 29, tzinfo=UTC)
SCHEMA: JsonObject = {
    "type": "object",
    "properties": {
        "customer_id": {"type": "string"},
        "amount": {"type": "number"},
        "currency": {"enum": ["EUR", "USD"]},
        "valid_days": {"type": "integer"},
    },
    "required": ["customer_id", "amount"],
}
ASKED: JsonObject = {
    "customer_id": "CUST-1001",
    "amount": 25080.0,
    "currency": "EUR",
    "valid_days": 30,
}
SYSTEMS: dict[str, Callable[[Any], str]] = {
    "jira": jira.as_typed,
    "servicenow": servicenow.as_typed,
}
systems = pytest.mark.parametrize("system", SYSTEMS)


def view() -> RequestView:
    """A request of Sam's that waits."""
    waits = asked((), ASKED, tool="release_quote")
    return waits.model_copy(update={"arguments_schema": SCHEMA})


def approving(system: str, comment: str, *, earlier: tuple[str, ...] = ()) -> JsonObject | None:
    """The arguments that an approval with this comment asks for; None: as they are."""
    written = Written(SYSTEMS[system](comment), earlier=earlier, by="Alex Wilber", also=("OPS-1",))
    return wanted(written, Verdict.APPROVE, view())[1]


HEADS = [
    "Changes", "changes", "CHANGES", "Change", "Changes requested", "Requested changes",
    "Änderungen", "Modifications", "Cambios",
]  # fmt: skip
DRESSES = [
    "{}:",
    "*{}:*",
    "*{}*:",
    "_{}_:",
    "h3. {}:",
    "- {}:",
    "{{color:red}}{}:{{color}}",
    "> {}:",
]
LINES = ["amount: 27000", "* amount: 27000", "- amount: 27000", "amount = 27000", "*amount*: 27000"]


@systems
@pytest.mark.parametrize(("head", "dress"), [*itertools.product(HEADS, DRESSES)])
def test_changes_are_read_or_asked_for_again_and_never_overlooked(
    system: str, head: str, dress: str
) -> None:
    """Whatever the editor made of it: 25,080 is what nobody meant."""
    for line in LINES:
        try:
            arguments = approving(system, f"{dress.format(head)}\n{line}")
        except InvalidError:
            continue
        assert {**ASKED, "amount": 27000} == arguments


@pytest.mark.parametrize(("head", "dress"), [*itertools.product(HEADS, DRESSES[:-1])])
def test_the_editors_of_jira_keep_nobody_from_being_understood(head: str, dress: str) -> None:
    assert {**ASKED, "amount": 27000} == approving("jira", f"{dress.format(head)}\namount: 27000")


@systems
@pytest.mark.parametrize(
    "comment",
    [
        "", "Approved", "Looks good", "ok, thanks!", "LGTM 👍", "Yes, go ahead.",
        "Passt so, danke!",
        "Genehmigt", "D'accord, merci", "Aprobado, gracias", "+1", "Fine with me, Sam.",
        "25,080 EUR for CUST-1001 is fine.", "OK as shown", "Thanks Sam Carter, approved.",
        "Change approved.",
    ],
)  # fmt: skip
def test_a_plain_yes_is_one(system: str, comment: str) -> None:
    assert approving(system, comment) is None


@systems
@pytest.mark.parametrize(
    "comment",
    [
        "Approved, but make the amount 27000, please.", "ok but only 30 EUR", "27000", "27.000 EUR",
        "amount 27000", "Amount should be higher", "valid for 14 days", "Nur wenn der Kunde zahlt",
        "ok, aber 10 % weniger", "sous réserve de 27000", "Solo si baja el precio",
        "currency: USD", "in USD please", "Approved for CUST-1002", "use CUST-2002 instead",
        "Only if legal agrees", "Not before Monday", "change the customer", "Ändern auf 27000",
        "changes", "C h a n g e s", "see attached", "as in the mail above", "[new terms|http://x.example]",
        "Is this the right customer?", "do not run this", "amount → 27000", "No.",
        "half of it", "twenty thousand", "сумма 27000", "金额 27000", "|amount|27000|",
        "-25080- 27000", "amount: 25080 -> 27000", "Approve 27k", "reduce it", "amount=1",
    ],
)  # fmt: skip
def test_what_may_ask_for_something_else_is_no_yes(system: str, comment: str) -> None:
    with pytest.raises(InvalidError):
        approving(system, comment)


@systems
@pytest.mark.parametrize(
    "comment",
    ["Changes:\namount: 27000\nbut only on Monday", "Changes:\namount: 27000\nvalid_days: soon"],
)
def test_changes_with_more_beside_them_are_asked_again(system: str, comment: str) -> None:
    with pytest.raises(InvalidError):
        approving(system, comment)


def test_a_picture_in_jira_is_no_yes() -> None:
    with pytest.raises(InvalidError):
        approving("jira", "ok !screenshot.png!")


@systems
def test_what_was_written_before_counts_too(system: str) -> None:
    with pytest.raises(InvalidError, match="may ask for something else"):
        approving(system, "Approved", earlier=("make it 27000",))
    assert approving(system, "Approved", earlier=("Let me have a look.",)) is None


def test_the_answer_says_what_to_write() -> None:
    with pytest.raises(InvalidError) as caught:
        approving("jira", "make it 27000")

    said = str(caught.value)
    assert "“make it 27000”" in said
    assert "Changes:" in said
    assert "approve again without a comment" in said
