"""Times that cannot be meant are refused when the policy is loaded, each with the fix."""

from __future__ import annotations

from typing import Any

import pytest

from countersign.approvals.errors import ConfigurationError
from countersign.approvals.models import AtDeadline, Escalation, Reminder, Reversibility, Span
from countersign.approvals.rules.policy import Policy
from countersign.approvals.rules.rulebook import Tools

ASK: dict[str, Any] = {"effect": "require_approval", "roles": ["manager"]}
CALENDARS = {
    "office": {"zone": "Europe/Berlin", "hours": "09:00-17:00"},
    "rare": {"zone": "UTC", "hours": "09:00-09:30", "days": ["sun"]},
}


def problems(rule: dict[str, Any], **more: Any) -> list[str]:
    try:
        Policy.load({"calendars": CALENDARS, "tools": {"pay": {**ASK, **rule}}, **more})
    except ConfigurationError as exc:
        return [problem.removeprefix("policy.tools.pay.") for problem in exc.problems]
    return []


def test_all_of_it_is_read() -> None:
    rule = {
        **ASK,
        "deadline": {"business": "8h", "calendar": "office"},
        "approval_valid_for": {"business": "30m", "calendar": "office"},
        "at_deadline": "escalate",
        "remind": ["1h", "30m before", {"before": {"business": "2h", "calendar": "office"}}],
        "escalate": [
            {"after": "2h", "roles": ["controller"]},
            {"roles": ["boss"], "instead": True},
        ],
        "risk": "high",
        "through_quiet_hours": True,
    }
    policy = Policy.load({"calendars": CALENDARS, "tools": {"pay": rule}})
    (entry,) = policy.book.lane(None, "pay")
    time = entry.ruling.time

    assert (8 * 3600, "office") == (entry.ruling.deadline_s, time.deadline_calendar)
    assert (1800, "office") == (entry.ruling.valid_for_s, time.valid_calendar)
    assert AtDeadline.ESCALATE is time.at_deadline
    assert time.through_quiet_hours
    assert time.remind == (
        Reminder(after=Span(seconds=3600)),
        Reminder(before=Span(seconds=1800)),
        Reminder(before=Span(seconds=7200, calendar="office")),
    )
    assert time.escalate == (
        Escalation(after=Span(seconds=7200), roles=("controller",)),
        Escalation(roles=("boss",), instead=True),
    )


def test_policies_that_say_nothing_of_it_keep_their_version() -> None:
    """Their text is what it was before rules could."""
    text = Policy.load({"tools": {"pay": {**ASK, "deadline": "4h"}}}).document.text()
    rule = text["tools"]["pay"]

    assert 14400 == rule["deadline"]
    assert not {"at_deadline", "remind", "escalate", "through_quiet_hours"} & rule.keys()


@pytest.mark.parametrize(
    "change",
    [
        {"deadline": {"business": "5h", "calendar": "office"}},
        {"at_deadline": "approve"},
        {"remind": ["2h"]},
        {"remind": ["2h before"]},
        {"escalate": [{"after": "2h", "roles": ["boss"]}]},
        {"escalate": [{"after": "2h", "roles": ["controller"], "instead": True}]},
        {"through_quiet_hours": True},
    ],
)
def test_version_covers_times(change: dict[str, Any]) -> None:
    rule = {
        **ASK,
        "risk": "high",
        "deadline": {"business": "4h", "calendar": "office"},
        "remind": ["1h"],
        "escalate": [{"after": "2h", "roles": ["controller"]}],
    }

    def version(rule: dict[str, Any]) -> str:
        section = {"tools": {"pay": rule}, "calendars": CALENDARS}
        return Policy.load({**section, "reversibility": {"pay": "reversible"}}).version

    assert version(rule) != version({**rule, **change})


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ({"deadline": {"business": "4h"}}, "deadline: write for example 4h, or {business: 4h,"),
        ({"deadline": {"business": "4h", "calendar": 4}}, "deadline: write for example 4h"),
        ({"deadline": {"business": 4, "calendar": "office"}}, "deadline: 4 has no unit"),
        (
            {"deadline": {"business": "4h", "calendar": "offcie"}},
            "deadline: there is no calendar offcie: write it under policy.calendars; there are "
            "office, rare",
        ),
        (
            {"approval_valid_for": {"business": "100h", "calendar": "rare"}},
            "approval_valid_for: takes longer than two years by the calendar rare; write less",
        ),
        ({"remind": ["soon"]}, "remind.0.after: 'soon' is not a duration"),
        ({"remind": ["4 before"]}, "remind.0.before: '4' has no unit"),
        ({"remind": [{}]}, "remind.0: give either `after`"),
        ({"remind": [{"after": "1h", "before": "1h"}]}, "remind.0: give either `after`"),
        ({"deadline": "1h", "remind": ["1h"]}, "remind.0: is as long as the deadline or longer"),
        ({"deadline": "1h", "remind": ["2h before"]}, "remind.0: is as long as the deadline"),
        ({"remind": ["1h before"]}, "remind.0: is before a deadline, and the rule has none"),
        (
            {"remind": [{"after": {"business": "1h", "calendar": "none"}}]},
            "remind.0: there is no calendar none",
        ),
        ({"escalate": [{"after": "1h", "roles": []}]}, "escalate.0.roles: "),
        ({"escalate": [{"after": "1h"}]}, "escalate.0.roles: "),
        (
            {"escalate": [{"after": "1h", "roles": ["owner"]}]},
            "escalate.0.roles: owner is whoever asked, and nobody may approve their own call",
        ),
        (
            {"escalate": [{"after": "1h", "roles": ["manager"]}]},
            "escalate.0.roles: asks nobody who is not asked from the beginning",
        ),
        (
            {"escalate": [{"after": {"business": "1h", "calendar": "no"}, "roles": ["boss"]}]},
            "escalate.0.after: there is no calendar no",
        ),
        (
            {"deadline": "1h", "escalate": [{"after": "1h", "roles": ["boss"]}]},
            "escalate.0.after: is as long as the deadline or longer, so it would never happen",
        ),
        ({"escalate": [{"roles": ["boss"]}]}, "escalate.0: says not when: give it `after`"),
        ({"at_deadline": "escalate", "deadline": "1h"}, "at_deadline: needs somebody to ask then"),
        (
            {"at_deadline": "escalate", "escalate": [{"roles": ["boss"]}]},
            "at_deadline: needs a `deadline`; without one it never comes",
        ),
        ({"effect": "deny", "roles": [], "remind": ["1h"]}, "remind: is for require_approval"),
        (
            {"through_quiet_hours": True},
            "through_quiet_hours: is for risk high; this rule has risk medium",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_fix(rule: dict[str, Any], says: str) -> None:
    (problem,) = problems(rule)

    assert problem.startswith(says), problem


def test_without_calendars_none_is_named() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Policy.load({"human_input": {"deadline": {"business": "4h", "calendar": "office"}}})

    assert [
        "policy.human_input.deadline: there is no calendar office: write it under policy.calendars"
    ] == list(caught.value.problems)


def test_ordered_rules_are_named_by_their_ids() -> None:
    rule = {"id": "big", "tool": "pay", **ASK, "deadline": "1h", "remind": ["2h"]}
    with pytest.raises(ConfigurationError) as caught:
        Policy.load({"rules": [rule]})

    assert caught.value.problems[0].startswith("policy.rules.big.remind.0: is as long as")


SILENT = {"deadline": "1h", "at_deadline": "approve"}


@pytest.mark.parametrize("known", ["externally_reversible", "irreversible"])
def test_silence_is_no_consent_to_what_cannot_be_undone(known: str) -> None:
    (problem,) = problems(SILENT, reversibility={"pay": known, "look": "read_only"})

    assert problem == (
        f"at_deadline: pay is {known}, and only what is read_only or reversible may run without "
        "a decision; write `reject`, or `policy.reversibility: {pay: reversible}` if it is"
    )


@pytest.mark.parametrize("known", ["read_only", "reversible"])
def test_what_can_be_undone_may_run(known: str) -> None:
    assert [] == problems(SILENT, reversibility={"pay": known})


def test_classes_of_the_workflows_count_once_they_are_known() -> None:
    """Of a tool without a class everything has to be feared; so it is for patterns."""
    rule = {"id": "all", "tool": "pa*", **ASK, **SILENT}
    policy = Policy.load({"rules": [rule]})
    schemas: dict[tuple[str, str], dict[str, Any]] = {
        ("sales", tool): {} for tool in ("pay", "park", "look")
    }
    knowing = policy.knowing(Tools(schemas, {"pay": Reversibility.REVERSIBLE}))
    ((where, says),) = knowing.problems()

    assert "rules.all.at_deadline" == where
    assert says.startswith("park is irreversible")
    ends = {
        tool: knowing.book.lane("sales", tool)[0].ruling.time.at_deadline
        for tool in ("pay", "park")
    }
    assert {"pay": AtDeadline.APPROVE, "park": AtDeadline.REJECT} == ends
