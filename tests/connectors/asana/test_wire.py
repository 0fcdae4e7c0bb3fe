"""What the API gives is untrusted, and read without any call."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from countersign.connectors.asana import reading, wire
from countersign.connectors.asana.typed import as_typed
from countersign.connectors.comments.vocabulary import OBJECT
from countersign.sandbox.asana.people import CHANGES_FIELD, ORDER_FIELD
from tests.contracts.tickets_asana import settings_for


def test_untrusted_answers_are_no_tasks_and_no_stories() -> None:
    odd_ones: list[Any] = [None, [], {}, {"gid": 7}]
    assert [wire.task(raw) for raw in odd_ones] == [None] * 4
    times = ("", "then", "2026-11-30T10:00:00")
    assert [] == wire.stories([None, *({"gid": "1", "created_at": time} for time in times)])
    odd = wire.task({"gid": "1", "followers": 3, "custom_fields": "x", "completed_at": 7})
    assert odd is not None
    assert (frozenset(), {}, None) == (odd.people, odd.texts, odd.completed_at)


def test_who_wrote_the_field_is_not_known_without_an_entry() -> None:
    """The field holds a text, and no story says whose it is."""
    settings = settings_for("https://app.asana.com")
    at = datetime(2026, 11, 30, 10, tzinfo=UTC)
    base = {"gid": "1", "resource_subtype": "approval", "created_at": at.isoformat()}
    fields = [
        {"gid": ORDER_FIELD, "text_value": "R-1.1.0"},
        {"gid": CHANGES_FIELD, "text_value": "amount: 1"},
    ]
    task = wire.task({**base, "approval_status": "approved", "custom_fields": fields})
    move = {"gid": "2", "created_at": at.isoformat(), "new_approval_status": "approved"}
    stories = wire.stories([{**move, "created_by": {"gid": "9", "name": "Ben"}}])
    assert task is not None
    seen = reading.Reader(settings, task, stories, "", at).observation()

    assert [reading.CHANGES_OF_ANOTHER.format("somebody")] == [act.flaw for act in seen.acts]


def test_mention_is_no_text_that_was_typed() -> None:
    said = as_typed(
        "https://app.asana.com/0/profile/1200000000000102 fine, https://app.asana.com/x"
    )

    assert f"@{OBJECT} fine, https://app.asana.com/x" == said
