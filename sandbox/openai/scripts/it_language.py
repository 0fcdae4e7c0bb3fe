"""What the IT script understands of a task or of feedback: kinds, teams, sizes, ports, places."""

from __future__ import annotations

import re
from dataclasses import dataclass

FIREWALL = "firewall"
EVERYBODY = "0.0.0.0/0"
_KINDS = {
    FIREWALL: r"\bports?\s*\d+|\bfirewall\b",
    "gpu_node": r"\bgpus?\b",
    "laptop": r"\b(?:laptops?|notebooks?)\b",
    "virtual_machine": r"\b(?:virtual machines?|vms?|servers?)\b",
    "database": r"\b(?:databases?|dbs?|postgres\w*)\b",
}
_ENVIRONMENTS = {
    "production": r"\b(?:production|prod|prd|live)\b",
    "staging": r"\b(?:staging|stage|stg)\b",
    "dev": r"\b(?:dev|development|testing)\b",
}
_TEAM = re.compile(
    r"\bteam[: ]+(?!to\b|from\b|in\b|with\b)(\w+)|(?:for|of|by)\s+(?:the\s+)?(\w+)[- ]team\b", re.I
)
_SIZE = re.compile(r"\b(\d[\d,]*)\s*(tb|gb|v?cpus?|cores?|gpus?|laptops?|notebooks?)\b", re.I)
_REGION = re.compile(r"\b(?:eu|us|ap)-[a-z]+\b|\b(?:berlin|lisbon)\b", re.I)
_PORT = re.compile(r"\bports?\s*(\d{1,5})\b", re.I)
_ENDS = re.compile(
    r"\bfrom\s+(?:the\s+)?(.+?)\s+(?:to|towards)\s+(?:the\s+)?([\w -]+?)"
    r"(?:[,.;]|\s(?:for|now)\b|$)",
    re.I,
)
_SOURCE = re.compile(
    r"\bfrom\s+(?:the\s+)?([\w./ -]+?)(?:[,;]|\.(?:\s|$)|\s(?:to|please)\b|$)", re.I
)
_ANYWHERE = re.compile(r"any(?:where|body|one)?|every(?:where|body|one)|internet|world", re.I)
_WINDOW = re.compile(r"\b(sat|wed)(?:urday|nesday)?\b", re.I)
_SMALLER = re.compile(r"\b(?:smaller|too (?:big|much|large|expensive)|cheaper|half)\b", re.I)
_STOP = re.compile(
    r"\b(?:cancel|stop|withdraw|forget (?:it|about)|drop (?:it|this)|"
    r"do(?: not|n't) (?:provision|open|order|buy))",
    re.I,
)


@dataclass(frozen=True)
class Wish:
    """What a sentence names; None for what it does not."""

    kind: str | None = None
    team: str | None = None
    environment: str | None = None
    size: int | None = None
    region: str | None = None
    port: int | None = None
    source: str | None = None
    target: str | None = None
    day: str | None = None
    """The first letters of the weekday of a maintenance window."""
    smaller: bool = False
    stop: bool = False


def wish(text: str) -> Wish:
    """Read a sentence."""
    team, port, day = _TEAM.search(text), _PORT.search(text), _WINDOW.search(text)
    region, ends = _REGION.search(text), _ENDS.search(text)
    source = ends or _SOURCE.search(text)
    return Wish(
        kind=_first(_KINDS, text),
        team=(team[1] or team[2]).lower() if team else None,
        environment=_first(_ENVIRONMENTS, text),
        size=_size(text),
        region=region[0].lower() if region else None,
        port=int(port[1]) if port else None,
        source=_end(source[1]) if source else None,
        target=_end(ends[2]) if ends else None,
        day=day[1].capitalize() if day else None,
        smaller=bool(_SMALLER.search(text)),
        stop=bool(_STOP.search(text)),
    )


def _first(patterns: dict[str, str], text: str) -> str | None:
    return next((name for name, p in patterns.items() if re.search(p, text, re.I)), None)


def _size(text: str) -> int | None:
    found = _SIZE.search(text)
    if found is None:
        return None
    number = int(found[1].replace(",", ""))
    return number * 1000 if found[2].lower() == "tb" else number


def _end(text: str) -> str:
    """One end of a connection as the records call it: "web tier" is web-tier."""
    plain = text.strip().lower()
    return EVERYBODY if _ANYWHERE.fullmatch(plain) else plain.replace(" ", "-")
