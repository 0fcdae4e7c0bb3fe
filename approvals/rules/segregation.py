"""Segregation: who has to do with a call, so that they decide nothing of it. Pure.

Whoever the call is with, by what its arguments say; and whoever has changed it, where its rule says
so. Asked when a person votes and again when the call is about to run; who stands in for somebody
who is kept out is kept out with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

from countersign.approvals.models import People, Principal, PrincipalId, Stage
from countersign.approvals.rules.counterparty import is_party, with_parties


class Tie(StrEnum):
    """What somebody has to do with a call."""

    PARTY = "party"
    EDITOR = "editor"


_OWN = {
    Tie.PARTY: "You are the counterparty of this call",
    Tie.EDITOR: "You have changed this call, and above the limit of its rule who does is kept out",
}
_LENT = {
    Tie.PARTY: "You stand in for {name}, whom this call is with",
    Tie.EDITOR: "You stand in for {name}, who has changed this call",
}
_OTHERS = {Tie.PARTY: "is its counterparty", Tie.EDITOR: "has changed it"}


def editors_of(stages: Iterable[Stage]) -> tuple[PrincipalId, ...]:
    """Who has changed the call, where its rule may keep them out."""
    return tuple(dict.fromkeys(id_ for stage in stages for id_ in stage.editors))


def with_editors(
    stages: Iterable[Stage], editors: Sequence[PrincipalId], *, decide: bool
) -> tuple[Stage, ...]:
    """The stages of a call that these have changed; `decide` says whether they may decide it."""
    update = {"editors": tuple(editors), "without_editors": not decide}
    return tuple(stage.model_copy(update=update) for stage in stages)


def as_ruled(stages: Iterable[Stage]) -> tuple[Stage, ...]:
    """The stages as their rule has them, whomever a call is with and whoever has changed it."""
    return with_editors(with_parties(stages, ()), (), decide=True)


def keeps_any(stages: Iterable[Stage]) -> bool:
    """Whether a call keeps anybody out, whoever that is."""
    return any(stage.parties or stage.without_editors for stage in stages)


def tie_of(person: Principal, stages: Sequence[Stage]) -> Tie | None:
    """Why this person does not decide a call themselves; None if they may."""
    if is_party(person, stages):
        return Tie.PARTY
    if any(stage.without_editors for stage in stages) and person.id in editors_of(stages):
        return Tie.EDITOR
    return None


def keeps_out(people: People, person: Principal, stages: Sequence[Stage]) -> Principal | None:
    """Who keeps this person from deciding: themselves, or whom they stand in for; None if nobody
    does."""
    if not keeps_any(stages):
        return None
    if tie_of(person, stages) is not None:
        return person
    givers = (giver for giver, _ in people.givers(person.id))
    return next((giver for giver in givers if tie_of(giver, stages) is not None), None)


def own_reason(person: Principal, stages: Sequence[Stage]) -> str | None:
    """Why this person is kept out, as they are told it, without the full stop; None if they are
    not."""
    tie = tie_of(person, stages)
    return None if tie is None else _OWN[tie]


def lent_reason(person: Principal, giver: Principal, stages: Sequence[Stage]) -> str:
    """Why this person is kept out by `giver`, for whom they stand in."""
    return _LENT[tie_of(giver, stages) or Tie.PARTY].format(name=giver.name)


def reason_since(person: Principal, by: Principal, stages: Sequence[Stage]) -> str:
    """Why somebody who has approved is kept out now: `is its counterparty`."""
    if by.id != person.id:
        return f"stands in for {by.name}"
    return _OTHERS[tie_of(person, stages) or Tie.PARTY]
