"""Knows what runs inside a transaction, so that whoever must not be asked there can say so."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any, TypeVar

from countersign.approvals.ports import Store

S = TypeVar("S", bound=Store)
_inside: ContextVar[bool] = ContextVar("inside", default=False)


class AskedInsideError(BaseException):
    """No Exception: what goes on whatever happens must not go on after this."""


def outside(who: str) -> None:
    """To be called by doubles of what is outside: raises AskedInsideError in a transaction."""
    if _inside.get():
        raise AskedInsideError(f"{who} was asked inside a transaction.")


def watched(store: S) -> S:
    """The store, of which it is known what runs in its transactions, also in those that read."""
    store.unit = _watched(store.unit)  # type: ignore[method-assign,assignment]
    store.read = _watched(store.read)  # type: ignore[method-assign,assignment]
    return store


def _watched(run: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def watched_run(work: Callable[[Any], Any], *moment: Any) -> Any:
        def inside(transaction: Any) -> Any:
            token = _inside.set(True)
            try:
                return work(transaction)
            finally:
                _inside.reset(token)

        return await run(inside, *moment)

    return watched_run
