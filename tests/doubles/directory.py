"""People whose roles a test can grant and revoke."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from countersign.approvals.models import (
    Actor,
    Delegation,
    Domains,
    People,
    Principal,
    PrincipalId,
    Via,
)
from tests.doubles.transactions import outside


def person(name: str, *roles: str) -> Principal:
    """A principal whose id is `name` in lower case, known to Entra as `oid-<id>`, to Jira as
    `acc-<id>`, and to ServiceNow by its id."""
    key = name.lower()
    return Principal(
        id=PrincipalId(key),
        name=name,
        roles=frozenset(roles),
        identities={
            "entra": f"oid-{key}",
            "email": f"{key}@example.com",
            "jira": f"acc-{key}",
            "servicenow": key,
        },
    )


ANNA = person("Anna", "sales")
"""Owns the sessions of the tests."""
BEN = person("Ben", "manager")
CARA = person("Cara", "manager")
DAVE = person("Dave", "controller")
ERIN = person("Erin")
"""Holds no role."""
ROOT = person("Root", "admin")
EVERYBODY = (ANNA, BEN, CARA, DAVE, ERIN, ROOT)

VIA_TEAMS = Via("teams")


def acting(who: Principal, via: Via = VIA_TEAMS) -> Actor:
    """The person as a channel has authenticated them."""
    return Actor(principal=who, via=via, identity=f"entra:{who.identities['entra']}")


STRANGER = Actor(principal=None, via=VIA_TEAMS, identity="entra:oid-nobody")


class FakeDirectory:
    """Implements `approvals.ports.Directory`."""

    def __init__(self, people: Iterable[Principal] = EVERYBODY):
        self._people = {p.id: p for p in people}
        self.domains: Domains = {}
        self.delegations: list[Delegation] = []

    def by_id(self, principal_id: str) -> Principal | None:
        """The principal with this id."""
        outside("The directory")
        return self._people.get(PrincipalId(principal_id))

    def by_identity(self, kind: str, value: str) -> Principal | None:
        """The principal whose identity of this kind is `value`."""
        outside("The directory")
        found = (p for p in self._people.values() if p.identities.get(kind) == value)
        return next(found, None)

    def people(self) -> People:
        """Everybody there is now."""
        outside("The directory")
        return People(self._people.values(), domains=self.domains, delegations=self.delegations)

    def with_roles(self, roles: Sequence[str]) -> Sequence[Principal]:
        """Everybody who holds at least one of `roles`, ordered by id."""
        outside("The directory")
        return sorted(
            (p for p in self._people.values() if p.roles.intersection(roles)), key=lambda p: p.id
        )

    def everybody(self) -> Sequence[Principal]:
        """Everybody there is, ordered by id."""
        outside("The directory")
        return sorted(self._people.values(), key=lambda p: p.id)

    async def refresh(self) -> bool:
        """Nothing changes but by the methods below."""
        return False

    def set_roles(self, principal_id: str, *roles: str) -> Principal:
        """Grant exactly these roles."""
        known = self._people[PrincipalId(principal_id)]
        changed = known.model_copy(update={"roles": frozenset(roles)})
        self._people[known.id] = changed
        return changed

    def forget_identity(self, principal_id: str, kind: str) -> None:
        """Let a channel not know this person any more."""
        known = self._people[PrincipalId(principal_id)]
        identities = {k: v for k, v in known.identities.items() if k != kind}
        self._people[known.id] = known.model_copy(update={"identities": identities})

    def put(self, person: Principal) -> None:
        """Know this person, in place of whoever has the same id."""
        self._people[person.id] = person

    def remove(self, principal_id: str) -> None:
        """Forget a person."""
        del self._people[PrincipalId(principal_id)]
