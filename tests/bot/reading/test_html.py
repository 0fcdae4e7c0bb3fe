"""No word of an agent, a tool or a person is markup on the page, wherever it stands."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Literal

import pytest

from countersign.approvals.models import (
    Injected,
    Preview,
    Principal,
    PrincipalId,
    RequestId,
    RequestStatus,
    SameCall,
)
from countersign.bot.reading import html
from tests.bot.teams.gallery import BUDGETS, view

BAD = "<img src=x onerror=alert(1)>\"'&lt;</dd></main>\u202e"


def same(text: str) -> SameCall:
    """A refusal of the same call, by somebody with this name and in these words."""
    at = datetime(2026, 3, 2, 9, tzinfo=UTC)
    rejected = RequestStatus.REJECTED
    return SameCall(request_id=RequestId("R-1"), status=rejected, at=at, by=text, comment=text)


def test_the_same_call_is_named() -> None:
    page = html.page("Read", [*html.whole(view(same_calls=(same("INV-7 was paid."),)))])

    assert "<b>Take care:</b> The same call was rejected by INV-7 was paid." in page


def test_budgets_are_said() -> None:
    page = html.page("Read", [*html.whole(view(budgets=BUDGETS))])

    assert "<b>Budget</b> quotes: 41st of 200 this month" in page


@pytest.mark.parametrize("kind", ["text", "diff", "table"])
def test_every_word_of_others_is_escaped(kind: Literal["text", "diff", "table"]) -> None:
    about = view(
        arguments={BAD: {BAD: [BAD]}},
        schema={"properties": {BAD: {"title": BAD, "description": BAD}}},
        proposed_arguments={BAD: BAD},
        agent=BAD,
        tool=BAD,
        rationale=BAD,
        reason=BAD,
        rule_id=BAD,
        asked_again=BAD,
        same_calls=(same(BAD),),
        budgets=(BUDGETS[1].model_copy(update={"scope": BAD}),),
        facts={BAD: BAD},
        injected=(Injected(name=BAD, value=BAD),),
        preview=Preview(kind=kind, text=BAD, rows=((BAD,), (BAD,))),
    )
    person = Principal(id=PrincipalId("ben"), name=BAD)
    about = about.model_copy(update={"eligible": (person,), "requester": person})
    page = html.page("Read", [*html.whole(about), html.confirmation("t", (person,), known=False)])

    assert "<img" not in page
    assert "\u202e" not in page
    assert 1 == page.count("</main>")
    assert not re.search(r"<(?!/?(!doctype|html|head|meta|title|style|body|main|h1|h2|p|b|dl|dt|dd|"
                         r"span|div|pre|table|tr|td|th|form|input|label|select|option|br|button)\b)",
                         page)  # fmt: skip
