"""Replaying: what one policy would have said of each recorded call, and what would then have run.
Pure but for the uses that it is handed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from countersign.approvals.models import Effect, JsonObject, Ruling, ToolCall
from countersign.approvals.rules.budgets.charges import Charge, UncountableError, Used
from countersign.approvals.rules.budgets.judging import RUNS, judged, standing, uncountable
from countersign.approvals.rules.conditions.facts import Situation
from countersign.approvals.rules.policy import Policy
from countersign.approvals.rules.seeing import Needs, batch_of, history_of
from countersign.approvals.rules.simulation.recorded import Heard, Recorded
from countersign.approvals.rules.tool_rules import Rule

_SILENT = frozenset({Heard.NOBODY, Heard.OPEN})
"""Where no person has ever said anything."""
Roles = Callable[[str], frozenset[str]]


class Uses(Protocol):
    """What the calls that would have run have drawn on accounts."""

    def used(self, charge: Charge, at: datetime) -> Used:
        """Within the window of the charge."""
        ...

    def draw(self, charge: Charge, at: datetime) -> None:
        """Note one more."""
        ...


class Replayed(NamedTuple):
    """One call under one policy."""

    ruling: Ruling
    runs: bool
    """Whether it would have run, as far as anybody can say: see `Side`."""


class Side:
    """One policy, from the first call to the last.

    A call that it allows runs. One that it asks people about runs if people approved it at the
    time, or if nobody was asked then: what they would have said is not known, so that they approve
    is assumed. Budgets and `history` count what runs in this world, from the first call on; what
    conditions saw of earlier calls is taken from the record where the record has it.
    """

    def __init__(self, policy: Policy, uses: Uses, roles: Roles):
        """`roles` of a requester, by id, as they are today: the record has none."""
        self.policy, self._uses, self._roles = policy, uses, roles

    def replay(self, together: Sequence[Recorded]) -> list[Replayed]:
        """The calls of one checkpoint, in their order."""
        return [self._replay(each, together) for each in together]

    def _replay(self, recorded: Recorded, together: Sequence[Recorded]) -> Replayed:
        policy, call = self.policy, recorded.call
        situation = Situation.made(
            workflow=recorded.workflow,
            requester=recorded.requester,
            roles=self._roles(recorded.requester),
            at=recorded.at,
            history=None,
            batch=None,
            rollout=None,
        )
        needs = policy.needs(call, recorded.workflow)
        watched: Mapping[str, Charge] = {}
        if needs:
            watched = policy.watched(call, situation)
            seen = self._seen(needs, recorded, together, watched)
            situation = situation.model_copy(update=seen)
        ruling, charges = policy.rule(call, situation), list[Charge]()
        if ruling.effect in RUNS:
            ruling, charges = self._budgeted(ruling, call, situation, recorded.at)
        runs = _runs(ruling.effect, recorded)
        if runs:
            for charge in (*charges, *watched.values()):
                self._uses.draw(charge, recorded.at)
        return Replayed(ruling, runs)

    def _budgeted(
        self, ruling: Ruling, call: ToolCall, situation: Situation, at: datetime
    ) -> tuple[Ruling, list[Charge]]:
        try:
            charges = self.policy.charges(call, situation)
        except UncountableError as exc:
            return uncountable(ruling, exc), []
        if not charges:
            return ruling, []
        stands = [standing(each, self._uses.used(each, at), at) for each in charges]
        return judged(ruling, stands, self.policy.document.budgets), list(charges)

    def _seen(
        self,
        needs: Needs,
        recorded: Recorded,
        together: Sequence[Recorded],
        watched: Mapping[str, Charge],
    ) -> JsonObject:
        if needs.seen_in(recorded.seen):
            return dict(recorded.seen or {})
        seen: JsonObject = {}
        if needs.counted:
            counts = {
                name: self._uses.used(charge, recorded.at).count for name, charge in watched.items()
            }
            seen["history"] = history_of(needs, counts)
        if needs.batch:
            calls = [each.call for each in together]
            seen["batch"] = batch_of(calls, self.policy.book.reversibility, needs.totals)
        return seen


def _runs(effect: Effect, recorded: Recorded) -> bool:
    if effect is Effect.ALLOW:
        return True
    return effect is Effect.REQUIRE_APPROVAL and (recorded.ran or recorded.heard in _SILENT)


class Unchanged:
    """Of which tools two policies say the same, whatever the call: then one is asked for both."""

    def __init__(self, before: Policy, after: Policy):
        self._before, self._after = before, after
        self._known: dict[tuple[str, str], bool] = {}
        self._alike = (
            before.calendars == after.calendars and before.document.zone == after.document.zone
        )

    def __call__(self, recorded: Recorded) -> bool:
        """Whether they do of this call."""
        place = (recorded.workflow, recorded.call.tool)
        if place not in self._known:
            self._known[place] = self._alike and self._compare(*place)
        return self._known[place]

    def _compare(self, workflow: str, tool: str) -> bool:
        if self._before.names_of(tool) != self._after.names_of(tool):
            return False
        return all(self._same(workflow, name) for name in self._before.names_of(tool))

    def _same(self, workflow: str, tool: str) -> bool:
        """Neither counts anything of it, and the rules are the same, in the same order."""
        sides = (self._before, self._after)
        if any(each.is_for(tool) for side in sides for each in side.document.budgets.values()):
            return False
        if any(side.book.needs(workflow, tool) for side in sides):
            return False
        before, after = ((s.book.reversibility(tool), _lane(s, workflow, tool)) for s in sides)
        return before == after


def _lane(policy: Policy, workflow: str, tool: str) -> list[tuple[str, Rule]]:
    return [(entry.id, entry.rule) for entry in policy.book.lane(workflow, tool)]
