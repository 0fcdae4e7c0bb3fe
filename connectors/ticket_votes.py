"""From what was read in a ticket to votes, refusals and answers: each act counts once.

Nothing here trusts a ticket to say which request it is or what was approved: the delivery does,
found by the ticket's id. Who acted is what the system recorded; whether they may decide is for the
service to say. An act, its vote and its ledger entry commit together, so reading it again, by a
webhook, a poll or after a crash, changes nothing.
"""

from __future__ import annotations

from functools import partial

import structlog
from sqlalchemy import Connection

from countersign.approvals.approvals import Approvals
from countersign.approvals.audit.canonical import sha256_hex
from countersign.approvals.decisions.evidence import EvidenceError, require_ticket
from countersign.approvals.decisions.voting import MAX_COMMENT
from countersign.approvals.errors import NotFoundError
from countersign.approvals.forms.wording import cut, visible
from countersign.approvals.models import (
    Actor,
    Delivery,
    JsonObject,
    Verdict,
    Via,
)
from countersign.approvals.ports import (
    Clock,
    Directory,
    RequestView,
    Store,
    TicketConnector,
)
from countersign.approvals.read_links import VALID_S, ReadLinks
from countersign.approvals.records import Records
from countersign.approvals.store import deliveries as delivery_rows
from countersign.approvals.store import tickets as ticket_rows
from countersign.approvals.tickets import (
    ActKey,
    Observation,
    RecordedAct,
    TicketAct,
    TicketRefusal,
    TicketVote,
)
from countersign.connectors.comments.vocabulary import Vocabulary
from countersign.connectors.comments.wanted import Written
from countersign.connectors.outcome import is_current, outcome_of, too_late_words
from countersign.connectors.receiving import (
    REASON_LIMIT,
    VoteAttempt,
    VoteResult,
    receive,
)
from countersign.connectors.ticket_channel import (
    TicketChannel,
    keep_key,
    keep_shown,
    ticket_of,
)

log = structlog.get_logger(__name__)

UNREAD_ANSWER = "The ticket does not show all of it, so it has to be read on its page first."
"""The reason by which an unread answer is known when it is told."""
ACTS_MAX = 40
"""Acts in one ticket that are answered. Two programs could move a ticket back and forth for ever;
after this many we do not: what is right still counts, and nobody is told in the ticket."""


class Settling:
    """Applies observations of one system."""

    def __init__(
        self,
        connector: TicketConnector,
        store: Store,
        clock: Clock,
        approvals: Approvals,
        records: Records,
        directory: Directory,
        links: ReadLinks | None = None,
    ):
        """`links` lead to the page that shows what does not fit into a ticket."""
        self._links = links
        self._channel = TicketChannel(connector, store, clock, directory)
        self._connector = connector
        self._store, self._directory = store, directory
        self._approvals, self._records = approvals, records
        self._name = connector.name
        self._words = Vocabulary(
            languages=tuple(connector.languages), changes_words=tuple(connector.changes_words)
        )

    async def settle(self, delivery: Delivery, seen: Observation) -> None:
        """Count what has not been counted, then tell the ticket. Idempotent.

        Raises UnavailableError if the ticket could not be told; nothing is lost by that.
        """
        if seen.ref.key != ticket_of(delivery).key:
            delivery = await self._store.write(partial(keep_key, delivery=delivery, ref=seen.ref))
        findings = self._connector.decide(seen)
        if not findings and seen.awaiting and seen.altered_by is None:
            if not await self._is_over(delivery) and not await self._owed(delivery):
                return
        known = {recorded.key.act_id for recorded in await self._recorded(delivery)}
        for finding in findings:
            if finding.act.id not in known:
                await self._take(delivery, finding)
        try:
            await self._answer(delivery, seen)
        except NotFoundError:
            log.warning("ticket gone while answering", ticket=seen.ref.key)

    async def _is_over(self, delivery: Delivery) -> bool:
        request = await self._records.request(delivery.request_id)
        return not is_current(delivery, request)

    async def _take(self, delivery: Delivery, finding: TicketVote | TicketRefusal) -> None:
        view = await self._records.view(delivery.request_id)
        if not is_current(delivery, view.request):
            await self._late(delivery, view, finding)
            return
        if isinstance(finding, TicketRefusal):
            await self._refuse(delivery, finding.act, finding.reason)
            return
        if finding.verdict is not Verdict.REJECT:
            reason = await self._not_of_record(delivery, view)
            if reason:
                await self._refuse(delivery, finding.act, reason)
                return
        await self._vote(delivery, view, finding)

    async def _vote(self, delivery: Delivery, view: RequestView, vote: TicketVote) -> None:
        attempt = self._attempt(delivery, view, vote)
        outcome = await receive(self._approvals, self._records, attempt, view)
        match outcome.result:
            case VoteResult.LOST | VoteResult.EXPIRED | VoteResult.STALE:
                await self._late(delivery, await self._records.view(delivery.request_id), vote)
            case VoteResult.DECIDED | VoteResult.COUNTED | VoteResult.REVISED:
                changed = outcome.request is not None and outcome.request.digest != attempt.digest
                log.info(
                    "ticket answered",
                    request_id=view.request.id,
                    ticket=ticket_of(delivery).key,
                    verdict=str(Verdict.MODIFY if changed else vote.verdict),
                    by=vote.act.actor,
                )
            case _:
                await self._show_operators(delivery, vote.act, outcome.reason)

    def _attempt(self, delivery: Delivery, view: RequestView, vote: TicketVote) -> VoteAttempt:
        act, ref = vote.act, ticket_of(delivery)
        comment, written = "", None
        if vote.verdict is Verdict.REJECT:
            comment = cut(act.comment.strip(), MAX_COMMENT)
            comment = comment or f"Rejected in {ref.key} without a reason."
        else:
            written = Written(
                act.comment,
                act.changes,
                act.earlier,
                act.actor_name,
                (ref.key, ref.url),
                self._words,
            )
        return VoteAttempt(
            request_id=view.request.id,
            actor=self._actor(act),
            verdict=vote.verdict,
            digest=str((delivery.reference or {}).get("digest", "")),
            arguments=written,
            comment=comment,
            act=self._key(delivery, act),
            stage=view.request.stage,
            unread=lambda _: "" if ref.whole else UNREAD_ANSWER,
            keep_refused=True,
        )

    async def _not_of_record(self, delivery: Delivery, view: RequestView) -> str:
        """Why an approval here would be of another request's ticket; "" if it is ours."""
        try:
            await self._store.write(  # with the chain locked, or else it could grow meanwhile
                partial(require_ticket, request=view.request, delivery=delivery)
            )
        except EvidenceError as exc:
            return (
                "Our record of this ticket does not agree with the ledger, so an approval in it "
                f"does not count ({exc}). Operators have been told."
            )
        return ""

    async def _refuse(self, delivery: Delivery, act: TicketAct, reason: str) -> None:
        key, reason = self._key(delivery, act), cut(reason, REASON_LIMIT)
        await self._approvals.refuse(delivery.request_id, self._actor(act), reason, act=key)
        await self._show_operators(delivery, act, reason)

    async def _late(
        self, delivery: Delivery, view: RequestView, finding: TicketVote | TicketRefusal
    ) -> None:
        """Somebody moved a ticket that had its answer; our own closing it looks like that too."""
        act = finding.act
        said = too_late_words(view.request)
        if isinstance(finding, TicketRefusal) or len(await self._recorded(delivery)) > ACTS_MAX:
            await self._store.write(
                lambda c: ticket_rows.record_act(
                    c, self._key(delivery, act), delivery.request_id, "", act.at
                )
            )
            return
        body: JsonObject = {
            "channel": self._name,
            "ticket": ticket_of(delivery).key,
            "identity": f"{self._name}:{act.actor}",
            "state": act.state,
        }
        await self._approvals.note(
            delivery.request_id,
            "ticket_moved_late",
            body,
            act=self._key(delivery, act),
            reason=said,
        )

    async def _answer(self, delivery: Delivery, seen: Observation) -> None:
        if len(await self._recorded(delivery)) > ACTS_MAX:
            await self._leave_alone(delivery)
            return
        view = await self._answer_all(delivery, seen)
        if is_current(delivery, view.request):
            await self._restore(delivery, view, seen)
        elif seen.awaiting:
            await self._close_again(delivery, seen)

    async def _close_again(self, delivery: Delivery, seen: Observation) -> None:
        """Somebody reopened it, unless its end has not been told yet: that is the courier's."""

        def unit(connection: Connection) -> tuple[Delivery, RequestView]:
            current = delivery_rows.get(connection, delivery.id)
            return current, self._records.view_in(connection, delivery.request_id)

        current, view = await self._store.read(unit)
        found = outcome_of(current, view)
        if current.next_at is None and found is not None:
            await self._connector.close(seen.ref, *found)

    async def _answer_all(self, delivery: Delivery, seen: Observation) -> RequestView:
        """Tell the ticket what became of each act, once."""
        view = await self._records.view(delivery.request_id)
        acts = {act.id: act for act in seen.acts}
        for recorded in await self._recorded(delivery):
            if recorded.answered:
                continue
            act = acts.get(recorded.key.act_id) or await self._half_told(delivery, view, recorded)
            if act is None:  # this reading is behind; one that knows the act tells it
                continue
            await self._tell(delivery, view, act, recorded)
            await self._store.write(partial(ticket_rows.answer, keys=[recorded.key]))
        return view

    async def _owed(self, delivery: Delivery) -> list[RecordedAct]:
        """Acts that do not count, of which the ticket has not been told to the end."""
        return [r for r in await self._recorded(delivery) if r.reason and not r.answered]

    async def _half_told(
        self, delivery: Delivery, view: RequestView, recorded: RecordedAct
    ) -> TicketAct | None:
        """The act that the ticket does not show any more: telling it failed after we had taken it
        back, and what the system had taken back by itself was left. None if it is there."""
        if not recorded.reason or not is_current(delivery, view.request):
            return None
        fresh = await self._connector.fetch_one(ticket_of(delivery))
        if fresh is None or any(act.id == recorded.key.act_id for act in fresh.acts):
            return None
        at = view.request.created_at
        return TicketAct(id=recorded.key.act_id, at=at, actor=None, state="")

    async def _tell(
        self, delivery: Delivery, view: RequestView, act: TicketAct, recorded: RecordedAct
    ) -> None:
        request = view.request
        if not is_current(delivery, request):
            if recorded.reason:
                await self._connector.comment(ticket_of(delivery), recorded.reason, key=act.id)
            return
        who = visible(act.actor_name or act.actor or "somebody")
        if not recorded.reason:
            stage = request.stages[request.stage]
            given = len({v.principal_id for v in view.votes if v.revision == request.revision
                         and v.stage == request.stage})  # fmt: skip
            text = f"Counted: {who}. {stage.quorum - given} more of {stage.quorum} have to approve."
            await self._connector.ask_again(ticket_of(delivery), act, text, counted=True)
            return
        text = (
            f"The answer of {who} does not count: {visible(recorded.reason)}\n\nThe request still "
            "waits, nothing has run."
        )
        if recorded.reason == UNREAD_ANSWER:
            text += f"\n\n{self._how_to_read(view, act)}"
        await self._connector.ask_again(ticket_of(delivery), act, text, counted=False)

    def _how_to_read(self, view: RequestView, act: TicketAct) -> str:
        """To whoever has to read first: a link of their own, made when it is said."""
        request, person = view.request, self._actor(act).principal
        if self._links is None or person is None:
            return f"Read it with `countersign requests show {request.id}` and use the API."
        link = self._links.personal(request, person.id, self._name)
        minutes = int(VALID_S // 60)
        return (
            f"Read all of it within {minutes} minutes, and confirm it there; then answer again:\n"
            f"{link}\nThe link is for {visible(person.name)} alone. Once it has expired, answer "
            "again to get another one."
        )

    async def _leave_alone(self, delivery: Delivery) -> None:
        ref = ticket_of(delivery)
        key = ActKey(channel=self._name, ticket_id=ref.id, act_id="left alone")
        body: JsonObject = {"channel": self._name, "ticket": ref.key}
        if await self._approvals.note(delivery.request_id, "ticket_left_alone", body, act=key):
            said = (
                f"{ref.key} was moved more than {ACTS_MAX} times; it is not moved back any more. "
                "Decide it elsewhere, and look for an automation that moves it."
            )
            log.warning("ticket left alone", request_id=delivery.request_id, ticket=ref.key)
            await self._store.write(lambda c: delivery_rows.record(c, delivery.id, error=said))

    async def _restore(self, delivery: Delivery, view: RequestView, seen: Observation) -> None:
        """Write our text again over what somebody made of it, and say so once."""
        if seen.altered_by is None:
            return
        ref = ticket_of(delivery)
        by = sha256_hex(seen.altered_by.encode("utf-8", "replace"))[:32]
        key = ActKey(channel=self._name, ticket_id=ref.id, act_id=f"altered:{by}")
        body: JsonObject = {
            "channel": self._name,
            "ticket": ref.key,
            "identity": f"{self._name}:{seen.altered_by}",
        }
        reason = f"The text of {ref.key} was changed by {seen.altered_by}; it was restored."
        if await self._approvals.note(delivery.request_id, "ticket_altered", body, act=key):
            log.warning("ticket text changed", ticket=ref.key, by=seen.altered_by)
        await self._store.write(
            lambda c: delivery_rows.record(c, delivery.id, error=visible(reason)[:1000])
        )
        ref = await self._connector.adopt(self._channel.order(delivery, view), ref)
        await self._store.write(lambda c: keep_shown(c, delivery, ref))
        # What was set while the wrong text stood there is in this reading, and in no later one.
        again = await self._connector.fetch_one(ref)
        known = {recorded.key.act_id for recorded in await self._recorded(delivery)}
        for finding in () if again is None else self._connector.decide(again):
            if finding.act.id not in known:
                await self._refuse(delivery, finding.act, f"{reason} Please decide again.")
        if again is not None:
            await self._answer_all(delivery, again)

    async def _show_operators(self, delivery: Delivery, act: TicketAct, reason: str) -> None:
        ref = ticket_of(delivery)
        said = visible(
            f"{ref.key}: set to {act.state_name or act.state} by {self._name}:{act.actor}, which "
            f"does not count: {reason}"
        )
        log.warning(
            "ticket answer refused",
            request_id=delivery.request_id,
            ticket=ref.key,
            by=act.actor,
            reason=reason,
        )
        await self._store.write(lambda c: delivery_rows.record(c, delivery.id, error=said[:1000]))

    async def _recorded(self, delivery: Delivery) -> list[RecordedAct]:
        ref = ticket_of(delivery)
        return await self._store.read(lambda c: ticket_rows.acts_of(c, self._name, ref.id))

    def _actor(self, act: TicketAct) -> Actor:
        principal = (
            None if act.actor is None else self._directory.by_identity(self._name, act.actor)
        )
        return Actor(principal=principal, via=Via(self._name), identity=f"{self._name}:{act.actor}")

    def _key(self, delivery: Delivery, act: TicketAct) -> ActKey:
        ref = ticket_of(delivery)
        return ActKey(channel=self._name, ticket_id=ref.id, act_id=act.id)
