"""Deciders: who could decide a call that somebody wrote down, and what keeps it from running."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from countersign.approvals.forms.on_call import on_call_words
from countersign.approvals.forms.wording import people_in_words
from countersign.approvals.models import (
    GIVEN,
    Delegation,
    Domains,
    Pause,
    People,
    Principal,
    PrincipalId,
    RequestKind,
    Ruling,
    Subject,
)
from countersign.approvals.rules.approvers import all_asked, duties_of
from countersign.approvals.rules.counterparty import parties_of
from countersign.approvals.rules.eligibility import Asked, may_fill
from countersign.approvals.rules.pausing import covers
from countersign.approvals.rules.segregation import keeps_out
from countersign.approvals.rules.shortfall import shortfall


@dataclass(frozen=True)
class Around:
    """What the database knows besides the rules: what is paused, and who decides for whom."""

    pauses: tuple[Pause, ...] = ()
    delegations: tuple[Delegation, ...] = ()

    def people(self, listed: People) -> People:
        """With those who stand in for them."""
        return listed.also_given(self.delegations, {GIVEN: 0}) if self.delegations else listed

    def paused(self, subject: Subject, domains: Domains) -> Iterator[str]:
        """What holds a call, line by line."""
        for pause in self.pauses:
            if covers(pause.scope, subject, domains):
                yield f"{pause.words.rstrip('.')}; it does not begin before that has ended"


NOTHING_KNOWN = Around()


@dataclass(frozen=True)
class Deciders:
    """Who could decide a call under a ruling, of these people at that time."""

    ruling: Ruling
    requester: str | None
    people: People
    ask: Asked = field(init=False)

    def __post_init__(self) -> None:
        asked = Asked(
            kind=RequestKind.TOOL,
            requester=PrincipalId(self.requester or ""),
            stages=self.ruling.stages,
        )
        object.__setattr__(self, "ask", asked)

    def lines(self) -> Iterator[str]:
        """By stage, then who is kept out, then why nobody is left if so."""
        for number in range(len(self.ruling.stages)):
            step = f"step {number + 1}: " if len(self.ruling.stages) > 1 else ""
            yield f"  {step}{people_in_words(list(self._who(number)))} can decide it"
        for duty in self.people.duties(duties_of(self.ruling.stages)):
            yield f"  {on_call_words(duty)}"
        if duties_of(self.ruling.stages) and not self.people.rota.schedules:
            yield "  who is on call is only known where the server's database is (DATABASE_URL)"
            return
        yield from self._kept_out()
        short = shortfall(self.ask, self.people)
        if short is not None:
            yield f"  {short.text}"

    def _who(self, number: int) -> Iterator[Principal]:
        """Those whom a stage asks, and who stands in for one of them."""
        fit = may_fill(self.ask, number, self.people)
        yield from fit
        roles, own = self.ruling.stages[number].roles, {person.id for person in fit}
        for giver in fit:
            for delegate in self.people.delegates(giver.id):
                if delegate.id not in own and self._stands_in(delegate, giver, roles):
                    own.add(delegate.id)
                    name = f"{delegate.name} (for {giver.name})"
                    yield delegate.model_copy(update={"name": name})

    def _stands_in(self, delegate: Principal, giver: Principal, roles: tuple[str, ...]) -> bool:
        givers = {person.id: carried for person, carried in self.people.givers(delegate.id)}
        if delegate.id == self.requester or self.requester in givers:
            return False
        if keeps_out(self.people, delegate, self.ruling.stages) is not None:
            return False
        return not givers[giver.id].isdisjoint(roles)

    def _kept_out(self) -> Iterator[str]:
        stages = self.ruling.stages
        asked = {p.id: p for stage in stages for p in all_asked(self.people, stage)}
        asker = asked.pop(PrincipalId(self.requester or ""), None)
        if asker is not None:
            yield f"  {asker.name} may not: nobody decides their own call"
        out = [p for p in asked.values() if keeps_out(self.people, p, stages) is not None]
        if out:
            whom = " and ".join(parties_of(stages))
            who = people_in_words(out, conjunction="and")
            yield f"  {who} may not: the call is with {whom}"
