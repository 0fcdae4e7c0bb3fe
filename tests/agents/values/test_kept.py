"""Arguments of plain types are not converted, which changes nothing but the time it takes."""

import functools
from collections.abc import Callable
from typing import Annotated, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import AfterValidator, StringConstraints
from typing_extensions import override

from countersign.agents.classic.functions import Functions
from countersign.agents.values import effective as effective_values
from countersign.agents.values.effective import ToolParameters
from countersign.approvals.errors import InvalidArgumentsError
from countersign.approvals.models import Effective, JsonObject


def refund(
    order: str,
    amount: float,
    count: int = 1,
    urgent: bool = False,
    ratio: float = 1,  # the body gets the int, as the author wrote it
) -> str:
    return f"{order} {amount} {count} {urgent} {ratio}"


def plain(amount: float, order: str, count: int = 1, urgent: bool = False) -> str:
    return f"{order} {amount} {count} {urgent}"


def short(note: Annotated[str, StringConstraints(max_length=3)]) -> str:
    return note


def loud(note: Annotated[str, AfterValidator(str.upper)]) -> str:
    return note


class Converting(Functions):
    """As AutoGen wraps the functions that its decorators register."""

    @override
    def users_own(self, body: Callable[..., Any]) -> tuple[Callable[..., Any], bool]:
        return body, True


VALUES = (
    st.sampled_from(["", "x", "\ud800", 1, 1.0, 25, 2**53, float("nan"), True, None])
    | st.text(max_size=4)
    | st.integers()
    | st.floats()
)
NAMES = st.sampled_from(["order", "amount", "count", "urgent", "ratio", "other"])
CALLS = st.dictionaries(NAMES, VALUES, max_size=5)


@functools.cache
def parameters(body: Any, *, reads_all: bool = False) -> ToolParameters:
    """What a tool takes; with `reads_all`, nothing is kept without being converted."""
    made = ToolParameters(body.__name__, body, None, Converting())
    if reads_all:
        made._kinds = {}
    return made


def outcome(tool: ToolParameters, arguments: JsonObject) -> Effective | str:
    try:
        return tool.effective(arguments)
    except InvalidArgumentsError as exc:
        return str(exc)


@settings(max_examples=400, deadline=None)
@given(CALLS | CALLS.map(lambda call: {"order": "8841", "amount": 149.9, **call}))
@example({"order": "8841", "amount": 25})
@example({"amount": 149.9, "order": "8841", "urgent": True})
@example({"order": "8841", "amount": 149.9, "ratio": 1.0})
@example({"amount": float("inf"), "order": "\ud800"})
@pytest.mark.parametrize("body", [refund, plain])
def test_what_is_kept_is_what_would_be_read(body: Any, call: JsonObject) -> None:
    quick, slow = parameters(body), parameters(body, reads_all=True)
    expected, actual = outcome(slow, call), outcome(quick, call)

    assert repr(expected) == repr(actual)  # 25 is not 25.0, and members have an order
    if isinstance(actual, Effective):
        arguments = actual.arguments
        assert slow.call(arguments)() == quick.call(arguments)()


def test_plain_arguments_are_not_converted(monkeypatch: pytest.MonkeyPatch) -> None:
    tool = parameters(plain)

    def never(*_: object) -> None:
        raise AssertionError("it was read")

    monkeypatch.setattr(effective_values, "read_again", never)
    effective = tool.effective({"order": "8841", "amount": 149.9})

    assert {"amount": 149.9, "order": "8841", "count": 1, "urgent": False} == effective.arguments
    assert ("/count", "/urgent") == effective.defaulted
    assert tool.call(effective.arguments)() == "8841 149.9 1 False"


@pytest.mark.parametrize(
    ("body", "note", "expected"), [(short, "long", None), (loud, "yes", "YES")]
)
def test_what_a_type_refuses_or_changes_is_read(body: Any, note: str, expected: str | None) -> None:
    offered = {"type": "object", "properties": {"note": {"type": "string"}}}
    tool = ToolParameters("say", body, offered, Converting())

    if expected is None:
        with pytest.raises(InvalidArgumentsError):
            tool.effective({"note": note})
    else:
        assert {"note": expected} == tool.effective({"note": note}).arguments
