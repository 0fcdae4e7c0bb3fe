"""Guarded methods of a class: may this be executed here?"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any
from weakref import WeakSet

Refuse = Callable[..., None]
"""Takes what the guarded method takes. Raises BesideGateError, or returns: go on."""
_ours: WeakSet[Callable[..., Any]] = WeakSet()


def guard(owner: type, name: str, refuse: Refuse) -> None:
    """Put the question before a method that `owner` itself defines. Harmless to repeat."""
    method = vars(owner).get(name)
    if not callable(method) or method in _ours:
        return
    if inspect.iscoroutinefunction(method):

        async def guarded_async(self: Any, *args: Any, **kwargs: Any) -> Any:
            refuse(self, *args, **kwargs)
            return await method(self, *args, **kwargs)

        guarded: Any = guarded_async
    else:

        def guarded(self: Any, *args: Any, **kwargs: Any) -> Any:
            refuse(self, *args, **kwargs)
            return method(self, *args, **kwargs)

    guarded = wraps(method)(guarded)
    _ours.add(guarded)
    setattr(owner, name, guarded)
