"""Checking: names, functions and operand types of a condition, before any call is ruled on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from countersign.approvals.forms.sentences import nearest
from countersign.approvals.rules.conditions.calls import called
from countersign.approvals.rules.conditions.facts import Catalogue
from countersign.approvals.rules.conditions.functions import HAS
from countersign.approvals.rules.conditions.narrowing import Scope, not_null
from countersign.approvals.rules.conditions.operators import (
    SIGNS,
    OperandError,
    binary,
    negated,
    require_value,
)
from countersign.approvals.rules.conditions.syntax import Node
from countersign.approvals.rules.conditions.types import (
    BOOL,
    DOUBLE,
    DYN,
    INT,
    NULL,
    Type,
    joined,
    list_of,
)

_HISTORY = Node("name", name="history")


@dataclass(frozen=True)
class Checked:
    """A condition of which everything is known that can be known before a call."""

    node: Node
    problems: Sequence[str]
    whole: frozenset[int]
    """Divisions of whole numbers, by `id` of their nodes."""
    dead: frozenset[int]
    """What is not looked at for this tool, as what stands before it decides; likewise."""
    absent: frozenset[str]
    """Arguments for which it asks by `has`, and that this tool does not have."""
    constant: bool | None
    """What it always says of this tool; None if that depends."""
    integers: Sequence[Node] = ()
    """Its steps that are whole numbers for this tool."""


def check(node: Node, catalogue: Catalogue) -> Checked:
    """What is wrong with a condition on one tool; it may be evaluated if that is nothing."""

    def wrong(found: Type) -> str | None:
        if found.kind in ("bool", "dyn") and not found.nullable:
            return None
        return f"{node.text} is a {found}; a condition says true or false"

    return check_value(node, catalogue, wrong)


def integers_in(found: Iterable[Checked]) -> frozenset[Node]:
    """Steps that are whole numbers in every one of these: of one condition on several tools."""
    each = [frozenset(checked.integers) for checked in found]
    return each[0].intersection(*each[1:]) if each else frozenset()


def check_value(node: Node, catalogue: Catalogue, wrong: Callable[[Type], str | None]) -> Checked:
    """`check` of an expression; `wrong` says why a value of its type is not what is needed."""
    checker = _Checker(catalogue)
    found = checker.type_of(node, Scope(catalogue.names, frozenset()))
    if (said := wrong(found)) is not None:
        checker.problems.append(said)
    problems = tuple(dict.fromkeys(checker.problems))
    return Checked(
        node,
        problems,
        frozenset(checker.whole),
        frozenset(checker.dead),
        frozenset(checker.absent.values()),
        checker.constant(node),
        tuple(checker.integers),
    )


class _Checker:
    def __init__(self, catalogue: Catalogue):
        self._catalogue = catalogue
        self.problems: list[str] = []
        self.whole: set[int] = set()
        self.dead: set[int] = set()
        self.absent: dict[int, str] = {}
        self.integers: list[Node] = []

    def type_of(self, node: Node, scope: Scope) -> Type:
        """The type of a step; `dyn` where it is wrong, so that one mistake is told once."""
        try:
            found = _TYPING.get(node.op, _Checker._operator)(self, node, scope)
        except OperandError as exc:
            self.problems.append(str(exc))
            return DYN
        if found.kind == "int" and node.op != "literal":
            self.integers.append(node)
        return found

    def constant(self, node: Node) -> bool | None:
        """What a step always says: it may ask for an argument that another tool of the rule has."""
        if node.op == "literal" and isinstance(node.value, bool):
            return node.value
        if id(node) in self.absent:
            return False
        if node.op == "not":
            inner = self.constant(node.parts[0])
            return None if inner is None else not inner
        if node.op not in ("and", "or"):
            return None
        each, decides = [self.constant(part) for part in node.parts], node.op == "or"
        if decides in each:
            return decides
        return (not decides) if None not in each else None

    def _literal(self, node: Node, scope: Scope) -> Type:
        value = node.value
        if isinstance(value, str):
            return Type("string", values=(value,))
        if isinstance(value, bool):
            return BOOL
        return NULL if value is None else DOUBLE if isinstance(value, Decimal) else INT

    def _name(self, node: Node, scope: Scope) -> Type:
        found = scope.names.get(node.name)
        if found is None:
            raise OperandError(self._unknown_name(node.name, scope))
        return self._narrowed(node, found, scope)

    def _unknown_name(self, name: str, scope: Scope) -> str:
        arguments = self._catalogue.arguments.fields or {}
        if name in arguments:
            return f"{name} is not known; did you mean args.{name}?"
        meant = nearest(name, scope.names)
        hint = f"did you mean {meant}?" if meant else f"there are {', '.join(sorted(scope.names))}"
        return f"{name} is not known; {hint}"

    def _select(self, node: Node, scope: Scope) -> Type:
        (target,) = node.parts
        of = self.type_of(target, scope)
        if of.kind == "dyn":
            return DYN
        require_value(target, of)
        if of.kind != "object":
            raise OperandError(f"{target.text} is a {of}, so it has no {node.name}")
        if target == _HISTORY and self._catalogue.zone is None:
            raise OperandError(
                f"{node.text} needs to know where a day begins: write policy.zone, as Europe/Berlin"
            )
        found = of.element or DYN
        if of.fields is not None:
            if node.name not in of.fields:
                raise OperandError(self._unknown_field(node, of.fields))
            found = of.fields[node.name]
        return self._narrowed(node, found, scope)

    def _unknown_field(self, node: Node, fields: Mapping[str, Type]) -> str:
        (target,) = node.parts
        what = f"{target.text} has no {node.name}"
        if target == Node("name", name="args"):
            what = f"{self._catalogue.tool} has no argument {node.name}"
        meant = nearest(node.name, fields)
        if meant:
            return f"{what}; did you mean {meant}?"
        return f"{what}; there is {', '.join(sorted(fields)) or 'nothing'}"

    def _narrowed(self, node: Node, found: Type, scope: Scope) -> Type:
        return replace(found, nullable=False) if node in scope.sure else found

    def _index(self, node: Node, scope: Scope) -> Type:
        target, key = node.parts
        of, at = self.type_of(target, scope), self.type_of(key, scope)
        if of.kind == "dyn":
            return DYN
        require_value(target, of)
        if of.kind == "list" and at.kind in ("int", "dyn"):
            return self._narrowed(node, of.element or DYN, scope)
        if of.kind == "object" and at.kind in ("string", "dyn"):
            known = (of.fields or {}).get(key.value) if key.op == "literal" else None
            return self._narrowed(node, known or of.element or DYN, scope)
        raise OperandError(f"{target.text} is a {of}; [{key.text}] is not for it")

    def _list(self, node: Node, scope: Scope) -> Type:
        return list_of(joined([self.type_of(part, scope) for part in node.parts]))

    def _call(self, node: Node, scope: Scope) -> Type:
        if node.name == HAS:
            return self._has(node, scope)
        before = len(self.problems)
        given = [self.type_of(part, scope) for part in node.parts]
        if len(self.problems) > before:
            return DYN
        return called(node, given, self._catalogue)

    def _has(self, node: Node, scope: Scope) -> Type:
        if len(node.parts) != 1 or node.parts[0].op != "select":
            raise OperandError(f"{node.text} asks for no field; write it as has(args.amount)")
        (asked,) = node.parts
        fields = scope.names["args"].fields
        if asked.parts[0] == Node("name", name="args") and fields is not None:
            if asked.name not in fields:
                self.absent[id(node)] = asked.name
            return BOOL
        self.type_of(asked, scope)
        return BOOL

    def _macro(self, node: Node, scope: Scope) -> Type:
        target, body = node.parts
        of = self.type_of(target, scope)
        if node.name in self._catalogue.names:
            raise OperandError(f"{node.text}: {node.name} is a name already; use another one")
        if of.kind != "dyn":
            require_value(target, of)
            if of.kind != "list":
                raise OperandError(f"{target.text} is a {of}; {node.value}() needs a list")
        element = of.element or DYN
        inner = self.type_of(body, scope.having(node.name, element))
        if node.value == "map":
            return list_of(inner)
        if inner.kind not in ("bool", "dyn") or inner.nullable:
            raise OperandError(f"{body.text} is a {inner}; {node.value}() needs true or false")
        return list_of(element) if node.value == "filter" else BOOL

    def _junction(self, node: Node, scope: Scope) -> Type:
        """Both sides are true or false; what the left one makes sure holds on the right. After what
        is always false for this tool nothing is said of it."""
        ends = node.op == "or"
        for number, part in enumerate(node.parts):
            found = self.type_of(part, scope)
            if found.kind not in ("bool", "dyn") or found.nullable:
                sign = "||" if ends else "&&"
                self.problems.append(f"{part.text} is a {found}; {sign} needs true or false")
            if self.constant(part) is ends and part.op != "literal":
                self.dead.update(map(id, node.parts[number + 1 :]))
                break
            scope = scope.knowing(not_null(part, said=not ends))
        return BOOL

    def _not(self, node: Node, scope: Scope) -> Type:
        found = self.type_of(node.parts[0], scope)
        if found.kind not in ("bool", "dyn") or found.nullable:
            raise OperandError(f"{node.parts[0].text} is a {found}; ! needs true or false")
        return BOOL

    def _neg(self, node: Node, scope: Scope) -> Type:
        return negated(node, self.type_of(node.parts[0], scope))

    def _ternary(self, node: Node, scope: Scope) -> Type:
        condition, yes, no = node.parts
        found = self.type_of(condition, scope)
        if found.kind not in ("bool", "dyn") or found.nullable:
            self.problems.append(f"{condition.text} is a {found}; before ? stands true or false")
        return joined(
            [
                self.type_of(yes, scope.knowing(not_null(condition, said=True))),
                self.type_of(no, scope.knowing(not_null(condition, said=False))),
            ]
        )

    def _operator(self, node: Node, scope: Scope) -> Type:
        before = len(self.problems)
        left, right = (self.type_of(part, scope) for part in node.parts)
        if len(self.problems) > before:
            return BOOL if node.op in SIGNS and node.op not in _RECKONED else DYN
        if node.op == "in" and node.parts[1].op == "list":
            for part in node.parts[1].parts:
                binary(Node("eq", (node.parts[0], part)), left, self.type_of(part, scope))
        if node.op in ("div", "mod"):
            if left.kind == right.kind == "int":
                self.whole.add(id(node))
            if self._catalogue.is_preliminary and "dyn" in (left.kind, right.kind):
                return DYN
        return binary(node, left, right)


_RECKONED = frozenset({"add", "sub", "mul", "div", "mod"})
_Typing = Callable[[_Checker, Node, Scope], Type]
_TYPING: dict[str, _Typing] = {
    "literal": _Checker._literal,
    "name": _Checker._name,
    "select": _Checker._select,
    "index": _Checker._index,
    "list": _Checker._list,
    "call": _Checker._call,
    "macro": _Checker._macro,
    "and": _Checker._junction,
    "or": _Checker._junction,
    "not": _Checker._not,
    "neg": _Checker._neg,
    "ternary": _Checker._ternary,
}
