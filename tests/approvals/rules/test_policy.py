"""Reading the policy, with every problem at once, and ruling by it."""

from __future__ import annotations

from typing import Any

import pytest

from countersign.approvals.errors import ConfigurationError
from countersign.approvals.models import (
    Effect,
    Risk,
    SessionId,
    Stage,
    ToolCall,
)
from countersign.approvals.rules.durations import duration_s
from countersign.approvals.rules.policy import Policy

ASK: dict[str, Any] = {"effect": "require_approval", "roles": ["manager"]}


def call(tool: str) -> ToolCall:
    return ToolCall(
        session_id=SessionId("S-1"),
        call_id="call-1",
        tool=tool,
        arguments={},
        agent="seller",
        executor="gatekeeper",
    )


def policy(**tools: Any) -> Policy:
    return Policy.load({"tools": tools})


def problems(section: Any) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as caught:
        Policy.load(section)
    return caught.value.problems


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("0.5s", 0.5),
        ("30s", 30),
        ("15m", 900),
        ("1.5h", 5400),
        (" 4 h ", 14400),
        ("3d", 259200),
        ("365d", 31536000),
    ],
)
def test_durations_have_a_unit(text: str, seconds: float) -> None:
    assert seconds == duration_s(text)


@pytest.mark.parametrize(
    "text", ["", "soon", "h", "-1h", "4h30m", "4H", "1w", True, None, [], float("nan")]
)
def test_what_is_no_duration_is_refused(text: Any) -> None:
    with pytest.raises(ValueError, match="is not"):
        duration_s(text)


@pytest.mark.parametrize("text", [30, 0.5, "4", 0, -1, "30."])
def test_a_number_without_a_unit_is_refused(text: Any) -> None:
    """`deadline: 30` could mean seconds or days; nobody sees which."""
    with pytest.raises(ValueError, match="has no unit; write for example 30s, 30m, 4h or 3d"):
        duration_s(text)


@pytest.mark.parametrize("text", ["0s", "366d"])
def test_durations_end_within_a_year(text: str) -> None:
    with pytest.raises(ValueError, match="between now and one year"):
        duration_s(text)


def test_unknown_tool_is_denied() -> None:
    ruling = policy(look="allow").rule(call("lock"))

    assert (Effect.DENY, "unknown-tool", Risk.HIGH) == (ruling.effect, ruling.rule_id, ruling.risk)
    assert "lock" in ruling.reason


def test_names_of_tools_match_exactly() -> None:
    assert Effect.DENY is policy(look="allow").rule(call("Look")).effect
    assert Effect.DENY is policy(look="allow").rule(call("look ")).effect


def test_without_rules_everything_is_denied() -> None:
    assert Effect.DENY is Policy.load({}).rule(call("look")).effect


@pytest.mark.parametrize("effect", ["allow", "deny", "shadow"])
def test_short_form_names_the_effect(effect: str) -> None:
    ruling = policy(look=effect).rule(call("look"))

    assert effect == ruling.effect
    assert "tools.look" == ruling.rule_id
    assert "look" in ruling.reason
    assert () == ruling.channels


def test_ruling_carries_all_of_its_rule() -> None:
    rule = {**ASK, "risk": "high", "deadline": "4h", "reason": "Money.", "channels": ["jira"]}
    ruling = policy(pay=rule).rule(call("pay"))

    assert Effect.REQUIRE_APPROVAL is ruling.effect
    assert (Stage(roles=("manager",), quorum=1),) == ruling.stages
    assert (Risk.HIGH, 14400, "Money.", ("jira",)) == (
        ruling.risk,
        ruling.deadline_s,
        ruling.reason,
        ruling.channels,
    )


def test_stages_are_kept_in_order() -> None:
    stages = [{"roles": ["manager"], "quorum": 2}, {"roles": ["controller"]}]
    ruling = policy(pay={"effect": "require_approval", "stages": stages}).rule(call("pay"))

    assert (("manager",), 2) == (ruling.stages[0].roles, ruling.stages[0].quorum)
    assert (("controller",), 1) == (ruling.stages[1].roles, ruling.stages[1].quorum)


def test_questions_go_to_the_owner_unless_told_otherwise() -> None:
    default = Policy.load({}).rule_input(call("human_input"))
    configured = Policy.load({"human_input": {"roles": ["lead"], "deadline": "1h"}})

    assert (Stage(roles=("owner",)),) == default.stages
    assert (None, 3600) == (default.deadline_s, configured.rule_input(call("x")).deadline_s)
    assert (Stage(roles=("lead",)),) == configured.rule_input(call("x")).stages
    assert (Stage(roles=("boss",)),) == configured.rule_input(call("x"), ("boss",)).stages


def test_version_names_the_content() -> None:
    one, same = policy(a="allow", b="deny"), policy(b="deny", a={"effect": "allow"})

    assert one.version == same.version
    assert one.version != policy(a="allow", b="allow").version
    assert 16 == len(one.version)


def test_rules_can_be_looked_at() -> None:
    assert ["look"] == list(policy(look="allow").tools)


def test_every_problem_is_reported_with_its_path() -> None:
    found = problems(
        {
            "tools": {
                "a": "perhaps",
                "b": {"effect": "require_approval"},
                "c": {**ASK, "deadline": "soon"},
                "d": {**ASK, "stages": [{"roles": ["x"]}]},
                "e": {"effect": "require_approval", "stages": [{"roles": [], "quorum": 0}]},
                "f": {**ASK, "colour": "red"},
                "g": 7,
            },
            "human_input": {"roles": []},
            "rules": {},
        }
    )
    starts = [problem.split(": ", 1)[0] for problem in found]

    assert starts == [
        "policy.tools.a.effect",
        "policy.tools.b",
        "policy.tools.c.deadline",
        "policy.tools.d",
        "policy.tools.e.stages.0.quorum",
        "policy.tools.f.colour",
        "policy.tools.g",
        "policy.human_input.roles",
        "policy.rules",
    ]
    assert "(got 'perhaps')" in found[0]
    assert "who may approve it?" in found[1]
    assert "write for example 30s" in found[2]
    assert "not both" in found[3]


@pytest.mark.parametrize(
    ("rule", "path", "says"),
    [
        ({"lookup_*": "allow"}, "lookup_*", "patterns are not supported; name each tool"),
        ({"get|set": "allow"}, "get|set", "patterns are not supported; name each tool"),
        ({" ": "allow"}, " ", "is no name of a tool"),
        ({7: "allow"}, "7", "put it in quotes"),
        ({"a": None}, "a", "write allow, deny, require_approval, shadow, or a mapping"),
        ({"a": {"roles": ["x"]}}, "a.effect", "is missing"),
        ({"a": {**ASK, "roles": "x"}}, "a.roles", "write a list, for example [one]"),
        ({"a": {**ASK, "dedline": "4h"}}, "a.dedline", "did you mean deadline?"),
        ({"a": {**ASK, "zzz": "4h"}}, "a.zzz", "check the spelling, or remove it"),
        ({"a": {**ASK, "deadline": 30}}, "a.deadline", "30 has no unit"),
        ({"a": {**ASK, "approval_valid_for": 30}}, "a.approval_valid_for", "30 has no unit"),
        ({"a": {**ASK, "approval_valid": "4h"}}, "a.approval_valid", "mean approval_valid_for?"),
        ({"a": {**ASK, "same_person": "perhaps"}}, "a.same_person", "write true or false"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(rule: Any, path: str, says: str) -> None:
    (problem,) = problems({"tools": rule})

    assert problem.startswith(f"policy.tools.{path}: ")
    assert says in problem
    for word in ("Input should", "Extra inputs", "Value error", "valid tuple"):
        assert word not in problem


@pytest.mark.parametrize(
    ("stage", "path", "says"),
    [
        ({"roles": ["x"], "quorm": 2}, ".stages.0.quorm", "did you mean quorum?"),
        ({"roles": ["x"], "quorum": 0}, ".stages.0.quorum", "write 1 or more"),
        ({"roles": []}, ".stages.0", "needs roles, groups, people or on_call"),
        ({"roles": ["x"], "same_person": True}, "", "for the whole rule"),
    ],
)
def test_stages_are_complained_about_in_sentences(stage: Any, path: str, says: str) -> None:
    (problem,) = problems({"tools": {"a": {"effect": "require_approval", "stages": [stage]}}})

    assert problem.startswith(f"policy.tools.a{path}: ")
    assert says in problem


def test_one_person_may_count_for_several_stages_where_the_rule_says_so() -> None:
    stages = [{"roles": ["manager"]}, {"roles": ["controller"]}]
    rule = {"effect": "require_approval", "stages": stages, "same_person": True}

    assert [True, True] == [s.same_person for s in policy(pay=rule).rule(call("pay")).stages]


@pytest.mark.parametrize(
    ("section", "path"), [({"tools": ["a"]}, "policy.tools"), (None, "policy")]
)
def test_sections_of_another_shape_are_reported(section: Any, path: str) -> None:
    (problem,) = problems(section)

    assert problem.startswith(f"{path}: ")


@pytest.mark.parametrize(
    "rule",
    [
        {"effect": "require_approval", "roles": ["owner"]},
        {"effect": "require_approval", "stages": [{"roles": ["lead"]}, {"roles": ["owner"]}]},
    ],
)
def test_tool_that_only_its_owner_could_approve_is_reported(rule: Any) -> None:
    (problem,) = problems({"tools": {"pay": rule}})

    assert problem.startswith("policy.tools.pay: ")
    assert "nobody may approve their own call" in problem


def test_whoever_asked_is_no_administrator() -> None:
    (problem,) = problems({"administrators": {"roles": ["admin", "owner"]}})

    assert problem.startswith("policy.administrators.roles: ")
    assert "owner is whoever asked; name a role that people have" in problem


def test_problems_start_with_the_path_that_was_asked_for() -> None:
    with pytest.raises(ConfigurationError, match=r"^other\.policy\.tools\.a\.effect: "):
        Policy.load({"tools": {"a": "perhaps"}}, path="other.policy")


def test_names_of_one_function_take_the_larger_quorum_of_each_role() -> None:
    ask = {"effect": "require_approval"}
    two = {**ask, "stages": [{"roles": ["manager"], "quorum": 2}]}
    more = {**ask, "stages": [{"roles": ["manager"]}, {"roles": ["controller"]}]}
    written = Policy.load({"tools": {"a_pay": two, "pay": more}})
    stages = written.strictest([frozenset({"a_pay", "pay"})]).tools["pay"].tiers()

    assert {("manager",): 2, ("controller",): 1} == {s.roles: s.quorum for s in stages}
