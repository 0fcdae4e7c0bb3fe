"""One way to put the domain together, for the server, the benchmark and the tests."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from countersign.approvals.approvals import Approvals
from countersign.approvals.audit.private import PrivateRule
from countersign.approvals.decisions.answering import Answering
from countersign.approvals.decisions.archiving import Archiving
from countersign.approvals.decisions.asking import Asking
from countersign.approvals.decisions.budgeting import Budgeting
from countersign.approvals.decisions.canaries import Canaries
from countersign.approvals.decisions.cancelling import Cancelling
from countersign.approvals.decisions.claims import Claims
from countersign.approvals.decisions.deadlines import Deadlines
from countersign.approvals.decisions.delegating import Delegating
from countersign.approvals.decisions.doubts import Doubts
from countersign.approvals.decisions.editing import Editing
from countersign.approvals.decisions.erasing import Erasing
from countersign.approvals.decisions.grant_uses import GrantUses
from countersign.approvals.decisions.granting import Granting
from countersign.approvals.decisions.handoff import Handoff
from countersign.approvals.decisions.holding import Holding
from countersign.approvals.decisions.long_results import RESULT_CHARS
from countersign.approvals.decisions.moments import Moments
from countersign.approvals.decisions.one_outbox import OneOutbox
from countersign.approvals.decisions.outbox import (
    CANARIES,
    DELIVER,
    DOUBT,
    EXPIRE,
    NOTIFY,
    REMIND,
    TELL_DELEGATE,
    TELL_PAUSE,
    Outbox,
)
from countersign.approvals.decisions.outcomes import Outcomes
from countersign.approvals.decisions.pausing import Pausing
from countersign.approvals.decisions.proposing import Proposing
from countersign.approvals.decisions.questions import Questions
from countersign.approvals.decisions.reasking import Reasking
from countersign.approvals.decisions.recording import Recording
from countersign.approvals.decisions.review import Review
from countersign.approvals.decisions.revoking import Revoking
from countersign.approvals.decisions.rolling import Rolling
from countersign.approvals.decisions.rollouts import Rollouts
from countersign.approvals.decisions.sharing import Sharing
from countersign.approvals.decisions.shift_changes import SHIFTS, ShiftChanges
from countersign.approvals.decisions.starting import Starting
from countersign.approvals.decisions.steps import Steps
from countersign.approvals.decisions.submitting import Submitting
from countersign.approvals.decisions.undoing import Undoing
from countersign.approvals.decisions.voting import Voting
from countersign.approvals.decisions.withdrawing import Withdrawing
from countersign.approvals.delivery.courier import Courier
from countersign.approvals.observer import SILENT, Observer
from countersign.approvals.ports import (
    Channels,
    Clock,
    Directory,
    Jobs,
    NoProofs,
    Proofs,
    Store,
    ToolCatalog,
)
from countersign.approvals.records import Records
from countersign.approvals.rules.policies import Policies
from countersign.approvals.runs import TOOL_TIMEOUT_S, Runs

NO_PROOFS = NoProofs()


@dataclass(frozen=True)
class Domain:
    """What people, agents, channels and jobs call; all parts share one store and one outbox."""

    records: Records
    approvals: Approvals
    runs: Runs
    courier: Courier
    review: Review
    outbox: Outbox
    handoff: Handoff
    answering: Answering
    """Of questions, by the agents."""
    erasing: Erasing
    holding: Holding
    archiving: Archiving
    shift_changes: ShiftChanges
    canaries: Canaries

    def answer(self, jobs: Jobs) -> None:
        """Be the handler of every kind of job that needs neither agents nor ticket systems."""
        jobs.handle(DELIVER, self.courier.deliver)
        jobs.handle(NOTIFY, self.courier.notify)
        jobs.handle(REMIND, self.courier.remind)
        jobs.handle(EXPIRE, self.approvals.expire)
        jobs.handle(DOUBT, self.runs.doubt)
        jobs.handle(TELL_PAUSE, self.approvals.pausing.tell)
        jobs.handle(TELL_DELEGATE, self.approvals.delegating.tell)
        jobs.handle(SHIFTS, self.shift_changes.run)
        jobs.handle(CANARIES, self.canaries.send)


def compose(
    store: Store,
    clock: Clock,
    jobs: Jobs,
    policies: Policies,
    directory: Directory,
    catalog: ToolCatalog,
    channels: Channels | None = None,
    *,
    observer: Observer = SILENT,
    handoff: Handoff | None = None,
    result_chars: int = RESULT_CHARS,
    tool_timeout_s: float = TOOL_TIMEOUT_S,
    proofs: Proofs = NO_PROOFS,
    private: Sequence[PrivateRule] = (),
    archive_dir: Path | None = None,
    sample_key: bytes | None = None,
) -> Domain:
    """The domain on `store`; `channels` by name are those in which requests can be shown.

    `handoff` keeps the leases of this process; by default they last 30 s and no session is taken
    over until it is opened. `proofs` takes proofs of presence; in `archive_dir` are archive files.
    With `sample_key` calls of a sample are drawn, and canaries.
    Nothing is read, written or started.
    """
    channels = {} if channels is None else channels
    handoff = Handoff(time.monotonic) if handoff is None else handoff
    moments = Moments(clock, directory, catalog, handoff, private)
    placings = {name: c.placing for name, c in channels.items()}
    sharing = Sharing(policies)
    outbox = Outbox(jobs, placings, handoff, sharing)
    rolling = Rolling(policies, sample_key)
    budgeting = Budgeting(policies, rolling)
    rollouts = Rollouts(store, moments, policies, rolling)
    asking = Asking(policies, catalog, outbox, budgeting)
    deadlines = Deadlines(policies, asking, Steps(policies, outbox), outbox)
    outcomes = Outcomes(policies, outbox, budgeting, result_chars=result_chars)
    granting, grants = Granting(store, moments, policies), GrantUses(store, policies, outbox)
    voting = Voting(policies, asking, deadlines, outbox, proofs, budgeting)
    proposing = Proposing(policies, catalog, grants)
    approvals = Approvals(
        store,
        moments,
        Editing(store, moments, policies, budgeting, catalog),
        outbox,
        voting,
        deadlines,
        Reasking(store, moments, policies, catalog, asking, outbox),
        Cancelling(outcomes, outbox),
        Doubts(store, moments, outbox, budgeting),
        Pausing(store, moments, policies, jobs, outbox),
        granting,
        Delegating(store, moments, policies, jobs, outbox),
        proofs,
        Withdrawing(store, moments, deadlines, outbox),
        Revoking(store, moments, asking, outbox),
        Questions(store, moments, deadlines, outbox),
        Undoing(store, moments, outbox, Starting(outbox, handoff), rollouts.regretted),
        Recording(store, moments, policies, catalog, outbox, rollouts.regretted),
        rollouts,
        lambda: OneOutbox(jobs, placings, handoff, sharing),
        observer=observer,
    )
    runs = Runs(
        store,
        moments,
        policies,
        Submitting(store, moments, proposing, outbox, grants, budgeting, voting),
        Claims(policies, asking, outcomes, outbox, grants, budgeting, observer),
        outcomes,
        asking,
        outbox,
        handoff,
        tool_timeout_s=tool_timeout_s,
    )
    records = Records(store, clock, directory, catalog, policies)
    courier = Courier(store, clock, records, approvals, channels, observer)
    review = Review(store, moments, outbox, observer)
    answering = Answering(store, moments, policies, outbox, runs.foresee, asking)
    erasing = Erasing(store, moments, policies, private)
    holding = Holding(store, moments, policies)
    archiving = Archiving(store, moments, policies, archive_dir)
    shifts = ShiftChanges(store, moments, outbox, review.run)
    about = records, approvals, runs, courier, review, outbox, handoff, answering
    around = moments, policies, catalog, proposing, budgeting, outbox
    canaries = Canaries(store, *around, sample_key)
    return Domain(*about, erasing, holding, archiving, shifts, canaries)
