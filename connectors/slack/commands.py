"""The slash command, the form that it opens, and the buttons that say what a message was meant as.

Source: docs.slack.dev/interactivity/implementing-slash-commands, as known in 2026-11.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

import structlog

from countersign.approvals.errors import (
    BusyError,
    CountersignError,
    InvalidError,
    UnavailableError,
)
from countersign.approvals.models import Actor, JsonObject, Principal, Verdict
from countersign.connectors.conversing.phrases import Command, Start, Unclear, understand
from countersign.connectors.conversing.said import Said, Text
from countersign.connectors.receiving import VoteAttempt, VoteResult, receive
from countersign.connectors.slack import heard as hearing
from countersign.connectors.slack import starting
from countersign.connectors.slack.client import SlackClient
from countersign.connectors.slack.heard import Heard
from countersign.connectors.slack.interactions import Interaction, StrangerError
from countersign.connectors.slack.sentences import sentences
from countersign.connectors.slack.settings import SlackSettings
from countersign.connectors.slack.submissions import Reply
from countersign.connectors.slack.surface import (
    INSTEAD,
    IS_ANSWER,
    Meant,
    SlackSurface,
    Surroundings,
)
from countersign.connectors.slack.talking import Talking
from countersign.connectors.slack.threads import key_of
from countersign.connectors.slack.words import told
from countersign.connectors.slack.writers import as_said
from countersign.connectors.system import Inbound

log = structlog.get_logger(__name__)
ACTIONS = frozenset({IS_ANSWER, INSTEAD})


class SlackCommands:
    """Carries them out."""

    def __init__(
        self, settings: SlackSettings, client: SlackClient, inbound: Inbound, talking: Talking
    ) -> None:
        self._settings, self._client, self._inbound = settings, client, inbound
        self._talking = talking

    async def command(self, fields: Mapping[str, str]) -> JsonObject:
        """What Slack shows whoever wrote the command, alone; nothing where a form opens."""
        try:
            heard = hearing.command(fields, self._settings)
            said = await self._talking.writers.said(heard)
            if said is None:
                found: Sequence[Text] = [Text(self._talking.writers.unknown(heard.user))]
            else:
                async with self._inbound.limits.admitted("starts", said.clicker.identity):
                    found = await self._commanded(heard, said)
        except StrangerError as exc:
            found = [Text(str(exc), markdown=False)]
        except CountersignError as exc:
            log.warning("command not carried out", reason=str(exc))
            found = [Text(f"That did not work: {exc}", markdown=False)]
        if not found:
            return {}
        text = "\n\n".join(each.shortened for each in found)
        looks = all(each.markdown for each in found)
        return {"response_type": "ephemeral", **sentences(text, markdown=looks)}

    async def told_later(self, fields: Mapping[str, str], task: asyncio.Task[JsonObject]) -> None:
        """Say what came of a command in the chat with whoever wrote it: Slack waits no longer."""
        answer = dict(await task)
        answer.pop("response_type", None)
        if not answer:
            return
        try:
            user = fields.get("user_id", "")
            opened = await self._client.call(
                "conversations.open", lambda web: web.conversations_open(users=user)
            )
            chat = str(opened["channel"]["id"])
            await self._talking.around.channel.reply(chat, "", answer)
        except CountersignError as exc:
            log.warning("reply not sent", reason=str(exc))

    async def _commanded(self, heard: Heard, said: Said) -> Sequence[Text]:
        workflows, talking = self._inbound.workflows, self._talking
        wish = understand(heard.words, workflows)
        if isinstance(wish, Command) and (heard.words or not workflows):
            chat = await talking.around.channel.own_chat(said.owner)
            place = _Beside(talking.around, replace(heard, channel=chat), said.owner)
            await talking.talk.carry_out(replace(said, here=key_of(chat)), wish, place)
            return place.said
        if isinstance(wish, Start):
            form = heard.trigger_id
            session = await talking.starting.by_form(wish, said.owner, heard.user, form)
            return [Text(f"Started `{session.id}`. Follow it in your chat with this app.")]
        chosen = wish.maybe if isinstance(wish, Unclear) else None
        view = starting.form(workflows, heard.words, chosen)
        await self._client.call(
            "views.open", lambda web: web.views_open(trigger_id=heard.trigger_id, view=view)
        )
        return ()

    async def submitted(self, acted: Interaction, actor: Actor) -> Reply:
        """The form that starts a session, once however often it is sent. Raises
        CountersignError."""
        if actor.principal is None or acted.view is None:
            return Reply("Nothing was started", self._talking.writers.unknown(acted.user.id))
        form = acted.view
        try:
            wish = starting.filled(form.state.values, self._inbound.workflows)
        except InvalidError as exc:
            return Reply(errors={starting.TASK: str(exc)})
        try:
            async with self._inbound.limits.admitted("starts", actor.identity):
                begun = await self._talking.starting.by_form(
                    wish, actor.principal, acted.user.id, form.id
                )
        except (BusyError, UnavailableError) as exc:  # the form stays: sent again it is the same
            log.warning("form not carried out", reason=str(exc))
            return Reply(errors={starting.TASK: f"{exc} Send it again."})
        goes_on = f"({begun.id}) goes on in your chat with this app."
        if (begun.workflow, begun.task) == (wish.workflow.name, wish.task):
            return Reply("Started", f"{wish.workflow.title} {goes_on}")
        before = f"What this form asked for when it was sent before {goes_on}"
        return Reply("Started before", f"{before} Nothing else was started: open a new form.")

    async def pressed(self, acted: Interaction, actor: Actor) -> None:
        """A button of a message that has asked what one is meant as; that message is replaced.
        Raises CountersignError, ValidationError."""
        action, at = acted.actions[0], acted.container
        meant = Meant.model_validate_json(action.value)
        heard = Heard(
            user=acted.user.id,
            words=meant.said,
            channel=at.channel_id,
            kind="personal" if at.channel_id.startswith("D") else "channel",
            ts=meant.ts,
            thread=meant.thread,
        )
        said = as_said(heard, actor)
        if said is None:
            raise InvalidError(self._talking.writers.unknown(acted.user.id))
        place = SlackSurface(self._talking.around, heard, said.owner.id)
        if action.action_id == IS_ANSWER:
            words = await self._answered(meant, said)
        else:
            words = await self._instead(meant, said, place)
        message = sentences(words)
        await self._client.call(
            "chat.update",
            lambda web: web.chat_update(channel=at.channel_id, ts=at.message_ts, **message),
            channel=at.channel_id,
        )

    async def _answered(self, meant: Meant, said: Said) -> str:
        attempt = VoteAttempt(
            request_id=meant.request,
            actor=said.clicker,
            verdict=Verdict.APPROVE,
            digest=meant.digest,
            comment=meant.said,
            act=said.act,
        )
        outcome = await receive(self._inbound.approvals, self._inbound.records, attempt)
        if outcome.result is VoteResult.DECIDED:
            return "Taken as your answer: the agents have it."
        return told(outcome)

    async def _instead(self, meant: Meant, said: Said, place: SlackSurface) -> str:
        wish = understand(meant.said, self._inbound.workflows)
        if isinstance(wish, Command) and not meant.workflow:
            await self._talking.talk.carry_out(said, wish, place)
            return f"Not an answer. You asked for: {wish.name}"
        known = {each.name: each for each in self._inbound.workflows}
        if meant.workflow not in known:
            raise InvalidError("That workflow is not here any more. Nothing was started.")
        workflow = known[meant.workflow]
        is_same = isinstance(wish, Start) and wish.workflow.name == workflow.name
        start = wish if is_same and isinstance(wish, Start) else Start(workflow, meant.said)
        place.reply(Text(await place.start(start)))
        return f"**{workflow.title}** is started."


class _Beside(SlackSurface):
    """Where a command is answered: beside it, to whoever wrote it."""

    def __init__(self, around: Surroundings, heard: Heard, owner: Principal) -> None:
        super().__init__(around, heard, owner.id)
        self.said: list[Text] = []

    def reply(self, text: Text) -> None:
        """Keep it for the answer to Slack."""
        self.said.append(text)
