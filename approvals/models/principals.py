"""People and services, and how a channel knows them."""

from __future__ import annotations

import re
from datetime import datetime, time
from typing import Any, ClassVar, Self

from pydantic import Field
from pydantic_core import CoreSchema, core_schema

from countersign.approvals.models.base import PrincipalId, Value
from countersign.approvals.models.scopes import Domains, Scope, Subject, domains_of

_SYSTEM_NAME = re.compile(r"[a-z][a-z0-9_]{0,19}")


class Via(str):
    """Through what a decision reached us: `api`, `cli`, `policy`, `grant`, `clock`, or the name of
    a system.

    A system that is not there any more keeps its name in what was decided through it.
    """

    __slots__ = ()

    API: ClassVar[Via]
    CLI: ClassVar[Via]
    POLICY: ClassVar[Via]
    GRANT: ClassVar[Via]
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


_OWN = ("api", "cli", "policy", "grant", "clock")
Via.API, Via.CLI, Via.POLICY, Via.GRANT, Via.CLOCK = map(Via, _OWN)


class QuietHours(Value):
    """When a person is not written to: every day from one time to another, perhaps of the next."""

    zone: str
    begins: time
    ends: time


class Digest(Value):
    """When a person is shown what is of low risk, in one list; every day at these times."""

    zone: str
    at: tuple[time, ...] = Field(min_length=1)


class Principal(Value):
    """A person or service, with the identities by which channels know it."""

    id: PrincipalId
    name: str
    roles: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    identities: dict[str, str] = Field(default_factory=dict)
    """Channel name (`entra`, `email`, `jira`, `servicenow`) to the id in it, lower case."""
    quiet: QuietHours | None = None
    digest: Digest | None = None
    language: str = Field(default="", exclude_if=lambda v: not v)
    """In which they are written to: `de`; "" for what a channel does otherwise."""
    directories: tuple[str, ...] = ()
    """The directories that say who this is and what they may do; none where the file says it."""
    scopes: dict[str, tuple[Scope, ...]] = Field(default_factory=dict)
    """By role, for which calls it is held; one that is not here is held for all."""
    on_call: frozenset[str] = Field(default=frozenset(), exclude_if=lambda v: not v)
    """The schedules by which they are on call, in people of a moment."""

    def about(self, subject: Subject, domains: Domains) -> Principal:
        """The person with the roles that they hold for a call."""
        if not self.scopes:
            return self
        among = domains_of(subject, domains)
        out = {
            role
            for role, scopes in self.scopes.items()
            if not any(scope.covers(subject, among) for scope in scopes)
        }
        return self.model_copy(update={"roles": self.roles - out, "scopes": {}})


class Proof(Value):
    """That a person was there at a time, and meant one revision of one request."""

    id: str
    """By which whoever took it finds it again."""
    method: str
    """`passkey`, `sign_in`."""
    principal_id: PrincipalId
    digest: str
    at: datetime


class Actor(Value):
    """Who acts, as the channel itself authenticated them; `principal` is None for strangers."""

    principal: Principal | None
    via: Via
    identity: str
    """How the channel knows them, e.g. `entra:0000…20`; recorded on the ledger."""
