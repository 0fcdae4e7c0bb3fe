from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from countersign.connectors.servicenow import wire
from tests.connectors.servicenow.fixtures import payload

TASK = payload("task.json")["result"]
APPROVAL = payload("approval.json")["result"][0]


def test_record_is_read_as_the_api_answers_it() -> None:
    record = wire.record(TASK)

    assert record is not None
    assert ("CHG0030001", "R-7F3K2M9QXC4V.1.0") == (record.number, record.order_key)
    assert ("agent-approval:open", True, None) == (record.mark, record.active, record.closed_at)
    assert datetime(2026, 11, 25, 6, 58, 2, tzinfo=UTC) == record.updated_at
    assert "svc_approvals" == record.created_by


def test_record_is_read_at_the_end_of_a_dot_walk() -> None:
    walked = {f"sysapproval.{name}": value for name, value in TASK.items()}

    assert wire.record(TASK) == wire.record(walked, "sysapproval.")


def test_approval_is_read_as_the_api_answers_it() -> None:
    mark = wire.approval(APPROVAL, "u_requested_changes")

    assert mark is not None
    assert ("approved", "alex.wilber", "system", 2) == (
        mark.state,
        mark.approver,
        mark.updated_by,
        mark.updates,
    )
    assert "amount: 900" == mark.changes
    assert "5f1c2d3e4a5b6c7d8e9f00112233aabb" == wire.sys_id(APPROVAL, "sysapproval")


@pytest.mark.parametrize("value", [None, "", "x" * 32, "../sys_user", 7, {"value": None}, []])
def test_row_without_a_proper_id_is_no_record(value: Any) -> None:
    assert wire.record({**TASK, "sys_id": value}) is None
    assert wire.approval({**APPROVAL, "sys_id": value}, "") is None


@pytest.mark.parametrize("value", [None, "", "yesterday", "25.11.2026 07:10", 1_795_000_000])
def test_row_without_a_proper_time_is_no_record(value: Any) -> None:
    assert wire.record({**TASK, "sys_updated_on": value}) is None
    assert wire.approval({**APPROVAL, "sys_updated_on": value}, "") is None


def test_value_of_an_unknown_kind_reads_as_empty() -> None:
    assert "" == wire.text({"state": ["approved"]}, "state")
    assert "" == wire.text({"state": {"value": 3}}, "state")
    assert 0 == wire.count({"sys_mod_count": "-1"}, "sys_mod_count")
