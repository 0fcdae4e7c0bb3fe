"""Going on: a transaction of a run begins where its last one has ended, and does not read that.

Between a claim and its result, and from there to the end of the session, mostly nothing else
happens in it. What the run has left behind is compared in the statements that write; where it is
not so any more they change nothing, and it is all read as ever. SQLite only, which has one writer:
elsewhere the session has to be locked before anything else, and is read with that.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from countersign.approvals.decisions.handoff import Run
from countersign.approvals.decisions.moments import Moments
from countersign.approvals.errors import MovedOnError
from countersign.approvals.models import Request, RequestId
from countersign.approvals.ports import Left, Store, Unit

T = TypeVar("T")


def leave(unit: Unit, run: Run, request: Request | None = None) -> None:
    """Remember where this transaction of a run ends, with the request that it has claimed."""
    run.left.clear()
    if unit.connection.dialect.name != "sqlite":
        return
    session_id = run.session.id
    is_unshown = request is not None and request.id in unit.unshown

    def keep() -> None:
        left = Left(session_id, run.epoch, unit.heads[session_id], request, is_unshown)
        run.left[:] = [left]

    unit.after_commit.append(keep)


async def go_on(
    store: Store,
    moments: Moments,
    run: Run,
    work: Callable[[Unit], T],
    request_id: RequestId | None = None,
) -> T:
    """Do `work`, from where the run has ended last: with this request claimed, or, without one,
    with nothing under way."""
    left = run.left.pop() if run.left else None
    if left is not None and _fits(store, left, request_id):

        @wraps(work)  # it is that transaction, whoever names it
        def from_there(unit: Unit) -> T:
            unit.left, unit.heads[left.session_id] = left, left.head
            if left.request is not None and left.is_unshown:
                unit.unshown.add(left.request.id)
            return work(unit)

        try:
            return await store.unit(from_there, moments.now())
        except MovedOnError:
            pass
    return await store.unit(work, moments.now())


def _fits(store: Store, left: Left, request_id: RequestId | None) -> bool:
    """Whether it is what is asked for, and this process knows of nothing that came after it."""
    claimed = None if left.request is None else left.request.id
    return claimed == request_id and store.unsealed.of(left.session_id) in (None, left.head)
