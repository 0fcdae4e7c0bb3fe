"""Clicks: who may, what they may carry, and what everybody sees then."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from countersign.approvals.approvals import Approvals
from countersign.approvals.errors import CheckFailedError, PreconditionFailedError, UnavailableError
from countersign.approvals.models import (
    Checked,
    Principal,
    PrincipalId,
    RequestKind,
)
from countersign.sandbox.botframework.answers import Answer
from countersign.sandbox.botframework.world import Message
from tests.bot.teams.stage import (
    ADELE,
    ALEX,
    ARGUMENTS,
    ISAIAH,
    SAM,
    STRANGER,
    Stage,
)
from tests.bot.teams.test_cards import texts

pytestmark = pytest.mark.asyncio
STAGES = pytest.mark.parametrize("name", ["signed", "webchat"])


@pytest.fixture
def world(name: str, request: pytest.FixtureRequest) -> Stage:
    """Both flavours: Action.Execute in Teams, Action.Submit in the Emulator and Web Chat."""
    found: Stage = request.getfixturevalue(name)
    return found


async def press(world: Stage, verb: str, who: str = ALEX, **inputs: str) -> str:
    """Click on the newest card; what the clicker then reads: the card in the answer, else what the
    bot has written since, and the newest card as it stands."""
    card = world.cards()[-1]
    before = len(world.texts())
    answer = await world.teams.click(card, verb, inputs, person=who)
    await world.settle()
    if answer.card is not None:
        return texts(answer.card)
    return "\n".join([*world.texts()[before:], texts(world.cards()[-1].card())])


def shared(world: Stage) -> str:
    """What everybody else reads on the card."""
    return texts(world.cards()[0].card())


def forge(world: Stage, **changes: Any) -> dict[str, Any]:
    """The invoke of a click on Approve, with changed parts."""
    card = world.cards()[-1]
    sender = world.teams.world.person(changes.pop("who", ALEX))
    content = card.card()
    assert content is not None
    (action,) = [a for a in content["actions"] if a["verb"] == "approve"]
    data = {**action["data"], "comment": "", **changes.pop("data", {})}
    action = {**action, **changes.pop("action", {})}
    place = world.teams.world.conversations[card.conversation_id]
    activity: dict[str, Any] = world.teams.frame.execute(
        place, sender, action, data, trigger=changes.pop("trigger", "manual"), reply_to=card.id
    )
    return {**activity, **changes}


async def send(world: Stage, activity: dict[str, Any]) -> Answer:
    answer = await world.teams.deliver(activity)
    await world.settle()
    return answer


async def ledger(world: Stage, session_id: str) -> str:
    return str([entry.kind + str(entry.body) for entry in await world.records.ledger(session_id)])


@STAGES
async def test_approve(world: Stage) -> None:
    request = await world.pending()
    said = await press(world, "approve")

    assert "✓ Approved" in said
    assert "✓ Approved" in shared(world)
    decision = (await world.records.request(request.id)).decision
    assert decision is not None
    assert (decision.by, decision.via) == ("alex", "teams")


@STAGES
async def test_reject_needs_a_reason_and_keeps_the_card(world: Stage) -> None:
    request = await world.pending()
    await press(world, "reject", comment="  ")

    assert await world.status(request.id) == "pending"
    said = await press(world, "reject", comment="Too high")
    assert "✗ Rejected" in said
    assert "Too high" in shared(world)


@STAGES
async def test_edit_back_and_save(world: Stage) -> None:
    request = await world.pending()
    assert "Edit what will run" in await press(world, "edit")
    assert "Approval needed" in await press(world, "back")
    await press(world, "edit")
    said = await press(world, "save", arg_amount="21000", arg_urgent="true", comment="ok")

    assert "✓ Approved with changes" in said
    after = await world.records.request(request.id)
    assert after.arguments == {**ARGUMENTS, "amount": 21000, "urgent": True}
    assert after.revision == 2
    assert "24000" in shared(world)


@STAGES
async def test_a_comment_survives_a_look_at_the_form(world: Stage) -> None:
    await world.pending()
    await press(world, "edit", comment="Ask legal first.")
    answer = await world.teams.click(world.cards()[-1], "back", person=ALEX)
    await world.settle()

    assert comment_of(answer.card or world.cards()[-1].card()) == "Ask legal first."


@STAGES
async def test_what_was_typed_into_the_form_survives_a_look_back(world: Stage) -> None:
    """Also what does not fit: nobody is kept in the form by a client that checks it."""
    request = await world.pending()
    await press(world, "edit")
    said = await press(world, "back", arg_amount="120000", arg_urgent="true", comment="Too much")
    card = world.cards()[-1].card() if "Your changes are kept" not in said else None
    assert "Your changes are kept, but not approved" in said + str(card)
    assert await world.status(request.id) == "pending"

    answer = await world.teams.click(world.cards()[-1], "edit", person=ALEX)
    await world.settle()

    form = answer.card or world.cards()[-1].card()
    assert ["120000", "true"] == [value_of(form, name) for name in ("arg_amount", "arg_urgent")]
    assert await world.status(request.id) == "pending"


def value_of(card: Any, name: str) -> str:
    """What an input of a card has in it."""
    return next(str(each["value"]) for each in card["body"] if each.get("id") == name)


def comment_of(card: Any) -> str:
    """What the comment of a card has in it."""
    return next(str(each["value"]) for each in card["body"] if each.get("id") == "comment")


@STAGES
async def test_edit_that_the_tool_refuses_stays_in_the_form(world: Stage) -> None:
    """The tool takes at most 100,000; the client may not have checked."""
    request = await world.pending()
    await press(world, "edit")
    card = world.cards()[-1]
    person = world.teams.world.person(ALEX)
    content = card.card(person) or {}
    for node in content.get("body", []):
        node.pop("max", None)
    said = await press(world, "save", arg_amount="250000", comment="for them")

    assert await world.status(request.id) == "pending"
    assert "Edit what will run" in said
    assert "Nothing was decided" in said
    assert "for them" in said
    shown = world.cards()[-1].card(person) or {}
    amounts = [n for n in shown["body"] if n.get("id") == "arg_amount"]
    assert amounts[0]["value"] == 250000


@STAGES
async def test_edit_is_not_decided_before_what_the_tool_says_of_it_is_read(world: Stage) -> None:
    request = await world.pending()
    world.catalog.finds = Checked(facts={"credit_limit": 7})
    await press(world, "edit")
    said = await press(world, "save", arg_amount="21000", comment="ok")
    between = await world.status(request.id)
    after = await press(world, "approve")

    assert "what its check and preview say of them" in said
    assert "Your vote is counted" not in said
    assert "Credit limit" in said
    assert "pending" == between
    assert "✓ Approved with changes" in after


@STAGES
async def test_edit_that_the_check_refuses_stays_in_the_form(world: Stage) -> None:
    request = await world.pending()
    world.catalog.finds = PreconditionFailedError("Contoso is over its limit.")
    await press(world, "edit")
    said = await press(world, "save", arg_amount="21000", comment="ok")

    assert "Edit what will run" in said
    assert "With these values it makes no sense: Contoso is over its limit." in said
    assert "pending" == await world.status(request.id)


async def test_edit_that_cannot_be_checked_is_answered_try_again(signed: Stage) -> None:
    request = await signed.pending()
    await press(signed, "edit")
    signed.catalog.finds = CheckFailedError("The check failed.")
    form = signed.cards()[-1]
    answer = await signed.teams.click(form, "save", {"arg_amount": "21000"}, person=ALEX)

    assert "please try again" in str(answer)
    assert "pending" == await signed.status(request.id)


async def test_text_in_a_number_stays_in_the_form(signed: Stage) -> None:
    request = await signed.pending()
    activity = forge(signed, data={"arg_amount": "many"}, action={"verb": "save"})
    answer = await send(signed, activity)

    assert "A number is needed." in texts(answer.card)
    assert "many" in texts(answer.card)
    assert await signed.status(request.id) == "pending"


async def test_saving_without_a_change_says_so(signed: Stage) -> None:
    request = await signed.pending()
    await press(signed, "edit")
    said = await press(signed, "save")

    assert "You changed nothing" in said
    assert await signed.status(request.id) == "pending"


async def test_requester_cannot_approve_own_request(signed: Stage) -> None:
    request = await signed.pending()
    said = await press(signed, "approve", SAM)

    assert "You cannot decide this. You asked for this yourself" in said
    assert await signed.status(request.id) == "pending"
    assert "refused" in await ledger(signed, request.session_id)
    assert "You cannot decide" not in shared(signed)
    assert "Approve" in shared(signed)


async def test_person_without_the_role_cannot_approve(signed: Stage) -> None:
    request = await signed.pending()
    said = await press(signed, "approve", ADELE)

    assert "This needs the role sales_manager." in said
    assert await signed.status(request.id) == "pending"
    assert "adele" in await ledger(signed, request.session_id)
    assert "Approve" in shared(signed)


@pytest.mark.parametrize("verb", ["approve", "reject", "edit"])
async def test_stranger_cannot_decide(signed: Stage, verb: str) -> None:
    request = await signed.pending()
    said = await press(signed, verb, STRANGER, **({"comment": "x"} if verb == "reject" else {}))

    assert "You cannot decide this. You are not known here." in said
    assert await signed.status(request.id) == "pending"


async def test_person_without_the_role_gets_no_form(signed: Stage) -> None:
    await signed.pending()
    said = await press(signed, "edit", ADELE)

    assert "Edit what will run" not in said
    assert "This needs the role" in said


async def test_identity_is_that_of_the_channel_not_of_the_payload(signed: Stage) -> None:
    """Whatever the card's data says about the person."""
    request = await signed.pending()
    for extra in ({"aadObjectId": "alex"}, {"by": "alex"}, {"principal": "alex"}):
        answer = await send(signed, forge(signed, who=ADELE, data=extra))
        assert answer.status_code == 400

    assert await signed.status(request.id) == "pending"


async def test_note_in_web_chat_does_not_replace_the_card(webchat: Stage) -> None:
    await webchat.pending()
    webchat.directory.put(Principal(id=PrincipalId("alex"), name="Alex Wilber"))
    said = await press(webchat, "approve")

    assert said.startswith("You cannot decide this.")
    assert "Approval needed" in shared(webchat)
    assert len(webchat.cards()) == 1


@STAGES
async def test_double_click_decides_once(world: Stage) -> None:
    request = await world.pending()
    (card,) = world.cards()
    before = Message(**{**card.__dict__, "views": {}})
    await asyncio.gather(*(world.teams.click(before, "approve", person=ALEX) for _ in range(10)))
    await world.settle()

    assert len(await world.records.votes(request.id)) == 1
    assert "✓ Approved" in shared(world)


async def test_late_click_learns_who_when_and_through_what(signed: Stage) -> None:
    request = await signed.pending()
    stale = forge(signed, who=ISAIAH)
    await press(signed, "approve")
    answer = await send(signed, stale)

    assert "decided before you clicked, by Alex Wilber, through Microsoft Teams, at 2026-11-22" in (
        texts(answer.card)
    )
    assert len(await signed.records.votes(request.id)) == 1


async def test_expired_request_says_so(signed: Stage) -> None:
    request = await signed.pending()
    signed.clock.advance(hours=5)
    said = await press(signed, "approve")

    assert "✗ Expired" in said
    assert await signed.status(request.id) == "expired"


async def test_two_people_have_to_agree(signed: Stage) -> None:
    request = await signed.pending(tool="release_pair")
    assert "Your vote is counted" in await press(signed, "approve")
    assert await signed.status(request.id) == "pending"
    await press(signed, "approve", ISAIAH)

    assert await signed.status(request.id) == "approved"


async def test_old_revision_is_out_of_date(signed: Stage) -> None:
    """Alex edits, a second person has to agree: to what it is now."""
    request = await signed.pending(tool="release_pair")
    old = forge(signed, who=ISAIAH)
    await press(signed, "edit")
    await press(signed, "save", arg_amount="21000")
    answer = await send(signed, old)

    assert "This card was out of date. Nothing was decided" in texts(answer.card)
    assert "21000" in texts(answer.card)
    assert await signed.status(request.id) == "pending"


@pytest.mark.parametrize("verb", ["edit", "save"])
async def test_old_revision_is_not_edited(signed: Stage, verb: str) -> None:
    """The form would be prefilled from what it is now, not from what the person has read."""
    request = await signed.pending(tool="release_pair")
    typed = {"data": {"arg_amount": "7"}} if verb == "save" else {}
    old = forge(signed, who=ISAIAH, action={"verb": verb}, **typed)
    await press(signed, "edit")
    await press(signed, "save", arg_amount="21000")
    answer = await send(signed, old)

    assert "This card was out of date. Nothing was decided" in texts(answer.card)
    assert (await signed.records.request(request.id)).arguments["amount"] == 21000


TAMPERED: dict[str, dict[str, Any]] = {
    "extra field": {"data": {"verdict": "approve"}},
    "arguments on approve": {"data": {"arg_amount": "1"}},
    "unknown verb": {"action": {"verb": "drop"}},
    "verb of another kind": {"action": {"verb": "reply"}},
    "unknown argument": {"action": {"verb": "save"}, "data": {"arg_evil": "1"}},
    "long comment": {"data": {"comment": "x" * 2_001}},
    "comment is a list": {"data": {"comment": ["x"]}},
}


@pytest.mark.parametrize("row", TAMPERED)
async def test_tampered_data_is_refused_and_on_the_ledger(signed: Stage, row: str) -> None:
    request = await signed.pending()
    answer = await send(signed, forge(signed, **TAMPERED[row]))

    assert answer.status == 200
    assert "data was changed" in (answer.text or texts(answer.card))
    assert await signed.status(request.id) == "pending"
    assert "data was changed" in await ledger(signed, request.session_id)


async def test_other_digest_is_refused(signed: Stage) -> None:
    request = await signed.pending()
    answer = await send(signed, forge(signed, data={"digest": "0" * 64}))

    assert "out of date" in texts(answer.card)
    assert await signed.status(request.id) == "pending"


async def test_other_request_is_refused(signed: Stage) -> None:
    """The id of one request with the digest of another."""
    first = await signed.pending()
    second = await signed.pending()
    answer = await send(signed, forge(signed, data={"request": first.id}))

    assert "out of date" in texts(answer.card)
    assert await signed.status(first.id) == "pending"
    assert await signed.status(second.id) == "pending"
    assert not any(
        (d.reference or {}).get("activityId") == signed.cards()[-1].id
        for d in await signed.records.deliveries(first.id)
    )


async def test_request_that_is_not_there(signed: Stage) -> None:
    await signed.pending()
    answer = await send(signed, forge(signed, data={"request": "R-none"}))

    assert "not there any more" in texts(answer.card)


MALFORMED: list[Any] = [
    None,
    "text",
    [],
    {},
    {"action": None},
    {"action": {"type": "Action.Submit", "verb": "approve", "data": {}}},
    {"action": {"type": "Action.Execute", "verb": "approve"}},
    {"action": {"type": "Action.Execute", "verb": 1, "data": {}}},
    {"action": {"type": "Action.Execute", "verb": "approve", "data": {"request": 1}}},
    {"action": {"type": "Action.Execute", "verb": "approve", "data": {"request": "R"}}},
    {"action": {"type": "Action.Execute", "verb": "approve", "data": []}},
]


@pytest.mark.parametrize("value", MALFORMED)
async def test_malformed_invoke_is_an_error_body(signed: Stage, value: Any) -> None:
    """The vendor answers 500."""
    await signed.pending()
    answer = await send(signed, forge(signed, value=value))

    assert answer.status == 200
    assert answer.status_code == 400
    assert answer.body["type"] == "application/vnd.microsoft.error"
    assert answer.text


async def test_other_invokes_are_not_implemented(signed: Stage) -> None:
    await signed.pending()

    assert (await send(signed, forge(signed, name="task/fetch"))).status == 501


async def test_automatic_refresh_decides_nothing(signed: Stage) -> None:
    """Whatever verb it names: looking at a card must not approve it."""
    request = await signed.pending()
    answer = await send(signed, forge(signed, trigger="automatic"))

    assert "Approval needed" in texts(answer.card)
    assert await signed.status(request.id) == "pending"
    assert await signed.records.votes(request.id) == []


async def test_click_during_an_outage_leaves_the_card(
    signed: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = await signed.pending()

    async def down(*_: Any, **__: Any) -> Any:
        raise UnavailableError("The database cannot be written")

    monkeypatch.setattr(Approvals, "vote", down)
    answer = await send(signed, forge(signed))

    assert (answer.status, answer.status_code) == (200, 503)
    assert "please try again" in (answer.text or "")
    assert await signed.status(request.id) == "pending"


async def test_invoke_is_answered_while_the_connector_is_down(signed: Stage) -> None:
    """The card of the others is updated later; the answer does not wait for that."""
    request = await signed.pending()
    signed.teams.faults.fail(503, times=99, path="/v3/")
    answer = await signed.teams.click(signed.cards()[-1], "approve", person=ALEX)

    assert "✓ Approved" in texts(answer.card)
    assert await signed.status(request.id) == "approved"


async def test_lost_card_is_adopted_and_updated(signed: Stage) -> None:
    """Posted, but a crash came before it was noted down: a click on it brings it back."""
    session_id = await signed.start(conversation="group")
    await signed.propose(session_id)
    (card,) = signed.cards()
    place = signed.teams.world.conversations[card.conversation_id]
    orphan = signed.teams.world.post(place, card.activity, from_bot=True)
    answer = await signed.teams.click(orphan, "approve", person=ALEX)
    assert "✓ Approved" in texts(answer.card)
    await signed.settle()

    assert all("✓ Approved" in texts(m.card()) for m in signed.cards())
    assert len(signed.cards()) == 2


async def test_stranger_cannot_have_a_card_adopted(signed: Stage) -> None:
    request = await signed.pending()
    (card,) = signed.cards()
    place = signed.teams.world.conversations[card.conversation_id]
    orphan = signed.teams.world.post(place, card.activity, from_bot=True)
    await signed.teams.click(orphan, "approve", person=STRANGER)
    await signed.settle()

    assert len(await signed.records.deliveries(request.id)) == 1


async def test_click_without_a_reply_to_id_works(signed: Stage) -> None:
    request = await signed.pending()
    activity = {k: v for k, v in forge(signed).items() if k != "replyToId"}
    await send(signed, activity)

    assert await signed.status(request.id) == "approved"


async def test_web_chat_without_updates_gets_a_new_card(webchat: Stage) -> None:
    """offline-directline answers a PUT with 404 and HTML."""
    await webchat.pending()
    webchat.teams.faults.fail(404, method="PUT", times=9)
    await press(webchat, "approve")

    assert "✓ Approved" in texts(webchat.cards()[-1].card())
    assert len(webchat.cards()) > 1


# Free text that a user proxy asks for


async def question(world: Stage) -> Any:
    asked = {"prompt": "Feedback?", "message": "Here is the outline."}
    return await world.pending(
        arguments=asked, kind=RequestKind.INPUT, tool="human_input", agent="writer"
    )


@STAGES
@pytest.mark.parametrize(
    ("verb", "text", "status", "content"),
    [
        ("reply", "Shorter, please", "executed", "Shorter, please"),
        ("go_on", "left over", "executed", ""),
        ("end", "", "executed", "exit"),
    ],
)
async def test_reply(world: Stage, verb: str, text: str, status: str, content: str) -> None:
    request = await question(world)
    assert "Here is the outline." in shared(world)
    await press(world, verb, comment=text)
    after = await world.records.request(request.id)

    assert after.status != "pending"
    assert after.result is not None
    assert after.result.content == content
    assert "Replied" in shared(world) or "Chat ended" in shared(world)


async def test_question_takes_no_approval(signed: Stage) -> None:
    request = await question(signed)
    content = signed.cards()[-1].card() or {}
    data = content["actions"][0]["data"]
    activity = signed.teams.frame.execute(
        signed.teams.world.conversations[signed.cards()[-1].conversation_id],
        signed.teams.world.person(ALEX),
        {"verb": "edit", "type": "Action.Execute"},
        data,
        trigger="manual",
        reply_to=signed.cards()[-1].id,
    )
    answer = await send(signed, activity)

    assert "data was changed" in texts(answer.card)
    assert await signed.status(request.id) == "pending"


@STAGES
@pytest.mark.parametrize(
    "comment",
    [
        "Changes:\namount: 900",
        "OK, but make it 900 EUR, please.",
        "Only after legal has signed.",
        "No, too expensive.",
        "👎",
    ],
)
async def test_a_comment_that_may_ask_for_something_else_is_no_approval(
    world: Stage, comment: str
) -> None:
    request = await world.pending()
    said = await press(world, "approve", comment=comment)

    assert "may ask for something else than what is shown" in said
    assert "press Edit" in said
    assert "pending" == await world.status(request.id)


@STAGES
async def test_a_comment_beside_changes_may_not_ask_for_more(world: Stage) -> None:
    request = await world.pending()
    await press(world, "edit")
    said = await press(world, "save", arg_amount="21000", comment="and only until Friday")

    assert "Put every change into the form." in said
    assert "pending" == await world.status(request.id)


@STAGES
@pytest.mark.parametrize("comment", ["ok", "Looks good, thanks!", "👍", "Approved as proposed."])
async def test_a_comment_that_agrees_is_an_approval(world: Stage, comment: str) -> None:
    request = await world.pending()
    await press(world, "approve", comment=comment)

    assert "approved" == await world.status(request.id)


@STAGES
async def test_a_grant_is_given_with_the_click_that_approves(world: Stage) -> None:
    request = await world.pending(tool="give_discount")
    await press(world, "approve", grant="uses:5")
    ((grant, _),) = await world.records.grants()

    assert (request.id, 5, "Alex Wilber") == (grant.request_id, grant.uses, grant.names)
    assert {"customer": "Contoso"} == grant.same


async def test_a_grant_that_the_card_does_not_offer_is_tampering(signed: Stage) -> None:
    request = await signed.pending(tool="give_discount")
    answer = await send(signed, forge(signed, data={"grant": "uses:500"}))
    odd = await send(signed, forge(signed, data={"grant": ["uses:5"]}))

    assert "its grant is none that the card offers" in texts(answer.card)
    assert "its grant is none that the card offers" in str(odd.body)
    assert await signed.status(request.id) == "pending"
    assert () == tuple(await signed.records.grants())
