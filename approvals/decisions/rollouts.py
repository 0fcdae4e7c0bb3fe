"""Rollouts: moving a rule to another phase, by a person who accepts it, or by a regret.

Nothing moves up by itself. What a person accepts is the evidence that they have looked at: if it
has changed meanwhile, they look again.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog
from sqlalchemy import Connection

from countersign.approvals.audit.canonical import well_formed
from countersign.approvals.decisions.moments import Moments
from countersign.approvals.decisions.rolling import Rolling
from countersign.approvals.decisions.vote_input import MAX_COMMENT
from countersign.approvals.errors import (
    ConflictError,
    InvalidError,
    NotAuthorisedError,
    NotFoundError,
    StaleDigestError,
)
from countersign.approvals.forms.rollouts import PHASES
from countersign.approvals.models import (
    UNASKED,
    Actor,
    Phase,
    Principal,
    Request,
    RolloutMoved,
    RolloutStanding,
)
from countersign.approvals.ports import Store, Unit
from countersign.approvals.rules.entries import Entry
from countersign.approvals.rules.policies import Policies
from countersign.approvals.rules.policy import Policy
from countersign.approvals.rules.rollout.evidence import Evidence, reason_against_accepting
from countersign.approvals.rules.rollout.phases import rollouts, stands_at
from countersign.approvals.rules.rollout.terms import Rollout, meaning_of, terms_of
from countersign.approvals.store import directory_people, governance
from countersign.approvals.store import requests as request_rows
from countersign.approvals.store import rollouts as rollout_rows
from countersign.approvals.store.visible import Eyes

log = structlog.get_logger(__name__)
PROMOTED, DEMOTED, REGRET, CHANGED = "promoted", "demoted", "regret", "changed"


class Rollouts:
    """Says where rules stand, and moves them."""

    def __init__(self, store: Store, moments: Moments, policies: Policies, rolling: Rolling):
        self._store, self._moments = store, moments
        self._policies, self._rolling = policies, rolling

    async def all(self, reader: Principal) -> list[Evidence]:
        """What speaks for each rule and tool that come by phases, by tool. It counts the calls of
        all: where there are domains, administrators read it, and who may accept a move."""
        policy = self._policies.current
        entries = [(tool, entry) for _, tool, entry in rollouts(policy.book)]
        if self._moments.now().people.domains and reader.roles.isdisjoint(policy.administrators):
            entries = [(t, e) for t, e in entries if reader.roles & {*self.accepted_by(e.id)}]
        if not entries:
            return []
        return await self._store.read(
            lambda c: [self._rolling.evidence_of(c, entry, tool) for tool, entry in entries]
        )

    async def to_do_by_hand(self, reader: Principal, *, limit: int) -> list[Request]:
        """Calls in shadow of which nobody has said what they did, and that this person may read;
        the oldest first."""
        eyes = Eyes(reader, self._moments.now().people.domains)

        def read(connection: Connection) -> list[Request]:
            ids = rollout_rows.to_do_by_hand(connection, limit=limit)
            return eyes.requests(connection, request_rows.among(connection, ids))

        return await self._store.read(read)

    def phases(self, rule_id: str) -> tuple[Phase, ...]:
        """Those of a rule; () if it has none."""
        rule = self._policies.current.book.named(rule_id)
        return () if rule is None or rule.rollout is None else rule.rollout.phases

    def accepted_by(self, rule_id: str) -> tuple[str, ...]:
        """The roles of those who accept a move of a rule; () if it has no phases."""
        rule = self._policies.current.book.named(rule_id)
        return () if rule is None or rule.rollout is None else rule.rollout.accepted_by

    async def move(
        self, rule_id: str, tool: str, phase: Phase, actor: Actor, *, evidence: str, reason: str
    ) -> Evidence:
        """Put a rule at the next phase, or back to an earlier one, for a tool; `evidence` is the
        digest of what was looked at. The evidence as it is then.

        Raises NotFoundError; NotAuthorisedError; StaleDigestError where there is other evidence by
        now; ConflictError where it does not suffice; InvalidError.
        """
        reason = well_formed(reason).strip()
        if not 1 <= len(reason) <= MAX_COMMENT:
            raise InvalidError(f"Say why, in at most {MAX_COMMENT:,} characters.")

        def work(unit: Unit) -> Evidence:
            directory_people.require_current(unit)
            governance.locked(unit)
            entry = _entry(self._policies.current, rule_id, tool)
            terms = terms_of(entry.rule, entry.id)
            known, calls = self._rolling.observations(unit.connection, entry, tool)
            person = None
            if actor.principal is not None:
                person = unit.moment.people.by_id(actor.principal.id)
            if person is None:
                raise NotAuthorisedError("You are not known here.")
            against = reason_against_accepting(person.id, person.roles, terms, calls)
            if against is not None:
                raise NotAuthorisedError(against)
            if evidence != known.digest:
                raise StaleDigestError(
                    "There is other evidence than you have looked at by now; look again."
                )
            _require_fits(terms, known, phase)
            up = terms.phases.index(phase) > terms.phases.index(known.phase)
            moved = RolloutMoved(
                rule=rule_id,
                tool=tool,
                meaning=known.meaning,
                before=known.phase,
                after=phase,
                cause=PROMOTED if up else DEMOTED,
                reason=reason,
                by=person.id,
                via=actor.via,
                identity=actor.identity,
                on_request=None,
                evidence=known.model_dump(mode="json"),
            )
            put(unit, moved, person.name)
            return self._rolling.evidence_of(unit.connection, entry, tool)

        found = await self._moments.unit(self._store, work)
        log.info("rollout moved", rule=rule_id, tool=tool, phase=found.phase, via=actor.via)
        return found

    def regretted(self, unit: Unit, request: Request, actor: Actor, reason: str) -> None:
        """A call was taken back, or found wrong: if more were than may be, in a phase in which
        nobody may have been asked, its rule falls back to the last one in which people are."""
        if "rollout" not in (request.seen or {}):
            return
        policy = self._policies.current
        entries = policy.book.entries_of(request.tool)
        entry = next((each for each in entries if each.id == request.rule_id), None)
        terms = None if entry is None else entry.rule.rollout
        if entry is None or terms is None:
            return
        governance.locked(unit)
        known = self._rolling.evidence_of(unit.connection, entry, request.tool)
        if known.phase not in UNASKED or known.regrets <= terms.regrets:
            return
        name = "" if actor.principal is None else actor.principal.name
        moved = RolloutMoved(
            rule=entry.id,
            tool=request.tool,
            meaning=known.meaning,
            before=known.phase,
            after=terms.asked,
            cause=REGRET,
            reason=reason,
            by=None if actor.principal is None else actor.principal.id,
            via=actor.via,
            identity=actor.identity,
            on_request=request.id,
            evidence=known.model_dump(mode="json"),
        )
        put(unit, moved, name)
        unit.after_commit.append(
            lambda: log.warning("rollout fell back", rule=entry.id, tool=request.tool)
        )


def begin_with(policy: Policy) -> Callable[[Unit], None]:
    """A policy begins to rule: what stands at a phase of a rule that means something else now goes
    back to the first, and the ledger says so."""

    def work(unit: Unit) -> None:
        if not policy.by_phases:
            return
        known = {(entry.id, tool): entry for _, tool, entry in rollouts(policy.book)}
        for standing in rollout_rows.standings(unit.connection):
            entry = known.get((standing.rule_id, standing.tool))
            if entry is None or standing.meaning == meaning_of(entry.rule, entry.id):
                continue
            first = stands_at(entry.rule, entry.id, None)
            moved = RolloutMoved(
                rule=entry.id,
                tool=standing.tool,
                meaning=meaning_of(entry.rule, entry.id),
                before=standing.phase,
                after=first,
                cause=CHANGED,
                reason=f"The rule means something else now, so it begins at {PHASES[first]} again.",
                by=None,
                via=None,
                identity="",
                on_request=None,
                evidence=None,
            )
            put(unit, moved, "")

    return work


def put(unit: Unit, moved: RolloutMoved, by_name: str) -> None:
    """Write where a rule stands from now on, and tell the ledger."""
    standing = RolloutStanding(
        rule_id=moved.rule,
        tool=moved.tool,
        meaning=moved.meaning,
        phase=moved.after,
        since=unit.now,
        cause=moved.cause,
        by_name=by_name,
        reason=moved.reason,
    )
    rollout_rows.put(unit, standing)
    governance.append(unit, moved)


def _entry(policy: Policy, rule_id: str, tool: str) -> Entry:
    for _, name, entry in rollouts(policy.book):
        if (entry.id, name) == (rule_id, tool):
            return entry
    raise NotFoundError(f"There is no rule {rule_id} for {tool} that comes by phases.")


def _require_fits(terms: Rollout, known: Evidence, phase: Phase) -> None:
    """Raise InvalidError for a phase that there is not, or that is no next one; ConflictError where
    the evidence does not suffice."""
    if phase not in terms.phases or phase is known.phase:
        said = ", ".join(PHASES[each] for each in terms.phases if each is not known.phase)
        raise InvalidError(f"It is {PHASES[known.phase]}; there is: {said or 'no other phase'}.")
    if terms.phases.index(phase) < terms.phases.index(known.phase):
        return
    if phase is not known.next:
        after = "" if known.next is None else PHASES[known.next]
        raise InvalidError(f"After {PHASES[known.phase]} comes {after}; none is left out.")
    if known.missing:
        raise ConflictError(f"Not to {PHASES[phase]} yet: {' '.join(known.missing)}")
