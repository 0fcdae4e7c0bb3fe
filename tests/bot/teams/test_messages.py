"""What people write: starting, following and ending sessions; who the bot does not know."""

from __future__ import annotations

import asyncio
import importlib
from pathlib import Path

import pytest

from countersign.approvals.models import Actor, SessionId, Verdict, Via
from countersign.bot.teams.wire import IncomingActivity
from countersign.connectors.conversing.command_texts import help_text
from countersign.connectors.conversing.phrases import (
    TASK_LIMIT,
    Command,
    Start,
    Unclear,
    understand,
)
from tests.bot.teams.stage import (
    ALEX,
    APP_ID,
    ISAIAH,
    SAM,
    STRANGER,
    WORKFLOWS,
    Stage,
    Workflow,
    stage,
)

pytestmark = pytest.mark.asyncio

EXAMPLES = ("sales_quote", "crm_update", "it_change")


async def say(world: Stage, text: str, who: str = SAM, **where: str) -> str:
    """What the bot answers."""
    answer = await world.teams.send_message(who, text, **where)  # type: ignore[arg-type]
    assert answer.status == 202
    await world.settle()
    return world.texts()[-1]


@pytest.mark.parametrize(
    ("text", "name", "task"),
    [
        ("quote for Contoso, 25 seats", "sales_quote", "quote for Contoso, 25 seats"),
        ("Please make a QUOTE!", "sales_quote", "Please make a QUOTE!"),
        ("Hi, I need a new quote for Contoso", "sales_quote", "Hi, I need a new quote for Contoso"),
        ("Sales quote for Contoso", "sales_quote", "Sales quote for Contoso"),
        ("quote and stage", "sales_quote", "quote and stage"),
        ("sales_quote: Contoso", "sales_quote", "Contoso"),
        ("Sales quote: Contoso\nand more", "sales_quote", "Contoso\nand more"),
        ("run sales_quote Contoso", "sales_quote", "Contoso"),
        ("RUN crm_update: stage of the quote", "crm_update", "stage of the quote"),
        ("crm_update: quote", "crm_update", "quote"),
    ],
)
async def test_words_that_start_a_session(text: str, name: str, task: str) -> None:
    wish = understand(text, WORKFLOWS)

    assert isinstance(wish, Start)
    assert (wish.workflow.name, wish.task) == (name, task)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("what is the weather", "do not know which workflow"),
        ("quotes quotex", "do not know which workflow"),
        ("status of the quote", "do not know which workflow"),
        ("The quote is fine, go ahead", "do not know which workflow"),
        ("run nonsense now", "no workflow of that name"),
        ("run sales_quote", "What should **Sales quote** do?"),
        ("sales_quote:   ", "What should **Sales quote** do?"),
        ("quote " + "x" * TASK_LIMIT, "20,000 is the most"),
    ],
)
async def test_words_that_start_nothing(text: str, reason: str) -> None:
    wish = understand(text, WORKFLOWS)

    assert isinstance(wish, Unclear)
    assert reason in wish.reason


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("", Command("help")),
        ("Help!", Command("help")),
        ("hello", Command("help")),
        ("workflows", Command("workflows")),
        ("Pending", Command("pending")),
        ("status", Command("status")),
        ("status S-123", Command("status", "S-123")),
        ("cancel `S-123`", Command("cancel", "S-123")),
        ("Forget it.", Command("cancel")),
        ("is my quote approved yet?", Command("status")),
        ("What happened?", Command("status")),
    ],
)
async def test_fixed_words(text: str, command: Command) -> None:
    assert understand(text, WORKFLOWS) == command


@pytest.mark.parametrize(
    ("text", "maybe"),
    [
        ("status of the quote", "sales_quote"),
        ("is the CRM up?", "crm_update"),
        ("the quote in the CRM", None),
        ("what is the weather", None),
    ],
)
async def test_word_somewhere_in_a_sentence_starts_nothing(text: str, maybe: str | None) -> None:
    wish = understand(text, WORKFLOWS)

    assert isinstance(wish, Unclear)
    assert (wish.maybe and wish.maybe.name) == maybe


async def test_two_workflows_with_one_trigger_are_named() -> None:
    wish = understand("stage it", (*WORKFLOWS, Workflow("other", "Other", ("stage",), "")))

    assert isinstance(wish, Unclear)
    assert "**CRM update** or **Other**" in wish.reason


async def test_every_example_starts_its_workflow() -> None:
    modules = [importlib.import_module(f"countersign.examples.{name}") for name in EXAMPLES]
    workflows = [
        found for module in modules for found in vars(module).values() if hasattr(found, "triggers")
    ]
    wishes = [understand(each.example, workflows) for each in workflows]

    assert len(workflows) == 3
    assert [each.name for each in workflows] == [
        wish.workflow.name for wish in wishes if isinstance(wish, Start)
    ]


@pytest.mark.parametrize("where", ["personal", "group", "channel"])
async def test_session_starts_from_every_kind_of_chat(signed: Stage, where: str) -> None:
    """In groups and channels the bot is mentioned; the mention is not part of the task."""
    said = await say(signed, "quote for Contoso", conversation=where)
    (session,) = (await signed.records.sessions()).items

    assert said.startswith(f"Started **Sales quote** `{session.id}`.")
    assert (session.owner, session.task) == ("sam", "quote for Contoso")
    assert "Local mode" not in said
    conversation = await signed.conversations.get(session.conversation)  # type: ignore[arg-type]
    assert conversation is not None
    assert conversation.kind == where
    assert (conversation.principal_id == "sam") is (where == "personal")


async def test_message_delivered_twice_starts_one_session(signed: Stage) -> None:
    answer = await signed.teams.send_message(SAM, "quote for Contoso")
    await signed.teams.deliver(answer.activity)
    await signed.settle()

    assert len((await signed.records.sessions()).items) == 1


async def test_same_id_in_two_chats_starts_two_sessions(signed: Stage) -> None:
    """Teams counts message ids in milliseconds: two chats can have the same."""
    answer = await signed.teams.send_message(SAM, "quote for Contoso")
    other = {**answer.activity, "conversation": {**answer.activity["conversation"], "id": "a:2"}}
    await signed.teams.deliver(other)
    await signed.settle()

    assert len((await signed.records.sessions()).items) == 2


@pytest.mark.parametrize(
    "text", ["what is the weather", "run nonsense x", "sales_quote:", "quote " + "x" * 20_001]
)
async def test_unclear_message_lists_what_works_and_stores_no_session(
    signed: Stage, text: str
) -> None:
    said = await say(signed, text)

    assert "`sales_quote: quote for Contoso, 25 seats`" in said
    assert (await signed.stored())[0] == 0


async def test_stranger_is_refused_with_what_to_do(signed: Stage) -> None:
    said = await say(signed, "quote for Contoso", STRANGER)

    assert "`00000000-0000-0000-0000-0000000000025`" in said
    assert "administrator" in said
    assert await signed.stored() == (0, 0)


async def test_welcome_comes_once(signed: Stage) -> None:
    await signed.teams.install(SAM)
    await signed.teams.install(SAM)
    await signed.settle()

    assert len([text for text in signed.texts() if "`workflows`" in text]) == 1
    assert (await signed.stored()) == (0, 1)


async def test_two_activities_at_once_that_say_it_is_installed_are_one_welcome(
    signed: Stage,
) -> None:
    teams = signed.teams
    sender = teams.world.person(SAM)
    place = teams.conversation("personal", sender)
    teams.world.place(place, installed=True)
    added = teams.frame.members_added(place, sender, [teams.frame.bot])
    both = (added, teams.frame.installation(place, sender, "add"))
    await asyncio.gather(*(teams.deliver(each) for each in both))
    await signed.settle()

    assert len(signed.texts()) == 1


@pytest.mark.parametrize("kind", ["group", "channel"])
async def test_welcome_in_a_group_says_that_the_bot_wants_to_be_mentioned(
    signed: Stage, kind: str
) -> None:
    await signed.teams.install(SAM, conversation=kind)
    await signed.settle()

    assert len(signed.texts()) == 1
    assert "messages that mention me" in signed.texts()[0]
    assert "messages that mention me" in await say(signed, "help", conversation=kind)
    assert "mention me" not in await say(signed, "help")


async def test_somebody_else_joining_is_not_greeted(signed: Stage) -> None:
    place = signed.teams.conversation("group", signed.teams.world.person(SAM))
    person = signed.teams.world.person(SAM)
    joined = signed.teams.frame.members_added(place, person, [{"id": "user-id-9"}])
    await signed.teams.deliver(joined)
    await signed.settle()

    assert signed.texts() == []


async def test_uninstalling_stores_nothing(signed: Stage) -> None:
    await signed.teams.uninstall(SAM)
    await signed.settle()

    assert await signed.stored() == (0, 0)


@pytest.mark.parametrize("kind", ["typing", "messageReaction", "event", "endOfConversation"])
async def test_other_activities_are_ignored(signed: Stage, kind: str) -> None:
    answer = await signed.teams.send_message(SAM, "help")
    await signed.settle()
    before = len(signed.texts())
    assert (await signed.teams.deliver({**answer.activity, "type": kind})).status == 202
    await signed.settle()

    assert len(signed.texts()) == before


async def test_example_in_the_help_starts_its_workflow() -> None:
    plain = help_text(WORKFLOWS)
    named = help_text((Workflow("crm", "CRM", ("crm",), "move it to the CRM"),))

    assert "For example: `quote for Contoso, 25 seats`" in plain
    assert "For example: `crm: move it to the CRM`" in named


async def test_help_and_workflows(signed: Stage) -> None:
    assert "`cancel S-…`" in await say(signed, "help")
    assert "**CRM update** (`crm_update`)" in await say(signed, "workflows")


async def test_pending_posts_the_cards_that_wait_for_this_person(signed: Stage) -> None:
    request = await signed.pending()
    await say(signed, "pending", ALEX)
    listed = [text for text in signed.texts() if "wait" in text]

    assert f"`{request.id}`" in listed[-1]
    assert len(signed.cards()) == 2
    mine = signed.cards()[-1]
    await signed.teams.click(mine, "approve", person=ALEX)
    await signed.settle()
    assert all("✓ Approved" in str(card.card()) for card in signed.cards())
    assert await say(signed, "pending", ALEX) == "Nothing waits for your decision."


async def test_pending_is_empty_for_who_asked(signed: Stage) -> None:
    await signed.pending()

    assert await say(signed, "pending", SAM) == "Nothing waits for your decision."


async def test_status_of_this_chat_and_of_one_session(signed: Stage) -> None:
    request = await signed.pending(conversation="personal")
    said = await say(signed, "status")

    assert said == (
        f"- **Sales quote** `{request.session_id}`: waiting\n"
        f"  - Push quote ({request.id}) waits for Alex Wilber or Isaiah Langer, until 2026-11-22 "
        "16:00 UTC; if nobody decides by then, it does not run"
    )
    assert await say(signed, f"status {request.session_id}") == said


async def test_status_tells_who_decided_and_what_came_of_it(signed: Stage) -> None:
    request = await signed.pending(conversation="personal")
    await signed.teams.click(signed.cards()[-1], "reject", {"comment": "Too high"}, person=ALEX)
    await signed.settle()

    assert (
        f"  - **Rejected** by Alex Wilber through Microsoft Teams: Push quote ({request.id}). It "
        "does not run. Reason: Too high"
    ) in await say(signed, "status")


async def test_whoever_asked_follows_it_in_one_message(signed: Stage) -> None:
    """Whom it waits for, who decided, what ran: lines of one message; the rest are answers."""
    request = await signed.pending(conversation="personal")
    await signed.teams.click(signed.cards()[-1], "approve", person=ALEX)
    await signed.settle()
    await signed.execute(request.session_id, content="Quote 7")
    started, progress = signed.texts()

    assert "Started **Sales quote**" in started
    assert progress == (
        f"Push quote ({request.id}) waits for Alex Wilber or Isaiah Langer, until 2026-11-22 16:00 "
        "UTC; if nobody decides by then, it does not run.\n\n"
        f"**Approved** by Alex Wilber through Microsoft Teams: Push quote ({request.id}).\n\n"
        f"**Ran:** Push quote ({request.id}). Result: Quote 7"
    )


async def test_progress_goes_on_in_another_message_where_it_was_deleted(signed: Stage) -> None:
    request = await signed.pending(conversation="personal")
    signed.teams.faults.fail(404, method="PUT", path="/activities", times=2)  # and the card
    await signed.approvals.vote(
        request.id,
        Actor(principal=signed.directory.by_id("alex"), via=Via.API, identity="api:alex"),
        verdict=Verdict.APPROVE,
        digest=request.digest,
    )
    await signed.settle()

    assert len(signed.texts()) == 3
    assert signed.texts()[-1].startswith("**Approved** by Alex Wilber through the API")


async def test_sessions_of_others_are_not_shown_elsewhere(signed: Stage) -> None:
    request = await signed.pending(conversation="personal")
    said = await say(signed, f"status {request.session_id}", ISAIAH)

    assert said == f"There is no session `{request.session_id}` that you can see."


async def test_cancel(signed: Stage) -> None:
    request = await signed.pending()
    refused = await say(signed, f"cancel {request.session_id}", ISAIAH)
    assert "may cancel" in refused
    assert await signed.status(request.id) == "pending"

    said = await say(signed, "cancel", SAM, conversation="group")
    assert f"Nothing was cancelled yet. To end it, write `cancel {request.session_id}`." in said
    assert await signed.status(request.id) == "pending"
    await say(signed, f"cancel {request.session_id}", SAM, conversation="group")
    assert "is cancelled" in str(signed.texts())
    assert await signed.status(request.id) == "cancelled"
    assert "⊘ Cancelled" in str(signed.cards()[0].card())
    assert await say(signed, "cancel", SAM, conversation="group") == (
        "Nothing is running in this chat."
    )


async def test_cancel_ends_what_waits_for_nobody_at_once(signed: Stage) -> None:
    session_id = await signed.start()
    await say(signed, "never mind")

    assert (await signed.records.session(session_id)).status == "cancelled"


async def test_cancel_of_several_names_them(signed: Stage) -> None:
    first, second = await signed.start(), await signed.start("crm: move Contoso")
    said = await say(signed, "cancel")

    assert f"- **CRM update** `{second}`: running" in said
    assert f"Which one? Write `cancel {second}` or `cancel {first}`." in said


async def test_cancel_of_what_is_not_there(signed: Stage) -> None:
    assert "S-none" in await say(signed, "cancel S-none")


async def test_reply_that_cannot_be_sent_does_not_undo_the_session(signed: Stage) -> None:
    signed.teams.faults.fail(503, times=99, path="/v3/")
    answer = await signed.teams.send_message(SAM, "quote for Contoso")
    await signed.settle()

    assert answer.status == 202
    assert (await signed.stored())[0] == 1


async def test_many_messages_at_once(signed: Stage) -> None:
    await asyncio.gather(
        *(signed.teams.send_message(SAM, f"quote for customer {n}") for n in range(20))
    )
    await signed.settle()

    assert len((await signed.records.sessions(limit=50)).items) == 20


# One persona in local clients


async def test_local_persona_asks_as_the_requester_and_decides_as_itself(local: Stage) -> None:
    said = await say(local, "quote for Contoso", ALEX)
    (session,) = (await local.records.sessions()).items
    assert "Local mode: this counts as asked by Sam Carter, so that you can decide it." in said
    assert session.owner == "sam"

    await local.propose(SessionId(session.id))
    await local.teams.click(local.cards()[0], "approve", person=ALEX)
    await local.settle()
    (request,) = (await local.records.requests()).items
    assert request.decision is not None
    assert request.decision.by == "alex"


async def test_real_teams_has_no_stand_ins(tmp_path: Path) -> None:
    """Also not on a developer's machine: with an app id people are who they are."""
    async with stage(tmp_path, local_requester="sam", local_approver="alex") as world:
        said = await say(world, "quote for Contoso", ALEX)
        (session,) = (await world.records.sessions()).items

    assert session.owner == "alex"
    assert "Local mode" not in said


async def test_person_without_an_object_id_is_nobody_in_real_teams(tmp_path: Path) -> None:
    async with stage(tmp_path, local_requester="sam", local_approver="alex") as world:
        request = await world.pending()
        (card,) = world.cards()
        content = card.card() or {}
        action = next(a for a in content["actions"] if a["verb"] == "approve")
        activity = world.teams.frame.execute(
            world.teams.world.conversations[card.conversation_id],
            world.teams.world.person(ALEX),
            action,
            action["data"],
            trigger="manual",
            reply_to=card.id,
        )
        del activity["from"]["aadObjectId"]
        answer = await world.teams.deliver(activity)

    assert "You are not known here" in str(answer.card)
    assert request.status == "pending"


# The wire


def incoming(**fields: object) -> IncomingActivity:
    return IncomingActivity.model_validate({"type": "message", **fields})


async def test_mention_is_stripped_however_it_comes() -> None:
    bot = {"id": f"28:{APP_ID}"}
    entity = {"type": "mention", "mentioned": bot, "text": "<at>Countersign</at>"}
    other = {"type": "mention", "mentioned": {"id": "u"}, "text": "<at>Sam</at>"}
    text = "<at>Countersign</at>\u00a0quote for <at>Sam</at>"

    assert incoming(text=text, recipient=bot, entities=[entity, other]).words == ("quote for Sam")
    assert incoming(text="<at>Bot</at> help").words == "help"
    assert incoming(text=None).words == ""


@pytest.mark.parametrize(
    ("conversation", "kind"),
    [
        ({"conversationType": "personal"}, "personal"),
        ({"conversationType": "groupChat", "isGroup": True}, "group"),
        ({"conversationType": "channel", "isGroup": True}, "channel"),
        ({"isGroup": True}, "group"),
        ({}, "personal"),
    ],
)
async def test_kinds_of_conversations(conversation: dict[str, object], kind: str) -> None:
    activity = incoming(channelId="msteams", conversation={"id": "c", **conversation})

    assert activity.conversation_kind == kind
    assert activity.conversation_key == "msteams:c"
