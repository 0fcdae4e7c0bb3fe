"""One card for all calls of a checkpoint that are decided on the same terms."""

from __future__ import annotations

from typing import Any

import pytest

from countersign.approvals.forms.together import digest_of, name_of, named_by, on_same_terms
from countersign.approvals.models import Actor, Request, RequestId, RequestKind, Via
from countersign.approvals.ports import Prompt
from countersign.bot.teams.cards import CARD_LIMIT_BYTES, size_bytes
from countersign.bot.teams.channel import reminder
from countersign.bot.teams.checkpoint import checkpoint_card, checkpoint_title, shows_all_calls
from countersign.bot.teams.clicks import Click, click_of_invoke
from countersign.bot.teams.on_checkpoint import answer_click
from countersign.bot.teams.parts import Look
from countersign.sandbox.botframework.cards import action_of
from countersign.sandbox.botframework.world import Message
from tests.bot.teams.gallery import LONG, every, request, several
from tests.bot.teams.stage import ALEX, ISAIAH, SAM, Stage
from tests.bot.teams.test_cards import texts

LOOK = Look("execute", pages_url="https://gate.example", full_width=True)


async def together(
    world: Stage, *arguments: dict[str, Any], conversation: str = "personal"
) -> list[Request]:
    """Calls of one message, asked of Sam's fellows in their own chats or in the group."""
    session_id = await world.start(conversation=conversation)
    await world.propose(session_id, *arguments)
    page = await world.records.requests(session_id=session_id)
    return sorted(page.items, key=lambda request: request.position)


def cards_of(world: Stage, asked: list[Request]) -> list[Message]:
    return [c for c in world.cards() if any(each.id in str(c.card()) for each in asked)]


async def statuses(world: Stage, asked: list[Request]) -> list[str]:
    return [await world.status(each.id) for each in asked]


async def answered(world: Stage, click: Click) -> str:
    """What Alex reads after a click that carries this."""
    person = world.directory.by_id("alex")
    actor = Actor(principal=person, via=Via("teams"), identity="entra:alex")
    reply = await answer_click(world.approvals, world.records, click, actor, LOOK)
    return texts(reply.card)


THREE = ({"amount": 1, "currency": "EUR"}, {"amount": 2, "currency": "EUR"}, {"amount": 3})


@pytest.mark.asyncio
async def test_a_checkpoint_is_one_card_for_each_approver(signed: Stage) -> None:
    asked = await together(signed, *THREE)
    cards = cards_of(signed, asked)

    assert 2 == len(cards)  # Alex's and Isaiah's; Sam may not decide what they asked for
    for card in cards:
        assert "Approval needed: 3 calls of push quote" in str(card.card())
        assert "In total 3 EUR." in str(card.card())
    for each in asked:
        assert 2 == len(await signed.records.deliveries(each.id))


@pytest.mark.asyncio
async def test_one_decision_changes_each_card_once(signed: Stage) -> None:
    asked = await together(signed, *THREE)
    alex, isaiah = cards_of(signed, asked)
    reply = await signed.teams.click(alex, "approve_all", {"comment": ""}, person=ALEX)
    await signed.settle()

    assert ["approved"] * 3 == await statuses(signed, asked)
    assert "Decided: 3 calls" in str(reply.card)
    assert 2 == len(cards_of(signed, asked))
    for card in (alex, isaiah):
        now = next(c for c in signed.cards() if c.id == card.id)
        assert "3 ✓ Approved" in str(now.card())
        assert "by Alex Wilber" in str(now.card())


@pytest.mark.asyncio
async def test_one_call_is_opened_decided_and_left(signed: Stage) -> None:
    """Its own view has all the buttons of a card; whoever has decided it is back among all."""
    asked = await together(signed, *THREE)
    card = cards_of(signed, asked)[0]
    two = {"request": asked[1].id}
    opened = await signed.teams.click(card, "open", person=ALEX, data=two)
    shown = texts(opened.card)
    assert "2 of 3 proposed together" in shown
    assert "Approve all" not in shown
    assert {"Approve", "Edit", "Reject", "Back to all 3"} <= set(shown.split("\n"))

    back = await signed.teams.click(card, "list", person=ALEX)
    assert "Approval needed: 3 calls" in texts(back.card)
    await signed.teams.click(card, "open", person=ALEX, data=two)
    unsaid = await signed.teams.click(card, "reject", {"comment": ""}, person=ALEX)
    assert "Say why you reject this" in texts(unsaid.card)
    assert "Back to all 3" in texts(unsaid.card)
    done = await signed.teams.click(card, "reject", {"comment": "Not two."}, person=ALEX)
    shown = texts(done.card)

    assert "2. Push quote: ✗ Rejected by Alex Wilber" in shown
    assert "Approval needed: 2 of 3 calls" in shown
    assert ["pending", "rejected", "pending"] == await statuses(signed, asked)
    await signed.settle()
    all_cards = cards_of(signed, asked)
    assert 2 == len(all_cards)
    assert all("“Not two.”" in str(each.card()) for each in all_cards)
    rest = await signed.teams.click(card, "approve_all", {"comment": ""}, person=ALEX)
    assert "Decided: 3 calls" in texts(rest.card)
    assert ["approved", "rejected", "approved"] == await statuses(signed, asked)


@pytest.mark.asyncio
async def test_a_call_is_changed_in_its_own_view(signed: Stage) -> None:
    asked = await together(signed, *THREE)
    card = cards_of(signed, asked)[0]
    await signed.teams.click(card, "open", person=ALEX, data={"request": asked[0].id})
    form = await signed.teams.click(card, "edit", person=ALEX)
    assert "Back to all 3" in texts(form.card)
    saved = await signed.teams.click(card, "save", {"arg_amount": 5, "comment": ""}, person=ALEX)

    assert "Approval needed: 2 of 3 calls" in texts(saved.card)
    assert 5 == (await signed.records.request(asked[0].id)).arguments["amount"]
    assert ["approved", "pending", "pending"] == await statuses(signed, asked)


@pytest.mark.asyncio
async def test_what_was_changed_meanwhile_stops_all_of_it(signed: Stage) -> None:
    asked = await together(signed, *THREE)
    alex, isaiah = cards_of(signed, asked)
    one = {"request": asked[0].id}
    seen = action_of(alex.card() or {}, "approve_all")["data"]  # before it is updated
    await signed.teams.click(isaiah, "open", person=ISAIAH, data=one)
    await signed.teams.click(isaiah, "reject", {"comment": "No."}, person=ISAIAH)
    late = await signed.teams.click(alex, "approve_all", {"comment": ""}, person=ALEX, data=seen)

    assert "This card was out of date" in texts(late.card)
    assert ["rejected", "pending", "pending"] == await statuses(signed, asked)


@pytest.mark.asyncio
async def test_whoever_may_not_decide_them_is_told_alone(signed: Stage) -> None:
    asked = await together(signed, *THREE, conversation="group")
    card = cards_of(signed, asked)[0]
    refused = await signed.teams.click(card, "approve_all", {"comment": ""}, person=SAM)

    assert "You cannot decide these." in texts(refused.card)
    assert "Approve all" not in texts(refused.card)
    assert ["pending"] * 3 == await statuses(signed, asked)
    assert "Approve all 3" in str(cards_of(signed, asked)[0].card())


@pytest.mark.asyncio
async def test_looking_decides_nothing_and_strange_names_show_one_call(signed: Stage) -> None:
    asked = await together(signed, *THREE)
    one, two, _ = asked
    looked = await answered(signed, Click(one.id, one.digest, "refresh", calls="7"))
    assert "Approval needed: 3 calls" in looked
    for name in ("0", "zz", "8", "5", "2"):
        for odd in (
            Click(two.id, two.digest, "refresh", calls=name),
            Click(two.id, "", "open", within=name),
        ):
            assert "2 of 3 proposed together" in await answered(signed, odd)
    both = digest_of(asked[:2])
    forged = Click(one.id, one.digest, "approve_all", everything=both, calls="7")
    assert "out of date" in await answered(signed, forged)
    gone = Click(RequestId("R-1"), "x", "refresh", calls="7")
    assert "not there any more" in await answered(signed, gone)
    assert ["pending"] * 3 == await statuses(signed, asked)


@pytest.mark.asyncio
async def test_what_does_not_fit_is_not_approved_on_the_card(signed: Stage) -> None:
    asked = await together(signed, {"amount": 1}, {"amount": 2, "note": LONG * 4})
    card = cards_of(signed, asked)[0]
    shown = texts(card.card())
    assert "Not everything fits on this card" in shown
    assert "Approve all" not in shown
    no = await signed.teams.click(card, "reject_all", {"comment": "No."}, person=ALEX)
    assert "2 ✗ Rejected" in texts(no.card)
    assert ["rejected"] * 2 == await statuses(signed, asked)


@pytest.mark.asyncio
async def test_a_forged_approval_of_what_does_not_fit_is_on_the_ledger(signed: Stage) -> None:
    asked = await together(signed, {"amount": 1}, {"amount": 2, "note": LONG * 4})
    one, everything = asked[0], digest_of(asked)
    forged = Click(one.id, one.digest, "approve_all", everything=everything, calls="3")
    assert "does not show all of every call" in await answered(signed, forged)
    ledger = await signed.records.ledger(one.session_id)

    assert "vote_refused" == ledger[-1].kind
    assert ["pending"] * 2 == await statuses(signed, asked)


@pytest.mark.asyncio
async def test_pending_posts_one_card_and_keeps_it_right(signed: Stage) -> None:
    asked = await together(signed, *THREE)
    before = len(cards_of(signed, asked))
    await signed.teams.send_message(ALEX, "pending")
    await signed.settle()
    cards = cards_of(signed, asked)
    assert before + 1 == len(cards)
    assert "Approval needed: 3 calls" in str(cards[-1].card())
    await signed.teams.click(cards[0], "reject_all", {"comment": "No."}, person=ALEX)
    await signed.settle()

    assert all("3 ✗ Rejected" in str(each.card()) for each in cards_of(signed, asked))


@pytest.mark.asyncio
async def test_a_card_that_was_lost_sight_of_is_kept_right_again(signed: Stage) -> None:
    """Posted, but the server died before it noted that down: a click on it brings it back."""
    asked = await together(signed, *THREE, conversation="group")
    (card,) = cards_of(signed, asked)
    place = signed.teams.world.conversations[card.conversation_id]
    twin = signed.teams.world.post(place, card.activity, from_bot=True)
    await signed.teams.click(twin, "open", person=ALEX, data={"request": asked[1].id})
    await signed.teams.click(twin, "reject", {"comment": "No."}, person=ALEX)
    await signed.settle()
    for each in asked:
        known = [d.reference or {} for d in await signed.records.deliveries(each.id)]
        assert twin.id in [reference.get("activityId") for reference in known]

    await signed.teams.click(card, "reject_all", {"comment": "No."}, person=ISAIAH)
    await signed.settle()
    now = [c for c in signed.cards() if c.id in (card.id, twin.id)]
    assert ["Decided: 3 calls of push quote"] * 2 == [
        str((c.card() or {})["speak"])[:-1] for c in now
    ]


@pytest.mark.asyncio
async def test_a_reminder_is_for_all_on_the_card(signed: Stage) -> None:
    asked = await together(signed, *THREE)
    view = await signed.records.view(asked[0].id)
    said = reminder(view, Prompt(number=1), wider_audience=False, calls=name_of(asked))
    two = reminder(view, Prompt(number=1), wider_audience=False, calls=name_of(asked[:2]))

    assert "2 more on the same card wait." in said
    assert "1 more on the same card waits." in two


@pytest.mark.asyncio
async def test_clients_without_execute_are_shown_the_same(webchat: Stage) -> None:
    """There the message itself becomes the view of one call, and the card of all again."""
    asked = await together(webchat, *THREE)
    card = cards_of(webchat, asked)[-1]

    async def press(verb: str, **data: Any) -> str:
        inputs = {"comment": ""} if verb == "approve" else {}
        await webchat.teams.click(card, verb, inputs, person=ALEX, data=data)
        await webchat.settle()
        return texts(next(c for c in webchat.cards() if c.id == card.id).card())

    assert "3 of 3 proposed together" in await press("open", request=asked[2].id)
    assert "Approval needed: 2 of 3 calls" in await press("approve")
    assert ["pending", "pending", "approved"] == await statuses(webchat, asked)


@pytest.mark.parametrize("count", [2, 3, 4, 5, 12, 20])
def test_so_many_short_calls_are_approved_on_the_card(count: int) -> None:
    of = several(count)
    shown = texts(checkpoint_card(of, every(of), LOOK))

    assert shows_all_calls(of, every(of), LOOK)
    assert f"Approve all {count}" in shown
    for each in (of.request, *of.siblings):
        assert str(each.arguments["amount"]) in shown


@pytest.mark.parametrize("count", [31, 200, 500])
def test_many_calls_stay_readable(count: int) -> None:
    """The first ten, how many more, what all come to, and a way to all of them."""
    of = several(count)
    card = checkpoint_card(of, every(of), LOOK)
    shown = texts(card)

    assert size_bytes(card) <= CARD_LIMIT_BYTES
    assert f"… and **{count - 10} more**" in shown
    assert f"Of these {count} calls at least one cannot be undone." in shown
    assert "Approve all" not in shown
    assert f"Reject all {count}" in shown
    urls = [action.get("url") for action in card["actions"]]
    assert f"https://gate.example/inbox/requests/{of.request.id}/together" in urls


def test_calls_are_named_shortly() -> None:
    calls = [request(position=at) for at in range(0, 200, 2)]
    name = name_of(calls)

    assert 50 == len(name)
    assert tuple(calls) == named_by(name, calls[::-1])
    assert () == named_by("-1", calls)
    assert () == named_by("f" * 251, calls)


def test_only_calls_on_the_same_terms_share_a_card() -> None:
    first = request(position=1)
    alike = request(id="R-2", position=0, rule_id="other", risk="low")
    others = [
        request(id="R-4", stages=()),
        request(id="R-5", expires_at=None),
        request(id="R-6", channels=("teams", "jira")),
        request(id="R-8", kind=RequestKind.INPUT),
    ]

    assert (alike, first) == on_same_terms(first, [*others, alike])


def test_what_waits_elsewhere_is_said() -> None:
    of = several(4, {}, {}, {}, {"rule_id": "other"})
    calls = name_of([of.request, *of.siblings[:2]])
    shown = texts(checkpoint_card(of, calls, LOOK))

    assert "Approval needed: 3 calls of push quote" == checkpoint_title(of, calls)
    assert "1 more call waits with these" in shown
    assert "Of all 4 that wait together at least one cannot be undone." in shown


def test_a_click_that_only_looks_needs_no_digest() -> None:
    action = {"type": "Action.Execute", "verb": "open", "data": {"request": "R-1", "within": "3"}}
    click = click_of_invoke({"action": action})

    assert ("open", "3", "") == (click.verb, click.within, click.digest)
