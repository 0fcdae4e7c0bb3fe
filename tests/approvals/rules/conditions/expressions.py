"""Conditions made up by hypothesis: any, and those of the part of CEL that all engines share."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

_INTS = ["args.a", "args.b", "args.l.size()", "size(args.s)"]
_TEXTS = ["args.s", "args.t"]
_NUMBERS = st.integers(-9, 9).map(lambda n: str(n) if n >= 0 else f"({n})")
_LETTERS = st.text("abc", max_size=3)
ARGUMENTS = st.fixed_dictionaries(
    {
        "a": st.integers(-9, 9),
        "b": st.integers(-9, 9),
        "s": _LETTERS,
        "t": _LETTERS,
        "f": st.booleans(),
        "l": st.lists(st.integers(-9, 9), max_size=4),
    }
)
SHARED_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "a": {"type": "integer"},
        "b": {"type": "integer"},
        "s": {"type": "string"},
        "t": {"type": "string"},
        "f": {"type": "boolean"},
        "l": {"type": "array", "items": {"type": "integer"}},
    },
}


def _ints(depth: int) -> st.SearchStrategy[str]:
    base = st.one_of(st.sampled_from(_INTS), _NUMBERS)
    if depth == 0:
        return base
    inner = _ints(depth - 1)
    return st.one_of(
        base,
        st.builds("({} {} {})".format, inner, st.sampled_from("+-*"), inner),
        st.builds("({} {} {})".format, inner, st.sampled_from("/%"), st.integers(1, 5)),
        st.builds("({} ? {} : {})".format, shared(depth - 1), inner, inner),
    )


def _texts(depth: int) -> st.SearchStrategy[str]:
    base = st.one_of(st.sampled_from(_TEXTS), _LETTERS.map('"{}"'.format))
    if depth == 0:
        return base
    return st.one_of(base, st.builds("({} + {})".format, _texts(depth - 1), _texts(depth - 1)))


def shared(depth: int) -> st.SearchStrategy[str]:
    """Conditions that every engine reads and means alike: whole numbers, texts, lists, logic."""
    ints, texts = _ints(max(depth - 1, 0)), _texts(max(depth - 1, 0))
    order = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
    base = st.one_of(
        st.just("args.f"),
        st.builds("{} {} {}".format, ints, order, ints),
        st.builds("{} {} {}".format, texts, order, texts),
        st.builds(
            "{}.{}({})".format,
            texts,
            st.sampled_from(["startsWith", "endsWith", "contains"]),
            texts,
        ),
        st.builds("{} in [{}, {}]".format, ints, ints, ints),
        st.builds("{} in args.l".format, ints),
        st.builds("args.l.{}(e, e {} {})".format, st.sampled_from(["all", "exists"]), order, ints),
        st.builds("args.l.filter(e, e {} {}).size() > 1".format, order, ints),
        st.builds("args.l.map(e, e + {}) == [{}]".format, ints, ints),
    )
    if depth == 0:
        return base
    inner = shared(depth - 1)
    return st.one_of(
        base,
        st.builds("({} && {})".format, inner, inner),
        st.builds("({} || {})".format, inner, inner),
        st.builds("!({})".format, inner),
        st.builds("({} ? {} : {})".format, inner, inner, inner),
        st.builds("({}) == ({})".format, inner, inner),
    )


_LEAVES = [
    *("1", "0", "2.5", "-3", '"x"', "true", "false", "null", "[]", '[1, "x", null]', "1e3"),
    *("args.amount", "args.count", "args.name", "args.urgent", "args.note", "args.limit"),
    *("args.total", "args.price", "args.price.amount", "args.lines", "args.tags", "args.numbers"),
    *("args.maybe", "args.labels", "args.anything", "args.due", "args.gone", "args.currency"),
    *("args", "tool.reversibility", "requester", "requester.roles", "now", "agent", "e", "e.sku"),
]


def anything(depth: int) -> st.SearchStrategy[str]:
    """Any text that looks like a condition; most are wrong."""
    base = st.sampled_from(_LEAVES)
    if depth == 0:
        return base
    inner = anything(depth - 1)
    signs = ["&&", "||", "==", "!=", "<", ">=", "+", "-", "*", "/", "%", "in"]
    given = ["", '"x"']
    calls = ["int", "double", "timestamp", "duration", "money", "size", "has", "!"]
    methods = ["size", "startsWith", "contains", "lowerAscii", "sum", "max", "getHours"]
    return st.one_of(
        base,
        st.builds("({} {} {})".format, inner, st.sampled_from(signs), inner),
        st.builds("{}.{}({})".format, inner, st.sampled_from(methods), st.sampled_from(given)),
        st.builds('{}.getHours("{}")'.format, inner, st.sampled_from(["UTC", "x"])),
        st.builds(
            "{}({})".format,
            st.sampled_from(calls),
            inner,
        ),
        st.builds("money({}, {})".format, inner, st.sampled_from(['"EUR"', '"USD"', "args.name"])),
        st.builds(
            "{}.{}(e, {})".format,
            inner,
            st.sampled_from(["all", "exists", "exists_one", "map", "filter"]),
            inner,
        ),
        st.builds("({} ? {} : {})".format, inner, inner, inner),
        st.builds("{}[{}]".format, inner, inner),
        st.builds("-{}".format, inner),
    )


_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["EUR", "2026-12-01T00:00:00Z", "1h", "12.5", "x"]),
)
_JSON = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["amount", "currency", "sku", "x"]), inner, max_size=3),
    ),
    max_leaves=6,
)


def arguments_of(names: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Arguments of any kind, some missing: what an agent may write where nobody checks."""
    return st.dictionaries(st.sampled_from(names), _JSON)
