"""Counterparties: with whom a call is, so that they decide nothing of it. Pure.

A rule names the argument (`counterparty: args.customer_email`); what stands in it is kept with the
stages of a request, and compared with the identities that people have when they vote and again when
the call is about to run.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from email.utils import getaddresses
from functools import lru_cache

from countersign.approvals.models import Principal, Ruling, Stage


def parties_of(stages: Iterable[Stage]) -> tuple[str, ...]:
    """With whom the call is, as its arguments say."""
    return tuple(dict.fromkeys(party for stage in stages for party in stage.parties))


def with_parties(stages: Iterable[Stage], parties: Sequence[str]) -> tuple[Stage, ...]:
    """The stages of a call that is with these."""
    return tuple(stage.model_copy(update={"parties": tuple(parties)}) for stage in stages)


def ruled_with(ruling: Ruling, parties: Collection[str]) -> Ruling:
    """The ruling on a call that is with these, besides those that it has."""
    every = tuple(dict.fromkeys([*parties_of(ruling.stages), *parties]))
    if not every or not ruling.stages:
        return ruling
    return ruling.model_copy(update={"stages": with_parties(ruling.stages, every)})


def is_party(person: Principal, stages: Sequence[Stage]) -> bool:
    """Whether a call is with this person, by the id or an identity of theirs."""
    parties = parties_of(stages)
    if not parties:
        return False
    named = _forms(parties)
    return any(
        form in named for own in (person.id, *person.identities.values()) for form in _of(own)
    )


@lru_cache(maxsize=1024)
def _forms(parties: tuple[str, ...]) -> frozenset[str]:
    return frozenset(form for party in parties for form in _of(party))


def _of(identity: str) -> Iterator[str]:
    """All that one identity is written as: without case and spaces, the address within `Rita Roe
    <rita@contoso.example>`, and that without what stands behind a `+`."""
    text = unicodedata.normalize("NFKC", identity).strip().casefold()
    yield text
    if "@" not in text:
        return
    for _, address in getaddresses([text.removeprefix("mailto:")]):
        name, _, domain = address.rpartition("@")
        yield address
        yield f"{name.partition('+')[0]}@{domain}"
