"""The `people` section: who there is, and by which token the API knows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from pydantic import SecretStr

from countersign.approvals.forms.sentences import nearest
from countersign.bot.settings.problems import validated
from countersign.bot.settings.sections import MIN_TOKEN_LENGTH, PersonSettings
from countersign.bot.settings.sign_in import OIDC
from countersign.connectors.secrets import Reading
from countersign.connectors.system import System

EMAIL = "email"
"""A kind of identity that people have whatever systems there are."""
TOKEN_KEYS = ("token", "token_env")


def identity_kinds(systems: Iterable[System[Any]]) -> tuple[str, ...]:
    """The keys that `identities` may have."""
    return (*(system.identity for system in systems if system.identity), EMAIL, OIDC)


def read_people(
    entries: Any, kinds: Collection[str], reading: Reading | None = None
) -> tuple[list[PersonSettings], list[str]]:
    """The people, whose identities are of these `kinds`, and everything that is wrong with them.
    Without `reading` nobody's token is looked up."""
    if not isinstance(entries, list) or not entries:
        return [], ["people: list at least one person (id, name, roles, identities)."]
    people: list[PersonSettings] = []
    problems: list[str] = []
    for number, entry in enumerate(entries):
        path = f"people.{number}"
        person, wrong = validated(path, PersonSettings, entry, reading)
        problems += wrong
        if person is None and isinstance(entry, dict):  # rules count whoever has no token, too
            rest = {key: value for key, value in entry.items() if key not in TOKEN_KEYS}
            person, _ = validated(path, PersonSettings, rest, reading)
        if person is not None:
            people.append(person)
            problems += _unknown_kinds(path, person, kinds)
    problems += _repeated("people: the id", (p.id for p in people))
    for kind in kinds:
        values = (v.lower() for p in people for k, v in p.identities.items() if k == kind)
        problems += _repeated(f"people: the {kind} identity", values)
    return people, problems


def tokens_of(people: Iterable[PersonSettings]) -> dict[str, SecretStr]:
    """Bearer tokens by person id."""
    return {person.id: person.token for person in people if person.token is not None}


def token_of(entries: Any, person_id: str, reading: Reading) -> tuple[SecretStr | None, list[str]]:
    """The bearer token of one person, whatever is wrong with the others'."""
    for number, entry in enumerate(entries if isinstance(entries, list) else ()):
        if isinstance(entry, dict) and entry.get("id") == person_id:
            person, wrong = validated(f"people.{number}", PersonSettings, entry, reading)
            return person and person.token, wrong
    return None, []


def token_problems(tokens: Mapping[str, SecretStr], *, local: bool) -> Iterator[str]:
    """Tokens that somebody could guess, or that are two people's."""
    for person, token in tokens.items():
        if len(token.get_secret_value()) < MIN_TOKEN_LENGTH and not local:
            yield (
                f"people.{person}.token_env: the token is shorter than {MIN_TOKEN_LENGTH} "
                "characters; use a random one, for example from `openssl rand -base64 24`."
            )
    if len({t.get_secret_value() for t in tokens.values()}) < len(tokens):
        yield "people: two people have the same token; everyone needs their own."


def _unknown_kinds(path: str, person: PersonSettings, kinds: Collection[str]) -> Iterator[str]:
    for kind in sorted(person.identities.keys() - set(kinds)):
        meant = nearest(kind, kinds)
        hint = f"did you mean {meant}?" if meant else f"write one of {', '.join(kinds)}."
        yield f"{path}.identities.{kind}: unknown kind of identity; {hint}"


def _repeated(what: str, values: Iterable[str]) -> Iterator[str]:
    for value, count in Counter(values).items():
        if count > 1:
            yield f"{what} {value} is given {count} times; it must name one person."
