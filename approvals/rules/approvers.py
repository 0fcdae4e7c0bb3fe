"""Approvers: whom a stage asks, and how that is said. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from countersign.approvals.models import People, Principal, Stage, Verdict, Vote

OWNER_ROLE = "owner"
"""Stands in a stage for whoever asked: the default answerer of an agent's own questions."""


def is_asked_by(person: Principal, stage: Stage) -> bool:
    """Whether a stage asks this person, whoever made the request."""
    return (
        person.id in stage.people
        or not person.roles.isdisjoint(stage.roles)
        or not person.groups.isdisjoint(stage.groups)
        or not person.on_call.isdisjoint(stage.on_call)
    )


def is_asked_without_duty(person: Principal, stage: Stage) -> bool:
    """Whether a stage asks this person also while they are not on call."""
    return is_asked_by(person.model_copy(update={"on_call": frozenset()}), stage)


def all_asked(people: People, stage: Stage) -> list[Principal]:
    """Everybody whom a stage asks, by id; of those on call, who is at the moment of `people`."""
    if not (stage.groups or stage.people or stage.on_call):
        return list(people.with_roles(stage.roles))
    found = {person.id: person for person in people.with_roles(stage.roles)}
    if stage.groups:
        found |= {p.id: p for p in people.everybody() if not p.groups.isdisjoint(stage.groups)}
    named = (people.by_id(id_) for id_ in stage.people)
    found |= {person.id: person for person in named if person is not None}
    if stage.on_call:
        found |= {person.id: person for person in people.on_call(stage.on_call)}
    return [found[id_] for id_ in sorted(found)]


def duties_of(stages: Iterable[Stage]) -> tuple[str, ...]:
    """The schedules that these stages name."""
    return tuple(dict.fromkeys(name for stage in stages for name in stage.on_call))


def lacking(stage: Stage, number: int, votes: Iterable[Vote]) -> bool:
    """Whether stage `number` needs more approvals than these votes on one revision give it."""
    given = {
        vote.seat
        for vote in votes
        if vote.verdict is not Verdict.REJECT and number in (vote.stage, *vote.also)
    }
    return len(given) < stage.quorum


def approvers(stages: Sequence[Stage]) -> str:
    """Whom these stages ask: `the role manager or controller, or the group finance`."""
    roles, groups, people, on_call = _names(stages)
    said = [f"the role {' or '.join(roles)}"] if roles else []
    said += [f"the group {' or '.join(groups)}"] if groups else []
    said += [f"the name {' or '.join(people)}"] if people else []
    said += [f"the on-call duty {' or '.join(on_call)}"] if on_call else []
    return ", or ".join(said)


def asked_in_words(stage: Stage) -> str:
    """`manager or controller`, `group finance`, `alex`, `on call for payments`: as a rule writes
    them."""
    groups = [f"group {group}" for group in stage.groups]
    on_call = [f"on call for {name}" for name in stage.on_call]
    return " or ".join([*stage.roles, *groups, *stage.people, *on_call])


def granted(stages: Sequence[Stage]) -> str:
    """What would have to be done so that these stages ask somebody else, too."""
    roles, groups, _, on_call = _names(stages)
    if roles:
        return f"gave them the role {' or '.join(roles)}"
    if groups:
        return f"put them into the group {' or '.join(groups)}"
    if on_call:
        return f"put them on call for {' or '.join(on_call)}"
    return "named them in the rule"


def no_longer(stage: Stage) -> str:
    """What somebody has lost whom this stage does not ask any more."""
    roles, groups, _, on_call = _names([stage])
    if roles and not (groups or on_call):
        return f"no longer holds the role {' or '.join(roles)}"
    return f"is no longer asked: it needs {approvers([stage])}"


def _names(stages: Sequence[Stage]) -> tuple[list[str], ...]:
    roles = list(dict.fromkeys(role for stage in stages for role in stage.roles))
    groups = list(dict.fromkeys(group for stage in stages for group in stage.groups))
    people = list(dict.fromkeys(str(person) for stage in stages for person in stage.people))
    on_call = list(duties_of(stages))
    return roles, groups, people, on_call
