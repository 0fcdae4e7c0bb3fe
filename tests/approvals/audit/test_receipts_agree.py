"""The product and the 150 lines that share nothing with it say the same of any receipt."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from countersign.approvals.audit.canonical import sha256_hex
from countersign.approvals.audit.ledger import GENESIS, header
from countersign.approvals.audit.receipts import ReceiptError, chain, loads, summary
from tests.doubles.receipts import AT, by_product, by_script, changed, made_up


@settings(max_examples=400, deadline=None)
@given(st.integers(0, 2**32))
def test_both_say_the_same_of_receipts_that_were_changed(seed: int) -> None:
    chance = random.Random(seed)
    made = made_up(chance)
    text = changed(chance, made)
    product, script = by_product(text), by_script(text)

    assert made["summary"] == by_product(json.dumps(made)) == by_script(json.dumps(made))
    assert isinstance(product, dict) == isinstance(script, dict), (product, script)
    assert product == script or not isinstance(product, dict)


def test_an_entry_of_another_session_does_not_follow() -> None:
    first = header("S-1", 1, AT, "voted", "", GENESIS)
    second = header("S-2", 2, AT, "voted", "", sha256_hex(first.encode()))
    with pytest.raises(ReceiptError, match="another session"):
        chain([{"text": first}, {"text": second}])


def test_a_call_that_was_changed_since_is_not_the_one_that_was_decided() -> None:
    made = made_up(random.Random(1))
    entries = [(loads(e["text"]), loads(e.get("body", "{}"))) for e in made["entries"]]
    revised = {"request": "R-1", "replaces": made["summary"]["digest"], "digest": "other"}
    with pytest.raises(ReceiptError, match="asked for last"):
        summary(made["signed"], [*entries, ({"kind": "revised", "at": AT}, revised)], "")
