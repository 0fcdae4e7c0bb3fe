"""Votes, words on doubts, and cancelled sessions: each call is one transaction."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TypeVar

import structlog

from countersign.approvals.audit.canonical import well_formed
from countersign.approvals.decisions.cancelling import Cancelling
from countersign.approvals.decisions.casting import Casting
from countersign.approvals.decisions.deadlines import Deadlines
from countersign.approvals.decisions.delegating import Delegating
from countersign.approvals.decisions.doubts import Doubts
from countersign.approvals.decisions.editing import Edit, Editing
from countersign.approvals.decisions.granting import Granting
from countersign.approvals.decisions.moments import Moments
from countersign.approvals.decisions.one_outbox import OneOutbox
from countersign.approvals.decisions.outbox import Outbox
from countersign.approvals.decisions.pausing import Pausing
from countersign.approvals.decisions.questions import Questions
from countersign.approvals.decisions.reasking import Reasking
from countersign.approvals.decisions.recording import Recording
from countersign.approvals.decisions.remarks import Remarks, about
from countersign.approvals.decisions.revoking import Revoking
from countersign.approvals.decisions.rollouts import Rollouts
from countersign.approvals.decisions.together import NO_ACTS, Acts, Together, VotingTogether
from countersign.approvals.decisions.undoing import Undoing
from countersign.approvals.decisions.vote_input import VoteInput
from countersign.approvals.decisions.voting import Voting
from countersign.approvals.decisions.withdrawing import Withdrawing
from countersign.approvals.errors import CountersignError, InvalidError
from countersign.approvals.models import (
    Actor,
    JsonObject,
    PrincipalId,
    Request,
    RequestId,
    RequestStatus,
    Session,
    SessionId,
    Terms,
    Verdict,
)
from countersign.approvals.observer import SILENT, Observer
from countersign.approvals.ports import Proofs, Store
from countersign.approvals.tickets import ActKey

log = structlog.get_logger(__name__)
T = TypeVar("T")


class Approvals:
    """What channels, the REST API and the command line call to decide; `records.Records` reads."""

    def __init__(
        self,
        store: Store,
        moments: Moments,
        editing: Editing,
        outbox: Outbox,
        voting: Voting,
        deadlines: Deadlines,
        reasking: Reasking,
        cancelling: Cancelling,
        doubts: Doubts,
        pausing: Pausing,
        granting: Granting,
        delegating: Delegating,
        proofs: Proofs,
        withdrawing: Withdrawing,
        revoking: Revoking,
        questions: Questions,
        undoing: Undoing,
        recording: Recording,
        rollouts: Rollouts,
        one_outbox: Callable[[], OneOutbox],
        *,
        observer: Observer = SILENT,
    ):
        """`approvals.compose` puts it together."""
        self._store, self._moments = store, moments
        self._observer = observer
        self._editing, self._deadlines = editing, deadlines
        self._casting = Casting(store, moments, voting, granting, reasking, observer)
        self._reasking, self._cancelling = reasking, cancelling
        self._doubts = doubts
        self._withdrawing, self._revoking = withdrawing, revoking
        self._remarks = Remarks(store, moments, outbox, observer)
        votes = (voting, reasking, one_outbox)
        self._together = VotingTogether(store, moments, *votes, self._remarks, observer)
        self.pausing, self.granting, self._proofs = pausing, granting, proofs
        self.delegating, self.questions = delegating, questions
        self._undoing, self.recording = undoing, recording
        self.rollouts = rollouts

    async def vote(
        self,
        request_id: RequestId,
        actor: Actor,
        *,
        verdict: Verdict,
        digest: str,
        arguments: JsonObject | None = None,
        comment: str = "",
        act: ActKey | None = None,
        stage: int | None = None,
        grant: Terms | None = None,
        proof: str | None = None,
        foreseen: str | None = None,
    ) -> Request:
        """Count one person's verdict; returns the request as it is then.

        With `act`, the same act changes nothing the second time, and is not refused again either.
        `stage` is the one that was asked, where what asked was for one stage only; `foreseen` the
        digest of what `foresee` has told them, "" for nothing: then an edit that others have to
        decide as well is asked as it is then, and counts for nobody. None: they know. With `grant`,
        it is a yes to later calls that are alike, too; if that cannot be given, nothing is counted.
        `proof` is what whoever takes proofs of presence has given the person for this digest.

        Raises NotFoundError; NotAuthorisedError (which is on the ledger); AlreadyDecidedError
        with who, when and through what; StaleDigestError; ExpiredError; InvalidArgumentsError for
        arguments that do not fit; InvalidError; DeniedByPolicyError for edits policy forbids.
        """
        given = VoteInput(
            request_id=request_id,
            verdict=verdict,
            digest=digest,
            arguments=arguments,
            comment=well_formed(comment),
            stage=stage,
            grant=grant,
            foreseen=foreseen,
        )
        began_s = time.time()
        try:
            if proof is not None and actor.principal is not None:
                found = await self._proofs.verified(proof, actor.principal.id, digest)
                if (found.principal_id, found.digest) != (actor.principal.id, digest):
                    raise InvalidError("This proof is of somebody else, or for something else.")
                given = given.model_copy(update={"proof": found})
            if verdict is Verdict.MODIFY and arguments is not None:
                given = await self._editing.with_effective(given, arguments)
            request, new = await self._casting.cast(given, actor, act)
        except CountersignError as exc:
            self._observer.vote_refused(request_id, actor.via, exc)
            raise
        if new and request.canary is None:  # a test is in no counter
            self._observer.voted(request, verdict, actor.via, began_s=began_s)
        return request

    async def vote_together(
        self,
        shown: Mapping[RequestId, str],
        actor: Actor,
        *,
        verdict: Verdict,
        comment: str = "",
        leave: bool = False,
        acts: Acts = NO_ACTS,
        stage: int | None = None,
    ) -> Together:
        """Count one person's verdict on several calls that were proposed together, all of them or
        none; `shown` has the digest of each. With `leave`, those that are for others to decide
        wait on, and it says why. `acts` are kept with what counts; `stage` as in `vote`.

        Raises as `vote` does, of the first that does not count; InvalidError for calls that were
        not proposed together, and for `modify`.
        """
        around = (shown, actor, verdict, well_formed(comment))
        return await self._together.vote(*around, leave=leave, acts=acts, stage=stage)

    async def foresee(
        self, request_id: RequestId, actor: Actor, *, digest: str, arguments: JsonObject
    ) -> Edit:
        """What would become of the request if this person changed its arguments; nothing is
        written. Raises as `vote` does."""
        return await self._editing.foresee(request_id, actor, digest=digest, arguments=arguments)

    async def ask_again_what_changed(self) -> int:
        """Ask again what waits under a rule or of a tool that has changed; how many there were.

        To be called when a server starts, with its policy and its tools. Harmless to repeat.
        """
        return await self._reasking.what_changed()

    async def expire(self, request_id: str) -> None:
        """Do what the time of a request asks for: what its rule says of its deadline, a reminder,
        an escalation; it has the whole time again if a clock that was ahead has asked it. Harmless
        otherwise."""
        decided = await about(self._store, self._moments, request_id, self._deadlines.see_to)
        if decided is not None and decided.status is RequestStatus.EXPIRED:
            self._observer.expired(request_id)
        elif decided is not None:
            self._observer.silence(decided)

    async def refuse(
        self, request_id: RequestId, actor: Actor, reason: str, *, act: ActKey | None = None
    ) -> None:
        """Record an attempt that a channel has refused by itself; the same `act` only once."""
        await self._remarks.refuse(request_id, actor, reason, act=act)

    async def opened(
        self, request_id: RequestId, person: PrincipalId, *, revision: int, link: str
    ) -> bool:
        """Record that a person has read all of a revision, on the page behind a link to it; whether
        that was new. `link` says where the link stood.

        Whoever has read it may approve it where it does not fit. Raises NotFoundError;
        StaleDigestError if another revision is asked about now; ClosedError once it is decided.
        """
        return await self._remarks.opened(request_id, person, revision=revision, link=link)

    async def note(
        self, request_id: str, kind: str, body: JsonObject, *, act: ActKey, reason: str = ""
    ) -> bool:
        """Put on the ledger what happened to a ticket, once for each `act`; whether it was new.

        `reason` is kept with the act, for the people in the ticket.
        """
        return await self._remarks.note(request_id, kind, body, act=act, reason=reason)

    async def comment(self, request_id: RequestId, actor: Actor, text: str, *, act: ActKey) -> bool:
        """Keep what somebody says of a request and decides nothing with, once for each `act`;
        whether it was new. Whoever asked is told. Raises NotFoundError."""
        return await self._remarks.comment(request_id, actor, text, act=act)

    async def look_again(self, channel: str, person: PrincipalId) -> None:
        """Something says that what was sent to this person is not there: let the channel look."""
        await self._remarks.look_again(channel, person)

    async def resolve(
        self, request_id: RequestId, actor: Actor, *, happened: bool, note: str
    ) -> Request:
        """Take a person's word for whether a request in doubt took effect: `decisions.doubts`.

        `note` says what they found, in 1 to 1,000 characters. Returns the request as it is then.
        Raises NotFoundError; NotInDoubtError with who was first; NotAuthorisedError (which is on
        the ledger); InvalidError.
        """
        return await self._doubts.resolve(request_id, actor, happened=happened, note=note)

    async def withdraw(
        self, request_id: RequestId, actor: Actor, *, act: ActKey | None = None
    ) -> Request:
        """Take back this person's vote on a request that is not decided yet; the request as it
        waits then. The same `act` only once.

        Raises NotFoundError; AlreadyDecidedError; ExpiredError; InvalidError where they have not
        voted on it as it stands; NotAuthorisedError.
        """
        return await self._withdrawing.withdraw(request_id, actor, act)

    async def revoke(
        self, request_id: RequestId, actor: Actor, *, reason: str, ask_again: bool = False
    ) -> Request:
        """Take back an approval whose call has not begun: the request is rejected with `reason`, or
        asked again as another revision. Only who has approved it, or an administrator, may.

        Raises NotFoundError; AlreadyUsedError with who approved it and when it has begun;
        AlreadyDecidedError; NotAuthorisedError (which is on the ledger); InvalidError.
        """
        return await self._revoking.revoke(request_id, actor, reason=reason, ask_again=ask_again)

    async def undo(self, request_id: RequestId, actor: Actor, *, reason: str) -> Session:
        """Have taken back what an executed call has done: the session that does it, whose request
        passes the gate with this person's yes to it. Only who could approve the call may; where a
        rule let it run without people, whoever asked for it, or an administrator.

        Raises NotFoundError; NotUndoableError where nothing would take it back, where that was
        done or is under way, and after its time; NotAuthorisedError (which is on the ledger);
        InvalidError.
        """
        return await self._undoing.undo(request_id, actor, reason=reason)

    async def cancel(
        self, session_id: SessionId, actor: Actor, *, unless_proposed: bool = False
    ) -> Session:
        """End a session; its pending requests are cancelled. Only its owner or an admin may.

        Raises NotFoundError, NotAuthorisedError, ClosedError; ProposedError, if asked, where it has
        proposed any call, also one that policy allowed or denied.
        """
        session = await self._store.unit(
            lambda unit: self._cancelling.cancel(
                unit, session_id, actor, unless_proposed=unless_proposed
            ),
            self._moments.now(),
        )
        log.info("session cancelled", session_id=session_id, via=actor.via)
        return session

    async def adopt_delivery(
        self, request_id: RequestId, channel: str, reference: JsonObject
    ) -> None:
        """Keep a card up to date that we had lost sight of (posted, but a crash came before it
        was recorded). `reference` is as `Channel.post` returns it. Raises NotFoundError."""
        await self._remarks.adopt_delivery(request_id, channel, reference)
