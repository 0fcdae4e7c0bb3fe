"""The text of a message as Teams and other clients write it, and as it is read."""

from __future__ import annotations

import pytest

from countersign.approvals.models import JsonObject
from countersign.bot.teams.intake import storable
from countersign.bot.teams.spoken import plain_words
from countersign.bot.teams.wire import IncomingActivity
from tests.bot.teams.stage import ALEX, Stage

BOT = "28:bot"


def mention(who: str, name: str, **more: str) -> JsonObject:
    marker = more.get("marker", f"<at>{name}</at>")
    return {"type": "mention", "mentioned": {"id": who, "name": name}, "text": marker}


ME = mention(BOT, "Countersign")
MEGAN = mention("user-1", "Megan Bowen")


@pytest.mark.parametrize(
    ("text", "entities", "words"),
    [
        ("<at>Countersign</at> refund INV-9", [ME], "refund INV-9"),
        ("<at>Countersign</at>&nbsp;refund 40 EUR", [ME], "refund 40 EUR"),
        ("<at>Countersign</at>\u00a0refund", [ME], "refund"),
        ("refund <at>Countersign</at> now", [ME], "refund now"),
        ('<at id="0">Countersign</at> refund', [ME], "refund"),
        (
            '<at id="0">Countersign</at> refund',
            [mention(BOT, "Countersign", marker='<at id="0">Countersign</at>')],
            "refund",
        ),
        (
            "<at>R&amp;D Bot</at> refund",
            [mention(BOT, "R&D Bot", marker="<at>R&D Bot</at>")],
            "refund",
        ),
        (
            "<at>Countersign</at> refund INV-9, <at>Megan Bowen</at> knows why",
            [ME, MEGAN],
            "refund INV-9, Megan Bowen knows why",
        ),
        (
            "<at>Megan Bowen</at> knows why, <at>Countersign</at> refund",
            [MEGAN, ME],
            "Megan Bowen knows why, refund",
        ),
        # a marker that no entity explains names somebody, whoever it is
        ("<at>Countersign</at> ask <at>Sam</at>", [ME], "ask Sam"),
        # in a chat of two the bot need not be mentioned
        ("<at>Megan Bowen</at> knows why", [MEGAN], "Megan Bowen knows why"),
        # clients without entities
        ("<at>Bot</at> help", [], "help"),
        ("<at>Bot</at> ask <at>Sam</at>", [], "ask Sam"),
        ("help", [], "help"),
        ("", [], ""),
    ],
)
def test_mentions(text: str, entities: list[JsonObject], words: str) -> None:
    assert words == plain_words(text, entities, BOT)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("R&amp;D invoice &lt;INV-7&gt;", "R&D invoice <INV-7>"),
        ("a &lt; b &amp;&amp; b &gt; c", "a < b && b > c"),
        ("&amp;lt;", "&lt;"),
        ("&amp;nbsp;", "&nbsp;"),
        ("&#8364;&#x20AC;", "€€"),
        ("?a=1&copy=2&lt", "?a=1&copy=2&lt"),
        ("a < b and c > d", "a < b and c > d"),
        ("<INV-7>", "<INV-7>"),
        ("<p>refund <b>40</b> EUR</p>", "refund 40 EUR"),
        ("one<br>two<br/>three", "one\ntwo\nthree"),
        ("<div>one</div><div>two</div>", "one\ntwo"),
        (
            'see <a href="https://x.example/?a=1&amp;b=2">the order</a>',
            "see the order (https://x.example/?a=1&b=2)",
        ),
        ('<a href="https://x.example/">https://x.example/</a>', "https://x.example/"),
        ('well <emoji alt="👍" id="yes"></emoji>', "well 👍"),
        ('<img itemtype="http://schema.skype.com/Emoji" alt="👍" src="s">', "👍"),
        ('<attachment id="1"></attachment>quote', "quote"),
        ("two  blanks stay\n\tand tabs", "two  blanks stay\n\tand tabs"),
        ("\u200bhelp\ufeff", "help"),
    ],
)
def test_markup_and_entities(text: str, words: str) -> None:
    assert words == plain_words(text, [], BOT)


@pytest.mark.parametrize(
    "piece", ["<at>", "<a href='x' ", "<a href='x'>", "<p", "&", "<emoji ", "<at></", "href='"]
)
def test_text_that_is_made_to_be_slow_is_not(piece: str) -> None:
    """As much as a body holds; with a pattern that looks back it would take hours."""
    assert "end" == plain_words("<a " + piece * (250_000 // len(piece)) + "end", [ME], BOT)[-3:]


def test_text_that_stands_for_the_bot_cannot_be_typed() -> None:
    """NUL never gets past the intake."""
    activity = IncomingActivity.model_validate(storable({"text": "a\0b", "type": "message"}))

    assert "a\ufffdb" == activity.words


@pytest.mark.asyncio
async def test_html_of_the_same_message_is_not_read_as_well(signed: Stage) -> None:
    await signed.start("quote for <Contoso> & more", conversation="group")
    (session,) = (await signed.records.sessions()).items

    assert "quote for <Contoso> & more" == session.task


@pytest.mark.asyncio
async def test_task_of_the_agents_is_what_the_person_wrote(signed: Stage) -> None:
    """As in `text-as-teams-sends-it`: somebody else is mentioned, and the blank behind the bot."""
    alex = signed.teams.world.person(ALEX)
    place = signed.teams.conversation("group", alex)
    text = "quote for R&amp;D, <at>Megan Bowen</at> knows why"
    activity = signed.teams.frame.message(place, alex, text, mention=True, id="17")
    activity["entities"].append(MEGAN)
    activity["text"] = activity["text"].replace("</at> quote", "</at>&nbsp;quote")
    await signed.teams.deliver(activity)
    await signed.settle()
    (session,) = (await signed.records.sessions()).items

    assert "quote for R&D, Megan Bowen knows why" == session.task
