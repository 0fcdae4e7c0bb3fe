"""Outages: logs once that something cannot be reached, and once that it can be again."""

from __future__ import annotations

import structlog

log = structlog.get_logger(__name__)


class Outages:
    """What is away just now, of one kind of thing: channels, models; `key` names it in a line."""

    def __init__(self, what: str, *, key: str | None = None):
        self._what, self._key = what, key or what
        self._away: set[str] = set()

    def down(self, name: str, why: str) -> None:
        """It cannot be reached; only the first time is said."""
        if name not in self._away:
            self._away.add(name)
            log.warning(f"{self._what} unreachable", **{self._key: name, "reason": why})

    def up(self, name: str) -> None:
        """It was reached; that is said if it was away."""
        if name in self._away:
            self._away.discard(name)
            log.info(f"{self._what} reachable again", **{self._key: name})


def named(error: BaseException) -> str:
    """The class of an exception of a library, and never its text: that may quote a credential, an
    address or a body."""
    kind = type(error)
    library = kind.__module__.partition(".")[0]
    return kind.__name__ if library == "builtins" else f"{library}: {kind.__name__}"
