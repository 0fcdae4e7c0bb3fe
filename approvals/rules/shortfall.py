"""Shortfall: nobody, or too few people, can decide; why, and who could."""

from __future__ import annotations

from collections.abc import Sequence

from countersign.approvals.forms.on_call import on_call_words
from countersign.approvals.forms.wording import people_in_words
from countersign.approvals.models import (
    Effect,
    People,
    Principal,
    PrincipalId,
    RequestKind,
    Ruling,
    Stage,
    Value,
)
from countersign.approvals.rules.approvers import (
    OWNER_ROLE,
    all_asked,
    approvers,
    duties_of,
    granted,
    is_asked_by,
)
from countersign.approvals.rules.eligibility import (
    Asked,
    Shortage,
    eligible,
    may_fill,
    place_of,
    reserved,
    shortage,
    with_vote,
)
from countersign.approvals.rules.segregation import Tie, keeps_any, keeps_out, tie_of


class Shortfall(Value):
    """Why a request cannot be decided as things are, and who could if they were given roles."""

    why: str
    needs: str
    """Whom it asks: `the role manager`."""
    how: str
    """What an administrator would have to do for them: `gave them the role manager`."""
    could: tuple[Principal, ...]

    @property
    def text(self) -> str:
        """Both as sentences."""
        if not self.could:
            return f"{self.why} There is nobody else: add a person with {self.needs} to `people`."
        who = people_in_words(self.could)
        return f"{self.why} {who} could decide it if an administrator {self.how}."


def shortfall(ask: Asked, people: People) -> Shortfall | None:
    """What keeps different people from filling every open place; None if nothing does."""
    short = shortage(ask, people)
    if short is None:
        return None
    stages = _stages(ask, short.stages)
    return Shortfall(
        why=_why(ask, short, stages, people),
        needs=approvers(stages),
        how=granted(stages),
        could=_could(ask, short, people),
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
    number = place_of(ask, person, people)
    after = with_vote(ask, person, number)
    short = shortage(after, people) if revised else reserved(ask, person, people, number)
    if short is None:
        return None
    step, later = _steps((number,)), _steps(short.stages)
    said = (
        f"Your approval of {step} would leave too few people for {later}, which "
        f"{_need(short.stages)} {approvers(_stages(ask, short.stages))}: "
        "one person counts once."
    )
    others = [p for p in eligible(ask, people) if p.id != person.id]
    if not others:
        return f"{said} An administrator has to give somebody else that role first."
    return f"{said} Leave {step} to {people_in_words(others)}."


def _why(ask: Asked, short: Shortage, stages: Sequence[Stage], people: People) -> str:
    if not ask.stages:
        return "Nobody can decide it: its rule names no approvers."
    where = "It needs"
    duties = "".join(f" {on_call_words(each)}" for each in people.duties(duties_of(stages)))
    if len(ask.stages) > 1:
        where = f"{_steps(short.stages).capitalize()} {_need(short.stages)}"
    places = "one person" if short.places == 1 else f"{short.places} different people"
    need = f"{where} {places} with {approvers(stages)}"
    asker = people.by_id(ask.requester)
    is_tool = ask.kind is RequestKind.TOOL
    holds = asker is not None and is_tool and any(is_asked_by(asker, stage) for stage in stages)
    if asker is not None and holds and not short.people:
        who = people_in_words([asker])
        return f"Nobody but {who}, who asked, may decide it. {need}.{duties}"
    left = f"only {people_in_words(short.people, conjunction='and')}" if short.people else "nobody"
    verb = "are" if len(short.people) > 1 else "is"
    said = [f"{people_in_words([asker])} asked"] if asker is not None and holds else []
    said += _with_whom(stages, people)
    aside = f", as {' and '.join(said)}" if said else ""
    return f"{need}, and there {verb} {left}{aside}.{duties}"


def _with_whom(stages: Sequence[Stage], people: People) -> list[str]:
    """Of those whom these stages ask, the counterparties of the call, and who has changed it."""
    if not keeps_any(stages):
        return []
    asked = {person.id: person for stage in stages for person in all_asked(people, stage)}
    ties = {person.id: tie_of(person, stages) for person in asked.values()}
    said = []
    for tie, words in (Tie.PARTY, "the call is with {}"), (Tie.EDITOR, "{} changed it"):
        out = [person for person in asked.values() if ties[person.id] is tie]
        said += [words.format(people_in_words(out, conjunction="and"))] if out else []
    return said


def _could(ask: Asked, short: Shortage, people: People) -> tuple[Principal, ...]:
    """Everybody who may vote and is not left for these stages already."""
    out = {person for person, _ in ask.counted} | {person.id for person in short.people}
    if ask.kind is RequestKind.TOOL:
        out.add(ask.requester)
    if len(ask.stages) > 1:  # nor whoever already fills another open stage
        others = set(range(ask.stage, len(ask.stages))) - set(short.stages)
        out |= {p.id for number in others for p in may_fill(ask, number, people)}
    stages = ask.stages if keeps_any(ask.stages) else ()
    return tuple(
        person
        for person in people.everybody()
        if person.id not in out and not (stages and keeps_out(people, person, stages))
    )


def _stages(ask: Asked, numbers: Sequence[int]) -> list[Stage]:
    """These stages; `owner` is nobody who could decide a call."""
    return [_without_owner(ask, ask.stages[number]) for number in numbers]


def _without_owner(ask: Asked, stage: Stage) -> Stage:
    roles = tuple(role for role in stage.roles if role != OWNER_ROLE)
    if ask.kind is not RequestKind.TOOL or not (
        roles or stage.groups or stage.people or stage.on_call
    ):
        return stage
    return stage.model_copy(update={"roles": roles})


def _need(stages: Sequence[int]) -> str:
    return "needs" if len(stages) == 1 else "need"


def _steps(stages: Sequence[int]) -> str:
    numbers = [str(number + 1) for number in stages]
    if len(numbers) == 1:
        return f"step {numbers[0]}"
    return f"steps {', '.join(numbers[:-1])} and {numbers[-1]}"
