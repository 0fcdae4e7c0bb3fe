"""Eligibility: who may still decide, so that different people can fill every open place.

`rules.authority` looks at one person and one vote. Here it is asked whether there is still
a set of different people, without whoever asked, who can fill all open stages: a bipartite
matching of places to people; taking the first who fits would say no where another choice fits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence

from countersign.approvals.models import (
    People,
    Principal,
    PrincipalId,
    Request,
    RequestKind,
    Stage,
    Value,
    Verdict,
    Vote,
)
from countersign.approvals.rules.approvers import OWNER_ROLE, all_asked, is_asked_by
from countersign.approvals.rules.segregation import keeps_any, keeps_out


class Asked(Value):
    """All that it depends on who may decide a request; equal for requests that are alike."""

    kind: RequestKind
    requester: PrincipalId
    stages: tuple[Stage, ...]
    stage: int = 0
    """The open one."""
    counted: tuple[tuple[PrincipalId, tuple[int, ...]], ...] = ()
    """Who has approved the current revision, and for which stages that counts."""
    rejected: tuple[PrincipalId, ...] = ()
    """Who has rejected it, where one rejection is not the decision."""

    @property
    def same_person(self) -> bool:
        """Whether one person may count for several stages."""
        return any(stage.same_person for stage in self.stages)


class Shortage(Value):
    """Stages that cannot be filled: together they need more people than are left for them."""

    stages: tuple[int, ...]
    places: int
    """How many are open in them."""
    people: tuple[Principal, ...]
    """Everybody who is left for them, ordered by id."""
    missing: int
    """How many places stay empty in all stages, whoever votes where."""


def asked(request: Request, votes: Iterable[Vote]) -> Asked:
    """What a request asks for, after these votes on any of its revisions."""
    cast = [vote for vote in votes if vote.revision == request.revision]
    mine = [vote for vote in cast if vote.verdict is not Verdict.REJECT]
    yes = [(vote.seat, (vote.stage, *vote.also)) for vote in mine]
    yes += [(vote.principal_id, ()) for vote in mine if vote.on_behalf_of]  # they have voted
    against = [vote for vote in cast if vote.verdict is Verdict.REJECT]
    no = {person for vote in against for person in (vote.seat, vote.principal_id)}
    return Asked.made(
        kind=request.kind,
        requester=request.requester,
        stages=request.stages,
        stage=request.stage,
        counted=tuple(sorted(yes)),
        rejected=tuple(sorted(no)),
    )


def open_now(ask: Asked) -> tuple[int, ...]:
    """The stages whose people may vote now: one, or all parallel ones beside it that need any."""
    places, stages = _open_places(ask), ask.stages
    end = ask.stage + 1
    while 0 < end < len(stages) and stages[end - 1].parallel and stages[end].parallel:
        end += 1
    return tuple(number for number in range(ask.stage, min(end, len(stages))) if number in places)


def missing(ask: Asked) -> int:
    """How many approvals the open stages still need."""
    places = _open_places(ask)
    return sum(places[number] for number in open_now(ask))


def may_fill(ask: Asked, number: int, people: People) -> list[Principal]:
    """Everybody who has not voted yet and may vote in this stage once it is open, by id."""
    stage = ask.stages[number]
    voted = {*(person for person, _ in ask.counted), *ask.rejected}
    is_tool = ask.kind is RequestKind.TOOL
    found = {person.id: person for person in all_asked(people, stage)}
    if not is_tool and OWNER_ROLE in stage.roles and (owner := people.by_id(ask.requester)):
        found[owner.id] = owner
    if is_tool:
        found.pop(ask.requester, None)
        for delegate in people.delegates(ask.requester):
            found.pop(delegate.id, None)
        if keeps_any(ask.stages):
            out = [id_ for id_, each in found.items() if keeps_out(people, each, ask.stages)]
            for id_ in out:
                del found[id_]
    return [found[id_] for id_ in sorted(found) if id_ not in voted]


def shortage(ask: Asked, people: People) -> Shortage | None:
    """Why different people cannot fill every open place; None if they can.

    Without stages there is nobody whose vote could count.
    """
    if not ask.stages:
        return Shortage(stages=(), places=0, people=(), missing=1)
    places = _open_places(ask)
    fit = {number: may_fill(ask, number, people) for number in places}
    short = _alone(places, fit) if ask.same_person else _together(places, fit)
    if short is None:
        return None
    stages, missing = short
    left = {person.id: person for number in stages for person in fit[number]}
    return Shortage(
        stages=stages,
        places=sum(places[number] for number in stages),
        people=tuple(left[id_] for id_ in sorted(left)),
        missing=missing,
    )


def eligible(ask: Asked, people: People) -> tuple[Principal, ...]:
    """Who may decide an open stage now, by id: without those who are needed in another one."""
    if ask.stage >= len(ask.stages):
        return ()
    now, places = open_now(ask), _open_places(ask)
    fit = {n: may_fill(ask, n, people) for n in places}
    candidates = {person.id: person for n in now for person in fit[n]}
    everybody = tuple(candidates[id_] for id_ in sorted(candidates))
    if len(places) == 1 or ask.same_person:
        return everybody
    ids = {n: {person.id for person in fit[n]} for n in places}
    verdicts: dict[tuple[int, ...], bool] = {}  # people who can fill the same are alike
    kept = []
    for person in everybody:
        alike = tuple(n for n in places if person.id in ids[n])
        if alike not in verdicts:
            mine = [n for n in now if n in alike]
            verdicts[alike] = len(alike) == 1 or any(
                reserved(ask, person, people, n) is None for n in mine
            )
        if verdicts[alike]:
            kept.append(person)
    return tuple(kept)


def place_of(ask: Asked, person: Principal, people: People) -> int:
    """The open stage for which this person's vote counts: the one that leaves the others best
    filled; the first of those. `ask.stage` if none is open to them."""
    mine = [n for n in open_now(ask) if _fits(ask, n, person)]
    if len(mine) < 2 or ask.same_person:
        return mine[0] if mine else ask.stage

    def left(number: int) -> int:
        short = shortage(with_vote(ask, person, number), people)
        return 0 if short is None else short.missing

    return min(mine, key=left)


def _fits(ask: Asked, number: int, person: Principal) -> bool:
    stage = ask.stages[number]
    is_owner = ask.kind is not RequestKind.TOOL and person.id == ask.requester
    return is_asked_by(person, stage) or (is_owner and OWNER_ROLE in stage.roles)


def reserved(ask: Asked, person: Principal, people: People, number: int) -> Shortage | None:
    """The other stages that this person's approval of stage `number` would leave without anybody;
    None if they are as well filled afterwards as before."""
    after = shortage(with_vote(ask, person, number), people)
    if after is None:
        return None
    before = shortage(ask, people)
    return None if before is not None and after.missing <= before.missing else after


def with_vote(ask: Asked, person: Principal, number: int) -> Asked:
    """The same after this person has approved an open stage."""
    counted = ((person.id, (number, *counts_also(ask, person, number))), *ask.counted)
    return ask.model_copy(update={"counted": counted})


def counts_also(ask: Asked, person: Principal, number: int) -> tuple[int, ...]:
    """The other stages for which an approval of an open one counts as well."""
    return tuple(
        other
        for other, stage in enumerate(ask.stages)
        if other >= ask.stage
        and other != number
        and stage.same_person
        and is_asked_by(person, stage)
    )


def _open_places(ask: Asked) -> dict[int, int]:
    """How many people each stage still needs, for those that need any."""
    places = {}
    for number in range(ask.stage, len(ask.stages)):
        filled = sum(1 for _, stages in ask.counted if number in stages)
        if filled < ask.stages[number].quorum:
            places[number] = ask.stages[number].quorum - filled
    return places


_Fit = Mapping[int, Sequence[Principal]]


def _alone(places: Mapping[int, int], people: _Fit) -> tuple[tuple[int, ...], int] | None:
    """The stages that have too few people, each for itself, and how many are missing."""
    short = {n: places[n] - len(people[n]) for n in places if len(people[n]) < places[n]}
    return (tuple(short), sum(short.values())) if short else None


def _together(places: Mapping[int, int], people: _Fit) -> tuple[tuple[int, ...], int] | None:
    """Stages that have too few different people between them, and how many are missing in all."""
    seated: dict[PrincipalId, int] = {}
    stages: set[int] = set()
    missing = 0
    for number, count in places.items():
        for taken in range(count):
            tried = _seat(number, people, seated)
            if tried:
                stages |= tried
                missing += count - taken
                break
    return (tuple(sorted(stages)), missing) if missing else None


def _seat(start: int, people: _Fit, seated: dict[PrincipalId, int]) -> set[int]:
    """Give one more person to a stage, moving others between stages if need be.

    Empty if that was possible; else every stage from which somebody would have to come.
    """
    came_by: dict[PrincipalId, int] = {}
    left_by: dict[int, PrincipalId] = {}
    queue, tried = deque([start]), {start}
    while queue:
        number = queue.popleft()
        for person in people[number]:
            if person.id in came_by:
                continue
            came_by[person.id] = number
            sits = seated.get(person.id)
            if sits is None:
                for mover in _path(person.id, start, came_by, left_by):
                    seated[mover] = came_by[mover]
                return set()
            if sits not in tried:
                tried.add(sits)
                left_by[sits] = person.id
                queue.append(sits)
    return tried


def _path(
    free: PrincipalId,
    start: int,
    came_by: Mapping[PrincipalId, int],
    left_by: Mapping[int, PrincipalId],
) -> Iterator[PrincipalId]:
    """Who moves so that `free` can be seated, the last of the chain first."""
    mover = free
    yield mover
    while came_by[mover] != start:
        mover = left_by[came_by[mover]]
        yield mover
