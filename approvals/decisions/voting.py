"""Voting: what one person's vote changes, or why it does not count, inside its transaction."""

from __future__ import annotations

from dataclasses import replace

from countersign.approvals.decisions.asking import AskAgain, Asking
from countersign.approvals.decisions.budgeting import Budgeting
from countersign.approvals.decisions.canary_ends import end_by_vote
from countersign.approvals.decisions.deadlines import END_CHAT, Deadlines
from countersign.approvals.decisions.editing import Edit, as_of_now, edited
from countersign.approvals.decisions.edits import revision_entry
from countersign.approvals.decisions.outbox import Outbox
from countersign.approvals.decisions.refusals import Refusal
from countersign.approvals.decisions.replacing import decide
from countersign.approvals.decisions.vote_input import (
    VoteInput,
    is_edit,
    require_comment,
    require_form,
    require_shown,
    vote_entry,
    vote_of,
)
from countersign.approvals.decisions.voters import Voter, voter
from countersign.approvals.decisions.writing import AT_ONCE, Counted, Writing
from countersign.approvals.errors import TooManyRefusalsError, UnprovenError
from countersign.approvals.forms import told
from countersign.approvals.models import (
    Actor,
    Answer,
    Cause,
    Decision,
    JsonObject,
    Outcome,
    People,
    Request,
    RequestKind,
    RequestStatus,
    Result,
    Session,
    Verdict,
    Vote,
)
from countersign.approvals.ports import Proofs, Unit
from countersign.approvals.rules.authority import reason_against_proof
from countersign.approvals.rules.edited import rule_request
from countersign.approvals.rules.eligibility import asked, place_of, shortage
from countersign.approvals.rules.lifecycle import tally
from countersign.approvals.rules.policies import Policies, situation_of
from countersign.approvals.rules.proposals import not_executed
from countersign.approvals.rules.repeats import with_same_calls
from countersign.approvals.rules.shortfall import against_approval
from countersign.approvals.rules.subjects import people_for
from countersign.approvals.store import directory_people
from countersign.approvals.store import ledger as ledger_rows
from countersign.approvals.store import requests as request_rows
from countersign.approvals.store import votes as vote_rows


class Voting:
    """Counts votes. Each method belongs into a transaction."""

    def __init__(
        self,
        policies: Policies,
        asking: Asking,
        deadlines: Deadlines,
        outbox: Outbox,
        proofs: Proofs,
        budgeting: Budgeting,
        writing: Writing = AT_ONCE,
    ):
        self._policies, self._proofs, self._budgeting = policies, proofs, budgeting
        self._asking, self._deadlines = asking, deadlines
        self._outbox, self._writing = outbox, writing

    def through(self, outbox: Outbox, writing: Writing) -> Voting:
        """The same, but what follows from a vote goes through `outbox`, and is written so."""
        around = (self._policies, self._asking, self._deadlines, outbox)
        return Voting(*around, self._proofs, self._budgeting, writing)

    def cast(self, unit: Unit, given: VoteInput, actor: Actor) -> Request | Refusal | AskAgain:
        """Count the vote. Raises for a vote that changes nothing and leaves no trace.

        AskAgain: nothing was counted, for what was asked is not what would run today.
        """
        directory_people.require_current(unit)
        request, session = request_rows.with_session(unit, given.request_id)
        return self.cast_on(unit, given, actor, request, session)

    def cast_on(
        self,
        unit: Unit,
        given: VoteInput,
        actor: Actor,
        request: Request,
        session: Session,
        votes: list[Vote] | None = None,
    ) -> Request | Refusal | AskAgain:
        """`cast` on a request that the unit has read, perhaps with its votes."""
        people = people_for(unit.moment.people, request, session)
        actor = as_of_now(actor, people)
        still = self._deadlines.still_open(unit, request, session)
        if isinstance(still, Refusal):
            return still
        request = still
        if votes is None:
            votes = vote_rows.since(unit.connection, request)
        by = voter(people, actor, request, votes, unit.now)
        if isinstance(by, str):
            return self._refused(unit, given, request, actor, by)
        require_shown(given, request)
        require_form(given, request)
        again = self._asking.needed(request, session, unit.moment)
        if again is not None and _must_ask(again, given.verdict):
            return again
        within_s = self._step_up_s(request, session, people)
        if (unproven := self._unproven(unit, given, request, actor, within_s)) is not None:
            return unproven
        if request.canary is not None:
            vote = _vote_of(unit, given, by, request, votes, people)
            answer = Answer(Verdict.MODIFY if is_edit(given, request) else vote.verdict)
            voted = vote_entry(people, request, vote)
            return end_by_vote(unit, self._outbox, request, request.canary, vote, answer, voted)
        if is_edit(given, request):
            edit = self._edit(unit, given, request, session, by)
            if isinstance(edit, Refusal):
                return edit
            # Nothing is approved that was not shown, or of which the proof is not; so an edit that
            # will have to be proved needs no proof to be shown.
            if edit.held or within_s is not None:
                self._show(unit, session, edit.after)
                return edit.after
            request, votes, by = edit.after, [], replace(by, giver=edit.giver)
        elif given.verdict is not Verdict.REJECT:
            reason = against_approval(asked(request, votes), by.seat, people, revised=False)
            if reason is not None:
                return self._refused(unit, given, request, actor, reason)
        vote = _vote_of(unit, given, by, request, votes, people)
        return self._count(unit, session, request, vote, votes, people)

    def _unproven(
        self, unit: Unit, given: VoteInput, request: Request, actor: Actor, within_s: float | None
    ) -> Refusal | None:
        """Why a vote that lets something run lacks a proof of presence; None if it does not."""
        if given.verdict is Verdict.REJECT or is_edit(given, request):
            return None
        page = self._proofs.page(request.id)
        reason = reason_against_proof(given.proof, within_s, unit.now, page)
        if reason is None:
            return None
        refusal = self._refused(unit, given, request, actor, reason)
        if isinstance(refusal.error, TooManyRefusalsError):
            return refusal
        return Refusal(UnprovenError(reason, page))

    def _edit(
        self, unit: Unit, given: VoteInput, request: Request, session: Session, by: Voter
    ) -> Edit | Refusal:
        """Give the request the arguments of this vote, as a revision that is asked anew."""
        around = (by.actor.via, self._policies, self._budgeting, unit.moment)
        edit = edited(unit.connection, given, request, session, by.person, *around)
        if edit.against is not None:
            reason = f"With these arguments you may not decide it: {edit.against}"
            return self._refused(unit, given, request, by.actor, reason)
        if not edit.held:
            require_comment(given, edit.after)
        others = request_rows.of_session(unit.connection, request.session_id)
        (after,) = with_same_calls([edit.after], others)
        decide(unit, request, after)
        ledger_rows.append(unit, request.session_id, revision_entry(request, after, by.actor))
        return replace(edit, after=after)

    def _refused(
        self, unit: Unit, given: VoteInput, request: Request, actor: Actor, reason: str
    ) -> Refusal:
        return Refusal(self._writing.refused(unit, request, actor, reason, given.verdict))

    def _step_up_s(self, request: Request, session: Session, people: People) -> float | None:
        """How old a proof of presence may be at most; None if nobody has to give one."""
        policy = self._policies.current
        if not policy.asks_for_proofs or request.kind is not RequestKind.TOOL:
            return None
        situation = situation_of(session, people, request.created_at, request.seen)
        return rule_request(policy, request, situation).step_up_s

    def _count(
        self,
        unit: Unit,
        session: Session,
        request: Request,
        vote: Vote,
        earlier: list[Vote],
        people: People,
    ) -> Request:
        voted = vote_entry(people, request, vote)
        mine = [v for v in earlier if v.revision == request.revision]
        result = tally(request.stages, [*mine, vote])
        verdict = result.verdict
        if verdict is None and vote.verdict is Verdict.REJECT:
            left = asked(request, [*mine, vote])
            if shortage(left, people) is not None:  # nobody could approve it any more
                verdict = Verdict.REJECT
        if verdict is None:
            after = request.model_copy(update={"stage": result.stage})
            self._writing.counted(unit, Counted(request, after, vote, (voted,)))
            self._show(unit, session, after, told.voted(after, vote))
            return after
        return self._decide(unit, session, request, vote, verdict, voted)

    def _show(self, unit: Unit, session: Session, request: Request, *said: told.Told) -> None:
        """Another stage or revision may be for other people."""
        self._outbox.show(unit, session, [request], said=said)
        self._outbox.changed(unit, request)

    def _decide(
        self,
        unit: Unit,
        session: Session,
        request: Request,
        vote: Vote,
        verdict: Verdict,
        voted: tuple[str, JsonObject],
    ) -> Request:
        approved = verdict is Verdict.APPROVE
        shown = Verdict.MODIFY if approved and request.modified else verdict
        after = request.model_copy(
            update={
                "status": RequestStatus.APPROVED if approved else RequestStatus.REJECTED,
                "stage": vote.stage,
                "decision": Decision.made(
                    verdict=shown,
                    by=vote.principal_id,
                    by_name=vote.name,
                    via=vote.via,
                    at=vote.at,
                    comment=vote.comment,
                    digest=request.digest,
                ),
                "result": _decided_result(request, vote, approved=approved),
            }
        )
        body: JsonObject = {
            "request": request.id,
            "revision": request.revision,
            "verdict": shown,
            "by": vote.principal_id,
            "via": vote.via,
            "digest": request.digest,
        }
        if request.changed_by:
            body["changed_by"] = [changed.by for changed in request.changed_by]
        self._writing.counted(unit, Counted(request, after, vote, (voted, ("decided", body))))
        if vote.principal_id != request.requester:  # whoever asked may answer a question
            self._outbox.tell(unit, session, lambda: told.decided(after), progress=True)
        self._outbox.decided(unit, after)
        return after


def _decided_result(request: Request, vote: Vote, *, approved: bool) -> Result | None:
    if request.kind is RequestKind.INPUT:
        content = vote.comment if approved else END_CHAT
        return Result(outcome=Outcome.EXECUTED, content=content)
    if approved:
        return None
    return not_executed(Cause.REJECTED, vote.comment, retry=True)


def _vote_of(
    unit: Unit, given: VoteInput, by: Voter, request: Request, votes: list[Vote], people: People
) -> Vote:
    ask = asked(request, votes)
    number = place_of(ask, by.seat, people)
    return vote_of(given, ask, by.actor, by.person, by.giver, number, unit.now, request.revision)


def _must_ask(again: AskAgain, verdict: Verdict) -> bool:
    """A rejection stands whatever it is of; an edit is ruled on anew, and so asks those of today's
    rule by itself."""
    return verdict is Verdict.APPROVE or (verdict is Verdict.MODIFY and again.tool_changed)
