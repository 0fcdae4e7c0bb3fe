"""Tools of one body: a function under several names could go by the laxer rule of the two."""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Iterable
from functools import partial
from typing import Any

from countersign.agents.classic.gatekeeper import ApprovalProxy


def same_bodies(proxies: Iterable[ApprovalProxy]) -> list[frozenset[str]]:
    """The tool names, in groups of two and more, under which the proxies execute one function."""
    names: defaultdict[object, set[str]] = defaultdict(set)
    for proxy in proxies:
        for name, tool in proxy.function_map.items():
            names[_identity(getattr(tool, "body", tool))].add(name)
    return [frozenset(group) for group in names.values() if len(group) > 1]


def _identity(body: Any) -> object:
    """Equal for what runs the same code on the same object, however it is wrapped."""
    while True:
        inner = body.func if isinstance(body, partial) else inspect.unwrap(body)
        if inner is body:
            break
        body = inner
    if inspect.ismethod(body):
        return id(body.__func__), id(body.__self__)
    return id(body)
