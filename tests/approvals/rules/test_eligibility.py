"""Whether different people can still fill every open place, and who may decide now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.approvals.forms.wording import people_in_words
from countersign.approvals.models import (
    People,
    Principal,
    PrincipalId,
    RequestKind,
    Stage,
)
from countersign.approvals.rules.eligibility import (
    Asked,
    eligible,
    reserved,
    shortage,
    with_vote,
)
from tests.doubles.directory import person

SAM = person("Sam", "manager")
ALEX = person("Alex", "manager")
MEGAN = person("Megan", "manager", "controller")


def ask(
    *stages: Stage | Sequence[str],
    requester: str = "anna",
    kind: RequestKind = RequestKind.TOOL,
    counted: Iterable[tuple[str, tuple[int, ...]]] = (),
    stage: int = 0,
) -> Asked:
    return Asked(
        kind=kind,
        requester=PrincipalId(requester),
        stages=tuple(s if isinstance(s, Stage) else Stage(roles=tuple(s)) for s in stages),
        stage=stage,
        counted=tuple((PrincipalId(who), numbers) for who, numbers in counted),
    )


def ids(people: Iterable[Principal]) -> list[str]:
    return [p.id for p in people]


def test_the_only_holder_of_a_role_may_not_ask() -> None:
    found = shortage(ask(["manager"], requester="sam"), People([SAM]))

    assert found is not None
    assert (found.stages, found.places, found.people, found.missing) == ((0,), 1, (), 1)


def test_a_quorum_counts_without_who_asked() -> None:
    two = ask(Stage(roles=("manager",), quorum=2), requester="alex")

    assert shortage(two, People([ALEX, MEGAN])) is not None
    assert shortage(two, People([ALEX, MEGAN, SAM])) is None


def test_one_person_does_not_fill_two_stages() -> None:
    found = shortage(ask(["manager"], ["controller"]), People([MEGAN]))

    assert found is not None
    assert (found.stages, found.places, ids(found.people)) == ((0, 1), 2, ["megan"])


def test_whoever_comes_first_makes_room_for_whom_only_one_stage_can_take() -> None:
    """A greedy choice takes Alex (first by id) for the first stage and says no."""
    alex, zoe = person("Alex", "a", "b"), person("Zoe", "a")

    assert shortage(ask(["a"], ["b"]), People([alex, zoe])) is None


def test_a_chain_of_people_makes_room() -> None:
    people = [person("A", "x", "y"), person("B", "y", "z"), person("C", "z")]

    assert shortage(ask(["z"], ["y"], ["x"]), People(people)) is None
    assert shortage(ask(["z"], ["y"], ["x"]), People(people[:2])) is not None


def test_who_has_voted_is_not_counted_again() -> None:
    voted = ask(["manager"], ["controller"], counted=[("megan", (0,))], stage=1)

    assert shortage(voted, People([ALEX, MEGAN])) is not None
    assert shortage(voted, People([ALEX, MEGAN, person("Dave", "controller")])) is None


def test_a_person_who_is_needed_later_may_not_decide_now() -> None:
    tiers, people = ask(["manager"], ["controller"]), People([ALEX, MEGAN])

    assert ids(eligible(tiers, people)) == ["alex"]
    assert reserved(tiers, MEGAN, people, 0) is not None
    assert reserved(tiers, ALEX, people, 0) is None


def test_what_nobody_can_complete_keeps_nobody_from_voting() -> None:
    tiers, people = ask(["manager"], ["controller"]), People([ALEX])

    assert ids(eligible(tiers, people)) == ["alex"]


def test_one_person_counts_for_both_where_the_rule_says_so() -> None:
    tiers = ask(
        Stage(roles=("manager",), same_person=True), Stage(roles=("controller",), same_person=True)
    )
    people = People([MEGAN])

    assert shortage(tiers, people) is None
    assert ids(eligible(tiers, people)) == ["megan"]
    assert with_vote(tiers, MEGAN, 0).counted == (("megan", (0, 1)),)
    assert shortage(tiers, People([ALEX])) is not None


def test_the_owner_answers_questions_and_approves_nothing() -> None:
    people = People([SAM])
    question = ask(["owner"], requester="sam", kind=RequestKind.INPUT)

    assert shortage(question, people) is None
    assert ids(eligible(question, people)) == ["sam"]
    assert shortage(ask(["owner", "nobody"], requester="sam"), people) is not None
    assert shortage(ask(["owner"], requester="gone", kind=RequestKind.INPUT), people) is not None


def test_without_stages_nobody_can_approve() -> None:
    assert shortage(ask(), People([SAM])) is not None
    assert eligible(ask(), People([SAM])) == ()


ROLES = ("a", "b", "c")
_stages = st.lists(
    st.builds(
        Stage,
        roles=st.lists(st.sampled_from(ROLES), min_size=1, max_size=2, unique=True).map(tuple),
        quorum=st.integers(1, 2),
    ),
    min_size=1,
    max_size=3,
)
_people = st.lists(st.frozensets(st.sampled_from(ROLES)), max_size=5).map(
    lambda sets: [person(f"P{number}", *roles) for number, roles in enumerate(sets)]
)


def can_fill(places: Sequence[Stage], people: Sequence[Principal]) -> bool:
    """Every way to seat people, one after the other."""
    return any(
        all(who.roles.intersection(stage.roles) for who, stage in zip(seats, places, strict=True))
        for seats in permutations(people, len(places))
    )


@given(stages=_stages, people=_people, requester=st.sampled_from(["p0", "anna"]))
def test_a_shortage_is_found_exactly_where_no_seating_exists(
    stages: list[Stage], people: list[Principal], requester: str
) -> None:
    places = [stage for stage in stages for _ in range(stage.quorum)]
    others = [p for p in people if p.id != requester]
    request = ask(*stages, requester=requester)

    found = shortage(request, People(people))

    assert (found is None) is can_fill(places, others)
    if found is not None:
        assert found.places > len(found.people)


@given(stages=_stages, people=_people)
def test_whoever_is_eligible_leaves_it_as_well_filled_as_before(
    stages: list[Stage], people: list[Principal]
) -> None:
    request, directory = ask(*stages), People(people)
    holders = directory.with_roles(stages[0].roles)

    may = eligible(request, directory)

    assert [p for p in holders if reserved(request, p, directory, request.stage) is None] == list(
        may
    )
    if shortage(request, directory) is None:
        assert may


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, "nobody"), (1, "P0"), (2, "P0 or P1"), (3, "P0, P1 or P2"), (5, "P0, P1, P2 or 2 others")],
)
def test_people_in_words(count: int, expected: str) -> None:
    assert people_in_words([person(f"P{n}") for n in range(count)]) == expected
