"""Answers: what people press and send in Slack becomes votes and questions, and they are told.

Slack is answered within three seconds whatever the store does: once the vote is stored, if that is
soon enough; else before, and whoever acted is told afterwards what came of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import structlog
from pydantic import ValidationError

from countersign.approvals.errors import (
    CountersignError,
    NotFoundError,
    StaleDigestError,
    UnavailableError,
)
from countersign.approvals.models import Actor, JsonObject, Verdict, Via
from countersign.approvals.rules.delegation import reason_in_view
from countersign.connectors.receiving import (
    VoteAttempt,
    VoteOutcome,
    VoteResult,
    receive,
)
from countersign.connectors.slack import modals
from countersign.connectors.slack.channel import SlackChannel
from countersign.connectors.slack.client import SlackClient
from countersign.connectors.slack.commands import ACTIONS, SlackCommands
from countersign.connectors.slack.deciding_together import decide_all, is_current, shown_in
from countersign.connectors.slack.drawing import is_whole
from countersign.connectors.slack.in_time import ACK_S, DRAIN_S, InTime
from countersign.connectors.slack.interactions import (
    Interaction,
    StrangerError,
    act_of,
    identity,
    interaction,
)
from countersign.connectors.slack.message import APPROVE, CHANGE, NAME, OPEN, Bound
from countersign.connectors.slack.modals import Opened
from countersign.connectors.slack.question import END, GO_ON
from countersign.connectors.slack.retracting import REVOKE, TAKEN_BACK, WITHDRAW, out_of_date
from countersign.connectors.slack.settings import SlackSettings
from countersign.connectors.slack.showing import Showing, at_press
from countersign.connectors.slack.starting import START
from countersign.connectors.slack.submissions import Reply, Submissions
from countersign.connectors.slack.talking import Talking
from countersign.connectors.slack.together import APPROVE_ALL, REJECT_ALL
from countersign.connectors.slack.undos import UNDO
from countersign.connectors.slack.words import HOW_TO_APPROVE, STALE, UNREAD, told
from countersign.connectors.system import Deployment, Inbound

log = structlog.get_logger(__name__)
NOT_DONE = "That did not work just now, and nothing was decided. Please try again."
LATER = "That takes a moment. What comes of it is said in your chat with this app."
COUNTING = "Your answer has arrived and is being stored. What comes of it is said here."
_REDRAWN = frozenset(
    {VoteResult.LOST, VoteResult.EXPIRED, VoteResult.STALE, VoteResult.REVISED, VoteResult.COUNTED}
)
_VERDICTS = {APPROVE: Verdict.APPROVE, GO_ON: Verdict.APPROVE, END: Verdict.REJECT}
"""Buttons that decide at once."""


class Answers:
    """Takes interactions, and answers each with what Slack is to do."""

    def __init__(
        self,
        settings: SlackSettings,
        channel: SlackChannel,
        client: SlackClient,
        deployment: Deployment,
        inbound: Inbound,
        *,
        ack_s: float = ACK_S,
    ) -> None:
        self._settings, self._channel, self._client = settings, channel, client
        self._directory, self._inbound = deployment.directory, inbound
        self._submissions = Submissions(channel, inbound)
        self.talking = Talking(settings, channel, client, deployment, inbound)
        self._commands = SlackCommands(settings, client, inbound, self.talking)
        self._in_time = InTime(ack_s)
        self._showing = Showing(client, channel)

    async def take(self, payload: Any) -> JsonObject:
        """Do what was asked; the body of the answer to Slack. Raises InvalidError for what is no
        interaction."""
        acted = interaction(payload)
        if acted.type == "view_submission":
            return await self._sent(acted)
        if acted.type == "block_actions" and acted.actions:
            await self._in_time.within(self._pressed(acted))
        return {}

    async def hear(self, payload: Mapping[str, Any], *, retry: int = 0) -> bool:
        """An event; whether it has been carried out. Otherwise it is to be told again."""
        task = await self._in_time.within(self._heard(payload, retry))
        return task.done() and task.result()

    async def _heard(self, payload: Mapping[str, Any], retry: int) -> bool:
        try:
            await self.talking.hear(payload, retry=retry)
        except UnavailableError as exc:
            log.warning("message has to be told again", reason=str(exc))
            return False
        return True

    async def command(self, fields: Mapping[str, str]) -> JsonObject:
        """The slash command: what Slack shows whoever wrote it."""
        task = await self._in_time.within(self._commands.command(fields))
        if task.done():
            return task.result()
        self._in_time.keep(self._commands.told_later(fields, task))
        return {"response_type": "ephemeral", "text": LATER}

    async def drain(self) -> None:
        """Let what is under way come to its end, but not for long."""
        await self._in_time.drain()
        await self.talking.drain(DRAIN_S)

    async def _sent(self, acted: Interaction) -> JsonObject:
        task = await self._in_time.within(self._submitted(acted))
        if task.done():
            return task.result().body()
        self._in_time.keep(self._told_later(acted, task))
        view = modals.notice("Being stored", COUNTING)
        return {"response_action": "update", "view": view}

    async def _told_later(self, acted: Interaction, task: asyncio.Task[Reply]) -> None:
        view_id, reply = "" if acted.view is None else acted.view.id, await task
        view = reply.view or modals.notice(reply.title, reply.words())
        try:
            await self._client.call(
                "views.update", lambda web: web.views_update(view_id=view_id, view=view)
            )
        except NotFoundError:
            return  # they have closed it
        except CountersignError as exc:
            log.warning("modal not updated", reason=str(exc))

    async def _submitted(self, acted: Interaction) -> Reply:
        """Never raises."""
        try:
            actor = self._actor(acted)
            if acted.view is not None and acted.view.callback_id == START:
                return await self._commands.submitted(acted, actor)
            opened = Opened.model_validate_json(acted.view.private_metadata if acted.view else "")
            async with self._inbound.limits.admitted("votes", actor.identity):
                reply = await self._submissions.take(acted, opened, actor)
        except ValidationError:
            return Reply("Nothing was done", "This form is none of ours any more.")
        except CountersignError as exc:
            log.warning("answer not counted", reason=str(exc))
            return Reply("Nothing was decided", f"{exc} Nothing was decided.")
        except Exception:  # a form that stays open without a word looks like a vote
            log.exception("answer not counted")
            return Reply("Nothing was decided", NOT_DONE)
        if reply.redraws:
            await self._showing.redraw(opened, reply.redraws)
        return reply

    async def _pressed(self, acted: Interaction) -> None:
        """Never raises."""
        action = acted.actions[0]
        if action.action_id == OPEN:
            return
        try:
            actor = self._actor(acted)
            if action.action_id in ACTIONS:
                async with self._inbound.limits.admitted("votes", actor.identity):
                    await self._commands.pressed(acted, actor)
                return
            bound = Bound.model_validate_json(action.value)
            if action.action_id in _VERDICTS:
                async with self._inbound.limits.admitted("votes", actor.identity):
                    await self._decide(acted, bound, actor, _VERDICTS[action.action_id])
            elif action.action_id == APPROVE_ALL:
                async with self._inbound.limits.admitted("votes", actor.identity):
                    await self._approve_all(acted, bound, actor)
            elif action.action_id == WITHDRAW:
                async with self._inbound.limits.admitted("votes", actor.identity):
                    act = act_of(acted)
                    await self._inbound.approvals.withdraw(bound.request, actor, act=act)
                await self._showing.tell(acted, TAKEN_BACK)
            elif action.action_id in modals.VERBS:
                async with self._inbound.limits.admitted("reads", actor.identity):
                    await self._open(acted, action.action_id, bound, actor)
        except ValidationError:
            await self._showing.tell(acted, "This button is none of ours. Nothing was decided.")
        except StrangerError as exc:
            await self._showing.tell(acted, str(exc))
        except CountersignError as exc:
            log.warning("click not carried out", reason=str(exc))
            await self._showing.tell(acted, f"{exc} Nothing was decided.")
        except Exception:  # a click without any consequence looks like one that counted
            log.exception("click not carried out")
            await self._showing.tell(acted, NOT_DONE)

    async def _approve_all(self, acted: Interaction, bound: Bound, actor: Actor) -> None:
        """All that wait in the message, as it has shown them. Raises what `_pressed` says."""
        inbound = self._inbound
        view = await inbound.records.view(bound.request)
        try:
            left = await decide_all(
                inbound.approvals, view, bound, actor, Verdict.APPROVE, "", self._channel.page
            )
        except StaleDigestError as exc:
            await self._showing.tell(acted, str(exc))
            await self._showing.redraw(at_press(acted, bound), shown_in(view, bound))
            return
        if left:
            await self._showing.tell(acted, left)

    async def _decide(
        self, acted: Interaction, bound: Bound, actor: Actor, verdict: Verdict
    ) -> None:
        attempt = VoteAttempt(
            request_id=bound.request,
            actor=actor,
            verdict=verdict,
            digest=bound.digest,
            act=act_of(acted),
            unread=lambda view: "" if is_whole(view, self._channel.page, bound.calls) else UNREAD,
            instead=HOW_TO_APPROVE,
        )
        outcome = await receive(self._inbound.approvals, self._inbound.records, attempt)
        await self._answered(acted, bound, outcome)

    async def _answered(self, acted: Interaction, bound: Bound, outcome: VoteOutcome) -> None:
        """The message is drawn again for everybody by its delivery; only what was out of date is
        drawn at once."""
        if outcome.result is VoteResult.DECIDED:
            return
        words = told(outcome)
        if outcome.result is VoteResult.REFUSED:
            words = f"{words}{self._unknown(acted)}"
        await self._showing.tell(acted, words)
        if outcome.result in _REDRAWN:
            view = await self._inbound.records.view(bound.request)
            await self._showing.redraw(at_press(acted, bound), view)

    def _unknown(self, acted: Interaction) -> str:
        """What an administrator needs to know of somebody whom nobody knows."""
        key = identity(acted, self._settings)
        if self._directory.by_identity(NAME, key) is not None:
            return ""
        return f" In the directory you would be `{NAME}: {key}`."

    async def _open(self, acted: Interaction, verb: str, bound: Bound, actor: Actor) -> None:
        """Open the modal, for whoever may decide. Raises what `_pressed` says."""
        view = await self._inbound.records.view(bound.request)
        request, opened = view.request, at_press(acted, bound, verb)
        late = out_of_date(view, bound.digest, verb)
        if verb == REJECT_ALL:
            late = None if is_current(view, bound) else STALE
        if late is not None:
            await self._showing.tell(acted, late)
            await self._showing.redraw(opened, view)
            return
        of_before = verb in (REVOKE, UNDO)
        reason = None if of_before else reason_in_view(view, actor.principal)
        if reason is not None:
            await self._inbound.approvals.refuse(request.id, actor, reason)
            words = f"You cannot decide this. {reason}{self._unknown(acted)}"
            await self._showing.tell(acted, words)
            return
        if verb == CHANGE and (why := modals.why_not(view)):
            page = self._channel.page(request)
            where = f"Change them here: {page}" if page else "Change them through the API."
            await self._showing.tell(acted, f"{why} {where}")
            return
        form = modals.form(opened, view)
        await self._client.call(
            "views.open", lambda web: web.views_open(trigger_id=acted.trigger_id, view=form)
        )

    def _actor(self, acted: Interaction) -> Actor:
        """Raises StrangerError."""
        key = identity(acted, self._settings)
        principal = self._directory.by_identity(NAME, key)
        return Actor(principal=principal, via=Via(NAME), identity=f"{NAME}:{key}")
