"""People and services, and how a channel knows them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Self

from pydantic import Field
from pydantic_core import CoreSchema, core_schema

from countersign.approvals.models.base import PrincipalId, Value

_SYSTEM_NAME = re.compile(r"[a-z][a-z0-9_]{0,19}")


class Via(str):
    """Through what a decision reached us: `api`, `cli`, `policy`, `clock`, or the name of a system.

    A system that is not there any more keeps its name in what was decided through it.
    """

    __slots__ = ()

    API: ClassVar[Via]
    CLI: ClassVar[Via]
    POLICY: ClassVar[Via]
    CLOCK: ClassVar[Via]

    def __new__(cls, name: str) -> Self:
        """The name, checked. Raises ValueError for what can be no name."""
        if not _SYSTEM_NAME.fullmatch(name):
            raise ValueError(
                f"{name!r} is no name of a system: up to 20 of a-z, 0-9 and _, a letter first"
            )
        return super().__new__(cls, name)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> CoreSchema:
        """Text in JSON; see pydantic, "Custom types"."""
        return core_schema.no_info_after_validator_function(cls, core_schema.str_schema())


Via.API, Via.CLI, Via.POLICY, Via.CLOCK = map(Via, ("api", "cli", "policy", "clock"))


class Principal(Value):
    """A person or service, with the identities by which channels know it."""

    id: PrincipalId
    name: str
    roles: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()
    identities: dict[str, str] = Field(default_factory=dict)
    """Channel name (`entra`, `email`, `jira`, `servicenow`) to the id in it, lower case."""


class People:
    """Everybody there is at a moment: a value, which answers without asking anybody."""

    __slots__ = ("_by_id",)

    def __init__(self, everybody: Iterable[Principal] = ()):
        self._by_id = {person.id: person for person in sorted(everybody, key=lambda p: p.id)}

    def by_id(self, principal_id: str) -> Principal | None:
        """The principal with this id."""
        return self._by_id.get(PrincipalId(principal_id))

    def with_roles(self, roles: Sequence[str]) -> Sequence[Principal]:
        """Everybody who holds at least one of `roles`, ordered by id."""
        return [person for person in self._by_id.values() if person.roles.intersection(roles)]

    def everybody(self) -> Sequence[Principal]:
        """Everybody, ordered by id."""
        return list(self._by_id.values())


NOBODY = People()


class Actor(Value):
    """Who acts, as the channel itself authenticated them; `principal` is None for strangers."""

    principal: Principal | None
    via: Via
    identity: str
    """How the channel knows them, e.g. `entra:0000…20`; recorded on the ledger."""
