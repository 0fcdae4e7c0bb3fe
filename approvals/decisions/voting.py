"""Voting: what one person's vote changes, or why it does not count, inside its transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from countersign.approvals.audit.canonical import canonical_json
from countersign.approvals.decisions.asking import AskAgain, Asking
from countersign.approvals.decisions.outbox import Outbox
from countersign.approvals.decisions.refusals import refused
from countersign.approvals.errors import (
    AlreadyDecidedError,
    CountersignError,
    DeniedByPolicyError,
    ExpiredError,
    InvalidError,
    StaleDigestError,
)
from countersign.approvals.forms import told
from countersign.approvals.models import (
    Actor,
    Cause,
    Checked,
    Decision,
    Effect,
    Effective,
    JsonObject,
    Outcome,
    Principal,
    Request,
    RequestId,
    RequestKind,
    RequestStatus,
    Result,
    Value,
    Verdict,
    Via,
    Vote,
)
from countersign.approvals.rules.authority import reason_against
from countersign.approvals.rules.eligibility import asked, counts_also
from countersign.approvals.rules.lifecycle import tally
from countersign.approvals.rules.policy import Policy
from countersign.approvals.rules.proposals import (
    call_digest,
    call_hash,
    call_of,
    not_executed,
)
from countersign.approvals.rules.repeats import with_same_calls
from countersign.approvals.rules.shortfall import against_approval
from countersign.approvals.store import ledger as ledger_rows
from countersign.approvals.store import requests as request_rows
from countersign.approvals.store import sessions as session_rows

END_CHAT = "exit"
"""What AutoGen reads as a person's wish to end the chat."""
MAX_COMMENT = 4_000
LOOK_AGAIN = "The arguments were changed, and what its check and preview say of them with that."
"""Of an edit that does not count yet: whoever made it has not seen what it means."""


class VoteInput(Value):
    """What a person hands in: a verdict on the revision whose digest they saw."""

    request_id: RequestId
    verdict: Verdict
    digest: str
    arguments: JsonObject | None = None
    effective: Effective | None = None
    """What the tool would receive for `arguments`; None where it is not known here."""
    checked: Checked = Checked()
    """What its check and preview say of that."""
    comment: str = ""
    stage: int | None = None
    """The stage that was asked; None for whichever is open."""


@dataclass(frozen=True)
class Refusal:
    """A given that is recorded as refused; the transaction stands, the caller is told."""

    error: CountersignError


class Voting:
    """Counts votes. Each method belongs into a transaction."""

    def __init__(self, policy: Policy, asking: Asking, outbox: Outbox):
        self._policy = policy
        self._asking = asking
        self._outbox = outbox

    def cast(
        self, connection: Connection, given: VoteInput, actor: Actor, now: datetime
    ) -> Request | Refusal | AskAgain:
        """Count the vote. Raises for a vote that changes nothing and leaves no trace.

        AskAgain: nothing was counted, for what was asked is not what would run today.
        """
        request = request_rows.get(connection, given.request_id)
        if request.status is RequestStatus.EXPIRED:
            raise _expired(request)
        if request.status is not RequestStatus.PENDING:
            raise AlreadyDecidedError(request.id, request.status, request.decision)
        if request.expires_at is not None and request.expires_at <= now:
            self.expire(connection, request, now)
            return Refusal(error=_expired(request))
        votes = request_rows.votes_of(connection, request.id)
        reason = reason_against(actor.principal, request, votes)
        if reason is not None or actor.principal is None:
            reason = reason or "You are not known here."
            return _refused(connection, given, request, actor, reason, now)
        if given.digest != request.digest:
            raise StaleDigestError(
                f"Request {request.id} is at revision {request.revision} with another digest now. "
                "Look at it again and decide what it says today."
            )
        if given.stage not in (None, request.stage):
            raise StaleDigestError(
                f"Request {request.id} is at step {request.stage + 1} now; you were asked about "
                "another one. Look at it again."
            )
        self._require_form(given, request)
        again = self._asking.needed(connection, request)
        if again is not None and _must_ask(again, given.verdict):
            return again
        is_edit = given.verdict is Verdict.MODIFY
        is_edit = is_edit and not _same(_edited(given), request.arguments)
        if given.verdict is not Verdict.REJECT and not is_edit:
            reason = self._needed_later(request, votes, actor.principal)
            if reason is not None:
                return _refused(connection, given, request, actor, reason, now)
        if is_edit:
            revised = self._revised(given, request)
            reason = reason_against(actor.principal, revised, [])
            reason = reason or self._needed_later(revised, [], actor.principal, revised=True)
            if reason is not None:
                reason = f"With these arguments you may not decide it: {reason}"
                return _refused(connection, given, request, actor, reason, now)
            (revised,) = with_same_calls(
                [revised], request_rows.of_session(connection, request.session_id)
            )
            self._write_revision(connection, request, revised, actor, now)
            if revised.checked != request.checked:  # nothing is approved that was not shown
                self._show(connection, revised, now)
                return revised
            request = revised
        return self._count(connection, given, request, actor, actor.principal, votes, now)

    def expire(self, connection: Connection, request: Request, now: datetime) -> None:
        """The deadline has passed without a decision."""
        message = "Nobody decided in time. Nothing was run."
        after = request.model_copy(
            update={
                "status": RequestStatus.EXPIRED,
                "decision": Decision(
                    verdict=Verdict.REJECT,
                    by="clock",
                    by_name="the deadline",
                    via=Via.CLOCK,
                    at=now,
                    comment=message,
                    digest=request.digest,
                ),
                "result": not_executed(Cause.EXPIRED, message, retry=True),
            }
        )
        if request.kind is RequestKind.INPUT:
            result = Result(outcome=Outcome.NOT_EXECUTED, content=END_CHAT, cause=Cause.EXPIRED)
            after = after.model_copy(update={"result": result})
        if not request_rows.replace(connection, request, after):
            return
        body: JsonObject = {"request": request.id, "digest": request.digest}
        ledger_rows.append(connection, request.session_id, now, ("expired", body))
        self._outbox.tell_of(connection, after, told.decided(after), now)
        self._outbox.decided(connection, after, now)

    def ask_now(self, connection: Connection, request: Request, now: datetime) -> None:
        """It was asked by a clock that was ahead: from now on people have as long as its rule says,
        instead of until that time comes."""
        expires_at = request.expires_at
        if expires_at is not None:
            expires_at = now + (expires_at - request.created_at)
        after = request.model_copy(update={"created_at": now, "expires_at": expires_at})
        self._write(connection, request, after)
        body: JsonObject = {
            "request": request.id,
            "digest": request.digest,
            "created_at": now.isoformat(),
            "expires_at": None if expires_at is None else expires_at.isoformat(),
        }
        ledger_rows.append(connection, request.session_id, now, ("clock_corrected", body))
        self._outbox.changed(connection, after, now)

    def _needed_later(
        self, request: Request, votes: list[Vote], person: Principal, *, revised: bool = False
    ) -> str | None:
        directory = self._outbox.directory
        return against_approval(asked(request, votes), person, directory, revised=revised)

    def _require_form(self, given: VoteInput, request: Request) -> None:
        if len(given.comment) > MAX_COMMENT:
            raise InvalidError(f"The comment is longer than {MAX_COMMENT} characters; shorten it.")
        if request.kind is RequestKind.INPUT:
            if given.verdict is Verdict.MODIFY:
                raise InvalidError("A question has no arguments to change; answer it instead.")
            return
        if given.verdict is Verdict.REJECT and not given.comment.strip():
            raise InvalidError("Say why you reject this: the agents adapt to your reason.")
        if given.verdict is Verdict.MODIFY and given.arguments is None:
            raise InvalidError("Give the changed arguments.")
        if given.verdict is not Verdict.MODIFY and given.arguments is not None:
            raise InvalidError("Arguments can only be changed with the verdict modify.")

    def _revised(self, given: VoteInput, request: Request) -> Request:
        effective = given.effective
        if effective is None:
            raise InvalidError(
                f"What {request.tool} accepts is not known here, so its arguments cannot be "
                "changed. Approve or reject them as they are."
            )
        checked = given.checked
        changed = request.model_copy(
            update={
                "arguments": effective.arguments,
                "schema_version": effective.schema_version,
                "defaulted": effective.defaulted,
                "injected": effective.injected,
                "facts": checked.facts,
                "preview": checked.preview,
                "call_hash": call_hash(request.tool, effective.arguments),
                "same_calls": (),
                "asked_again": "" if checked == request.checked else LOOK_AGAIN,
            }
        )
        call = call_of(changed, effective.arguments)
        ruling = self._policy.rule(call)
        if ruling.effect is not Effect.REQUIRE_APPROVAL:
            raise DeniedByPolicyError(f"Policy does not let this be approved: {ruling.reason}")
        return changed.model_copy(
            update={
                "proposed_arguments": (
                    request.arguments
                    if request.proposed_arguments is None
                    else request.proposed_arguments
                ),
                "revision": request.revision + 1,
                "policy_version": self._policy.version,
                "digest": call_digest(call, self._policy.version),
                "risk": ruling.risk,
                "rule_id": ruling.rule_id,
                "reason": ruling.reason,
                "stages": ruling.stages,
                "stage": 0,
                "channels": ruling.channels,
                "show_first": ruling.show_first,
                "valid_for_s": ruling.valid_for_s,
                "expires_at": (
                    request.expires_at
                    if ruling.deadline_s is None
                    else request.created_at + timedelta(seconds=ruling.deadline_s)
                ),
            }
        )

    def _write_revision(
        self,
        connection: Connection,
        request: Request,
        revised: Request,
        actor: Actor,
        now: datetime,
    ) -> None:
        self._write(connection, request, revised)
        body: JsonObject = {
            "request": request.id,
            "revision": revised.revision,
            "arguments": revised.arguments,
            "digest": revised.digest,
            "replaces": request.digest,
            "policy_version": revised.policy_version,
            "facts": revised.facts,
            "by": None if actor.principal is None else actor.principal.id,
        }
        ledger_rows.append(connection, request.session_id, now, ("revised", body))

    def _count(
        self,
        connection: Connection,
        given: VoteInput,
        request: Request,
        actor: Actor,
        principal: Principal,
        earlier: list[Vote],
        now: datetime,
    ) -> Request:
        vote = Vote(
            request_id=request.id,
            revision=request.revision,
            principal_id=principal.id,
            name=principal.name,
            stage=request.stage,
            verdict=Verdict.APPROVE if given.verdict is Verdict.MODIFY else given.verdict,
            via=actor.via,
            identity=actor.identity,
            at=now,
            comment=given.comment.strip(),
            also=counts_also(asked(request, []), principal),
        )
        request_rows.add_vote(connection, request.session_id, vote)
        body: JsonObject = {
            **vote.model_dump(mode="json", exclude={"request_id", "at", "principal_id"}),
            "request": request.id,
            "by": principal.id,
            "digest": request.digest,
        }
        voted = ("voted", body)
        mine = [v for v in earlier if v.revision == request.revision]
        result = tally(request.stages, [*mine, vote])
        if result.verdict is None:
            after = request.model_copy(update={"stage": result.stage})
            self._write(connection, request, after)
            ledger_rows.append(connection, request.session_id, now, voted)
            self._show(connection, after, now, told.voted(after, vote))
            return after
        return self._decide(connection, request, vote, result.verdict, voted, now)

    def _show(self, connection: Connection, request: Request, now: datetime, *said: str) -> None:
        """Another stage or revision may be for other people."""
        session = session_rows.get(connection, request.session_id)
        self._outbox.show(connection, session, [request], now, said=said)
        self._outbox.changed(connection, request, now)

    def _decide(
        self,
        connection: Connection,
        request: Request,
        vote: Vote,
        verdict: Verdict,
        voted: tuple[str, JsonObject],
        now: datetime,
    ) -> Request:
        approved = verdict is Verdict.APPROVE
        shown = Verdict.MODIFY if approved and request.modified else verdict
        after = request.model_copy(
            update={
                "status": RequestStatus.APPROVED if approved else RequestStatus.REJECTED,
                "stage": vote.stage,
                "decision": Decision(
                    verdict=shown,
                    by=vote.principal_id,
                    by_name=vote.name,
                    via=vote.via,
                    at=now,
                    comment=vote.comment,
                    digest=request.digest,
                ),
                "result": _decided_result(request, vote, approved=approved),
            }
        )
        self._write(connection, request, after)
        body: JsonObject = {
            "request": request.id,
            "revision": request.revision,
            "verdict": shown,
            "by": vote.principal_id,
            "via": vote.via,
            "digest": request.digest,
        }
        ledger_rows.append(connection, request.session_id, now, voted, ("decided", body))
        if vote.principal_id != request.requester:  # whoever asked may answer a question
            self._outbox.tell_of(connection, after, told.decided(after), now)
        self._outbox.decided(connection, after, now)
        return after

    @staticmethod
    def _write(connection: Connection, before: Request, after: Request) -> None:
        if not request_rows.replace(connection, before, after):
            current = request_rows.get(connection, before.id)
            raise AlreadyDecidedError(current.id, current.status, current.decision)


def _refused(
    connection: Connection,
    given: VoteInput,
    request: Request,
    actor: Actor,
    reason: str,
    now: datetime,
) -> Refusal:
    verdict = given.verdict
    return Refusal(error=refused(connection, request, actor, reason, now, verdict=verdict))


def _decided_result(request: Request, vote: Vote, *, approved: bool) -> Result | None:
    if request.kind is RequestKind.INPUT:
        content = vote.comment if approved else END_CHAT
        return Result(outcome=Outcome.EXECUTED, content=content)
    if approved:
        return None
    return not_executed(Cause.REJECTED, vote.comment, retry=True)


def _must_ask(again: AskAgain, verdict: Verdict) -> bool:
    """A rejection stands whatever it is of; an edit is ruled on anew, and so asks those of today's
    rule by itself."""
    return verdict is Verdict.APPROVE or (verdict is Verdict.MODIFY and again.tool_changed)


def _edited(given: VoteInput) -> JsonObject | None:
    return given.arguments if given.effective is None else given.effective.arguments


def _same(one: JsonObject | None, other: JsonObject) -> bool:
    """Whether both have one digest; for `==` True is 1, for a digest it is not."""
    return canonical_json(one) == canonical_json(other)


def _expired(request: Request) -> ExpiredError:
    when = "" if request.expires_at is None else f" at {request.expires_at:%Y-%m-%d %H:%M UTC}"
    return ExpiredError(f"Request {request.id} expired{when}. Nothing was run.")
