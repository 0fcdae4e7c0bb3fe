"""Linking: which accounts of which directories are one person, and what that person may do.

The file is asked first: whoever it names keeps the name, domains and identities that stand there,
and the roles, if any do. Accounts belong together by the ids that the file names, or by an e-mail
address where the configuration says that both directories may be believed about those.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from countersign.approvals.models import AccountState, Principal, PrincipalId, Scope
from countersign.approvals.store.directory_people import KnownAccount

EMAIL = "email"


@dataclass(frozen=True)
class Grant:
    """What being in a group gives."""

    roles: frozenset[str] = frozenset()
    scopes: Mapping[str, tuple[Scope, ...]] = field(default_factory=dict)
    """By role, for which calls it is held; one that is not here is held for all."""
    domains: frozenset[str] = frozenset()


@dataclass(frozen=True)
class SourceRules:
    """What the configuration says of one directory."""

    name: str
    identity: str
    """The kind of identity that its account ids are."""
    grants: Mapping[str, Grant] = field(default_factory=dict)
    """By the id of a group."""
    links_by_email: bool = False


@dataclass(frozen=True)
class ScheduleRules:
    """What the configuration says of one schedule."""

    name: str
    source: str
    """The name of the directory that it is read from."""
    identity: str = EMAIL
    """The kind of identity by which it knows people."""
    zone: str = "UTC"
    otherwise: frozenset[str] = frozenset()
    """The roles that are asked while nobody is on call."""
    people: Mapping[str, PrincipalId] = field(default_factory=dict)
    """Who is meant by an id, an address or a name of the schedule, in lower case."""


def small(identity: str) -> str:
    """In lower case, but for what would become another letter by it: the Kelvin sign is no k, and
    whoever has it in the name of their account is not Karl."""
    return "".join(
        c if not c.isascii() and any(map(str.isascii, c.lower())) else c.lower() for c in identity
    )


class Linking:
    """The rules of one configuration."""

    def __init__(self, listed: Iterable[Principal], sources: Sequence[SourceRules]):
        """`listed` are the people of the file; `sources` in the order in which they name people."""
        people = list(listed)
        self.listed = {person.id: person for person in people}
        self._sources = {source.name: source for source in sources}
        self._order = {source.name: number for number, source in enumerate(sources)}
        self._by_identity = {
            (kind, small(value)): person.id
            for person in people
            for kind, value in person.identities.items()
        }

    def key(self, account: KnownAccount) -> str:
        """The same for accounts that may be one person."""
        source = self._sources[account.source]
        known = self._by_identity.get((source.identity, small(account.identity)))
        email = small(account.email.strip()) if source.links_by_email else ""
        if known is None and email:
            known = self._by_identity.get((EMAIL, email))
        if known is not None:
            return f"listed {known}"
        return f"email {email}" if email else f"account {account.source} {account.id}"

    def kind(self, source: str) -> str:
        """The kind of identity that account ids of a directory are."""
        return self._sources[source].identity

    def people(self, key: str, accounts: Sequence[KnownAccount]) -> Iterator[Principal]:
        """Who the accounts of a key are: mostly one person, nobody if one is deactivated.

        An address that two accounts of one directory have links nobody.
        """
        listed = self.listed.get(PrincipalId(key.removeprefix("listed ")))
        if listed is None and len({a.source for a in accounts}) < len(accounts):
            for account in accounts:
                yield from self._person(None, [account])
        else:
            yield from self._person(listed, accounts)

    def _person(
        self, listed: Principal | None, accounts: Sequence[KnownAccount]
    ) -> Iterator[Principal]:
        if any(account.state is AccountState.INACTIVE for account in accounts):
            return
        here = [account for account in accounts if account.state is AccountState.ACTIVE]
        here.sort(key=lambda account: (self._order[account.source], account.id))
        if not here:
            if listed is not None:
                yield listed
            return
        first, rules = here[0], self._sources[here[0].source]
        grants = [
            self._sources[account.source].grants[group]
            for account in here
            for group in sorted(account.groups)
        ]
        none: frozenset[str] = frozenset()
        identities = {self._sources[a.source].identity: small(a.identity) for a in reversed(here)}
        believed = [a.email for a in here if a.email and self._sources[a.source].links_by_email]
        if believed:
            identities[EMAIL] = small(believed[0].strip())
        found = Principal(
            id=PrincipalId(f"{rules.identity}:{small(first.id)}"),
            name=first.name or first.identity,
            roles=none.union(*(grant.roles for grant in grants)),
            scopes=_scopes(grants),
            domains=none.union(*(grant.domains for grant in grants)),
            identities=identities,
            directories=tuple(dict.fromkeys(account.source for account in here)),
        )
        yield found if listed is None else _listed(listed, found)


def _scopes(grants: Sequence[Grant]) -> dict[str, tuple[Scope, ...]]:
    """What all of them give: a role that one of them gives without limits has none."""
    whole = {role for grant in grants for role in grant.roles - grant.scopes.keys()}
    found: dict[str, tuple[Scope, ...]] = {}
    for grant in grants:
        for role, scopes in grant.scopes.items():
            if role not in whole:
                found[role] = (*found.get(role, ()), *scopes)
    return found


def _listed(listed: Principal, found: Principal) -> Principal:
    """What the file says, and what it leaves open as the directories say it."""
    return listed.model_copy(
        update={
            "roles": listed.roles or found.roles,
            "scopes": listed.scopes if listed.roles else found.scopes,
            "domains": listed.domains or found.domains,
            "identities": {**found.identities, **listed.identities},
            "directories": () if listed.roles else found.directories,
        }
    )
