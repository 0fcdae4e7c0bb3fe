"""Votes from what was read in a ticket: each act there counts once, or is refused once.

Nothing here trusts a ticket to say which request it is or what was approved: the delivery does,
found by the ticket's id. Who acted is what the system recorded; whether they may decide is for the
service to say. An act, its vote and its ledger entry commit together, so reading it again, by a
webhook, a poll or after a crash, changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import structlog

from countersign.approvals.approvals import Approvals
from countersign.approvals.decisions.evidence import EvidenceError, require_ticket, require_tickets
from countersign.approvals.decisions.questions import MAX_QUESTION
from countersign.approvals.decisions.vote_input import MAX_COMMENT
from countersign.approvals.errors import (
    AlreadyDecidedError,
    CountersignError,
    NotFoundError,
    UnavailableError,
)
from countersign.approvals.forms.wording import cut
from countersign.approvals.models import Delivery, JsonObject, Verdict
from countersign.approvals.ports import (
    Clock,
    Directory,
    Moment,
    RequestView,
    Store,
    TicketConnector,
)
from countersign.approvals.read_links import ReadLinks
from countersign.approvals.records import Records
from countersign.approvals.tickets import (
    Observation,
    TicketAct,
    TicketFinding,
    TicketQuestion,
    TicketRefusal,
    TicketVote,
    TicketWithdrawal,
)
from countersign.connectors.comments.edits import HOW
from countersign.connectors.comments.numbered import HOW as HOW_OF_EACH
from countersign.connectors.comments.vocabulary import Vocabulary
from countersign.connectors.comments.wanted import Written
from countersign.connectors.receiving import VoteAttempt, VoteResult, receive
from countersign.connectors.ticketing.acts import TicketActs
from countersign.connectors.ticketing.answers import UNREAD_ANSWER, TicketAnswers
from countersign.connectors.ticketing.kept import Member, keep_key, members, ticket_of
from countersign.connectors.ticketing.outcome import is_current, taken_back_words, too_late_words
from countersign.connectors.ticketing.several import VotesOnSeveral

log = structlog.get_logger(__name__)


class TicketVotes:
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
        self._connector, self._store, self._clock = connector, store, clock
        self._approvals, self._records = approvals, records
        self._name = connector.name
        self._acts = TicketActs(self._name, store, approvals, directory)
        self._answers = TicketAnswers(
            connector, self._acts, store, clock, approvals, records, directory, links
        )
        self._words = Vocabulary(
            languages=tuple(connector.languages), changes_words=tuple(connector.changes_words)
        )
        around = (store, approvals, records)
        self._several = VotesOnSeveral(self, self._acts, *around, self._words)

    async def apply(self, delivery: Delivery, seen: Observation) -> None:
        """Count what has not been counted, then tell the ticket. Idempotent.

        Raises UnavailableError if the ticket could not be told; nothing is lost by that.
        """
        if seen.ref.key != ticket_of(delivery).key:
            delivery = await self._store.unit(
                partial(keep_key, delivery=delivery, ref=seen.ref), Moment(self._clock.now())
            )
        findings = self._connector.decide(seen)
        if not findings and seen.awaiting and seen.altered_by is None:
            if not await self._is_over(delivery) and not await self._acts.owed(delivery):
                return
        known = {recorded.key.act_id for recorded in await self._acts.recorded(delivery)}
        for finding in findings:
            if finding.act.id in known:
                continue
            last = last_set(findings, finding.act)
            if delivery.calls:
                await self._several.apply(delivery, finding, known, last)
            elif isinstance(finding, TicketWithdrawal):
                await self.take_back(delivery, finding, last)
            else:
                await self.count(delivery, finding)
        try:
            await self._answers.answer(delivery, seen)
        except NotFoundError:
            log.warning("ticket gone while answering", ticket=seen.ref.key)

    async def _is_over(self, delivery: Delivery) -> bool:
        calls = await self._store.read(lambda c: members(c, delivery))
        return not any(is_current(each.delivery, each.request) for each in calls)

    async def count(
        self, delivery: Delivery, finding: TicketVote | TicketRefusal | TicketQuestion
    ) -> None:
        """Count it for the call of this delivery, or record why it does not count."""
        view = await self._records.view(delivery.request_id)
        if not is_current(delivery, view.request):
            await self._late(delivery, view, finding)
            return
        if isinstance(finding, TicketRefusal):
            await self._acts.refuse(delivery, finding.act, finding.reason)
            return
        if isinstance(finding, TicketQuestion):
            await self._ask(delivery, finding)
            return
        if finding.verdict is not Verdict.REJECT:
            reason = await self.not_of_record(delivery, view)
            if reason:
                await self._acts.refuse(delivery, finding.act, reason)
                return
        await self._vote(delivery, view, finding)

    async def take_back(
        self, delivery: Delivery, finding: TicketWithdrawal, last: TicketAct | None
    ) -> None:
        """The vote, while nothing is decided, also one with which this ticket was closed; after
        that the approval, until its call has begun. `last` is what its person has set last."""
        act = finding.act
        if await self._acts.too_many(delivery):
            await self._acts.pass_over(delivery, act)
            return
        actor, key = self._acts.actor(act), self._acts.key(delivery, act)
        try:
            await self._approvals.withdraw(delivery.request_id, actor, act=key)
        except UnavailableError:
            raise
        except AlreadyDecidedError:
            before = last is not None and act.at < last.at  # and so is no word on what came of it
            said = "" if before else await self._revoke(delivery, act)
            await self._acts.pass_over(delivery, act, said)
        except CountersignError as exc:
            await self._acts.refuse(delivery, act, str(exc))

    async def _revoke(self, delivery: Delivery, act: TicketAct) -> str:
        """Why it is not revoked; "" if its author has, also by this act before a crash."""
        reason, actor = taken_back_words(ticket_of(delivery).key), self._acts.actor(act)
        try:
            await self._approvals.revoke(delivery.request_id, actor, reason=reason)
        except UnavailableError:
            raise
        except AlreadyDecidedError as exc:
            given, person = exc.decision, actor.principal
            if given is None or person is None or given.by != person.id:
                return str(exc)
            return "" if given.comment == reason else str(exc)
        except CountersignError as exc:
            return str(exc)
        return ""

    async def _ask(self, delivery: Delivery, finding: TicketQuestion) -> None:
        act, text = finding.act, cut(finding.text, MAX_QUESTION)
        actor, key = self._acts.actor(act), self._acts.key(delivery, act)
        try:
            await self._approvals.questions.ask(delivery.request_id, actor, text, key)
        except UnavailableError:
            raise
        except CountersignError as exc:
            await self._acts.refuse(delivery, act, str(exc))

    async def _vote(self, delivery: Delivery, view: RequestView, vote: TicketVote) -> None:
        attempt = self.attempt(delivery, view, vote)
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
                await self._acts.show_operators(delivery, vote.act, outcome.reason)

    def attempt(self, delivery: Delivery, view: RequestView, vote: TicketVote) -> VoteAttempt:
        """The vote, as every channel hands it in."""
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
                HOW_OF_EACH if delivery.calls else HOW,
            )
        return VoteAttempt(
            request_id=view.request.id,
            actor=self._acts.actor(act),
            verdict=vote.verdict,
            digest=str((delivery.reference or {}).get("digest", "")),
            arguments=written,
            comment=comment,
            act=self._acts.key(delivery, act),
            stage=view.request.stage,
            foreseen="",
            unread=lambda _: "" if ref.whole else UNREAD_ANSWER,
            keep_refused=True,
        )

    async def not_of_record(self, delivery: Delivery, view: RequestView) -> str:
        """Why an approval here would be of another request's ticket; "" if it is ours."""
        try:
            await self._store.unit(  # with the chain locked, or else it could grow meanwhile
                partial(require_ticket, request=view.request, delivery=delivery),
                Moment(self._clock.now()),
            )
        except EvidenceError as exc:
            return (
                "Our record of this ticket does not agree with the ledger, so an approval in it "
                f"does not count ({exc}). Operators have been told."
            )
        return ""

    async def all_of_record(self, calls: Sequence[Member]) -> bool:
        """Whether this ticket was opened for each of these calls, by the ledger."""
        shown = [(each.request, each.delivery) for each in calls]
        try:
            read = partial(require_tickets, shown=shown)
            await self._store.unit(read, Moment(self._clock.now()))
        except EvidenceError:
            return False
        return True

    async def _late(self, delivery: Delivery, view: RequestView, finding: TicketFinding) -> None:
        """Somebody moved a ticket that had its answer; our own closing it looks like that too."""
        act = finding.act
        said = too_late_words(view.request)
        many = await self._acts.too_many(delivery)
        if not isinstance(finding, TicketVote) or many:
            await self._acts.pass_over(delivery, act)
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
            act=self._acts.key(delivery, act),
            reason=said,
        )


def last_set(findings: Sequence[TicketFinding], act: TicketAct) -> TicketAct | None:
    """What the same person has set last in the ticket."""
    mine = (f.act for f in findings if isinstance(f, TicketVote) and f.act.actor == act.actor)
    return max(mine, key=lambda each: each.at, default=None)
