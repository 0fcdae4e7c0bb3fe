"""Messages of people, read in the light of what waits for them where they write it.

A question takes the text as its answer; what asks for an approval never does. What could be two
things is asked.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from countersign.approvals.approvals import Approvals
from countersign.approvals.forms.wording import as_text, cut, in_words
from countersign.approvals.models import Actor, Placing, Request, RequestStatus, Verdict
from countersign.approvals.records import Records
from countersign.connectors.conversing.command_texts import workflows_text
from countersign.connectors.conversing.commands import Commands
from countersign.connectors.conversing.phrases import Command, Start, Unclear, understand
from countersign.connectors.conversing.said import Said, Surface, Text, prompt_of
from countersign.connectors.conversing.waits import Waits, question_of_others, waits_for
from countersign.connectors.receiving import VoteAttempt, receive
from countersign.connectors.system import WorkflowInfo

log = structlog.get_logger(__name__)
REPOSTED = 5
PROMPT_SHOWN = 200


class Talk:
    """Answers messages in a place, whichever system it belongs to."""

    def __init__(
        self,
        approvals: Approvals,
        records: Records,
        workflows: Sequence[WorkflowInfo],
        placing: Placing,
    ) -> None:
        self._approvals, self._records, self._workflows = approvals, records, workflows
        self._commands = Commands(approvals, records, workflows, placing)

    async def answer(self, said: Said, place: Surface) -> None:
        """Carry out what was written. Raises CountersignError if that cannot be done."""
        if await self._records.acted(said.act) is not None:
            log.info("message delivered again")  # it was an answer, and counts once
            return
        wish = understand(said.words, self._workflows)
        if isinstance(wish, Command) and (wish.is_complete or not said.words):
            await self.carry_out(said, wish, place)
            return
        waits, actor = await self._waiting(said, place)
        if len(waits.questions) > 1:
            _which(waits.questions, place)
        elif waits.questions:
            await self._taken(said, waits, wish, actor, place)
        elif isinstance(wish, Command):
            await self.carry_out(said, wish, place)
        elif isinstance(wish, Start):
            await self._wants(said, wish, place)
        elif waits.cards:
            named = [each for each in waits.cards if each.id in said.words]
            _not_by_text(named or waits.cards, place)
        else:
            await self._unclear(said, wish, place)

    async def carry_out(self, said: Said, wish: Command, place: Surface) -> None:
        """One of the fixed commands."""
        text = await self._commands.answer(
            wish, said.here, said.asker, said.clicker, said.kind, shows=place.shows
        )
        place.reply(text)
        if wish.name == "pending":
            place.repost(await self._commands.pending(said.clicker))

    async def _waiting(self, said: Said, place: Surface) -> tuple[Waits, Actor]:
        """What waits here for whoever wrote, and as whom they answer it. Only local clients have
        one persona for two people: whoever asks may be asked back."""
        found = Waits()
        for actor in (said.clicker, said.asker):
            if actor.principal is not None:
                is_personal = said.kind == "personal"
                waits = await waits_for(self._records, actor.principal, place, personal=is_personal)
                if waits.questions or said.asker.principal == said.clicker.principal:
                    return waits, actor
                found = found if found.cards else waits
        return found, said.clicker

    async def _taken(
        self,
        said: Said,
        waits: Waits,
        wish: Command | Start | Unclear,
        actor: Actor,
        place: Surface,
    ) -> None:
        """The one question that waits here takes the text, unless it may well be something else."""
        (question,), cards = waits.questions, waits.cards
        is_clear = isinstance(wish, Unclear) and not cards
        if len(said.words) > place.answer_limit or not (is_clear or place.can_ask(said.words)):
            place.reply(
                Text(
                    "A question waits for you here, and this is too long for its answer: "
                    f"{place.answer_limit:,} characters are the most. Nothing was sent or started. "
                    "Please answer it first."
                )
            )
            place.repost([question])
        elif not is_clear:
            place.ask_whether_answer(question, wish)
            if cards and isinstance(wish, Unclear):
                place.repost(cards)
        else:
            await self._answered(said, question, actor, place)

    async def _answered(self, said: Said, question: Request, actor: Actor, place: Surface) -> None:
        outcome = await receive(
            self._approvals,
            self._records,
            VoteAttempt(
                request_id=question.id,
                actor=actor,
                verdict=Verdict.APPROVE,
                digest=question.digest,
                comment=said.words,
                act=said.act,
            ),
        )
        rest = "the agents have it"
        if outcome.counted().status is RequestStatus.PENDING:
            rest = "more people have to answer"
        asked = as_text(cut(prompt_of(question), PROMPT_SHOWN))
        place.reply(Text(f"Taken as your answer to “{asked}”: {rest}."))

    async def _wants(self, said: Said, wish: Start, place: Surface) -> None:
        """Start it, unless a question to somebody else is open here: it may be about that."""
        question = await question_of_others(self._records, said.here)
        if question is None:
            place.reply(Text(await place.start(wish)))
            return
        if not place.can_ask(said.words):
            text = (
                f"A question is open here ({question.id}), and this message is too long to ask "
                "whether it is the answer. Nothing was started. Start it with a shorter message, "
                "or in a conversation of its own."
            )
            place.reply(Text(text))
            return
        shown = question.id if place.wider_audience else prompt_of(question)
        place.ask_whether_start(wish.workflow, shown)

    async def _unclear(self, said: Said, wish: Unclear, place: Surface) -> None:
        under_way = await self._commands.under_way(said.here)
        if wish.decides:
            place.reply(await self._commands.nothing_to_decide(wish.reason, under_way))
        elif wish.maybe is not None and place.can_ask(said.words):
            place.ask_whether_start(wish.maybe, "")
        elif mine := [session for session in under_way if session.owner == said.owner.id]:
            place.reply(await self._commands.second_thought(mine))
        else:
            place.reply(Text(f"{wish.reason}\n\n{workflows_text(self._workflows)}"))


def _which(questions: Sequence[Request], place: Surface) -> None:
    """Ask which of several questions it answers."""
    lines = [f"- `{each.id}`: {as_text(cut(prompt_of(each), PROMPT_SHOWN))}" for each in questions]
    text = (
        f"{len(questions)} questions wait for you here, so I cannot tell which one this "
        f"answers. Nothing was sent. Please answer each on its {place.shows}:"
    )
    place.reply(Text("\n".join([text, "", *lines])))
    place.repost(questions)


def _not_by_text(waiting: Sequence[Request], place: Surface) -> None:
    """Say that requests wait, and that no text decides them."""
    shows = place.shows
    names = [f"**{in_words(each.tool)}** `{each.id}`" for each in waiting]
    count = f"A {shows} waits" if len(names) == 1 else f"{len(names)} {shows}s wait"
    shown = ", ".join(names[:REPOSTED])
    text = (
        f"{count} for you: {shown}. Nothing was decided: only the buttons of a {shows} decide, "
        "not what you write. To start something new, begin with the name of a workflow "
        "(`workflows`)."
    )
    place.reply(Text(text))
    place.repost(waiting)


def started_text(title: str, session_id: str) -> str:
    """To whoever has started a session."""
    return (
        f"Started **{title}** `{session_id}`. I will post progress here; "
        f"`status {session_id}` tells how it stands, `cancel {session_id}` ends it."
    )
