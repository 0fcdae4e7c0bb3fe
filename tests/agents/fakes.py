"""A Runs in memory that keeps the same promises as the real one, and people who decide."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime

from countersign.approvals.audit.canonical import digest, sha256_hex
from countersign.approvals.decisions.staleness import NOTHING_CHECKED, Found
from countersign.approvals.errors import BesideGateError, IntegrityError, LostLeaseError
from countersign.approvals.forms.causes import Ending, SessionCause
from countersign.approvals.models import (
    Cause,
    ChatState,
    CheckpointId,
    Decision,
    JsonObject,
    Outcome,
    PrincipalId,
    Proposal,
    Request,
    RequestId,
    RequestKind,
    RequestStatus,
    Result,
    Risk,
    Session,
    SessionId,
    SessionStatus,
    Stage,
    StoredChat,
    ToolCall,
    UndoOffer,
    Verdict,
    Via,
)
from countersign.approvals.runs import Run

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
POLICY_VERSION = "policy-1"


class FakeRuns:
    """One store of sessions. `guarded`, `denied` and everything else make up its policy."""

    lease_s = 30.0
    tool_timeout_s = 300.0

    def __init__(self, *, guarded: Sequence[str] = (), denied: Sequence[str] = ()):
        self.guarded, self.denied = frozenset(guarded), frozenset(denied)
        self.sessions: dict[SessionId, Session] = {}
        self.epochs: dict[SessionId, int] = {}
        self.leased: set[SessionId] = set()
        self.snapshots: dict[SessionId, str] = {}
        self.requests: dict[RequestId, Request] = {}
        self.chunks: dict[SessionId, tuple[str, ...]] = {}
        self.progress: list[str] = []
        self.entries: list[tuple[str, JsonObject]] = []
        self.parked: list[str] = []
        self.refused: list[BesideGateError] = []
        self.log: list[str] = []
        self._numbers = itertools.count(1)

    # What the session manager calls

    async def start(
        self, *, workflow: str, workflow_version: str, task: str, owner: str = "ann"
    ) -> Session:
        """A new session."""
        session = Session(
            id=SessionId(f"S-{next(self._numbers)}"),
            workflow=workflow,
            workflow_version=workflow_version,
            task=task,
            owner=PrincipalId(owner),
            status=SessionStatus.RUNNING,
            conversation=None,
            created_at=NOW,
            updated_at=NOW,
        )
        self.sessions[session.id] = session
        self.epochs[session.id] = 0
        return session

    async def begin(self, session_id: SessionId) -> Run | None:
        """Take the lease."""
        session = self.sessions[session_id]
        if session.status is not SessionStatus.RUNNING or session_id in self.leased:
            return None
        self.leased.add(session_id)
        self.epochs[session_id] += 1
        for request in self.batch(session_id):
            if request.status is RequestStatus.EXECUTING and not request.idempotent:
                doubt = Result(outcome=Outcome.NOT_EXECUTED, cause=Cause.IN_DOUBT, message="?")
                self._put(request, status=RequestStatus.IN_DOUBT, result=doubt)
        return Run(
            session=session,
            epoch=self.epochs[session_id],
            chat=self.stored(session_id),
            batch=self.batch(session_id),
        )

    async def renew(self, runs: Sequence[Run]) -> frozenset[SessionId]:
        """The ids whose lease is lost."""
        return frozenset(run.session.id for run in runs if not self._holds(run))

    def take_no_more(self) -> None:
        """Nothing was taken."""

    async def release(self, run: Run) -> bool:
        """Give the lease back."""
        held = self._holds(run) and run.session.id in self.leased
        self.leased.discard(run.session.id)
        return held

    def stored(self, session_id: SessionId) -> StoredChat | None:
        """The chat as it comes back."""
        if session_id not in self.snapshots:
            return None
        return StoredChat(self.snapshots[session_id], self.chunks.get(session_id, ()))

    def _store(self, session_id: SessionId, state: ChatState) -> None:
        new = () if state.chunk is None else (state.chunk,)
        kept = self.chunks.get(session_id, ())[: state.chunks - len(new)]
        self.snapshots[session_id], self.chunks[session_id] = state.snapshot, (*kept, *new)
        assert len(self.chunks[session_id]) == state.chunks

    async def submit(
        self,
        run: Run,
        proposals: Sequence[Proposal],
        *,
        state: ChatState,
        progress: Sequence[str] = (),
        first: bool = False,
    ) -> tuple[Request, ...]:
        """Rule and store."""
        self._require(run)
        assert not first or run.session.id not in {r.session_id for r in self.requests.values()}
        self.log.append("submit")
        checkpoint = CheckpointId(f"C-{next(self._numbers)}")
        requests = [self._request(run, checkpoint, i, p) for i, p in enumerate(proposals)]
        calls = [(r.session_id, r.call_id) for r in (*self.requests.values(), *requests)]
        if len(set(calls)) != len(calls):
            raise IntegrityError("a call id was used twice")
        self.requests |= {request.id: request for request in requests}
        self._store(run.session.id, state)
        self.progress += progress
        waits = any(r.status is RequestStatus.PENDING for r in requests)
        if not proposals:
            return ()
        self._session(
            run.session.id,
            checkpoint_id=checkpoint,
            status=SessionStatus.WAITING if waits else SessionStatus.RUNNING,
        )
        if waits:
            self.leased.discard(run.session.id)
        return tuple(requests)

    async def foresee(
        self, run: Run, proposals: Sequence[Proposal], *, granted: bool = False
    ) -> Sequence[Request]:
        """What would become of them."""
        return [self._request(run, CheckpointId("C"), 0, each) for each in proposals]

    def asks(self, session: Session, call: ToolCall) -> bool:
        """Whether people would have to approve it."""
        return call.tool in self.guarded

    async def claim(
        self,
        run: Run,
        request_id: RequestId,
        arguments: JsonObject,
        checked: Found = NOTHING_CHECKED,
    ) -> Request | Result:
        """The one right to run."""
        self._require(run)
        request = self.requests[request_id]
        if request.result is not None:
            return request.result
        if request.status is not RequestStatus.APPROVED and not (
            request.status is RequestStatus.EXECUTING and request.executing_epoch != run.epoch
        ):
            raise IntegrityError(f"{request_id} is {request.status}")
        if _digest(request, arguments) != request.digest:
            return Result(outcome=Outcome.NOT_EXECUTED, cause=Cause.DRIFT, message="changed")
        self.log.append(f"claim {request.tool}")
        return self._put(request, status=RequestStatus.EXECUTING, executing_epoch=run.epoch)

    async def finish(
        self,
        run: Run,
        request_id: RequestId,
        *,
        ok: bool,
        content: str,
        late: bool = False,
        undo: UndoOffer | None = None,
    ) -> Result:
        """Store the outcome."""
        request = self.requests[request_id]
        if request.executing_epoch != run.epoch:
            raise LostLeaseError(request_id)
        outcome = Outcome.EXECUTED if ok else Outcome.FAILED
        if ok and request.modified:
            outcome = Outcome.EXECUTED_WITH_CHANGES
        result = Result(outcome=outcome, content=content)
        status = RequestStatus.EXECUTED if ok else RequestStatus.FAILED
        self._put(request, status=status, result=result, undo=undo)
        self.log.append(f"finish {request.tool}")
        self._require(run)
        return result

    def time_limit_s(self, session: Session, request: Request) -> float:
        """The same for all."""
        return self.tool_timeout_s

    async def raised(
        self,
        run: Run,
        request_id: RequestId,
        *,
        content: str,
        timed_out: bool = False,
        late: bool = False,
    ) -> Result:
        """In doubt where people were asked, else failed."""
        if self.requests[request_id].tool in self.guarded:
            return await self.unknown(run, request_id, message=f"It raised {content}.")
        return await self.finish(run, request_id, ok=False, content=content)

    async def unknown(self, run: Run, request_id: RequestId, *, message: str) -> Result:
        """The tool cannot tell."""
        self._require(run)
        result = Result(outcome=Outcome.NOT_EXECUTED, cause=Cause.IN_DOUBT, message=message)
        self._put(self.requests[request_id], status=RequestStatus.IN_DOUBT, result=result)
        return result

    async def limited(self, run: Run, entry: tuple[str, JsonObject], *, notice: str) -> None:
        """Refused at a limit."""
        self._require(run)
        self.entries.append(entry)

    async def complete(
        self,
        run: Run,
        *,
        state: ChatState,
        ending: Ending,
        progress: Sequence[str] = (),
    ) -> None:
        """The end."""
        self._require(run)
        self._store(run.session.id, state)
        self.progress += progress
        self.entries += [call.entry() for call in ending.open_calls]
        completed = ending.status is SessionStatus.COMPLETED
        self._session(
            run.session.id,
            status=ending.status,
            cause=ending.cause.value,
            answer=ending.answer if completed else None,
            error=None if completed else ending.words,
        )
        self.leased.discard(run.session.id)

    async def fail(self, run: Run, *, error: str, cause: SessionCause = SessionCause.ERROR) -> None:
        """A bad end."""
        self._require(run)
        failed = SessionStatus.FAILED
        self._session(run.session.id, status=failed, error=error, cause=cause.value)
        self.leased.discard(run.session.id)

    async def refuse(self, run: Run, error: BesideGateError) -> None:
        """A bad end, because of what was tried."""
        self.refused.append(error)
        await self.fail(run, error=str(error), cause=SessionCause.BESIDE_GATE)

    async def park(
        self,
        run: Run,
        *,
        error: str,
        attempts: int | None = None,
        cause: SessionCause = SessionCause.MODEL_UNAVAILABLE,
    ) -> bool:
        """Later."""
        self._require(run)
        self.parked.append(error)
        self.leased.discard(run.session.id)
        return True

    # What people and time do

    def approve(self, request_id: RequestId, arguments: JsonObject | None = None) -> None:
        """Approve, with other arguments if given."""
        request = self.requests[request_id]
        if arguments is not None and arguments != request.arguments:
            request = self._put(
                request,
                arguments=arguments,
                proposed_arguments=request.arguments,
                digest=_digest(request, arguments),
                revision=request.revision + 1,
            )
        self._decide(request, Verdict.APPROVE, status=RequestStatus.APPROVED)

    def reject(self, request_id: RequestId, comment: str) -> None:
        """Reject with feedback."""
        result = Result(
            outcome=Outcome.NOT_EXECUTED, cause=Cause.REJECTED, retry=True, message=comment
        )
        self._decide(
            self.requests[request_id],
            Verdict.REJECT,
            comment,
            status=RequestStatus.REJECTED,
            result=result,
        )

    def expire(self, request_id: RequestId) -> None:
        """Nobody answered in time."""
        result = Result(outcome=Outcome.NOT_EXECUTED, cause=Cause.EXPIRED, message="too late")
        self._put(self.requests[request_id], status=RequestStatus.EXPIRED, result=result)
        self._go_on(self.requests[request_id].session_id)

    def answer(self, request_id: RequestId, text: str) -> None:
        """Answer a free-text question."""
        result = Result(outcome=Outcome.EXECUTED, content=text)
        self._decide(
            self.requests[request_id],
            Verdict.APPROVE,
            status=RequestStatus.EXECUTED,
            result=result,
        )

    def kill_owner(self, session_id: SessionId) -> None:
        """The process that held the lease died, and the lease ran out."""
        self.leased.discard(session_id)

    def steal(self, session_id: SessionId) -> None:
        """Another process took the lease."""
        self.epochs[session_id] += 1

    def batch(self, session_id: SessionId) -> tuple[Request, ...]:
        """The requests of the open checkpoint."""
        checkpoint = self.sessions[session_id].checkpoint_id
        found = [r for r in self.requests.values() if r.checkpoint_id == checkpoint is not None]
        return tuple(sorted(found, key=lambda r: r.position))

    def pending(self, session_id: SessionId) -> list[Request]:
        """What waits for people."""
        return [r for r in self.batch(session_id) if r.status is RequestStatus.PENDING]

    def _request(
        self, run: Run, checkpoint: CheckpointId, position: int, proposal: Proposal
    ) -> Request:
        call = proposal.call
        status, result, by_policy = RequestStatus.PENDING, None, True
        if proposal.problem is not None:
            status = RequestStatus.REJECTED
            result = Result(
                outcome=Outcome.NOT_EXECUTED,
                cause=Cause.INVALID_ARGUMENTS,
                retry=True,
                message=proposal.problem,
            )
        elif not proposal.offered:
            status = RequestStatus.REJECTED
            result = Result(
                outcome=Outcome.NOT_EXECUTED,
                cause=Cause.DENIED_BY_POLICY,
                message=f"{call.agent} was not offered {call.tool}",
            )
        elif proposal.kind is RequestKind.INPUT or call.tool in self.guarded:
            by_policy = False
        elif call.tool in self.denied:
            status = RequestStatus.REJECTED
            result = Result(
                outcome=Outcome.NOT_EXECUTED, cause=Cause.DENIED_BY_POLICY, message="forbidden"
            )
        else:
            status = RequestStatus.APPROVED
        verdict = Verdict.APPROVE if status is RequestStatus.APPROVED else Verdict.REJECT
        decision = Decision(verdict=verdict, by="policy", by_name="a rule", via=Via.POLICY, at=NOW)
        number = next(self._numbers)
        return Request(
            id=RequestId(f"R-{number}"),
            session_id=run.session.id,
            checkpoint_id=checkpoint,
            position=position,
            kind=proposal.kind,
            call_id=call.call_id,
            tool=call.tool,
            arguments=call.arguments,
            schema_version=call.schema_version,
            agent=call.agent,
            executor=call.executor,
            rationale=call.rationale,
            risk=Risk.MEDIUM,
            rule_id="rule",
            reason="because",
            policy_version=POLICY_VERSION,
            revision=1,
            digest=digest(
                session_id=run.session.id,
                call_id=call.call_id,
                tool=call.tool,
                arguments=call.arguments,
                policy_version=POLICY_VERSION,
                schema_version=call.schema_version,
            ),
            stages=(Stage(roles=("manager",)),),
            stage=0,
            status=status,
            requester=run.session.owner,
            idempotent=proposal.idempotent,
            created_at=NOW,
            expires_at=None,
            decision=decision if by_policy else None,
            execution_token=sha256_hex(f"token {number}".encode())[:32],
            result=result,
        )

    def _decide(
        self, request: Request, verdict: Verdict, comment: str = "", **update: object
    ) -> None:
        if request.status is not RequestStatus.PENDING:
            raise IntegrityError(f"{request.id} is {request.status}")
        decision = Decision(
            verdict=verdict, by="mia", by_name="Mia", via=Via.API, at=NOW, comment=comment
        )
        self._put(request, decision=decision, **update)
        self._go_on(request.session_id)

    def _go_on(self, session_id: SessionId) -> None:
        if not self.pending(session_id):
            self._session(session_id, status=SessionStatus.RUNNING)

    def _put(self, request: Request, **update: object) -> Request:
        self.requests[request.id] = request.model_copy(update=update)
        return self.requests[request.id]

    def _session(self, session_id: SessionId, **update: object) -> None:
        self.sessions[session_id] = self.sessions[session_id].model_copy(update=update)

    def _holds(self, run: Run) -> bool:
        return run.session.id in self.leased and self.epochs[run.session.id] == run.epoch

    def _require(self, run: Run) -> None:
        if not self._holds(run):
            raise LostLeaseError(f"{run.session.id} is not held by epoch {run.epoch}")


def _digest(request: Request, arguments: JsonObject) -> str:
    return digest(
        session_id=request.session_id,
        call_id=request.call_id,
        tool=request.tool,
        arguments=arguments,
        policy_version=request.policy_version,
        schema_version=request.schema_version,
    )
