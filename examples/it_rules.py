"""The policy for IT changes, as pure rules over a change and the records it is about.

Every finding carries the values that would make the change comply; a finding without them has no
compliant alternative.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from countersign.examples.it_changes import (
    Change,
    NewResource,
    Offer,
    OpenPort,
    Resource,
)

NOW = "now"
MAINTENANCE_WINDOWS = ("Sat 22:00-02:00 UTC", "Wed 20:00-22:00 UTC")
"""When production may be changed; everything else may be changed at once."""
PRODUCTION = "production"
GATEWAY, BASTION = "edge-gateway", "vpn-gateway"
WIDEST_PREFIX = 24
"""A source may not be a network larger than this."""
ROLLBACK_CHARS = 8
_ABBREVIATED = {"dev": "dev", "staging": "stg", PRODUCTION: "prd", "office": "off"}
_OPEN_TO_ALL = frozenset({"0.0.0.0/0", "::/0", "*", "any", "anywhere", "everywhere", "internet"})
_PLAIN_TEXT_PORTS = {21: "FTP", 23: "Telnet"}
_ADMIN_PORTS = {22: "SSH", 3389: "RDP"}


@dataclass(frozen=True)
class KindRules:
    """The limits of one kind of resource."""

    short: str
    """How names end."""
    regions: tuple[str, ...]
    max_size: Mapping[str, int]
    """By environment; an environment that is missing is not allowed."""


KINDS = {
    # Personal data stays in the EU, wherever the system could provision it.
    "database": KindRules(
        "db", ("eu-central", "eu-north", "eu-west"), {"dev": 100, "staging": 500, PRODUCTION: 2000}
    ),
    "virtual_machine": KindRules(
        "vm", ("eu-central", "eu-north"), {"dev": 4, "staging": 16, PRODUCTION: 64}
    ),
    "gpu_node": KindRules("gpu", ("eu-central",), {"dev": 1, PRODUCTION: 4}),
    "laptop": KindRules("laptop", ("berlin", "lisbon"), {"office": 3}),
}


@dataclass(frozen=True)
class Finding:
    """One rule that a change breaks."""

    reason: str
    instead: Mapping[str, Any] = field(default_factory=dict)


def limits(kind: str) -> dict[str, Any]:
    """The rules for a kind of resource, or for `firewall`, as a planner needs them."""
    windows = {PRODUCTION: list(MAINTENANCE_WINDOWS), "elsewhere": [NOW, *MAINTENANCE_WINDOWS]}
    if kind == "firewall":
        return {
            "windows": windows,
            "sources": f"a resource, or a network of /{WIDEST_PREFIX} or smaller; never everybody",
            "forbidden_ports": sorted(_PLAIN_TEXT_PORTS),
            "ports_only_from": {BASTION: sorted(_ADMIN_PORTS)},
        }
    rules = KINDS.get(kind)
    if rules is None:
        return {"kinds": [*KINDS, "firewall"]}
    return {
        "windows": windows,
        "regions": list(rules.regions),
        "max_size": dict(rules.max_size),
        "names": {e: _named("<owner_team>", e, rules) for e in rules.max_size},
        "name_taken": "add -02, -03 and so on",
    }


def findings(
    change: Change, offers: Sequence[Offer], resources: Sequence[Resource]
) -> list[Finding]:
    """Every rule that the change breaks, judged by the catalogue and by what exists."""
    if isinstance(change, OpenPort):
        return _of_port(change, resources)
    rules = KINDS.get(change.kind)
    offer = next((one for one in offers if one.kind == change.kind), None)
    if rules is None or offer is None:
        return [Finding(f"Nobody may order a {change.kind}; there are {', '.join(KINDS)}.")]
    most = rules.max_size.get(change.environment)
    if most is None:
        return [Finding(f"A {change.kind} is for {', '.join(rules.max_size)}.")]
    return [
        *_of_size(change, most, offer.unit),
        *_of_region(change, rules),
        *_of_name(change, rules, {one.name for one in resources}),
        *_of_window(change.window, change.environment),
        *_of_rollback(change),
    ]


def of_cost(change: NewResource, offers: Sequence[Offer]) -> list[Finding]:
    """Whether whoever decides is told the real price."""
    costs = [one.monthly_cost_eur(change.size) for one in offers if one.kind == change.kind]
    if not costs or change.monthly_cost_eur == costs[0]:
        return []
    said = f"It costs EUR {costs[0]:,.2f} a month, not EUR {change.monthly_cost_eur:,.2f}."
    return [Finding(said, {"monthly_cost_eur": costs[0]})]


def _named(team: str, environment: str, rules: KindRules) -> str:
    return f"{team}-{_ABBREVIATED[environment]}-{rules.short}"


def _of_port(change: OpenPort, resources: Sequence[Resource]) -> list[Finding]:
    target = next((one for one in resources if one.name == change.target), None)
    if target is None:
        return [Finding(f"There is no resource {change.target}.")]
    return [
        *_of_source(change, resources),
        *_of_port_number(change),
        *_of_protocol(change),
        *_of_records(change, target),
        *_of_window(change.window, target.environment),
        *_of_rollback(change),
    ]


def _of_size(change: NewResource, most: int, unit: str) -> Iterator[Finding]:
    if change.unit != unit:
        yield Finding(f"A {change.kind} is sized in {unit}.", {"unit": unit})
    if change.size > most:
        said = f"In {change.environment} {most:,} {unit} is the most, not {change.size:,}."
        yield Finding(said, {"size": most})
    elif change.size < 1:
        yield Finding("The size is at least 1.")


def _of_region(change: NewResource, rules: KindRules) -> Iterator[Finding]:
    if change.region not in rules.regions:
        said = f"The region {change.region} is not allowed, only {', '.join(rules.regions)}."
        yield Finding(said, {"region": rules.regions[0]})


def _of_name(change: NewResource, rules: KindRules, taken: set[str]) -> Iterator[Finding]:
    if not re.fullmatch(r"[a-z][a-z0-9]{1,20}", change.owner_team):
        yield Finding(f"{change.owner_team!r} is no team: one word in small letters, please.")
        return
    first = _named(change.owner_team, change.environment, rules)
    names = [first, *(f"{first}-{number:02}" for number in range(2, 100))]
    free = next((name for name in names if name not in taken), None)
    if change.name in taken:
        reason = f"There is a {change.name} already."
    elif change.name not in names:
        reason = f"{change.name} is against the naming convention."
    else:
        return
    yield Finding(reason, {"name": free} if free else {})


def _of_window(window: str, environment: str) -> Iterator[Finding]:
    if environment == PRODUCTION and window not in MAINTENANCE_WINDOWS:
        said = f"Production is changed in a maintenance window: {' or '.join(MAINTENANCE_WINDOWS)}."
        yield Finding(said, {"window": MAINTENANCE_WINDOWS[0]})
    elif window not in (NOW, *MAINTENANCE_WINDOWS):
        yield Finding(f"There is no window {window!r}.", {"window": NOW})


def _of_rollback(change: Change) -> Iterator[Finding]:
    if len(change.rollback.strip()) < ROLLBACK_CHARS:
        yield Finding("The rollback is missing: say how the change is undone.")


def _of_source(change: OpenPort, resources: Sequence[Resource]) -> Iterator[Finding]:
    if change.source.strip().lower() in _OPEN_TO_ALL:
        said = f"Nothing is opened to everybody: the internet comes in through the {GATEWAY}."
        yield Finding(said, {"source": GATEWAY})
        return
    if any(one.name == change.source for one in resources):
        return
    try:
        network = ipaddress.ip_network(change.source)
    except ValueError:
        yield Finding(f"{change.source} is neither a resource nor a network.")
        return
    if network.version != 4 or network.prefixlen < WIDEST_PREFIX:
        yield Finding(f"{change.source} is too wide: a source is a /{WIDEST_PREFIX} at most.")


def _of_port_number(change: OpenPort) -> Iterator[Finding]:
    if name := _PLAIN_TEXT_PORTS.get(change.port):
        yield Finding(f"Port {change.port} ({name}) sends passwords in plain text: it stays shut.")
    elif (name := _ADMIN_PORTS.get(change.port)) and change.source != BASTION:
        said = f"Port {change.port} ({name}) is open only from the {BASTION}."
        yield Finding(said, {"source": BASTION})


def _of_protocol(change: OpenPort) -> Iterator[Finding]:
    if change.protocol not in ("tcp", "udp"):
        yield Finding(f"There is no port of {change.protocol}: tcp or udp.", {"protocol": "tcp"})


def _of_records(change: OpenPort, target: Resource) -> Iterator[Finding]:
    if change.environment != target.environment:
        said = f"{target.name} is in {target.environment}, not in {change.environment}."
        yield Finding(said, {"environment": target.environment})
    if change.owner_team != target.owner_team:
        said = f"{target.name} belongs to {target.owner_team}, not to {change.owner_team}."
        yield Finding(said, {"owner_team": target.owner_team})
