"""People on record: what the file says of them, on the governance ledger whenever that changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from countersign.approvals.audit.canonical import canonical_json, sha256_hex
from countersign.approvals.models import Delegation, JsonObject, PeopleChanged, Principal
from countersign.approvals.ports import Clock, Moment, Store, Unit
from countersign.approvals.store import governance

_LISTS = {
    "roles": ("gained the role {}", "lost the role {}"),
    "groups": ("came into the group {}", "left the group {}"),
    "domains": ("may read the domain {}", "may not read the domain {} any more"),
    "delegates": ("lets {} decide as well", "does not let {} decide any more"),
}
"""What is said of each that is new, and of each that is gone."""
_OTHERS = {"scopes": "holds roles for other calls than before", "name": "was named {} before"}


async def put_on_record(
    store: Store,
    clock: Clock,
    listed: Sequence[Principal],
    delegations: Sequence[Delegation],
    file: str,
) -> None:
    """Say on the governance ledger what has changed of the people of the file, unless nothing has.
    Harmless to repeat."""
    people: JsonObject = {str(person.id): _of(person, delegations) for person in listed}
    after = sha256_hex(canonical_json(people))

    def work(unit: Unit) -> None:
        last = governance.newest(unit, PeopleChanged)
        if last is not None and last.after == after:
            return
        changed = PeopleChanged(
            before=None if last is None else last.after,
            after=after,
            people=people,
            changes=() if last is None else tuple(_changes(last.people, people)),
            file=file,
        )
        governance.append(unit, changed)

    await store.unit(work, Moment(clock.now()))


def _of(person: Principal, delegations: Sequence[Delegation]) -> JsonObject:
    scopes = person.model_dump(mode="json", include={"scopes"})["scopes"]
    return {
        "name": person.name,
        "roles": sorted(person.roles),
        "groups": sorted(person.groups),
        "domains": sorted(person.domains),
        "identities": dict(sorted(person.identities.items())),
        "delegates": sorted(_words(each) for each in delegations if each.giver == person.id),
        **({"scopes": _ordered(scopes)} if scopes else {}),
    }


def _ordered(value: Any) -> Any:
    """The same, with what has no order of its own in that of its text."""
    if isinstance(value, dict):
        return {key: _ordered(each) for key, each in sorted(value.items())}
    if isinstance(value, list):
        return sorted((_ordered(each) for each in value), key=canonical_json)
    return value


def _words(given: Delegation) -> str:
    said = [str(given.delegate)]
    said += [f"as {' and '.join(sorted(given.roles))}"] if given.roles else []
    said += [f"from {given.starts_at.isoformat()}"] if given.starts_at else []
    said += [f"until {given.ends_at.isoformat()}"] if given.ends_at else []
    return " ".join(said)


def _changes(before: JsonObject, after: JsonObject) -> Iterator[str]:
    """Each change as a sentence, by person."""
    for id_ in sorted(before.keys() | after.keys()):
        was, now = before.get(id_), after.get(id_)
        if was is None or now is None:
            there: JsonObject = was or now or {}
            roles = ", ".join(there["roles"]) or "none"
            what = "is known" if was is None else "is not known any more"
            yield f"{there['name']} ({id_}) {what}; roles: {roles}"
            continue
        yield from (f"{now['name']} ({id_}) {said}" for said in _differences(was, now))


def _differences(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name, (new, gone) in _LISTS.items():
        yield from (new.format(each) for each in now[name] if each not in was[name])
        yield from (gone.format(each) for each in was[name] if each not in now[name])
    for kind in sorted(was["identities"].keys() | now["identities"].keys()):
        before, after = was["identities"].get(kind), now["identities"].get(kind)
        if before != after:
            yield f"is known to {kind} as {after or 'nobody'}, before as {before or 'nobody'}"
    for name, said in _OTHERS.items():
        if was.get(name) != now.get(name):
            yield said.format(was.get(name))
