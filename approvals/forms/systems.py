"""What the systems are called in which people are asked and answer, and by which identity each
knows them.

A system says so where it is described (`connectors.system.System`), once for the whole process.
"""

from __future__ import annotations

from countersign.approvals.errors import ConfigurationError
from countersign.approvals.models import Value, Via


class Named(Value):
    """How people and the `people` section speak of one system."""

    words: str
    identity: str = ""
    """The kind of identity by which it knows people; "" if it knows everybody."""


_OURS: dict[str, Named] = {
    Via.API: Named(words="the API"),
    Via.CLI: Named(words="the command line"),
    Via.POLICY: Named(words="policy"),
    Via.GRANT: Named(words="a grant"),
    Via.CLOCK: Named(words="the deadline"),
}
_NAMED: dict[str, Named] = {**_OURS}


def declare(name: str, named: Named) -> None:
    """Let the system of this name be called so.

    Raises ConfigurationError for a name that cannot be a system's; ValueError says which can.
    """
    if Via(name) in _OURS:
        raise ConfigurationError([f"a system cannot be named {name}: votes come through that."])
    _NAMED[name] = named


def system_words(name: str) -> str:
    """A system as people call it; its own name if nobody has declared it."""
    return _NAMED[name].words if name in _NAMED else name


def identity_kind(name: str) -> str:
    """The kind of identity by which the system knows people; "" if it knows everybody."""
    return _NAMED[name].identity if name in _NAMED else ""
