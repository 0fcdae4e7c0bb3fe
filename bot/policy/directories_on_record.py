"""Directories on record: what the file says of them, on the governance ledger whenever it changes.

Being in a group gives roles, and being on call lets one decide: who changes that changes who may
decide, without touching `people`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from countersign.approvals.audit.canonical import canonical_json, sha256_hex
from countersign.approvals.models import DirectoriesChanged, JsonObject
from countersign.approvals.ports import Clock, Moment, Store, Unit
from countersign.approvals.store import governance
from countersign.bot.settings.directory import DirectorySettings
from countersign.connectors.on_call.settings import source_of

NOTHING: JsonObject = {}


async def put_directories_on_record(
    store: Store, clock: Clock, settings: DirectorySettings | None, file: str
) -> None:
    """Say on the governance ledger what has changed of what is read, unless nothing has. Harmless
    to repeat."""
    directories = {} if settings is None else told(settings)
    after = sha256_hex(canonical_json(directories))

    def work(unit: Unit) -> None:
        last = governance.newest(unit, DirectoriesChanged)
        before = NOTHING if last is None else last.directories
        if before == directories:
            return
        changed = DirectoriesChanged(
            before=None if last is None else last.after,
            after=after,
            directories=directories,
            changes=() if last is None else tuple(_changes(before, directories)),
            file=file,
        )
        governance.append(unit, changed)

    await store.unit(work, Moment(clock.now()))


def told(settings: DirectorySettings) -> JsonObject:
    """All that decides who somebody is, by the name of the directory; no secret."""
    found: JsonObject = {}
    for name, section in settings.sections().items():
        found[name] = {
            "groups": {
                group: {
                    "roles": sorted(grant.all_roles),
                    "domains": sorted(grant.domains),
                    "limited": sorted(
                        (entry.model_dump(mode="json") for entry in grant.limited),
                        key=canonical_json,
                    ),
                }
                for group, grant in section.groups.items()
            },
            "links_by_email": section.link_by_email,
        }
    if settings.servicenow is not None:
        found["servicenow"]["delegates"] = settings.servicenow.delegates
    for name, schedule in settings.schedules.items():
        found[source_of(name)] = {
            "from": schedule.read_from,
            "otherwise": sorted(schedule.otherwise),
            "people": {text: str(who) for text, who in schedule.people.items()},
        }
    return found


def _changes(before: JsonObject, after: JsonObject) -> Iterator[str]:
    """Each change as a sentence, by directory."""
    for name in sorted(before.keys() | after.keys()):
        was, now = before.get(name), after.get(name)
        if was is None or now is None:
            yield f"{name} is read" if was is None else f"{name} is not read any more"
            continue
        yield from (f"{name}: {said}" for said in _differences(was, now))


def _differences(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    groups, gave = now.get("groups", {}), was.get("groups", {})
    for group in sorted(groups.keys() | gave.keys()):
        if groups.get(group) != gave.get(group):
            yield (
                f"the group {group} gives {_given(groups.get(group))}, "
                f"before {_given(gave.get(group))}"
            )
    people, meant = now.get("people", {}), was.get("people", {})
    for text in sorted(people.keys() | meant.keys()):
        if people.get(text) != meant.get(text):
            yield f"{text} is {people.get(text, 'nobody')}, before {meant.get(text, 'nobody')}"
    if now.get("from") != was.get("from"):
        yield "is read from elsewhere, or in another zone"
    if now.get("otherwise") != was.get("otherwise"):
        roles = ", ".join(now["otherwise"]) or "nobody"
        before = ", ".join(was["otherwise"]) or "nobody"
        yield f"while nobody is on call {roles} is asked, before {before}"
    for key, what in (("links_by_email", "addresses"), ("delegates", "delegates")):
        if now.get(key) != was.get(key):
            yield f"{what} {'count' if now.get(key) else 'do not count any more'}"


def _given(grant: Mapping[str, Any] | None) -> str:
    """In words, what being in a group gives."""
    if grant is None:
        return "nothing"
    limited = {entry["role"] for entry in grant["limited"]}
    roles = [f"{role} for some calls" if role in limited else role for role in grant["roles"]]
    domains = [f"the domain {domain}" for domain in grant["domains"]]
    return ", ".join([*roles, *domains])
