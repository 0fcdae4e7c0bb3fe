"""Mail in the language of whom it is for, and the marker of subjects."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from countersign.approvals.models import Verdict
from countersign.connectors.document import Row
from countersign.connectors.email.languages import subject, translated
from countersign.connectors.email.letter import Letter, Section
from countersign.connectors.email.settings import EmailSettings
from tests.connectors.email.mail_world import BEN_AT, CARA_AT, MailWorld, by_mail
from tests.doubles.directory import BEN, CARA

ENGLISH = re.compile(r"\b(the|you|your|and runs|waits|decides|would)\b", re.IGNORECASE)


def german(world: MailWorld) -> None:
    """Ben reads German, Cara what the channel writes otherwise."""
    world.directory._people[BEN.id] = BEN.model_copy(update={"language": "de"})


async def test_each_is_written_to_in_their_language(tmp_path: Path) -> None:
    async with by_mail(tmp_path) as world:
        german(world)
        request = await world.mailed()
        (ben,), (cara,) = world.mails(BEN_AT), world.mails(CARA_AT)

        assert ben["headers"]["Subject"].startswith("Genehmigen: Quote (")
        assert cara["headers"]["Subject"].startswith("Approve Quote (")
        for said in (
            "WARTET AUF SIE", "Was genau ausgeführt würde", "Wer entscheidet: Ben, Cara",
            "Zu entscheiden bis: 02.03.26, 10:00 UTC; dann läuft nichts", "Lesen und entscheiden",
            "Contoso", "The customer asked.",
        ):  # fmt: skip
            assert said in ben["text"], said
        assert '<html lang="de">' in ben["html"]
        assert '<html lang="en">' in cara["html"]
        assert "Who decides" in cara["text"]

        await world.vote(request, CARA, Verdict.REJECT)
        await world.after(seconds=1)
        told = world.mails(BEN_AT)[1]
        assert "Re: Genehmigen: Quote" in told["headers"]["Subject"]
        assert "Abgelehnt von Cara" in told["text"]
        assert "Es wurde abgelehnt und läuft nicht" in told["text"]
        assert root_of(ben) == root_of(told)


async def test_a_whole_german_mail_has_no_sentence_of_ours_in_english(tmp_path: Path) -> None:
    async with by_mail(tmp_path, language="de") as world:
        await world.mailed()
        mail = world.mails(CARA_AT)[0]
        ours = [
            line for line in mail["text"].splitlines()
            if ENGLISH.search(line) and not line.startswith(("Regel:", "The customer asked"))
        ]  # fmt: skip

        assert [] == ours


async def test_a_reminder_is_in_german_and_so_is_how_to_stop_it(tmp_path: Path) -> None:
    async with by_mail(tmp_path, "email", language="de", subject_marker="[Freigabe]") as world:
        world.use(_reminding())
        await world.mailed()
        await world.after(minutes=31)
        first, second = world.mails(BEN_AT)

        assert first["headers"]["Subject"].startswith("[Freigabe] Genehmigen: ")
        assert second["headers"]["Subject"].startswith("Re: [Freigabe] Genehmigen: ")
        assert "entscheidet bis dahin niemand, läuft es nicht." in second["text"]
        assert "Schicken Sie mir davon keine mehr" in second["text"]


def test_what_others_said_stays_whatever_it_says() -> None:
    mine = (Row(name="Risk", text="low"), Row(name="", text="Approved"))
    letter = Letter(
        subject="Approve Pay (high risk): to Risk",
        badge="Done",
        tone="yes",
        heading="Approve Pay (high risk): to Risk",
        lead=("Something that nobody has translated.",),
        sections=(
            Section(heading="What exactly would run", rows=mine),
            Section(heading="Why, in the agent's words", rows=(Row(name="", text="Approved"),)),
            Section(heading="Details", rows=(Row(name="Risk", text="low"),)),
        ),
    )
    said = translated(letter, "de")

    assert mine == said.sections[0].rows
    assert "Approved" == said.sections[1].rows[0].text
    assert Row(name="Risiko", text="gering") == said.sections[2].rows[0]
    assert ("Erledigt", "Genehmigen: Pay (hohes Risiko): to Risk") == (said.badge, said.heading)
    assert letter.lead == said.lead
    assert letter is translated(letter, "en")
    assert "Re: 3 Anfragen mit geringem Risiko warten auf Sie" == subject(
        "Re: 3 requests of low risk wait for you", "de"
    )


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"language": "fr"}, "'en' or 'de'"),
        ({"subject_marker": "[A]\n"}, "printable"),
        ({"subject_marker": " [A]"}, "printable"),
        ({"subject_marker": "x" * 31}, "30"),
    ],
)
def test_settings_that_make_no_sense_are_refused(more: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        EmailSettings.model_validate({"host": "h", "sender": "A <a@b.example>", **more})


def root_of(mail: dict[str, Any]) -> str:
    return str(mail["headers"].get("References", mail["message_id"])).split()[0]


def _reminding() -> Any:
    from tests.connectors.email.mail_world import rules

    return rules("email", deadline="1h", remind=["30m"])
