"""Agreement: field by field, within tolerances; and how sure one can be of a share."""

from __future__ import annotations

from math import sqrt
from typing import Any

import pytest

from countersign.approvals.errors import ConfigurationError
from countersign.approvals.rules.policy import Policy
from countersign.approvals.rules.rollout.agreement import differing, interval

ORDER = {
    "customer": "Contoso",
    "amount": 100,
    "express": True,
    "due": "2026-12-01",
    "address": {"city": "Leipzig", "zip": "04103"},
    "lines": [{"sku": "A", "price": 10.0}, {"sku": "B", "price": 20}],
}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, ()),
        ({"amount": 100.0}, ()),
        ({"amount": 101}, ("amount",)),
        ({"amount": "100"}, ("amount",)),
        ({"amount": None}, ("amount",)),
        ({"express": 1}, ("express",)),
        ({"customer": "contoso"}, ("customer",)),
        ({"address": {"city": "Halle", "zip": "04103"}}, ("address.city",)),
        ({"address": {"city": "Leipzig"}}, ("address.zip",)),
        ({"address": "Leipzig"}, ("address",)),
        ({"lines": []}, ("lines",)),
        ({"lines": [{"sku": "A", "price": 11}, {"sku": "B", "price": 21}]}, ("lines.price",)),
        ({"note": "quick", "customer": "Fabrikam"}, ("customer", "note")),
    ],
)
def test_each_field_that_is_not_the_same_is_named_once(
    changed: dict[str, Any], expected: tuple[str, ...]
) -> None:
    assert expected == differing(ORDER, {**ORDER, **changed}, {})


@pytest.mark.parametrize(
    ("name", "tolerance", "done", "agrees"),
    [
        ("amount", 5, 105, True),
        ("amount", 5, 105.01, False),
        ("amount", "0.3", 100.3, True),
        ("amount", "5", "95", True),
        ("amount", "5", "many", False),
        ("amount", "5", True, False),
        ("amount", "5", [100], False),
        ("amount", "2%", 98.04, True),
        ("amount", "2%", 98, False),
        ("amount", "2 %", 0, False),
        ("amount", "5", "Infinity", False),
        ("due", "1d", "2026-12-02", True),
        ("due", "1d", "2026-12-02T00:00:01", False),
        ("due", "1d", "2026-12-01T00:00:00+00:00", False),
        ("due", "1d", "soon", False),
        ("due", "1d", 20261201, False),
        ("customer", "text", " CONTOSO ", True),
        ("customer", "text", "Contoso Ltd", False),
        ("customer", "text", 5, False),
        ("customer", "ignore", "anything", True),
        ("address", "ignore", None, True),
        ("address.zip", "ignore", None, False),
        ("lines", "ignore", None, True),
    ],
)
def test_a_tolerance_is_kept_to_the_letter(
    name: str, tolerance: Any, done: Any, agrees: bool
) -> None:
    rule = {"effect": "shadow", "tolerances": {name: tolerance}}
    allowed = Policy.load({"tools": {"order": rule}}).tools["order"].tolerances
    top = name.partition(".")[0]

    assert agrees is (differing(ORDER, {**ORDER, top: done}, allowed) == ())


def test_what_is_ignored_may_be_missing_on_either_side() -> None:
    more = {**ORDER, "note": "quick"}
    for one, other in ((ORDER, more), (more, ORDER)):
        assert differing(one, other, {"note": "ignore"}) == ()
        assert differing(one, other, {"note": "text"}) == ("note",)


@pytest.mark.parametrize(
    ("tolerances", "says"),
    [
        ({"amount": "about"}, "'about' is no tolerance; write a number (5), a share (2%)"),
        ({"amount": -1}, "-1 is no tolerance"),
        ({"amount": True}, "True is no tolerance"),
        ({"amount..x": 1}, "'amount..x' is no argument"),
        (["amount"], "write a mapping of keys to values"),
    ],
)
def test_what_is_no_tolerance_is_refused_with_its_place(tolerances: Any, says: str) -> None:
    rule = {"effect": "shadow", "tolerances": tolerances}
    with pytest.raises(ConfigurationError) as refused:
        Policy.load({"tools": {"order": rule}})

    (problem,) = refused.value.problems
    assert problem.startswith("policy.tools.order.tolerances: ")
    assert says in problem


def test_tolerances_are_for_what_nobody_runs() -> None:
    with pytest.raises(ConfigurationError, match="tolerances is for what is in shadow"):
        Policy.load({"tools": {"order": {"effect": "allow", "tolerances": {"amount": 1}}}})


@pytest.mark.parametrize(("agreed", "of"), [(30, 30), (29, 30), (0, 10), (5, 10), (1, 1)])
@pytest.mark.parametrize(("confidence", "z"), [(0.95, 1.959964), (0.9, 1.644854)])
def test_the_interval_is_wilsons(agreed: int, of: int, confidence: float, z: float) -> None:
    """Its ends are by definition the shares from which what was seen is z errors away: the error
    that a share of that size would have. At 0 and at 1 one end is there itself."""
    low, high = interval(agreed, of, confidence)
    seen = agreed / of

    assert 0 <= low <= seen <= high <= 1
    for end in (low, high):
        error = sqrt(end * (1 - end) / of)
        assert end == seen or abs(seen - end) == pytest.approx(z * error, rel=1e-5)
    assert (low == 0, high == 1) == (agreed == 0, agreed == of)


def test_of_nothing_nothing_is_known_and_of_more_more() -> None:
    assert interval(0, 0, 0.95) == (0.0, 1.0)
    lows = [interval(n, n, 0.95)[0] for n in (1, 10, 30, 100)]
    assert [0.2065, 0.7225, 0.8865, 0.963] == [round(low, 4) for low in lows]
