"""The `people` section: who there is, and by which token the API knows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from pydantic import SecretStr, TypeAdapter, ValidationError

from countersign.approvals.forms.sentences import nearest
from countersign.bot.settings.problems import problems_of
from countersign.bot.settings.secrets import secret
from countersign.bot.settings.sections import MIN_TOKEN_LENGTH, PersonSettings
from countersign.connectors.system import System

EMAIL = "email"
"""A kind of identity that people have whatever systems there are."""
_PERSON = TypeAdapter(PersonSettings)


def identity_kinds(systems: Iterable[System[Any]]) -> tuple[str, ...]:
    """The keys that `identities` may have."""
    return (*(system.identity for system in systems), EMAIL)


def read_people(entries: Any, kinds: Collection[str]) -> tuple[list[PersonSettings], list[str]]:
    """The people, whose identities are of these `kinds`, and everything that is wrong with them."""
    if not isinstance(entries, list) or not entries:
        return [], ["people: list at least one person (id, name, roles, identities)."]
    people: list[PersonSettings] = []
    problems: list[str] = []
    for number, entry in enumerate(entries):
        path = f"people.{number}"
        try:
            person = _PERSON.validate_python(entry)
        except ValidationError as exc:
            problems += problems_of(exc, path, entry, PersonSettings)
            continue
        people.append(person)
        problems += _unknown_kinds(path, person, kinds)
    problems += _repeated("people: the id", (p.id for p in people))
    for kind in kinds:
        values = (value for p in people for k, value in p.identities.items() if k == kind)
        problems += _repeated(f"people: the {kind} identity", values)
    return people, problems


def _unknown_kinds(path: str, person: PersonSettings, kinds: Collection[str]) -> Iterator[str]:
    for kind in sorted(person.identities.keys() - set(kinds)):
        meant = nearest(kind, kinds)
        hint = f"did you mean {meant}?" if meant else f"write one of {', '.join(kinds)}."
        yield f"{path}.identities.{kind}: unknown kind of identity; {hint}"


def read_tokens(
    people: Iterable[PersonSettings], environ: Mapping[str, str], *, local: bool
) -> tuple[dict[str, SecretStr], list[str]]:
    """Bearer tokens by person id, and everything that is wrong with them."""
    tokens: dict[str, SecretStr] = {}
    problems: list[str] = []
    for person in people:
        where = f"people.{person.id}"
        if person.token is not None:
            if not local:
                problems.append(
                    f"{where}.token: a literal token is allowed in local mode only; put it into an "
                    "environment variable and name that in token_env."
                )
            tokens[person.id] = person.token
        elif person.token_env is not None:
            value = secret(person.token_env, environ)
            if value is None:
                problems.append(
                    f"{where}.token_env: the environment variable {person.token_env} is not set; "
                    "export it, or remove token_env if this person does not use the API."
                )
            elif len(value.get_secret_value()) < MIN_TOKEN_LENGTH and not local:
                problems.append(
                    f"{where}.token_env: {person.token_env} is shorter than {MIN_TOKEN_LENGTH} "
                    "characters; use a random one, for example from `openssl rand -base64 24`."
                )
            else:
                tokens[person.id] = value
    if len({t.get_secret_value() for t in tokens.values()}) < len(tokens):
        problems.append("people: two people have the same token; everyone needs their own.")
    return tokens, problems


def _repeated(what: str, values: Iterable[str]) -> Iterator[str]:
    for value, count in Counter(values).items():
        if count > 1:
            yield f"{what} {value} is given {count} times; it must name one person."
