"""The product and the 150 lines that share nothing with it say the same of any receipt."""

from __future__ import annotations

import json
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.doubles.receipts import by_product, by_script, changed, made_up


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
