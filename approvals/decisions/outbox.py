"""Outbox: deliveries, notices and doorbells, written with the change of state they follow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from countersign.approvals.decisions.handoff import Handoff
from countersign.approvals.decisions.sharing import Sharing
from countersign.approvals.decisions.showing import DELIVER as DELIVER
from countersign.approvals.decisions.showing import REMIND as REMIND
from countersign.approvals.decisions.showing import Showing, thread_of
from countersign.approvals.errors import IntegrityError
from countersign.approvals.forms.told import Told, stacked, waits
from countersign.approvals.forms.wording import in_words
from countersign.approvals.models import (
    DeliveryId,
    Placing,
    Principal,
    Question,
    Request,
    RequestId,
    RequestStatus,
    Session,
    SessionId,
)
from countersign.approvals.ports import (
    Job,
    Jobs,
    Unit,
)
from countersign.approvals.rules.delegation import with_delegates
from countersign.approvals.rules.eligibility import asked, eligible, missing
from countersign.approvals.rules.placing import (
    asked_in,
    targets,
    wider_audience,
)
from countersign.approvals.rules.reach import not_asked, strangers
from countersign.approvals.rules.subjects import people_for
from countersign.approvals.store import deliveries as delivery_rows
from countersign.approvals.store import notices as notice_rows
from countersign.approvals.store import requests as request_rows
from countersign.approvals.store import sessions as session_rows
from countersign.approvals.store import votes as vote_rows

RUN, NOTIFY = "run", "notify"
"""Kinds of jobs; the id is that of a session, a conversation."""
EXPIRE, DOUBT = "expire", "doubt"
"""Kinds of jobs on a request: its deadline has passed; its session ended while it ran."""
OUTCOME_WAIT = timedelta(milliseconds=250)
"""Most tools end sooner, and so each place is brought up to date once instead of twice."""
TELL_PAUSE = "pause"
"""Kind of the job on a pause that has begun or ended: those whom it concerns do not know."""
TELL_DELEGATE = "delegate"
"""Kind of the job on a delegation that has begun: whoever stands in was not shown what waits."""
ANSWER = "answer"
"""Kind of the job on a question that its agent is to answer."""
CANARIES = "canaries"
"""Kind of the job that sends tests of whether people look; it has no row."""
READ, POLL = "read", "poll"
"""Kinds of jobs on tickets: read the one of a delivery; read what changed in a system."""
READ_BEFORE = "look"
"""What READ is called in rows that older versions have written."""


class Outbox(Showing):
    """Plans what has to happen after a commit; every method belongs into a transaction."""

    def __init__(
        self,
        jobs: Jobs,
        placings: Mapping[str, Placing],
        handoff: Handoff,
        sharing: Sharing,
    ):
        """`placings` by channel say where requests can be shown. `handoff` keeps what is leased to
        this process with the change that makes it due. `sharing` says who is sent what."""
        super().__init__(jobs, placings)
        self._handoff, self._sharing = handoff, sharing

    def run(self, unit: Unit, session_id: SessionId) -> None:
        """Ring for the session to be run."""
        self._jobs.enqueue(unit, Job(kind=RUN, id=session_id))

    def run_here(self, unit: Unit, session_id: SessionId) -> None:
        """Ring in this process, which has the lease already."""
        self._jobs.enqueue_here(unit, Job(kind=RUN, id=session_id))

    def show(
        self,
        unit: Unit,
        session: Session,
        requests: Iterable[Request],
        *,
        anew: bool = False,
        said: Sequence[Told | str] | None = (),
    ) -> None:
        """Plan to show pending requests to those who can decide their open stage; whoever asked is
        told what was `said` and whom it waits for (nothing of that if `said` is None), and if their
        channels do not know enough of these people.

        With `anew`, also where it is shown already: a message that changes calls nobody, a new one
        does. The old ones are kept up to date. A ledger entry of the session has to follow.
        """
        conversation = thread_of(unit, session)
        told = list(said or ())
        requests = list(requests)
        votes_on = vote_rows.since_each(unit.connection, requests)
        for request in requests:
            channels = asked_in(request, conversation, self._placings)
            if session.conversation is None and self._placings.keys().isdisjoint(channels):
                continue  # it waits for those who come and look
            votes = votes_on[request.id]
            ask = asked(request, votes)
            people = people_for(unit.moment.people, request, session)
            approvers = with_delegates(eligible(ask, people), request, votes, people)
            told.append(waits(request, approvers, missing(ask)))
            self._tell_of_strangers(unit, session, request, approvers, channels)
            for name, placing in self._placings.items():
                if name not in channels:
                    continue
                sent = self._sharing.reached(unit, name, request, ask, approvers, people)
                for target in targets(name, placing, request, sent, conversation):
                    if anew and not placing.places:  # programs are told by the same row
                        delivery_rows.make_room(unit, request, name, target)
                    self._add(unit, request, name, target)
        if said is not None:
            self.tell(unit, session, stacked(told), progress=True)

    def have_answered(self, unit: Unit, question: Question) -> None:
        """Ring for the agent to be asked."""
        self._jobs.enqueue(unit, Job(kind=ANSWER, id=question.id))

    def in_tickets(self, request: Request) -> bool:
        """Whether a request is asked in tickets, of which each step of a revision has its own."""
        return any(self._placings[n].in_tickets for n in request.channels if n in self._placings)

    def _tell_of_strangers(
        self,
        unit: Unit,
        session: Session,
        request: Request,
        approvers: Sequence[Principal],
        asked_where: Sequence[str],
    ) -> None:
        channels = [name for name in asked_where if name in self._placings]
        unknown = strangers(channels, approvers, 1) if channels else ()
        if unknown:
            what = f"{in_words(request.tool)} ({request.id})"
            self.tell(unit, session, f"{what}: {not_asked(unknown, channels)}")

    def changed(self, unit: Unit, request: Request) -> None:
        """Bring every place that shows the request up to date."""
        self.touched(unit, request.id)

    def touched(self, unit: Unit, request_id: RequestId) -> None:
        """`changed`, by the id of the request."""
        self._touched(unit, [request_id], unit.now)

    def _touched(self, unit: Unit, request_ids: Sequence[RequestId], at: datetime) -> None:
        """What shows these requests is due at `at`: now, or soon, with the outcome if that comes
        until then."""
        known = [request_id for request_id in request_ids if request_id not in unit.unshown]
        for delivery_id in delivery_rows.touch(unit.connection, known, at):
            job = Job(kind=DELIVER, id=delivery_id)
            if at > unit.now:
                self._jobs.enqueue_here(unit, job, at=at)
            else:
                self._jobs.enqueue(unit, job)

    def redeliver(self, unit: Unit, delivery_ids: Sequence[DeliveryId]) -> None:
        """Ring for deliveries that are due again."""
        for delivery_id in delivery_ids:
            self._jobs.enqueue(unit, Job(kind=DELIVER, id=delivery_id))

    def read_ticket(self, unit: Unit, delivery_id: DeliveryId) -> None:
        """Ring for a ticket to be read."""
        self._jobs.enqueue(unit, Job(kind=READ, id=delivery_id))

    def tell(
        self,
        unit: Unit,
        session: Session,
        told: Told | str | Callable[[], Told | str],
        *,
        progress: bool = False,
    ) -> None:
        """Queue a message for the thread in which the session began, if it has one; or, of its
        `progress`, a line for the one that is kept up to date. Where others read along than those
        who are shown the requests, they read how it stands, and no more. What is called is worded
        only if there is somebody to read it."""
        if session.conversation is None:
            return
        if callable(told):
            told = told()
        if not told:
            return
        text = told if isinstance(told, str) else self._heard(unit, session, told)
        notice_rows.add(
            unit.connection,
            session_id=session.id,
            conversation=session.conversation,
            text=text,
            now=unit.now,
            progress=progress,
        )
        self._jobs.enqueue(unit, Job(kind=NOTIFY, id=session.conversation))

    def _heard(self, unit: Unit, session: Session, told: Told) -> str:
        if told.state == told.whole:
            return told.whole
        thread = thread_of(unit, session)
        placing = None if thread is None else self._placings.get(thread.channel)
        if thread is None or placing is None:
            return told.whole
        return told.to(wider_audience=wider_audience(placing, thread.kind))

    def decided(self, unit: Unit, request: Request) -> None:
        """Show the decision, and wake the session once every request of the checkpoint is decided;
        until then, what is still open shows how many of the others are."""
        if request.canary is not None:
            raise IntegrityError(f"Request {request.id} is a test, so no session goes on by it.")
        alone = request.id in unit.alone
        batch = [request] if alone else request_rows.checkpoint_with(unit.connection, request)
        self._decided(unit, [request], batch)

    def _decided(self, unit: Unit, requests: Sequence[Request], batch: Sequence[Request]) -> None:
        """`decided` of some of a checkpoint, which is `batch` as it is now."""
        pending = [r.id for r in batch if r.status is RequestStatus.PENDING]
        runs = {
            r.id
            for r in requests
            if r.status is RequestStatus.APPROVED and r.result is None and not pending
        }
        self._touched(unit, [*(r.id for r in requests if r.id not in runs), *pending], unit.now)
        self._touched(unit, [r.id for r in requests if r.id in runs], unit.now + OUTCOME_WAIT)
        if pending:
            return
        if self._handoff.wake(unit, batch):
            self.run_here(unit, requests[0].session_id)
            return
        session_rows.wake(unit, requests[0].session_id)
        self.run(unit, requests[0].session_id)
