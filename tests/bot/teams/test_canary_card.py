"""A canary on its card: like every other one while it waits, and a test at its end."""

from __future__ import annotations

from countersign.approvals.forms.canaries import canary_words
from countersign.approvals.models import Canary, Cause, RequestStatus
from countersign.approvals.rules.proposals import not_executed
from countersign.bot.teams.cards import request_card
from tests.bot.teams.gallery import view
from tests.bot.teams.test_cards import LOOK, texts
from tests.connectors.test_canary_words import ENDED, RIGHT


def test_while_it_waits_its_card_is_that_of_any_other() -> None:
    waits = ENDED.model_copy(update={"end": None, "by": None, "given": None})
    as_any, as_canary = view(), view(canary=Canary.model_validate(waits.model_dump()))

    assert as_canary.request.canary is not None
    assert request_card(as_any, LOOK) == request_card(as_canary, LOOK)


def test_at_its_end_the_card_says_what_it_was() -> None:
    result = not_executed(Cause.CANARY, canary_words(ENDED))
    over = view(status=RequestStatus.CANCELLED, result=result, canary=ENDED, decision=None)
    said = texts(request_card(over, LOOK))

    assert "This was a test: " in said
    assert "What it was" in said
    assert RIGHT in said
    assert "Cancelled" not in said
