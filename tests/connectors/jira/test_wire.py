"""What Jira answers is checked at use: the vendor's shapes are read, everything else is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from countersign.connectors.jira import wire
from countersign.connectors.jira.approvals import answers
from countersign.connectors.jira.wire import MalformedError
from tests.connectors.jira.fixtures import fixture

FIELD = "customfield_10050"
MOVED_AT = datetime(2026, 11, 25, 10, 5, 0, 250_000, tzinfo=UTC)
Damage = Callable[[dict[str, Any]], object]


def test_issue_of_cloud_is_read_with_its_histories_oldest_first() -> None:
    issue = wire.issue(fixture("issue_cloud"))
    moved = issue.histories[-1]

    assert ("10101", "OPS-12", "10003", True) == (issue.id, issue.key, issue.status, issue.done)
    assert "712020:approvals-bot" == issue.creator.id
    assert ["20006", "20007"] == [history.id for history in issue.histories]
    assert (MOVED_AT, "712020:alex") == (moved.at, moved.by.id)
    assert ("10003", "Rejected") == (moved.of("status").to, moved.of("status").text)  # type: ignore[union-attr]
    assert ["Too much!"] == [remark.text for remark in issue.remarks]
    assert issue.histories_complete
    assert issue.remarks_complete


def test_issue_of_data_center_names_people_by_key_and_fields_by_name() -> None:
    issue = wire.issue(fixture("issue_data_center"), ("Requested changes",), FIELD)
    changes, moved = issue.histories

    assert ("jirauser10431", "jirauser10520") == (issue.creator.id, moved.by.id)
    assert "amount: 90" == changes.of(FIELD).text  # type: ignore[union-attr]


def test_custom_field_that_is_called_status_is_not_the_status() -> None:
    moved = wire.issue(fixture("issue_data_center")).histories[-1]

    assert ["10003"] == [change.to for change in moved.changes if change.field == "status"]


def test_histories_that_were_cut_short_are_noticed() -> None:
    raw = fixture("issue_cloud")
    raw["changelog"]["total"] = 41
    raw["fields"]["comment"]["total"] = 21
    issue = wire.issue(raw)

    assert not issue.histories_complete
    assert not issue.remarks_complete


def test_times_of_the_bulk_read_are_milliseconds() -> None:
    (log,) = fixture("changelog_bulk")["issueChangeLogs"]
    (history,) = wire.histories(log["changeHistories"])

    assert ("20007", MOVED_AT) == (history.id, history.at)


def test_comment_that_somebody_else_has_edited_is_marked() -> None:
    raw = fixture("issue_cloud")["fields"]["comment"]["comments"]
    raw[0]["updateAuthor"]["accountId"] = "712020:mallory"

    assert [True] == [remark.edited for remark in wire.remarks(raw)]


def test_person_without_an_id_is_nobody() -> None:
    for raw in (None, "712020:alex", {}, {"accountId": 7}, {"name": "alex"}, {"key": " "}):
        assert None is wire.account(raw).id


@pytest.mark.parametrize("other", ["\u212aarl", "karl\u00a0", "\u3000karl"])
def test_key_that_only_looks_like_another_is_another(other: str) -> None:
    assert "karl" == wire.account({"key": "Karl"}).id
    assert "karl" != wire.account({"key": other}).id


DAMAGES: list[Damage] = [
    lambda raw: raw.clear(),
    lambda raw: raw.update(id="10101 OR 1=1"),
    lambda raw: raw.update(key=None),
    lambda raw: raw.update(fields=[]),
    lambda raw: raw["fields"].update(status="Approved"),
    lambda raw: raw["fields"]["status"].update(id="abc"),
    lambda raw: raw["fields"].update(created="yesterday"),
    lambda raw: raw["fields"].update(created="2026-11-25T11:00:00.000"),
    lambda raw: raw["fields"].update(created=10**30),
    lambda raw: raw["fields"].update(description={"type": "doc"}),
    lambda raw: raw["fields"].update(labels="agent-approval"),
    lambda raw: raw["fields"]["comment"].update(comments={}),
    lambda raw: raw["changelog"].update(histories="none"),
    lambda raw: raw["changelog"]["histories"][0].update(id="x"),
    lambda raw: raw["changelog"]["histories"][0].update(created=None),
    lambda raw: raw["changelog"]["histories"][0].update(items=["status"]),
    lambda raw: raw["changelog"]["histories"][0]["items"][1].update(to=10003),
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_jira_would_not_send_is_refused(damage: Damage) -> None:
    raw = fixture("issue_cloud")
    damage(raw)

    with pytest.raises(MalformedError):
        wire.issue(raw)


def test_approvals_tell_who_answered_and_who_did_not() -> None:
    found = answers(fixture("approvals")["values"])
    (act,) = found.acts

    assert ("approval:1:712020:alex", "712020:alex", "approved") == (act.id, act.actor, act.state)
    assert datetime(2026, 11, 25, 10, 5, tzinfo=UTC) == act.at
    assert (True, "1", frozenset()) == (found.complete, found.newest, found.untimed)


def test_answer_to_an_approval_that_goes_on_has_no_time_of_its_own() -> None:
    values = fixture("approvals")["values"]
    del values[0]["completedDate"]
    values[0]["finalDecision"] = "pending"
    found = answers(values)

    assert {act.id for act in found.acts} == found.untimed
    assert not found.complete


@pytest.mark.parametrize(
    "raw", [["x"], [{}], [{"id": "1", "approvers": {}}], [{"id": "1", "createdDate": "now"}]]
)
def test_approval_that_cannot_be_read_is_refused(raw: list[Any]) -> None:
    with pytest.raises(MalformedError):
        answers(raw)
