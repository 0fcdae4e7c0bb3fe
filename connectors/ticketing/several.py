"""Votes in a ticket of several calls: what is set there is for all of them, but for those that a
line of a comment names.

Each call keeps a key of its own for the same act, so whatever was not counted when a server died is
counted by the next reading, and nothing twice.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

import structlog

from countersign.approvals.approvals import Approvals
from countersign.approvals.errors import CountersignError, InvalidError, UnavailableError
from countersign.approvals.models import DIGEST, Delivery, Verdict
from countersign.approvals.ports import RequestView, Store
from countersign.approvals.records import Records
from countersign.approvals.store import votes as vote_rows
from countersign.approvals.tickets import (
    TicketAct,
    TicketFinding,
    TicketQuestion,
    TicketRefusal,
    TicketVote,
    TicketWithdrawal,
)
from countersign.connectors.comments.numbered import (
    named_question,
    numbered,
    numbers_in,
)
from countersign.connectors.comments.vocabulary import Vocabulary
from countersign.connectors.comments.wanted import Written, wanted
from countersign.connectors.comments.withdrawing import calls_withdrawn
from countersign.connectors.receiving import VoteAttempt
from countersign.connectors.ticketing.acts import TicketActs, base_of, of_call
from countersign.connectors.ticketing.kept import Member, members, ticket_of
from countersign.connectors.ticketing.outcome import is_current, too_late_words
from countersign.connectors.ticketing.shares import shares_of

log = structlog.get_logger(__name__)

UNREAD_CALLS = "The ticket does not show all of its calls whole, so it cannot approve them."
"""The reason by which an approval is known that has to be given elsewhere."""


class Votes(Protocol):
    """What counts for the call of one delivery."""

    async def count(
        self, delivery: Delivery, finding: TicketVote | TicketRefusal | TicketQuestion
    ) -> None:
        """Count it, or record why it does not count."""

    async def take_back(
        self, delivery: Delivery, finding: TicketWithdrawal, last: TicketAct | None
    ) -> None:
        """Take back a vote, or an approval that has not been used."""

    async def all_of_record(self, calls: Sequence[Member]) -> bool:
        """Whether this ticket was opened for each of these calls, by the ledger."""

    def attempt(self, delivery: Delivery, view: RequestView, vote: TicketVote) -> VoteAttempt:
        """The vote, as every channel hands it in."""


class VotesOnSeveral:
    """Applies what was found in tickets of several calls of one system."""

    def __init__(
        self,
        votes: Votes,
        acts: TicketActs,
        store: Store,
        approvals: Approvals,
        records: Records,
        words: Vocabulary,
    ):
        self._votes, self._acts = votes, acts
        self._store, self._approvals, self._records = store, approvals, records
        self._words = words

    async def apply(
        self,
        delivery: Delivery,
        finding: TicketFinding,
        known: Collection[str],
        last: TicketAct | None,
    ) -> None:
        """Count it for each call that it is for; `known` are the acts on record, `last` is what
        its person has set last."""
        calls = await self._store.read(lambda c: members(c, delivery))
        asked = [each for each in calls if is_current(each.delivery, each.request)]
        first = (asked or calls)[0]
        match finding:
            case TicketVote():
                await self._vote(calls, first, finding, known)
            case TicketWithdrawal():
                await self._withdraw(calls, first, finding, known, last)
            case TicketQuestion():
                number, text = named_question(finding.text, calls[-1].number)
                about = next((each for each in calls if each.number == number), first)
                question = finding.model_copy(update={"text": text})
                await self._votes.count(about.delivery, question)
            case TicketRefusal():
                await self._votes.count(first.delivery, finding)

    async def _vote(
        self, calls: Sequence[Member], first: Member, vote: TicketVote, known: Collection[str]
    ) -> None:
        act = vote.act
        try:
            shares = self._shares(calls, vote)
            if any(share.verdict is not Verdict.REJECT for share in shares.values()):
                if not ticket_of(first.delivery).whole:
                    raise InvalidError(UNREAD_CALLS)
        except InvalidError as exc:
            refusal = TicketRefusal(act=act, reason=str(exc))
            await self._votes.count(first.delivery, refusal)
            return
        fresh = [c for c in calls if c.number in shares and shares[c.number].act.id not in known]
        asked = [each for each in fresh if is_current(each.delivery, each.request)]
        counted = any(base_of(each) == act.id for each in known)  # as much of it as still could
        late = [each for each in fresh if each not in asked and not counted]
        if late and not asked and len(late) == len(shares):
            await self._votes.count(late[0].delivery, shares[late[0].number])
            late = late[1:]
        for each in late:
            reason = too_late_words(each.request)
            await self._acts.pass_over(each.delivery, shares[each.number].act, reason)
        for alike in _alike(asked, shares):
            if len(alike) < 2 or not await self._at_once(alike, shares):
                for each in alike:
                    await self._votes.count(each.delivery, shares[each.number])

    def _shares(self, calls: Sequence[Member], vote: TicketVote) -> Mapping[int, TicketVote]:
        """The vote of each call that it is for, by number; where only one call still waits, what
        names no call is about that. Raises InvalidError."""
        act = vote.act
        left = [each.number for each in calls if is_current(each.delivery, each.request)]
        try:
            texts = (*act.earlier, act.comment)
            said = numbered(texts, act.changes, calls[-1].number, self._words)
        except InvalidError:
            if len(left) != 1:
                raise
        else:
            if len(left) != 1 or said.named:
                return shares_of(vote, said, [each.number for each in calls])
        return {left[0]: vote.model_copy(update={"act": of_call(act, left[0])})}

    async def _at_once(self, calls: Sequence[Member], shares: Mapping[int, TicketVote]) -> bool:
        """Count the same vote for all of these in one transaction; False, and nothing is counted,
        where that cannot be, and each has to be told by itself."""
        share = shares[calls[0].number]
        view = await self._records.view(calls[0].request.id)
        attempt = self._votes.attempt(calls[0].delivery, view, share)
        comment = attempt.comment
        if share.verdict is not Verdict.REJECT:
            if not await self._votes.all_of_record(calls):
                return False
            read = await self._plain_words(calls, share)
            if read is None:
                return False
            comment = read
        keys = {
            each.request.id: self._acts.key(each.delivery, shares[each.number].act)
            for each in calls
        }
        try:
            done = await self._approvals.vote_together(
                {each.request.id: _digest(each) for each in calls},
                attempt.actor,
                verdict=share.verdict,
                comment=comment,
                leave=True,
                acts=keys,
                stage=attempt.stage,
            )
        except UnavailableError:
            raise
        except CountersignError as exc:
            log.info("calls are decided one by one", reason=str(exc))
            return False
        for each in calls:
            if each.request.id in done.left:
                reason = done.left[each.request.id]
                await self._acts.refuse(each.delivery, shares[each.number].act, reason)
        log.info(
            "ticket answered",
            requests=len(done.requests),
            ticket=ticket_of(calls[0].delivery).key,
            verdict=str(share.verdict),
            by=share.act.actor,
        )
        return True

    async def _plain_words(self, calls: Sequence[Member], share: TicketVote) -> str | None:
        """The comment of an approval of all of these; None if it may ask for something else of one
        of them."""
        comment = ""
        if not (share.act.comment.strip() or any(text.strip() for text in share.act.earlier)):
            return comment
        for each in calls:
            view = await self._records.view(each.request.id)
            attempt = self._votes.attempt(each.delivery, view, share)
            if not isinstance(attempt.arguments, Written):
                return None
            try:
                comment, arguments = wanted(attempt.arguments, attempt.verdict, view)
            except InvalidError:
                return None
            if arguments is not None:
                return None
        return comment

    async def _withdraw(
        self,
        calls: Sequence[Member],
        first: Member,
        finding: TicketWithdrawal,
        known: Collection[str],
        last: TicketAct | None,
    ) -> None:
        """Of the calls that it names, or of all on which its person has voted."""
        act = finding.act
        try:
            named = numbers_in(calls_withdrawn(act.comment), calls[-1].number)
        except InvalidError as exc:
            refusal = TicketRefusal(act=act, reason=str(exc))
            await self._votes.count(first.delivery, refusal)
            return
        wanted_back = [each for each in calls if each.number in named]
        wanted_back = wanted_back or await self._voted_on(calls, act)
        if not wanted_back:
            await self._votes.take_back(first.delivery, finding, last)
            return
        for each in wanted_back:
            mine = TicketWithdrawal(act=of_call(act, each.number))
            if mine.act.id not in known:
                await self._votes.take_back(each.delivery, mine, last)

    async def _voted_on(self, calls: Sequence[Member], act: TicketAct) -> list[Member]:
        person = self._acts.actor(act).principal
        if person is None:
            return []
        batch = [each.request for each in calls]
        votes = await self._store.read(lambda c: vote_rows.since_each(c, batch))
        return [
            each
            for each in calls
            if any(vote.principal_id == person.id for vote in votes[each.request.id])
            or (each.request.decision is not None and each.request.decision.by == person.id)
        ]


def _alike(calls: Sequence[Member], shares: Mapping[int, TicketVote]) -> list[list[Member]]:
    """The calls by what is said of them: those of which the same is said together."""
    found: dict[tuple[Verdict, str, str], list[Member]] = {}
    for each in calls:
        share = shares[each.number]
        changes = f"{each.number}: {share.act.changes}" if share.act.changes else ""
        found.setdefault((share.verdict, share.act.comment, changes), []).append(each)
    return list(found.values())


def _digest(member: Member) -> str:
    return str((member.delivery.reference or {}).get(DIGEST, ""))
