"""Tiers: the stages of several rules as one sequence, in which nobody asked by any is left out."""

from __future__ import annotations

from collections.abc import Sequence

from countersign.approvals.models import Stage
from countersign.approvals.rules.counterparty import parties_of, with_parties

Stages = Sequence[Stage]


def merged(first: Stages, second: Stages) -> tuple[Stage, ...]:
    """The stages of both: those that ask the same people once, with the larger quorum.

    What one of them demands, all of it demands; one person counts for several stages only where
    both are the same, and who is a counterparty of one decides none.
    """
    if tuple(first) == tuple(second):
        return tuple(first)
    parties = parties_of([*first, *second])
    known, left = list(first), list(second)
    for number, stage in enumerate(known):
        alike = next((other for other in left if _asks_same(stage, other)), None)
        if alike is not None:
            left.remove(alike)
            known[number] = _stricter(stage, alike)
    every = (stage.model_copy(update={"same_person": False}) for stage in [*known, *left])
    return with_parties(every, parties) if parties else tuple(every)


def with_second_person(stages: Stages) -> tuple[Stage, ...]:
    """The stages, so that no one person can fill them all."""
    alone = [stage.model_copy(update={"same_person": False}) for stage in stages]
    if len(alone) == 1 and alone[0].quorum == 1:
        alone[0] = alone[0].model_copy(update={"quorum": 2})
    return tuple(alone)


def needs_more(before: Stages, after: Stages) -> list[tuple[Stage, int]]:
    """The stages of `after` for which those of `before` are not enough, each with how many people
    of the same kind were asked before."""
    left, more = list(before), []
    for stage in after:
        alike = next((other for other in left if _asks_same(stage, other)), None)
        if alike is not None:
            left.remove(alike)
        asked = 0 if alike is None else alike.quorum
        if stage.quorum > asked:
            more.append((stage, asked))
    return more


def _asks_same(one: Stage, other: Stage) -> bool:
    return all(set(a) == set(b) for a, b in zip(_who(one), _who(other), strict=True))


def _who(stage: Stage) -> tuple[tuple[str, ...], ...]:
    return stage.roles, stage.groups, stage.people, stage.on_call


def _stricter(one: Stage, other: Stage) -> Stage:
    return one.model_copy(
        update={
            "quorum": max(one.quorum, other.quorum),
            "rejects": min(one.rejects, other.rejects),
            "edits": one.edits and other.edits,
            "comment_required": one.comment_required or other.comment_required,
        }
    )
