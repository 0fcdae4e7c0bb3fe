"""The quick check of a chain in a bundle: what it calls sound, and where it wants a closer look."""

from __future__ import annotations

import json
from typing import Any

import pytest

from countersign.approvals.audit.commitments import commitment
from countersign.approvals.audit.ledger import GENESIS, header, header_hash
from countersign.approvals.audit.sound_links import Sound, sound

AT = "2026-03-02T09:00:00.000000+00:00"
SALT = "00" * 16
FIELD = commitment(SALT, "1")
ONE_FIELD = json.dumps({"commitments": {"/x": FIELD}})


def check(body: str, **more: Any) -> tuple[int, int] | None:
    """What is withheld of a chain of one entry, which somebody made who can write anything."""
    committed = commitment(SALT, body)
    given = "S-1", 1, AT, "noted", committed, GENESIS
    link = {"text": header(*given), "body": body, "salt": SALT, **more}
    found = sound("S-1", [link])
    assert found in (None, Sound(header_hash(*given), 1, *(found or (0,) * 4)[2:]))
    return found and (found.withheld, found.fields)


def test_what_is_there_and_what_is_withheld_is_counted() -> None:
    shown = {"/x": {"salt": SALT, "value": "1"}}

    assert (0, 0) == check('{"a":1}') == check(ONE_FIELD, disclosed=shown)
    assert (1, 0) == check("{}")
    assert (0, 1) == check(ONE_FIELD) == check(ONE_FIELD, disclosed={})


@pytest.mark.parametrize(
    ("body", "more"),
    [
        ("[]", {}),
        ("{", {}),
        ('{"a":NaN}', {}),
        ('{"commitments":[]}', {}),
        ("{}", {"disclosed": {"/x": {"salt": SALT, "value": "1"}}}),
        (ONE_FIELD, {"disclosed": {"/x": {"salt": SALT, "value": "2"}}}),
        (ONE_FIELD, {"disclosed": {"/y": {"salt": SALT, "value": "1"}}}),
        (ONE_FIELD, {"disclosed": {"/x": {"salt": "no hex", "value": "1"}}}),
        ("{}", {"note": "by the way"}),
        ("{}", {"salt": "11" * 16}),
    ],
)
def test_what_we_do_not_write_is_looked_at_closer(body: str, more: dict[str, Any]) -> None:
    assert check(body, **more) is None


def test_a_chain_without_entries_is_none() -> None:
    assert sound("S-1", []) is None
