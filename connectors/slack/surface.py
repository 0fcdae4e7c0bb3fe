"""A chat of Slack in which a message was written, as the place that answers it."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from countersign.approvals.approvals import Approvals
from countersign.approvals.decisions.vote_input import MAX_COMMENT
from countersign.approvals.forms.wording import cut_visibly
from countersign.approvals.models import (
    Delivery,
    JsonObject,
    PrincipalId,
    Request,
    RequestId,
    Value,
)
from countersign.approvals.models import Principal as Person
from countersign.approvals.records import Records
from countersign.approvals.rules.placing import wider_audience
from countersign.connectors.conversing.phrases import Command, Start, Unclear
from countersign.connectors.conversing.said import Text, prompt_of
from countersign.connectors.conversing.talk import REPOSTED
from countersign.connectors.slack.channel import SlackChannel
from countersign.connectors.slack.heard import Heard
from countersign.connectors.slack.markup import button, buttons, header, label, said, section
from countersign.connectors.slack.message import NAME, drawn
from countersign.connectors.slack.sentences import sentences
from countersign.connectors.slack.starting import Begun, Starting
from countersign.connectors.slack.threads import key_of
from countersign.connectors.system import WorkflowInfo

CARRIED = 1_500
"""Characters that a button carries of what was written; its value may have 2,000."""
SHOWN = 600
IS_ANSWER, INSTEAD = "is_answer", "instead"
"""The buttons of the messages that ask what one is meant as."""


class Meant(Value):
    """What such a button carries. Nothing in it is believed: it says again what was written."""

    said: str
    ts: str
    """Of the message that it was written in."""
    thread: str = ""
    request: RequestId = RequestId("")
    digest: str = ""
    workflow: str = ""


@dataclass(frozen=True)
class Surroundings:
    """What every chat needs to answer."""

    channel: SlackChannel
    approvals: Approvals
    records: Records
    starting: Starting
    spawn: Callable[[Coroutine[Any, Any, None]], None]
    """Does it in the background, and logs why it cannot be done."""


class SlackSurface:
    """`connectors.conversing.said.Surface` for one message."""

    shows: str = "message"
    answer_limit = MAX_COMMENT

    def __init__(self, around: Surroundings, heard: Heard, owner: PrincipalId) -> None:
        self._around, self._heard, self._owner = around, heard, owner
        self._started = False
        self.wider_audience = wider_audience(around.channel.placing, heard.kind)

    def reply(self, text: Text) -> None:
        """Say it: in the thread, or beside what was written in somebody's own chat."""
        self._post(sentences(text.shortened, markdown=text.markdown))

    def repost(self, requests: Sequence[Request]) -> None:
        """Post the first messages again; not where more people are than they are shown to."""
        if not self.wider_audience:
            self._around.spawn(self._repost(requests))

    async def _repost(self, requests: Sequence[Request]) -> None:
        around, heard = self._around, self._heard
        for request in requests[:REPOSTED]:
            made = drawn(await around.records.view(request.id), around.channel.page)
            message: JsonObject = {"text": said(made.text), "blocks": list(made.blocks)}
            reference = await around.channel.reply(heard.channel, heard.thread, message)
            if heard.thread:
                reference = {**reference, "thread_ts": heard.thread}
            await around.approvals.adopt_delivery(request.id, NAME, reference)

    def can_ask(self, words: str) -> bool:
        """Whether a button can carry it."""
        return len(json.dumps(words)) <= CARRIED

    def ask_whether_answer(self, question: Request, wish: Command | Start | Unclear) -> None:
        """By two buttons."""
        yes = self._meant(request=question.id, digest=question.digest)
        actions = [button(IS_ANSWER, "Yes, send it", value=yes, style="primary")]
        match wish:
            case Start():
                no = self._meant(workflow=wish.workflow.name)
                actions.append(button(INSTEAD, f"No, start {wish.workflow.title}", value=no))
            case Command():
                actions.append(button(INSTEAD, f"No, {wish.name}", value=self._meant()))
        asked = _quoted("You were asked", prompt_of(question))
        self._ask("Is this your answer?", asked, "Nothing was sent or started yet.", actions)

    def ask_whether_start(self, workflow: WorkflowInfo, question: str) -> None:
        """By a button."""
        value = self._meant(workflow=workflow.name)
        start = button(INSTEAD, f"Start {workflow.title}", value=value, style="primary")
        asked = _quoted("A question is open here", question)
        self._ask(f"Start {workflow.title} with this?", asked, "Nothing was started yet.", [start])

    def is_shown(self, deliveries: Sequence[Delivery], person: Person) -> bool:
        """By where it is meant to be shown, for it may be there a moment before that is on record;
        in a thread what was asked in it."""
        here = str(key_of(self._heard.channel))
        is_personal = self._heard.kind == "personal"
        targets = {f"conversation:{here}", *([f"person:{person.id}"] if is_personal else ())}
        return any(
            each.channel == NAME
            and (each.target in targets or self._is_at(each.reference))
            and self._is_of_thread(each.reference)
            for each in deliveries
        )

    def _is_at(self, reference: JsonObject | None) -> bool:
        return (reference or {}).get("channel") == self._heard.channel

    def _is_of_thread(self, reference: JsonObject | None) -> bool:
        thread = self._heard.thread
        if reference is None or not thread:
            return True
        return thread in (reference.get("thread_ts"), reference.get("ts"))

    async def start(self, wish: Start) -> str:
        """One session for each message, below it."""
        heard = self._heard
        begun = Begun(
            channel=heard.channel,
            kind=heard.kind,
            ts=heard.ts,
            thread=heard.thread,
            user=heard.user,
        )
        self._started = True
        _, text = await self._around.starting.start(wish, self._owner, begun)
        return text

    def _meant(self, **more: Any) -> str:
        heard = self._heard
        meant = Meant(said=heard.words, ts=heard.ts, thread=heard.thread, **more)
        return meant.model_dump_json(exclude_defaults=True)

    def _ask(
        self, title: str, asked: Sequence[JsonObject], last: str, actions: Sequence[JsonObject]
    ) -> None:
        blocks = [
            header(title),
            *asked,
            *_quoted("You wrote", self._heard.words),
            section(last),
            buttons(*actions),
        ]
        self._post({"text": said(title), "blocks": blocks})

    def _post(self, message: JsonObject) -> None:
        heard = self._heard
        in_thread = heard.kind != "personal" or self._started
        thread = heard.root if in_thread else heard.thread
        self._around.spawn(self._posted(thread, message))

    async def _posted(self, thread: str, message: JsonObject) -> None:
        await self._around.channel.reply(self._heard.channel, thread, message)


def _quoted(title: str, text: str) -> list[JsonObject]:
    return [label(title), section(cut_visibly(text, SHOWN))] if text else []
