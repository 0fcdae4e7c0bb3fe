"""Lease handoff: sessions that this process leased in the transaction that made them due.

A session that starts, or whose last request is decided, is due at once, and mostly the process that
writes so is the one that will run it. While it has room, it takes the lease in that transaction
instead of in one of its own, and the run waits here for the doorbell. If it never comes, the lease
ends as that of any process that died: the session is due again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from pydantic import Field

from countersign.approvals import ids
from countersign.approvals.models import (
    Request,
    RequestStatus,
    Session,
    SessionId,
    StoredChat,
    Value,
)
from countersign.approvals.ports import Left, NewLease, Unit
from countersign.approvals.store import leases as lease_rows
from countersign.approvals.store import sessions as session_rows

USABLE = 0.5
"""A run that has waited here for this share of its lease is left to expire: it could be lost before
it is renewed for the first time."""


class Run(Value):
    """One lease on one session; `epoch` fences every write of it."""

    session: Session
    epoch: int
    chat: StoredChat | None
    batch: tuple[Request, ...]
    age_s: float = 0.0
    """How long ago the lease was asked for when this was handed out."""
    left: list[Left] = Field(default_factory=list[Left])
    """What its last claim or result has left behind; empty where that is not known any more."""


class Handoff:
    """Shared by those who make sessions due and by those who run them, within one process."""

    def __init__(self, clock_s: Callable[[], float], *, lease_s: float = 30.0):
        """`clock_s` goes on while this process, or the whole machine, is suspended."""
        self.owner = ids.new_token()
        self.lease_s = lease_s
        self._clock_s = clock_s
        self._free: Callable[[], int] | None = None
        self._taken: dict[SessionId, tuple[Run, datetime, float]] = {}

    def open(self, free: Callable[[], int]) -> None:
        """Take sessions while `free()` says that so many more can be run at once."""
        self._free = free

    def room(self) -> int:
        """How many more sessions can be run here. Not for transactions."""
        return 0 if self._free is None else self._free()

    def shut(self) -> None:
        """Take no more, also in units that wait for their turn."""
        self._free = None

    def close(self) -> list[Run]:
        """Take no more. Returns what was taken and not handed over."""
        self.shut()
        taken = [run for run, *_ in self._taken.values()]
        self._taken.clear()
        return taken

    def lease(self, unit: Unit) -> NewLease | None:
        """The lease for a session that the unit makes due; None if it is to be left to whoever is
        free."""
        if self._free is None or len(self._taken) >= unit.moment.room:
            return None
        return NewLease(self.owner, unit.now + timedelta(seconds=self.lease_s))

    def started(self, unit: Unit, session: Session) -> None:
        """It was inserted with a lease from `lease`."""
        run = Run(session=session, epoch=session_rows.FIRST_EPOCH, chat=None, batch=())
        self._keep(unit, run)

    def wake(self, unit: Unit, batch: Sequence[Request]) -> bool:
        """Let the session of `batch`, a checkpoint that is decided, go on here. False if it does
        not wait, or is to be left to whoever is free; then nothing is changed."""
        if (lease := self.lease(unit)) is None:
            return False
        if any(r.status is RequestStatus.EXECUTING for r in batch):  # to be seen to by `begin`
            return False
        woken = lease_rows.wake_and_take(unit, batch[0].session_id, lease)
        if woken is None:
            return False
        session, epoch, chat = woken
        run = Run(session=session, epoch=epoch, chat=chat, batch=tuple(batch))
        self._keep(unit, run)
        return True

    def hand_over(self, session_id: SessionId, now: datetime) -> Run | None:
        """The run of a session that was taken, once."""
        for taken_id, (_, taken_at, asked_s) in self._taken.copy().items():
            if taken_id != session_id and not self._usable(self._age_s(taken_at, asked_s, now)):
                del self._taken[taken_id]  # its doorbell has never come
        if session_id not in self._taken:
            return None
        run, taken_at, asked_s = self._taken.pop(session_id)
        age_s = self._age_s(taken_at, asked_s, now)
        return run.model_copy(update={"age_s": age_s}) if self._usable(age_s) else None

    def _keep(self, unit: Unit, run: Run) -> None:
        taken = (run, unit.now, self._clock_s())
        unit.after_commit.append(lambda: self._taken.__setitem__(run.session.id, taken))

    def _age_s(self, taken_at: datetime, asked_s: float, now: datetime) -> float:
        """By the clock that counts on, and by that of the lease, which was read a moment before."""
        return max(self._clock_s() - asked_s, (now - taken_at).total_seconds())

    def _usable(self, age_s: float) -> bool:
        return age_s < USABLE * self.lease_s
