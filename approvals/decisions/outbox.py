"""Outbox: deliveries, notices and doorbells, written with the change of state they follow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from countersign.approvals import ids
from countersign.approvals.decisions.handoff import Handoff
from countersign.approvals.forms.told import waits
from countersign.approvals.forms.wording import in_words
from countersign.approvals.models import (
    DeliveryId,
    Principal,
    Request,
    RequestStatus,
    Session,
    SessionId,
)
from countersign.approvals.ports import (
    Channels,
    Directory,
    Job,
    Jobs,
)
from countersign.approvals.rules.eligibility import Asked, asked, eligible, missing
from countersign.approvals.rules.reach import not_asked, strangers
from countersign.approvals.store import conversations as conversation_rows
from countersign.approvals.store import deliveries as delivery_rows
from countersign.approvals.store import requests as request_rows
from countersign.approvals.store import sessions as session_rows

RUN, DELIVER, NOTIFY = "run", "deliver", "notify"
"""Kinds of jobs; the id is that of a session, a delivery, a conversation."""
EXPIRE, DOUBT = "expire", "doubt"
"""Kinds of jobs on a request: its deadline has passed; its session ended while it ran."""
OUTCOME_WAIT = timedelta(milliseconds=250)
"""Most tools end sooner, and so each place is brought up to date once instead of twice."""
READ, POLL = "read", "poll"
"""Kinds of jobs on tickets: read the one of a delivery; read what changed in a system."""
READ_BEFORE = "look"
"""What READ is called in rows that older versions have written."""


class Outbox:
    """Plans what has to happen after a commit; every method belongs into a transaction."""

    def __init__(
        self,
        jobs: Jobs,
        directory: Directory,
        channels: Channels,
        handoff: Handoff | None = None,
    ):
        """With `handoff`, a session that is woken may be leased to this process at once."""
        self._jobs = jobs
        self._directory = directory
        self._channels = channels
        self._handoff = handoff

    @property
    def directory(self) -> Directory:
        """Who people are."""
        return self._directory

    def run(self, connection: Connection, session_id: SessionId) -> None:
        """Ring for the session to be run."""
        self._jobs.enqueue(connection, Job(kind=RUN, id=session_id))

    def run_here(self, connection: Connection, session_id: SessionId) -> None:
        """Ring in this process, which has the lease already."""
        self._jobs.enqueue_here(connection, Job(kind=RUN, id=session_id))

    def show(
        self,
        connection: Connection,
        session: Session,
        requests: Iterable[Request],
        now: datetime,
        *,
        anew: bool = False,
        said: Sequence[str] | None = (),
    ) -> None:
        """Plan to show pending requests to those who can decide their open stage; whoever asked is
        told what was `said` and whom it waits for (nothing of that if `said` is None), and if their
        channels do not know enough of these people.

        With `anew`, also where it is shown already: a message that changes calls nobody, a new one
        does. The old ones are kept up to date. A ledger entry of the session has to follow.
        """
        conversation = (
            None
            if session.conversation is None
            else conversation_rows.get(connection, session.conversation)
        )
        told = list(said or ())
        for request in requests:
            ask = self._asked(connection, request)
            approvers = eligible(ask, self._directory)
            told.append(waits(request, approvers, missing(ask)))
            self._tell_of_strangers(connection, session, request, approvers, now)
            for name, channel in self._channels.items():
                if name not in request.channels:
                    continue
                for target in channel.targets(request, session, approvers, conversation):
                    if anew:
                        delivery_rows.make_room(connection, request, name, target)
                    self._add(connection, request, name, target, now)
        if said is not None:
            self.tell(connection, session, "\n\n".join(told), now, progress=True)

    @staticmethod
    def _asked(connection: Connection, request: Request) -> Asked:
        fresh = request.revision == 1 and request.stage == 0
        is_single = fresh and request.stages[0].quorum == 1  # nobody can have voted on it yet
        votes = [] if is_single else request_rows.votes_of(connection, request.id)
        return asked(request, votes)

    def _tell_of_strangers(
        self,
        connection: Connection,
        session: Session,
        request: Request,
        approvers: Sequence[Principal],
        now: datetime,
    ) -> None:
        channels = [name for name in request.channels if name in self._channels]
        unknown = strangers(channels, approvers, 1) if channels else ()
        if unknown:
            what = f"{in_words(request.tool)} ({request.id})"
            self.tell(connection, session, f"{what}: {not_asked(unknown, channels)}", now)

    def _add(
        self, connection: Connection, request: Request, channel: str, target: str, now: datetime
    ) -> None:
        delivery_id = DeliveryId(ids.new_id("D"))
        added = delivery_rows.add(
            connection,
            delivery_id=delivery_id,
            request_id=request.id,
            channel=channel,
            target=target,
            now=now,
        )
        if added:
            self._jobs.enqueue(connection, Job(kind=DELIVER, id=delivery_id))

    def changed(self, connection: Connection, request: Request, now: datetime) -> None:
        """Bring every place that shows the request up to date."""
        for delivery_id in delivery_rows.touch(connection, request.id, now):
            self._jobs.enqueue(connection, Job(kind=DELIVER, id=delivery_id))

    def _changes_soon(self, connection: Connection, request: Request, now: datetime) -> None:
        """As `changed`, but later: with the outcome if that comes soon, or else without."""
        at = now + OUTCOME_WAIT
        for delivery_id in delivery_rows.touch(connection, request.id, at):
            self._jobs.enqueue_here(connection, Job(kind=DELIVER, id=delivery_id), at=at)

    def redeliver(self, connection: Connection, delivery_ids: Sequence[DeliveryId]) -> None:
        """Ring for deliveries that are due again."""
        for delivery_id in delivery_ids:
            self._jobs.enqueue(connection, Job(kind=DELIVER, id=delivery_id))

    def read_ticket(self, connection: Connection, delivery_id: DeliveryId) -> None:
        """Ring for a ticket to be read."""
        self._jobs.enqueue(connection, Job(kind=READ, id=delivery_id))

    def tell(
        self,
        connection: Connection,
        session: Session,
        text: str,
        now: datetime,
        *,
        progress: bool = False,
    ) -> None:
        """Queue a message for the thread in which the session began, if it has one; or, of its
        `progress`, a line for the one that is kept up to date."""
        if session.conversation is None or not text:
            return
        delivery_rows.add_notice(
            connection,
            session_id=session.id,
            conversation=session.conversation,
            text=text,
            now=now,
            progress=progress,
        )
        self._jobs.enqueue(connection, Job(kind=NOTIFY, id=session.conversation))

    def tell_of(self, connection: Connection, request: Request, text: str, now: datetime) -> None:
        """`tell` the session of a request how it goes on."""
        session = session_rows.get(connection, request.session_id)
        self.tell(connection, session, text, now, progress=True)

    def decided(self, connection: Connection, request: Request, now: datetime) -> None:
        """Show the decision, and wake the session once every request of the checkpoint is decided;
        until then, what is still open shows how many of the others are."""
        batch = request_rows.checkpoint_with(connection, request)
        pending = [r for r in batch if r.status is RequestStatus.PENDING]
        if request.status is RequestStatus.APPROVED and request.result is None and not pending:
            self._changes_soon(connection, request, now)  # it is run now
        else:
            self.changed(connection, request, now)
        for sibling in pending:
            self.changed(connection, sibling, now)
        if pending:
            return
        if self._handoff is not None and self._handoff.wake(connection, batch, now):
            self.run_here(connection, request.session_id)
            return
        session_rows.wake(connection, request.session_id, now)
        self.run(connection, request.session_id)
