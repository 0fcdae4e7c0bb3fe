"""Syntax: the text of a condition as a tree, or the place where it cannot be read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lark import Lark, Token, Tree
    from lark.exceptions import UnexpectedInput

# `lark` is imported where a policy has a condition.

LONGEST = 4_000
"""Characters of a condition: nobody can read a longer one."""
DEEPEST = 60
"""How far it may be nested."""
LARGEST_EXPONENT = 400
"""Of a literal: 1e999999999 would be a number of a gigabyte."""

MACROS = frozenset({"all", "exists", "exists_one", "filter", "map"})
"""Methods that name an element and say something of each."""
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"', "'": "'", "`": "`", "?": "?"}
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2})|(.))")


class ConditionSyntaxError(ValueError):
    """Why a condition cannot be read."""


@dataclass(frozen=True, slots=True)
class Node:
    """One step of a condition. Equal to another one that says the same, wherever it stands."""

    op: str
    """`literal`, `name`, `select`, `index`, `list`, `call`, `macro`, or an operator by its name in
    the grammar."""
    parts: tuple[Node, ...] = ()
    name: str = ""
    """Of a name, a field, a function or the element of a macro, whose own is its `value`; of a
    literal its type."""
    value: Any = None
    text: str = field(default="", compare=False)
    """As it was written."""

    def walk(self) -> Iterator[Node]:
        """This one and everything in it."""
        yield self
        for part in self.parts:
            yield from part.walk()


def literal(value: Any, text: str = "") -> Node:
    """A value as it is written: 1 is neither true nor 1.0, which divides otherwise."""
    return Node("literal", name=type(value).__name__, value=value, text=text)


@lru_cache(maxsize=4_096)
def parse(text: str) -> Node:
    """The tree of a condition. Raises ConditionSyntaxError, which says where and what."""
    from lark.exceptions import UnexpectedInput

    if len(text) > LONGEST:
        raise ConditionSyntaxError(f"is longer than {LONGEST} characters; write several rules")
    try:
        tree = _parser().parse(text)
    except UnexpectedInput as exc:
        raise ConditionSyntaxError(_where(exc, text)) from exc
    return _node(tree, text, 0)


@cache
def _parser() -> Lark:
    from lark import Lark

    grammar = (Path(__file__).parent / "grammar.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", propagate_positions=True, maybe_placeholders=True)


_NO_OPERATORS = {
    "and": "&&",
    "or": "||",
    "not": "!",
    "is": "==",
    "AND": "&&",
    "OR": "||",
    "NOT": "!",
}


def _where(exc: UnexpectedInput, text: str) -> str:
    from lark.exceptions import UnexpectedCharacters, UnexpectedToken

    if isinstance(exc, UnexpectedToken) and exc.token.type == "$END":
        return "ends too early; something is missing after it, or a bracket is not closed"
    said = str(exc.token) if isinstance(exc, UnexpectedToken) else text[exc.pos_in_stream or 0]
    place = f"cannot be read at {said!r} (character {(exc.pos_in_stream or 0) + 1})"
    if said in _NO_OPERATORS:
        return f"{place}; write {_NO_OPERATORS[said]} for {said}"
    if isinstance(exc, UnexpectedCharacters) and said in "=&|":
        return f"{place}; write {said * 2}"
    if said in "\"'":
        return f"{place}; a text is not closed"
    return place


def _node(tree: Any, text: str, depth: int) -> Node:
    if depth > DEEPEST:
        raise ConditionSyntaxError(f"is nested deeper than {DEEPEST}; write several rules")
    here = text[tree.meta.start_pos : tree.meta.end_pos]
    name, given = str(tree.data), tree.children

    def inner(children: list[Any]) -> tuple[Node, ...]:
        return tuple(_node(child, text, depth + 1) for child in children)

    if name in _LITERALS:
        return literal(_LITERALS[name], here)
    if name in ("int", "float", "string"):
        return literal(_value(name, given[0]), here)
    if name == "ident":
        return Node("name", name=str(given[0]), text=here)
    if name == "select":
        return Node("select", inner(given[:1]), str(given[1]), text=here)
    if name == "list":
        return Node("list", inner(_args(given[0])), text=here)
    if name == "call":
        return Node("call", inner(_args(given[1])), str(given[0]), text=here)
    if name == "method":
        return _method(str(given[1]), inner([given[0], *_args(given[2])]), here)
    if name in ("and", "or"):
        return Node(name, inner(_chain(tree)), text=here)
    return Node(name, inner(given), text=here)


def _chain(tree: Any) -> list[Any]:
    """What is joined by the same operator, side by side: a long list of them is not deep."""
    from lark import Tree

    found: list[Any] = []
    while isinstance(tree.children[0], Tree) and tree.children[0].data == tree.data:
        found.append(tree.children[1])
        tree = tree.children[0]
    return [*tree.children, *reversed(found)]


_LITERALS: dict[str, bool | None] = {"true": True, "false": False, "null": None}


def _args(tree: Tree[Token] | None) -> list[Any]:
    return [] if tree is None else tree.children


def _method(name: str, parts: tuple[Node, ...], text: str) -> Node:
    if name not in MACROS:
        return Node("call", parts, name, value="method", text=text)
    if len(parts) != 3 or parts[1].op != "name":
        raise ConditionSyntaxError(f"{name} needs an element and a condition: .{name}(x, x > 0)")
    return Node("macro", (parts[0], parts[2]), parts[1].name, value=name, text=text)


def _value(kind: str, token: Token) -> int | Decimal | str:
    if kind == "int":
        return int(token, 16) if token[:2] == "0x" else int(token)
    if kind == "string":
        return _ESCAPE.sub(_unescaped, token[1:-1])
    number = Decimal(token)
    if number and abs(number.adjusted()) > LARGEST_EXPONENT:
        raise ConditionSyntaxError(f"{token} is too large or too small a number")
    return number


def _unescaped(match: re.Match[str]) -> str:
    code = match[1] or match[2] or match[3]
    if code is None:
        if match[4] not in _ESCAPES:
            raise ConditionSyntaxError(f"{match[0]} is no escape that a text may have")
        return _ESCAPES[match[4]]
    if int(code, 16) > 0x10FFFF or 0xD800 <= int(code, 16) <= 0xDFFF:
        raise ConditionSyntaxError(f"{match[0]} is no character")
    return chr(int(code, 16))
