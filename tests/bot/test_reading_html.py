"""No word of an agent, a tool or a person is markup on the page, wherever it stands."""

from __future__ import annotations

import re

import pytest

from approvals.models import Injected, Preview, Principal, PrincipalId
from bot.reading import html
from tests.bot.teams.gallery import view

BAD = "<img src=x onerror=alert(1)>\"'&lt;</dd></main>\u202e"


@pytest.mark.parametrize("kind", ["text", "diff", "table"])
def test_every_word_of_others_is_escaped(kind: str) -> None:
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
