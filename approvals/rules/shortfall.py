"""Shortfall: nobody, or too few people, can decide; why, and who could."""

from __future__ import annotations

from collections.abc import Sequence

from countersign.approvals.forms.wording import people_in_words
from countersign.approvals.models import (
    Effect,
    People,
    Principal,
    PrincipalId,
    RequestKind,
    Ruling,
    Value,
)
from countersign.approvals.rules.authority import OWNER_ROLE
from countersign.approvals.rules.eligibility import (
    Asked,
    Shortage,
    eligible,
    may_fill,
    reserved,
    shortage,
    with_vote,
)


class Shortfall(Value):
    """Why a request cannot be decided as things are, and who could if they were given roles."""

    why: str
    roles: tuple[str, ...]
    could: tuple[Principal, ...]

    @property
    def text(self) -> str:
        """Both as sentences."""
        roles = _named("role", self.roles)
        if not self.could:
            return f"{self.why} There is nobody else: add a person with the {roles} to `people`."
        who = people_in_words(self.could)
        return f"{self.why} {who} could decide it if an administrator gave them the {roles}."


def shortfall(ask: Asked, people: People) -> Shortfall | None:
    """What keeps different people from filling every open place; None if nothing does."""
    short = shortage(ask, people)
    if short is None:
        return None
    roles = _roles(ask, short.stages)
    return Shortfall(
        why=_why(ask, short, roles, people), roles=roles, could=_could(ask, short, people)
    )


def of_ruling(
    ruling: Ruling, kind: RequestKind, requester: PrincipalId, people: People
) -> Shortfall | None:
    """`shortfall` of a call that is about to be asked; None if people are not asked at all."""
    if ruling.effect is not Effect.REQUIRE_APPROVAL:
        return None
    ask = Asked(kind=kind, requester=requester, stages=ruling.stages)
    return shortfall(ask, people)


def against_approval(ask: Asked, person: Principal, people: People, *, revised: bool) -> str | None:
    """Why this person's approval of the open stage does not count; None if it does.

    With `revised` they have changed the arguments, so that all stages begin anew: then different
    people must be able to fill them, also if that was not so before.
    """
    after = with_vote(ask, person)
    short = shortage(after, people) if revised else reserved(ask, person, people)
    if short is None:
        return None
    step, later = _steps((ask.stage,)), _steps(short.stages)
    roles = _named("role", _roles(ask, short.stages))
    said = (
        f"Your approval of {step} would leave too few people for {later}, which "
        f"{_need(short.stages)} the {roles}: "
        "one person counts once."
    )
    others = [p for p in eligible(ask, people) if p.id != person.id]
    if not others:
        return f"{said} An administrator has to give somebody else that role first."
    return f"{said} Leave {step} to {people_in_words(others)}."


def _why(ask: Asked, short: Shortage, roles: tuple[str, ...], people: People) -> str:
    if not ask.stages:
        return "Nobody can decide it: its rule names no approvers."
    where = "It needs"
    if len(ask.stages) > 1:
        where = f"{_steps(short.stages).capitalize()} {_need(short.stages)}"
    places = "one person" if short.places == 1 else f"{short.places} different people"
    need = f"{where} {places} with the {_named('role', roles)}"
    asker = people.by_id(ask.requester)
    holds = asker is not None and ask.kind is RequestKind.TOOL and asker.roles.intersection(roles)
    if asker is not None and holds and not short.people:
        return f"Nobody but {people_in_words([asker])}, who asked, may decide it. {need}."
    left = f"only {people_in_words(short.people, conjunction='and')}" if short.people else "nobody"
    verb = "are" if len(short.people) > 1 else "is"
    aside = f", as {people_in_words([asker])} asked" if asker is not None and holds else ""
    return f"{need}, and there {verb} {left}{aside}."


def _could(ask: Asked, short: Shortage, people: People) -> tuple[Principal, ...]:
    """Everybody who may vote and is not left for these stages already."""
    out = {person for person, _ in ask.counted} | {person.id for person in short.people}
    if ask.kind is RequestKind.TOOL:
        out.add(ask.requester)
    if len(ask.stages) > 1:  # nor whoever already fills another open stage
        others = set(range(ask.stage, len(ask.stages))) - set(short.stages)
        out |= {p.id for number in others for p in may_fill(ask, number, people)}
    return tuple(person for person in people.everybody() if person.id not in out)


def _roles(ask: Asked, stages: Sequence[int]) -> tuple[str, ...]:
    named = [role for number in stages for role in ask.stages[number].roles]
    if ask.kind is RequestKind.TOOL:
        named = [role for role in named if role != OWNER_ROLE] or named
    return tuple(dict.fromkeys(named))


def _named(word: str, roles: Sequence[str]) -> str:
    return f"{word} {' or '.join(roles)}"


def _need(stages: Sequence[int]) -> str:
    return "needs" if len(stages) == 1 else "need"


def _steps(stages: Sequence[int]) -> str:
    numbers = [str(number + 1) for number in stages]
    if len(numbers) == 1:
        return f"step {numbers[0]}"
    return f"steps {', '.join(numbers[:-1])} and {numbers[-1]}"
