"""JQL, the part of it that integrations use: text to a tree, with Jira's own words on mistakes.

Source: https://support.atlassian.com/jira-software-cloud/docs/jql-operators/ and
https://support.atlassian.com/jira-software-cloud/docs/jql-keywords/ (read 2026-11-25).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from countersign.sandbox.jira.refusals import JiraError

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<operator>!=|>=|<=|!~|=|>|<|~)
    | (?P<mark>[(),])
    | (?P<word>[+-]?[^\s"'=!<>~(),&|]+)
    )""",
    re.VERBOSE,
)
_RESERVED = set("+.,;?|*/%^$#@[]")
_KEYWORDS = {"and", "or", "not", "in", "is", "order", "by", "empty", "null"}
_OPERATORS = "'=', '!=', '<', '>', '<=', '>=', '~', '!~', 'IN', 'NOT IN', 'IS' and 'IS NOT'"


@dataclass(frozen=True)
class Clause:
    """`field operator values`; the operator in lower case: "=", "not in", "is not" and so on."""

    field: str
    operator: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Both:
    """AND."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Either:
    """OR."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Negated:
    """NOT."""

    part: Node


Node = Clause | Both | Either | Negated


@dataclass(frozen=True)
class Query:
    """A whole query; `where` None means that it restricts nothing."""

    where: Node | None
    order: tuple[tuple[str, bool], ...]
    """Field, and whether it is descending."""


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    at: int

    @property
    def word(self) -> str:
        """In lower case if it is a bare word, else nothing."""
        return self.text.lower() if self.kind == "word" else ""


def parse(text: str) -> Query:
    """The query. Raises JiraError 400."""
    return _Parser(text).query()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(self._scan())
        self._next = 0

    def _scan(self) -> list[_Token]:
        tokens, position = [], 0
        while self._text[position:].strip():
            match = _TOKEN.match(self._text, position)
            if match is None or match.lastgroup is None:
                raise self._error(position + 1, "The query cannot be read here.")
            kind, raw = match.lastgroup, match[match.lastgroup]
            start = match.start(kind) + 1
            if kind == "string":
                raw = re.sub(r"\\(.)", r"\1", raw[1:-1])
            elif kind == "word" and (bad := _RESERVED & set(raw.lstrip("+-"))):
                sign = min(bad, key=raw.index)
                raise self._error(
                    start + raw.index(sign),
                    f"The character '{sign}' is a reserved JQL character. You must enclose it in "
                    f"a string or use the escape '\\u{ord(sign):04x}' instead.",
                )
            tokens.append(_Token(kind, raw, start))
            position = match.end()
        return tokens

    def _error(self, at: int, message: str) -> JiraError:
        return JiraError(400, f"Error in the JQL Query: {message} (line 1, character {at})")

    def _peek(self) -> _Token:
        if self._next < len(self._tokens):
            return self._tokens[self._next]
        return _Token("end", "", len(self._text) + 1)

    def _take(self) -> _Token:
        token = self._peek()
        self._next += 1
        return token

    def _accept(self, *words: str) -> bool:
        token = self._peek()
        if token.word in words or (token.kind == "mark" and token.text in words):
            self._next += 1
            return True
        return False

    def query(self) -> Query:
        where = None
        if self._peek().kind != "end" and self._peek().word != "order":
            where = self._either()
        order = self._order() if self._accept("order") else ()
        if self._peek().kind != "end":
            token = self._peek()
            raise self._error(token.at, f"Expecting either 'OR' or 'AND' but got '{token.text}'.")
        return Query(where, order)

    def _either(self) -> Node:
        parts = [self._both()]
        while self._accept("or"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _both(self) -> Node:
        parts = [self._one()]
        while self._accept("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else Both(tuple(parts))

    def _one(self) -> Node:
        if self._accept("not"):
            return Negated(self._one())
        if self._accept("("):
            inner = self._either()
            if not self._accept(")"):
                raise self._error(self._peek().at, "Expecting ')' before the end of the query.")
            return inner
        return self._clause()

    def _clause(self) -> Clause:
        name = self._take()
        if name.kind not in ("word", "string") or name.word in _KEYWORDS:
            raise self._error(name.at, f"Expecting a field name but got '{name.text}'.")
        operator = self._operator()
        if operator in ("in", "not in"):
            return Clause(name.text, operator, self._list())
        return Clause(name.text, operator, (self._value(empty=True),))

    def _operator(self) -> str:
        token = self._take()
        if token.kind == "operator":
            return token.text
        if token.word == "not" and self._accept("in"):
            return "not in"
        if token.word == "is":
            return "is not" if self._accept("not") else "is"
        if token.word == "in":
            return "in"
        raise self._error(
            token.at,
            f"Expecting operator but got '{token.text}'. The valid operators are {_OPERATORS}.",
        )

    def _list(self) -> tuple[str, ...]:
        if not self._accept("("):
            raise self._error(self._peek().at, f"Expecting '(' but got '{self._peek().text}'.")
        values = [self._value()]
        while self._accept(","):
            values.append(self._value())
        if not self._accept(")"):
            raise self._error(self._peek().at, f"Expecting ')' but got '{self._peek().text}'.")
        return tuple(values)

    def _value(self, *, empty: bool = False) -> str:
        token = self._take()
        if empty and token.word in ("empty", "null"):
            return ""
        if token.kind not in ("word", "string") or token.word in _KEYWORDS:
            raise self._error(
                token.at,
                "Expecting either a value, list or function but got "
                f"'{token.text}'. You must surround '{token.text}' in quotation marks to use it as "
                "a value.",
            )
        if token.word and self._accept("("):
            if not self._accept(")"):
                raise self._error(self._peek().at, "Expecting ')' after the function's name.")
            return f"{token.text}()"
        return token.text

    def _order(self) -> tuple[tuple[str, bool], ...]:
        if not self._accept("by"):
            raise self._error(self._peek().at, "Expecting 'BY' after 'ORDER'.")
        fields: list[tuple[str, bool]] = []
        while True:
            name = self._take()
            if name.kind not in ("word", "string"):
                raise self._error(name.at, f"Expecting a field name but got '{name.text}'.")
            descending = self._accept("desc")
            if not descending:
                self._accept("asc")
            fields.append((name.text, descending))
            if not self._accept(","):
                return tuple(fields)
