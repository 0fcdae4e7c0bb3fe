"""The one way in for votes: an attempt from any channel, and what came of it.

A channel finds out who acts (an identity that its system has verified) and what they answer, hands
both to `receive`, and tells them the outcome in its own words. How a vote is judged is the same
wherever it comes from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from countersign.approvals.approvals import Approvals
from countersign.approvals.decisions.vote_input import MAX_COMMENT
from countersign.approvals.errors import (
    AlreadyDecidedError,
    CountersignError,
    DeniedByPolicyError,
    ExpiredError,
    InvalidArgumentsError,
    InvalidError,
    NotAuthorisedError,
    NotFoundError,
    StaleDigestError,
    UnreadError,
)
from countersign.approvals.forms.fields import fields
from countersign.approvals.forms.parsing import edited_arguments
from countersign.approvals.forms.wording import cut
from countersign.approvals.models import (
    Actor,
    Decision,
    JsonObject,
    Principal,
    Request,
    RequestId,
    RequestKind,
    RequestStatus,
    Terms,
    Verdict,
)
from countersign.approvals.ports import RequestView
from countersign.approvals.records import Records
from countersign.approvals.rules.delegation import reason_in_view
from countersign.approvals.tickets import ActKey
from countersign.connectors.comments.wanted import Written, require_plain, wanted

REASON_LIMIT = 1_000
"""Characters that the ledger keeps of why something does not count."""
NO_CHANGE = "You changed nothing. Change a value, or go back and approve."


@dataclass(frozen=True)
class Filled:
    """A form of `approvals.forms.fields` as somebody sent it: texts by argument name. An argument
    that is not there keeps its value."""

    typed: Mapping[str, Any]


def all_of_it(_: RequestView) -> str:
    """Everything was shown where they answered."""
    return ""


@dataclass(frozen=True)
class VoteAttempt:
    """Somebody answers a request somewhere; `actor` is whom that system has verified."""

    request_id: RequestId
    actor: Actor
    verdict: Verdict
    digest: str
    """Of the revision that they were shown."""
    arguments: JsonObject | Filled | Written | None = None
    """All arguments as they shall run, or what they typed into a form (both with the verdict
    modify only), or their own words, in which changes may stand and which say the comment, too."""
    comment: str = ""
    act: ActKey | None = None
    """Of what they did there, where it may be read more than once: it counts once."""
    stage: int | None = None
    """The stage that was asked, where that was one only."""
    foreseen: str | None = None
    """The digest of the edit of which they have been told who decides it as well, "" for none; None
    where that is not asked. See `Approvals.vote`."""
    unread: Callable[[RequestView], str] = all_of_it
    """The refusal of whoever approves what was shown in part and has not read the rest; "" where
    all of it was shown. Asked only of somebody who may decide and has not read it elsewhere."""
    instead: str = "Change the arguments, approve without that comment, or reject."
    """What to do instead of writing changes or conditions into the comment of an approval."""
    proof: str | None = None
    """What whoever takes proofs of presence has given them."""
    grant: Terms | None = None
    """A yes to later calls that are alike, as well."""
    keep_refused: bool = False
    """Whether the ledger says, once for each act, why an answer in bad form does not count: for
    places like a ticket, where the answer can be seen by everybody afterwards."""


class VoteResult(StrEnum):
    """What came of an attempt. Only the first three changed something."""

    DECIDED = "decided"
    """The request is approved or rejected."""
    COUNTED = "counted"
    """More people have to approve."""
    REVISED = "revised"
    """The arguments are changed, but that is no approval yet: the tool says something else of them,
    or others decide them as well. Look, then approve."""
    LOST = "lost"
    """It was decided before: `decision` says who, when and through what."""
    EXPIRED = "expired"
    """Its deadline has passed."""
    STALE = "stale"
    """It was changed, or is asked again, since they were shown it."""
    REFUSED = "refused"
    """They may not decide it; that is on the ledger."""
    UNREAD = "unread"
    """They have to read all of it first; that is on the ledger."""
    DENIED = "denied"
    """Policy does not allow these arguments."""
    INVALID = "invalid"
    """It is no proper answer; `problems` has reasons by argument, if it is about those."""
    UNCHANGED = "unchanged"
    """They typed nothing new into the form."""
    GONE = "gone"
    """There is no such request."""


@dataclass(frozen=True)
class VoteOutcome:
    """What came of one attempt."""

    result: VoteResult
    request: Request | None = None
    """As it stands after a vote that changed something."""
    error: CountersignError | None = None
    """Why nothing changed; its text can be shown to whoever tried."""

    def counted(self) -> Request:
        """The request as it stands after the vote. Raises `error` if that changed nothing."""
        if self.request is None:
            raise self.error or NotFoundError("There is no such request.")
        return self.request

    @property
    def reason(self) -> str:
        """Why it changed nothing, as a sentence; "" if it did."""
        return "" if self.error is None else str(self.error)

    @property
    def problems(self) -> Mapping[str, str]:
        """What does not fit, by argument name."""
        return self.error.problems if isinstance(self.error, InvalidArgumentsError) else {}

    @property
    def decision(self) -> Decision | None:
        """The decision that was first, or that this vote made."""
        if isinstance(self.error, AlreadyDecidedError):
            return self.error.decision
        return None if self.request is None else self.request.decision


class UnchangedError(InvalidError):
    """A form came back as it was."""


# The first class that fits wins, so the special ones stand before their bases.
_RESULTS: tuple[tuple[type[CountersignError], VoteResult], ...] = (
    (NotFoundError, VoteResult.GONE),
    (NotAuthorisedError, VoteResult.REFUSED),
    (UnreadError, VoteResult.UNREAD),
    (DeniedByPolicyError, VoteResult.DENIED),
    (AlreadyDecidedError, VoteResult.LOST),
    (ExpiredError, VoteResult.EXPIRED),
    (StaleDigestError, VoteResult.STALE),
    (UnchangedError, VoteResult.UNCHANGED),
    (InvalidError, VoteResult.INVALID),
)
_OF_FORM = (InvalidError, DeniedByPolicyError)


async def receive(
    approvals: Approvals, records: Records, attempt: VoteAttempt, view: RequestView | None = None
) -> VoteOutcome:
    """Count what somebody answered, or say why it does not count.

    `view` is the request as the channel has just read it, if it has. Raises UnavailableError if it
    cannot be decided now (nothing was), and whatever else is not about this vote.
    """
    try:
        if view is None and _needs_view(attempt):
            view = await records.view(attempt.request_id)
        try:
            request = await _vote(approvals, attempt, view)
        except (UnreadError, *_OF_FORM) as error:
            await _record(approvals, attempt, error)
            raise
    except CountersignError as error:
        outcome = not_counted(error)
        if outcome is None:
            raise
        return outcome
    if request.status is not RequestStatus.PENDING:
        return VoteOutcome(VoteResult.DECIDED, request)
    revised = request.digest != attempt.digest and request.asked_again
    return VoteOutcome(VoteResult.REVISED if revised else VoteResult.COUNTED, request)


def not_counted(error: CountersignError) -> VoteOutcome | None:
    """The outcome that an error of ours stands for; None if it is not about a vote."""
    for kind, result in _RESULTS:
        if isinstance(error, kind):
            return VoteOutcome(result, error=error)
    return None


def require_read(
    view: RequestView, person: Principal | None, unread: Callable[[RequestView], str]
) -> None:
    """Raise UnreadError if this person may decide the request and has not read all of it."""
    if view.request.status is not RequestStatus.PENDING or view.has_read(person):
        return
    if reason_in_view(view, person) is None and (why := unread(view)):
        raise UnreadError(why)


def _needs_view(attempt: VoteAttempt) -> bool:
    """Whether what they answer can only be judged beside what they were shown."""
    if attempt.verdict is Verdict.REJECT:
        return False
    if attempt.comment.strip() or attempt.unread is not all_of_it:
        return True
    return isinstance(attempt.arguments, Filled | Written)


async def _vote(approvals: Approvals, attempt: VoteAttempt, view: RequestView | None) -> Request:
    verdict, comment = attempt.verdict, attempt.comment
    arguments = attempt.arguments if isinstance(attempt.arguments, dict) else None
    if verdict is Verdict.REJECT and isinstance(attempt.arguments, Written):
        comment = cut(attempt.arguments.comment.strip(), MAX_COMMENT)
    if view is not None and verdict is not Verdict.REJECT:
        require_read(view, attempt.actor.principal, attempt.unread)
        if isinstance(attempt.arguments, Written):
            comment, arguments = wanted(attempt.arguments, verdict, view)
            comment = cut(comment, MAX_COMMENT)
            verdict = verdict if arguments is None else Verdict.MODIFY
        else:
            if isinstance(attempt.arguments, Filled):
                arguments = _edited(attempt.arguments, view)
            _require_plain(attempt, view, arguments)
    return await approvals.vote(
        attempt.request_id,
        attempt.actor,
        verdict=verdict,
        digest=attempt.digest,
        arguments=arguments,
        comment=comment,
        act=attempt.act,
        stage=attempt.stage,
        grant=attempt.grant,
        proof=attempt.proof,
        foreseen=attempt.foreseen,
    )


def _edited(form: Filled, view: RequestView) -> JsonObject:
    """All arguments with what was typed in them. Raises InvalidArgumentsError, UnchangedError."""
    request = view.request
    known = fields(view.arguments_schema, request.arguments)
    edited, problems = edited_arguments(known, request.arguments, form.typed)
    if request.status is RequestStatus.PENDING:
        if problems:
            raise InvalidArgumentsError(request.tool, problems)
        if edited == request.arguments:
            raise UnchangedError(NO_CHANGE)
    return edited


def _require_plain(attempt: VoteAttempt, view: RequestView, arguments: JsonObject | None) -> None:
    """An answer to a question may say anything; what is written beside an approval may not."""
    if view.request.kind is RequestKind.INPUT or attempt.digest != view.request.digest:
        return
    person = attempt.actor.principal
    require_plain(attempt.comment, view, person, attempt.instead, arguments)


async def _record(approvals: Approvals, attempt: VoteAttempt, error: CountersignError) -> None:
    if attempt.keep_refused or isinstance(error, UnreadError):
        reason = cut(str(error), REASON_LIMIT)
        await approvals.refuse(attempt.request_id, attempt.actor, reason, act=attempt.act)
