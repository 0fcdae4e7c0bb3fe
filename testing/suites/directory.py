"""The contract of `approvals.ports.Directory`.

The fixture `directory` is the implementation; `people` are all whom it knows: two at least, with a
role and an identity.
"""

from __future__ import annotations

from collections.abc import Sequence

from countersign.approvals.models import Principal
from countersign.approvals.ports import Directory

__all__ = [
    "test_everybody_is_there_by_id",
    "test_identity_is_of_its_kind_alone",
    "test_nobody_is_found_by_what_nobody_has",
    "test_people_are_found_by_each_identity",
    "test_people_are_found_by_id",
    "test_roles_find_whoever_holds_one_of_them_by_id",
]
NOBODY = ("", " ", "nobody", "%", "*", "\0", "\u212aarl")


def test_people_are_found_by_id(directory: Directory, people: Sequence[Principal]) -> None:
    assert list(people) == [directory.by_id(person.id) for person in people]


def test_people_are_found_by_each_identity(
    directory: Directory, people: Sequence[Principal]
) -> None:
    for person in people:
        for kind, value in person.identities.items():
            assert person == directory.by_identity(kind, value)


def test_identity_is_of_its_kind_alone(directory: Directory, people: Sequence[Principal]) -> None:
    """What names somebody in one system names nobody in another."""
    for person in people:
        for value in person.identities.values():
            assert directory.by_identity("no such system", value) is None
            assert directory.by_identity("", value) is None


def test_nobody_is_found_by_what_nobody_has(
    directory: Directory, people: Sequence[Principal]
) -> None:
    kinds = {kind for person in people for kind in person.identities}
    for value in NOBODY:
        assert directory.by_id(value) is None
        assert {None} >= {directory.by_identity(kind, value) for kind in kinds}
        assert [] == list(directory.with_roles([value]))
    assert [] == list(directory.with_roles([]))


def test_roles_find_whoever_holds_one_of_them_by_id(
    directory: Directory, people: Sequence[Principal]
) -> None:
    roles = {role for person in people for role in person.roles}
    for role in roles:
        expected = sorted((p for p in people if role in p.roles), key=lambda p: p.id)
        assert expected == list(directory.with_roles([role]))
        assert expected == list(directory.with_roles([role, "nobody has this"]))
    holders = sorted((p for p in people if p.roles), key=lambda p: p.id)
    assert holders == list(directory.with_roles(sorted(roles)))


def test_everybody_is_there_by_id(directory: Directory, people: Sequence[Principal]) -> None:
    assert sorted(people, key=lambda p: p.id) == list(directory.everybody())
