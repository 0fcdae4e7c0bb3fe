"""Where its rule stands is said of a request in every place that shows it, in the same words."""

from __future__ import annotations

from countersign.approvals.forms.rollouts import standing_words
from countersign.approvals.ports import RequestView, TicketOrder
from countersign.bot.teams.cards import request_card
from countersign.connectors.document import document
from countersign.connectors.slack.message import drawn
from countersign.testing.suites.asked import asked
from tests.bot.teams import gallery
from tests.bot.teams.test_cards import LOOK, texts
from tests.doubles.directory import BEN

STANDS = {"meaning": "m", "phase": "copilot", "compared": 4, "needed": 30, "next": "sampled"}
LINE = "Co-pilot: 4 of 30 towards sampled."


def seen(rule: str) -> dict[str, object]:
    return {"rollout": {"rules": {rule: STANDS}}}


def view() -> RequestView:
    waits = asked((BEN,), {"customer": "Contoso", "amount": 1})
    request = waits.request.model_copy(update={"seen": seen(waits.request.rule_id)})
    return waits.model_copy(update={"request": request})


def test_the_card_in_teams_says_it() -> None:
    plain = gallery.view()
    phased = gallery.view(seen=seen(plain.request.rule_id))

    assert LINE == standing_words(phased.request)
    assert LINE in texts(request_card(phased, LOOK))
    assert "towards" not in texts(request_card(plain, LOOK))


def test_the_message_in_slack_says_it() -> None:
    assert LINE in str(drawn(view(), lambda _: "").blocks)


def test_a_ticket_says_it() -> None:
    shown = view()
    order = TicketOrder(key=shown.request.id, view=shown, approvers=shown.eligible)

    assert LINE in [row.text for row in document(order, None, "jira").facts]
