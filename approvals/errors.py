"""Errors: what can go wrong, as one tree.

CountersignError
├── NotFoundError            no such session, request or workflow
│   └── WorkflowMissingError the workflow of a session is not here, or in another version
├── RefusedError             somebody may not do this
│   ├── NotAuthorisedError   the verified person lacks the role, or asked for it themselves
│   │   ├── TooManyRefusalsError  for the umpteenth time
│   │   └── UnprovenError    they may, with a fresh proof that it is them; says where to give it
│   ├── UnreadError          not all of it was shown where it was answered; read it first
│   ├── DeniedByPolicyError  policy forbids the call
│   └── BesideGateError      something in a session was about to run past the gate
├── ConflictError            the state has moved on
│   ├── AlreadyDecidedError  who decided, when, through what
│   │   └── AlreadyUsedError the call has begun: its approval cannot be revoked
│   ├── StaleDigestError     the digest is of an older revision
│   ├── ExpiredError         the deadline has passed
│   ├── NotInDoubtError      what became of the request is known, or it has not run
│   ├── NotUndoableError     what the request has done cannot be taken back (any more)
│   ├── ClosedError          the session or request is over
│   ├── ProposedError        the session has proposed calls already
│   ├── LostLeaseError       another process owns the session now
│   └── MovedOnError         something has happened in the session since the run looked last
├── InvalidError             the input does not fit; says what to change
│   ├── InvalidArgumentsError  edited arguments do not fit the tool's schema
│   └── PreconditionFailedError  a tool's own check says that the call makes no sense now
├── HeldError                what is approved may not run yet; it waits, and nothing is lost
├── IntegrityError           stored data does not match its digest or chain
├── InvalidWebhookError      a webhook is not signed by who it claims to be from
├── ConfigurationError       a setting is missing or wrong; lists every problem
└── UnavailableError         a system around us cannot be reached now; try again
    ├── CursorLostError      a directory does not know any more what we had read; read all of it
    ├── PeopleChangedError   the people of a directory have changed this moment
    ├── NoRecipientError     it works, but whom this is for cannot be reached in it yet
    │   └── UnreachableError it is closed to us there until people undo that
    ├── MisdirectedError     it works, and refuses this one message at this address
    ├── CheckFailedError     a tool's check or preview could not say anything
    ├── UnansweredError      it may have done what was asked, and did not say so
    └── BusyError            there is too much to do; nothing was done, come again

A caller that talks to people catches `CountersignError` and shows `str(error)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from countersign.approvals.models import (
    Decision,
    Finding,
    RequestId,
    RequestStatus,
)


class CountersignError(Exception):
    """Base of every error that is ours; the text says what, which id, and what to do."""


class NotFoundError(CountersignError):
    """There is no such thing."""


class WorkflowMissingError(NotFoundError):
    """The workflow that is asked for, or that a session began on, is not here."""


class RefusedError(CountersignError):
    """Somebody may not do this."""


class NotAuthorisedError(RefusedError):
    """The verified person may not decide this request."""


class TooManyRefusalsError(NotAuthorisedError):
    """They were told so often that they may not that it is only counted any more."""


class UnprovenError(NotAuthorisedError):
    """They may approve it with a fresh proof that it is them; `page` is where that is given."""

    def __init__(self, reason: str, page: str):
        self.page = page
        super().__init__(reason)


class UnreadError(RefusedError):
    """The place where it was answered does not show all of it, and this person has not read it."""


class DeniedByPolicyError(RefusedError):
    """Policy forbids the call."""


class BesideGateError(RefusedError):
    """Something in a session was about to run that is not part of a claimed execution."""

    def __init__(self, agent: str, tried: str, how: str):
        self.agent, self.tried, self.how = agent, tried, how
        super().__init__(
            f"Refused: executor beside the gate. {agent} was about to {tried} ({how}), which "
            "nobody was asked about; it was not done, and the session has ended. Register what is "
            "to run as a tool of an ApprovalProxy, and let an agent call that."
        )


class ConflictError(CountersignError):
    """The state has moved on since the caller looked."""


class AlreadyDecidedError(ConflictError):
    """Somebody was first; `status` and `decision` say how it went."""

    def __init__(self, request_id: RequestId, status: RequestStatus, decision: Decision | None):
        self.request_id, self.status, self.decision = request_id, status, decision
        if decision is None:
            text = f"Request {request_id} is closed: {status}."
        else:
            when = decision.at.strftime("%Y-%m-%d %H:%M:%S UTC")
            text = (
                f"Request {request_id} was already decided: {decision.verdict} by "
                f"{decision.by_name} at {when} through {decision.via}. It is {status} now."
            )
        super().__init__(text)


class AlreadyUsedError(AlreadyDecidedError):
    """The call has begun, so its approval cannot be taken back; who gave it, and when it began."""

    def __init__(
        self,
        request_id: RequestId,
        status: RequestStatus,
        decision: Decision | None,
        begun_at: datetime | None,
        text: str = "",
    ):
        super().__init__(request_id, status, decision)
        self.begun_at = begun_at
        if not text:
            by = "" if decision is None else f" by {decision.by_name} through {decision.via}"
            when = "" if begun_at is None else f" at {begun_at:%Y-%m-%d %H:%M:%S UTC}"
            text = (
                f"Request {request_id} was approved{by} and has begun{when}, so that cannot be "
                f"revoked any more. It is {status} now."
            )
        self.args = (text,)


class StaleDigestError(ConflictError):
    """The digest is not that of the current revision."""


class ExpiredError(ConflictError):
    """The deadline has passed."""


class NotInDoubtError(ConflictError):
    """There is no doubt to resolve; `finding` says who has resolved it."""

    def __init__(self, request_id: RequestId, status: RequestStatus, finding: Finding | None):
        self.request_id, self.status, self.finding = request_id, status, finding
        text = f"Request {request_id} is {status}, so there is no doubt to resolve."
        if finding is not None:
            what = "took effect" if finding.happened else "did not take effect"
            text = (
                f"The doubt about request {request_id} was already resolved: {finding.by_name} "
                f"found at {finding.at:%Y-%m-%d %H:%M:%S UTC} through {finding.via} that it {what}."
            )
        super().__init__(text)


class NotUndoableError(ConflictError):
    """What the request has done cannot be taken back, or not any more; the text says why."""


class ClosedError(ConflictError):
    """The session is over."""


class ProposedError(ConflictError):
    """The session has proposed calls already."""


class LostLeaseError(ConflictError):
    """Another process owns the session now; stop working on it."""


class MovedOnError(ConflictError):
    """Something has happened in the session since the run looked last; it has to look again."""


class InvalidError(CountersignError):
    """The input does not fit."""


class InvalidArgumentsError(InvalidError):
    """Arguments do not fit the tool's schema; `problems` maps argument names to reasons."""

    def __init__(self, tool: str, problems: dict[str, str]):
        self.tool, self.problems = tool, problems
        detail = "; ".join(f"{name}: {reason}" for name, reason in problems.items())
        super().__init__(f"The arguments do not fit {tool}: {detail}")


class PreconditionFailedError(InvalidError):
    """Raise this from a tool's check: the call makes no sense now. It is asked of nobody, or not
    run if it was approved before; the agents read the text."""


class HeldError(CountersignError):
    """What is approved may not run yet: its session waits for what the text names."""


class IntegrityError(CountersignError):
    """Stored data does not match its digest or chain."""


class InvalidWebhookError(CountersignError):
    """A webhook does not prove who sent it; the text says what is missing, never what came."""


class ConfigurationError(CountersignError):
    """Settings are missing or wrong; `problems` lists all of them with their paths."""

    def __init__(self, problems: str | Sequence[str]):
        self.problems = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(self.problems))


class UnavailableError(CountersignError):
    """A system around us cannot be reached now; `retry_after_s` when it said so."""

    outage = True
    """Whether the system as a whole does not work."""
    outside: str | None = None
    """What those outside are told instead of its words, which are for operators."""

    def __init__(self, message: str, *, retry_after_s: float | None = None):
        super().__init__(message)
        self.retry_after_s = retry_after_s


class StoreUnavailableError(UnavailableError):
    """The database cannot be used now; its words name the file or server, and what that said."""

    outside = "The database cannot be used now. Try again soon; the log of the server says why."


class CursorLostError(UnavailableError):
    """A directory does not know any more up to where it was read: read all of it again."""

    outage = False


class PeopleChangedError(UnavailableError):
    """A directory was read again since this process has looked; look again, and do it anew."""

    outage = False


class NoRecipientError(UnavailableError):
    """The people whom this is for cannot be reached there yet; the text says what they must do."""

    outage = False


class UnreachableError(NoRecipientError):
    """A refusal that people there can undo: the app was uninstalled, blocked, or never installed.

    The text names who or what cannot be reached, and `reason` says why, as a clause without a
    subject ("has uninstalled the app").
    """

    def __init__(self, message: str, *, reason: str):
        super().__init__(message)
        self.reason = reason


class MisdirectedError(UnavailableError):
    """The system works, and refuses this one message at the address to which it was sent."""

    outage = False


class CheckFailedError(UnavailableError):
    """A tool's check or preview could not say anything: it failed, or took too long."""


class UnansweredError(UnavailableError):
    """The request was sent and not answered: look whether it was done before asking again."""


class BusyError(UnavailableError):
    """There is too much to do now. Nothing was done; come again after `retry_after_s`."""
