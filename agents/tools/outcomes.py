"""Outcomes of tool bodies, and what their exceptions say about the world outside."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from countersign.approvals.audit.canonical import well_formed
from countersign.approvals.errors import IntegrityError, LostLeaseError

Errors: TypeAlias = type[BaseException] | tuple[type[BaseException], ...]
"""Classes of exceptions, as `isinstance` takes them."""
Harmless: TypeAlias = Errors | Mapping[str, Errors]
"""After which exceptions nothing has happened: of every tool, or by the tool's name."""

NOT_BEGUN = "It did not begin, and nothing happened. {0} It may be proposed again."


class OutcomeUnknownError(Exception):
    """Raise this from a tool that cannot tell whether it took effect (a connection that broke
    after the request was sent): the request is left in doubt and is never run again."""


class NothingHappenedError(Exception):
    """Raise this from a tool that knows that it changed nothing (the other side refused, or was
    never reached): the call has failed, the agents read the text and may propose it again."""


Late: TypeAlias = "Callable[[], Awaitable[ToolOutcome | None]]"


@dataclass(frozen=True)
class ToolOutcome:
    """What a body returned, as text; or, where `ok` is false, its error."""

    ok: bool
    content: str
    breach: IntegrityError | None = None
    """Set when the permit check refused: the body has not run."""
    unknown: bool = False
    """Whether the tool itself says that it does not know what it did."""
    harmless: bool = False
    """Whether it is sure that nothing happened, although it was called."""
    late: Late | None = None
    """Set when it took too long: gives what comes of it after all, or None if nobody will know."""


def outcome_of(error: BaseException, harmless: Errors, *, began: bool) -> ToolOutcome:
    """What an exception says; `began` is whether the body had begun when it was raised."""
    if isinstance(error, LostLeaseError) and not began:
        return ToolOutcome(ok=False, content=NOT_BEGUN.format(error), harmless=True)
    unknown = began and any(isinstance(one, OutcomeUnknownError) for one in _leaves(error))
    return ToolOutcome(
        ok=False,
        content=well_formed(describe(error)),
        breach=error if isinstance(error, IntegrityError) and not began else None,
        unknown=unknown,
        harmless=not began or (not unknown and _is_harmless(error, harmless)),
    )


def describe(error: BaseException) -> str:
    """An exception in words: its text, and its class where that is not one of ours."""
    ours = isinstance(error, OutcomeUnknownError | NothingHappenedError)
    if ours and str(error):
        return str(error)
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def of_tool(harmless: Harmless, tool: str) -> tuple[type[BaseException], ...]:
    """The classes that are harmless when this tool raises them."""
    found = harmless.get(tool, ()) if isinstance(harmless, Mapping) else harmless
    return found if isinstance(found, tuple) else (found,)


def faults(harmless: Harmless) -> list[str]:
    """What is no class of exceptions, by where it stands."""
    entries = harmless if isinstance(harmless, Mapping) else {"harmless": harmless}
    return [
        f"{name}: {one!r}"
        for name in entries
        for one in of_tool(entries, name)
        if not (isinstance(one, type) and issubclass(one, BaseException))
    ]


def _is_harmless(error: BaseException, harmless: Errors) -> bool:
    """Whether every exception in it is declared to be."""
    return all(
        isinstance(one, NothingHappenedError) or isinstance(one, harmless) for one in _leaves(error)
    )


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _leaves(one)
    else:
        yield error
