"""Random interleavings of everything that can happen; `Machine.check` after every step.

COUNTERSIGN_MACHINE_EXAMPLES=1000 makes it a long run.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from countersign.approvals.forms.causes import Ending, SessionCause
from countersign.approvals.models import (
    Proposal,
    Request,
    RequestStatus,
    SessionId,
    Verdict,
)
from tests.approvals.machine import MACHINE_RULES, Machine, voter
from tests.doubles.chats import NOTHING_SAID
from tests.doubles.directory import ANNA, ERIN, acting

EXAMPLES = int(os.environ.get("COUNTERSIGN_MACHINE_EXAMPLES", "15"))
pytestmark = pytest.mark.timeout(60 + 5 * EXAMPLES)
TOOLS = st.sampled_from(
    [
        *("quote", "look", "quote", "wire", "pay", "human_input", "dream", "unheard"),
        *("band", "band", "band", "ship", "ship", "keep", "keep", "keep"),
    ]
)
AMOUNTS = st.sampled_from([1, 2, 100, 110, 250])
PEOPLE = st.sampled_from(["anna", "ben", "cara", "dave", "erin", "root"])
VERDICTS = st.sampled_from(
    [Verdict.APPROVE, Verdict.APPROVE, Verdict.MODIFY, Verdict.MODIFY, Verdict.REJECT]
)
PICK = st.integers(0, 1_000)
OFTEN = st.sampled_from([True, True, True, True, False])
Call = tuple[str, int, bool, bool]
"""Tool, amount, idempotent, and whether the arguments have a canonical form."""
CALLS = st.lists(st.tuples(TOOLS, AMOUNTS, st.booleans(), OFTEN), min_size=1, max_size=3)


class Approvals(RuleBasedStateMachine):
    """People, agents, clocks and crashes, in any order."""

    database = "sqlite"

    def __init__(self) -> None:
        super().__init__()
        self.machine = Machine(self.database)
        self.sessions: list[SessionId] = []
        self.requests: list[Request] = []

    def teardown(self) -> None:
        self.machine.check_replays()
        self.machine.close()

    @property
    def world(self) -> Any:
        return self.machine.world

    def _now(self, pick: int, *statuses: RequestStatus) -> Request:
        """A known request as it is now, rather one of `statuses`."""
        current = self.machine.now(self.requests)
        wanted = [r for r in current if r.status in statuses] or current
        return wanted[pick % len(wanted)]

    @rule(old=st.booleans(), pick=PICK, recent=OFTEN, calls=CALLS)
    def propose(self, old: bool, pick: int, recent: bool, calls: list[Call]) -> None:
        """A chat comes to tool calls: a new one, or one that has gone on."""
        if not (old and self.sessions):
            self.sessions.append(self.machine.do(self.world.start()).id)
        session_id = self.sessions[pick % len(self.sessions) if old else -1]
        self.machine.do(self.machine.begin(session_id))
        runs = [r for r in self.machine.runs if r.session.id == session_id]
        if not runs:
            return
        run = runs[-1] if recent else runs[pick % len(runs)]
        proposals = [self._proposal(session_id, *call) for call in calls]
        self.requests += self.machine.do(self.world.submit(run, *proposals)) or ()

    def _proposal(
        self, session_id: SessionId, tool: str, amount: int, idempotent: bool, fits: bool
    ) -> Proposal:
        proposal: Proposal
        if tool == "human_input":
            proposal = self.world.question(session_id)
            return proposal
        arguments = {"customer": "Contoso", "amount": amount if fits else 2**60}
        proposal = self.world.proposal(session_id, tool, arguments, idempotent=idempotent)
        return proposal

    @precondition(lambda self: self.requests)
    @rule(pick=PICK, verdict=VERDICTS, amount=AMOUNTS)
    def decide(self, pick: int, verdict: Verdict, amount: int) -> None:
        """All who can decide a checkpoint do so, one after the other."""
        checkpoint_id = self._now(pick, RequestStatus.PENDING).checkpoint_id
        for one in [r for r in self.requests if r.checkpoint_id == checkpoint_id]:
            mine = verdict
            for who in ("ben", "cara", "erin", "dave", "anna"):
                request = self.machine.do(self.world.now(one))
                self._vote(request, who, mine, request.digest, amount)
                mine = Verdict.APPROVE if mine is Verdict.MODIFY else mine
            verdict = Verdict.APPROVE

    @rule(
        call=st.tuples(st.sampled_from(["keep", "keep", "band", "ship", "quote"]), AMOUNTS),
        edit=st.tuples(PEOPLE, st.none() | AMOUNTS),
        order=st.permutations(["ben", "cara", "dave", "erin", "anna"]),
        lent=st.tuples(
            st.sampled_from(["anna", "ben", "cara"]),
            st.sampled_from(["ben", "cara", "erin"]),
            st.sampled_from(["", "before", "after", "after"]),
        ),
    )
    def carry_out(
        self,
        call: tuple[str, int],
        edit: tuple[str, int | None],
        order: list[str],
        lent: tuple[str, str, str],
    ) -> None:
        """One call from its proposal to its claim, which random steps seldom come to: changed by
        somebody or not, with a delegation that comes or goes on the way."""
        session_id = self.machine.do(self.world.start()).id
        self.sessions.append(session_id)
        self.machine.do(self.machine.begin(session_id))
        proposal = self._proposal(session_id, *call, False, True)
        proposed = self.machine.do(self.world.submit(self.machine.runs[-1], proposal)) or ()
        self.requests += proposed
        for request in proposed:
            (editor, amount), (giver, delegate, when) = edit, lent
            if amount is not None:
                self._vote(request, editor, Verdict.MODIFY, request.digest, amount)
            if when == "before":
                self.machine.do(self.machine.delegate(giver, delegate))
            for who in order:
                now = self.machine.do(self.world.now(request))
                self._vote(now, who, Verdict.APPROVE, now.digest, 0)
            if when == "after":
                self.machine.do(self.machine.delegate(giver, delegate))
            now = self.machine.do(self.world.now(request))
            self.machine.do(self.machine.begin(session_id))
            run = self.machine.runs[-1]
            self.machine.do(self.machine.claim(run, request.id, now.arguments))

    @precondition(lambda self: self.requests)
    @rule(pick=PICK, who=PEOPLE, verdict=VERDICTS, amount=AMOUNTS, fresh=OFTEN)
    def vote(self, pick: int, who: str, verdict: Verdict, amount: int, fresh: bool) -> None:
        """Somebody votes, on what they see now or on what they saw before."""
        request = self._now(pick, RequestStatus.PENDING)
        seen = request if fresh else self.requests[pick % len(self.requests)]
        self._vote(request, who, verdict, seen.digest, amount)

    def _vote(self, request: Request, who: str, verdict: Verdict, digest: str, amount: int) -> None:
        edited = {"customer": "Contoso", "amount": amount}
        if verdict is Verdict.MODIFY:
            self.machine.editors[request.id] |= {who, *self.machine.givers(who)}
        self.machine.do(
            self.world.approvals.vote(
                request.id,
                voter(who),
                verdict=verdict,
                digest=digest,
                arguments=edited if verdict is Verdict.MODIFY else None,
                comment="Because.",
            )
        )

    @precondition(lambda self: self.requests)
    @rule(pick=PICK, who=PEOPLE)
    def withdraw(self, pick: int, who: str) -> None:
        """Somebody takes a vote back, if they have one."""
        request = self._now(pick, RequestStatus.PENDING)
        self.machine.do(self.world.approvals.withdraw(request.id, voter(who)))

    @precondition(lambda self: self.requests)
    @rule(pick=PICK, who=PEOPLE, again=st.booleans())
    def revoke(self, pick: int, who: str, again: bool) -> None:
        """Somebody revokes an approval, which may be used already."""
        request = self._now(pick, RequestStatus.APPROVED)
        self.machine.do(
            self.world.approvals.revoke(
                request.id, voter(who), reason="Second thoughts.", ask_again=again
            )
        )

    @rule(giver=PEOPLE, delegate=PEOPLE)
    def delegate(self, giver: str, delegate: str) -> None:
        """Somebody lets somebody else decide for them, or does not any more."""
        self.machine.do(self.machine.delegate(giver, delegate))

    @rule(tool=st.sampled_from(["quote", "band", "keep", ""]))
    def pause(self, tool: str) -> None:
        """Somebody pauses a tool, or everything."""
        self.machine.do(self.machine.pause(tool, on=True))

    @precondition(lambda self: self.machine.paused)
    @rule(everything=OFTEN)
    def unpause(self, everything: bool) -> None:
        """Somebody lets it go on: mostly all there is."""
        for tool in list(self.machine.paused)[: None if everything else 1]:
            self.machine.do(self.machine.pause(tool, on=False))

    @precondition(lambda self: self.requests)
    @rule(pick=PICK, who=PEOPLE, uses=st.integers(1, 3))
    def grant(self, pick: int, who: str, uses: int) -> None:
        """Somebody gives a standing yes on a call that waits, which most rules refuse."""
        known = [each for each in self.requests if each.tool == "keep"] or self.requests
        (request,) = self.machine.now([known[pick % len(known)]])
        self.machine.do(self.machine.give(request, who, uses))

    @precondition(lambda self: self.machine.grants)
    @rule(pick=PICK, who=PEOPLE)
    def revoke_grant(self, pick: int, who: str) -> None:
        """Somebody takes a standing yes back."""
        self.machine.do(self.machine.take_back(pick, who))

    @precondition(lambda self: self.requests)
    @rule(pick=PICK, recent=OFTEN, as_approved=OFTEN, crash=st.booleans())
    def resume(self, pick: int, recent: bool, as_approved: bool, crash: bool) -> None:
        """A session goes on, perhaps after the crash of its owner, and claims what was proposed
        together: that of its open checkpoint, or, as no gate would, of an earlier one."""
        if crash:
            self.world.clock.advance(31)
        wanted = RequestStatus.EXECUTING if crash else RequestStatus.APPROVED
        request = self._now(pick, wanted, RequestStatus.APPROVED)
        self.machine.do(self.machine.begin(request.session_id))
        runs = [r for r in self.machine.runs if r.session.id == request.session_id]
        if not runs:
            return
        run = runs[-1] if recent else runs[pick % len(runs)]
        for one in self.requests:
            if one.checkpoint_id == request.checkpoint_id:
                now = self.machine.do(self.world.now(one))
                arguments = now.arguments if as_approved else {"customer": "Eve", "amount": 1}
                self.machine.do(self.machine.claim(run, one.id, arguments))

    @precondition(lambda self: self.machine.running)
    @rule(pick=PICK, how=st.sampled_from(["done", "harmless", "raised"]))
    def finish(self, pick: int, how: str) -> None:
        """A tool body comes back, perhaps long after its run was lost."""
        number = pick % len(self.machine.running)
        self.machine.do(self.machine.finish(number, how=how))

    @precondition(lambda self: self.requests)
    @rule(pick=PICK, who=PEOPLE, happened=st.booleans())
    def settle(self, pick: int, who: str, happened: bool) -> None:
        """Somebody says what became of a call, which may be in doubt or not."""
        request = self._now(pick, RequestStatus.IN_DOUBT)
        self.machine.do(
            self.world.approvals.resolve(request.id, voter(who), happened=happened, note="Looked.")
        )

    @precondition(lambda self: self.requests)
    @rule(pick=PICK, what=st.sampled_from(["expire", "cancel", "try to cancel", "doubt", "wait"]))
    def end(self, pick: int, what: str) -> None:
        """Time and people end what was asked for."""
        request, approvals = self._now(pick, RequestStatus.PENDING), self.world.approvals
        if what == "expire":
            self.world.clock.advance(3600)
            self.machine.do(approvals.expire(request.id))
        elif what == "doubt":
            self.machine.do(self.world.runs.doubt(self._now(pick, RequestStatus.EXECUTING).id))
        elif what == "wait":
            self.world.clock.advance(29)
        else:
            actor = acting(ANNA if what == "cancel" else ERIN)
            self.machine.do(approvals.cancel(request.session_id, actor))

    @precondition(lambda self: self.machine.runs)
    @rule(pick=PICK, how=st.sampled_from(["complete", "fail", "park", "renew"]))
    def leave(self, pick: int, how: str) -> None:
        """A run ends, gives up for now, or holds on."""
        run, runs = self.machine.runs[pick % len(self.machine.runs)], self.world.runs
        steps = {
            "complete": lambda: runs.complete(
                run, state=NOTHING_SAID, ending=Ending(cause=SessionCause.ANSWERED)
            ),
            "fail": lambda: runs.fail(run, error="No model."),
            "park": lambda: runs.park(run, error="No model."),
            "renew": lambda: runs.renew([run]),
        }
        self.machine.do(steps[how]())

    @rule(
        change=st.sampled_from(["revoke", "deny", "shadow", "other people", "as before", "leave"])
    )
    def rules_change(self, change: str) -> None:
        """Somebody loses a role or leaves a group, or the server restarts with another policy."""
        rules: dict[str, Any] = {
            "deny": "deny",
            "shadow": "shadow",
            "other people": {"effect": "require_approval", "roles": ["controller"]},
        }
        self.world.directory.set_roles("ben", *([] if change == "revoke" else ["manager"]))
        groups = frozenset() if change == "leave" else frozenset({"finance"})
        dave = self.world.directory.by_id("dave")
        self.world.directory.put(dave.model_copy(update={"groups": groups}))
        tools = dict(MACHINE_RULES["tools"])
        if change in rules:
            tools["quote"] = rules[change]
        self.world.use({**MACHINE_RULES, "tools": tools})

    @invariant()
    def all_holds(self) -> None:
        """See `Machine.check`."""
        self.machine.check()


class OnPostgres(Approvals):
    """The same on PostgreSQL."""

    database = "postgresql"


def _settings(examples: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


TestApprovals = Approvals.TestCase
TestApprovals.settings = _settings(EXAMPLES)
TestOnPostgres = OnPostgres.TestCase
TestOnPostgres.settings = _settings(max(EXAMPLES // 3, 1))
