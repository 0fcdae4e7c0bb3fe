"""Who people are: the `people` section, looked up by id, identity, role or bearer token."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping, Sequence

from pydantic import SecretStr
from typing_extensions import override

from countersign.approvals.directory.linking import small
from countersign.approvals.models import Domains, People, Principal
from countersign.approvals.ports import Directory
from countersign.bot.settings.sections import PersonSettings, Settings
from countersign.bot.teams.settings import TeamsSettings


class SettingsDirectory(Directory):
    """Implements `approvals.ports.Directory` on the settings."""

    def __init__(
        self,
        people: Iterable[PersonSettings],
        *,
        local_persona: str = "",
        domains: Callable[[], Domains] = dict,
    ):
        """`local_persona` is the person as whom unsigned local clients click; `domains` gives those
        of the policy that rules now."""
        people = list(people)
        by_id = {str(p.id): p.principal() for p in people}
        self.delegations = [each for p in people for each in p.delegations()]
        persona = by_id.get(local_persona)
        if persona is not None and "entra" not in persona.identities:
            identities = {**persona.identities, "entra": f"local:{persona.id}"}
            by_id[persona.id] = persona.model_copy(update={"identities": identities})
        self._domains = domains
        self._people = People(by_id.values(), domains=domains(), delegations=self.delegations)
        self._by_identity = {
            (kind, small(value)): person
            for person in by_id.values()
            for kind, value in person.identities.items()
        }

    @override
    def by_id(self, principal_id: str) -> Principal | None:
        return self._people.by_id(principal_id)

    @override
    def by_identity(self, kind: str, value: str) -> Principal | None:
        """Case does not matter."""
        return self._by_identity.get((kind, small(value.strip(" \t\r\n"))))

    @override
    def people(self) -> People:
        domains = self._domains()
        if domains != self._people.domains:  # the policy was reloaded
            everybody = self._people.everybody()
            self._people = People(everybody, domains=domains, delegations=self.delegations)
        return self._people

    @override
    def with_roles(self, roles: Sequence[str]) -> Sequence[Principal]:
        return self._people.with_roles(roles)

    @override
    def everybody(self) -> Sequence[Principal]:
        return self._people.everybody()

    @override
    async def refresh(self) -> bool:
        """The file is read once."""
        return False


def directory_of(
    settings: Settings, domains: Callable[[], Domains] | None = None
) -> SettingsDirectory:
    """The people of the configuration, with the one as whom local clients of Teams click. `domains`
    are those of its policy, unless another one may take its place."""
    teams = settings.section(TeamsSettings)
    unsigned = settings.local and teams is not None and not teams.app_id
    persona = teams.local_approver if teams is not None and unsigned else ""
    of_policy = settings.policy.document.domains
    return SettingsDirectory(
        settings.people, local_persona=persona, domains=domains or (lambda: of_policy)
    )


class Tokens:
    """Finds whose bearer token it is, in the same time whoever it belongs to."""

    def __init__(self, tokens: Mapping[str, SecretStr]):
        self.replace(tokens)

    def replace(self, tokens: Mapping[str, SecretStr]) -> None:
        """Know these, and no others, from now on."""
        self._hashes = [
            (token_hash(t.get_secret_value()), who) for who, t in sorted(tokens.items())
        ]

    def owner(self, token: str) -> str | None:
        """The id of the person, None if it is nobody's token.

        Hashes are compared, and all of them, so that neither length nor position shows in the time.
        """
        given, found = token_hash(token), None
        for expected, who in self._hashes:
            if hmac.compare_digest(given, expected):
                found = who
        return found


def token_hash(token: str) -> bytes:
    """What is kept and compared of a token. HTTP gives bytes that are no UTF-8 as surrogates."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
