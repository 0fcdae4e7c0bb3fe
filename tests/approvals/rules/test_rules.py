"""Rules in their order: what they are, what is wrong with them, and what they say of a call."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from countersign.approvals.errors import ConfigurationError
from countersign.approvals.models import (
    Effect,
    People,
    Principal,
    PrincipalId,
    Reversibility,
    Session,
    SessionId,
    SessionStatus,
    Stage,
    ToolCall,
)
from countersign.approvals.rules.conditions.facts import NOWHERE, Situation
from countersign.approvals.rules.explaining import explain
from countersign.approvals.rules.policies import LivePolicy, situation_of
from countersign.approvals.rules.policy import Policy
from countersign.approvals.rules.rulebook import Tools

SMALL: dict[str, Any] = {
    "id": "small",
    "tool": "pay",
    "when": "args.amount <= 50.0",
    "effect": "allow",
}
REST: dict[str, Any] = {
    "id": "rest",
    "tool": "pay",
    "effect": "require_approval",
    "roles": ["manager"],
    "deadline": "4h",
}
NUMBER = {"type": "object", "properties": {"amount": {"type": "number"}}}


def call(tool: str = "pay", **arguments: Any) -> ToolCall:
    return ToolCall(
        session_id=SessionId("S-1"),
        call_id="call-1",
        tool=tool,
        arguments=arguments,
        agent="seller",
        executor="gate",
    )


def policy(*rules: dict[str, Any], **more: Any) -> Policy:
    return Policy.load({"rules": list(rules), **more})


def problems(*rules: Any, **more: Any) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as caught:
        Policy.load({"rules": list(rules), **more})
    return caught.value.problems


def test_the_first_rule_that_matches_rules() -> None:
    rules = policy(SMALL, REST)

    small, large = rules.rule(call(amount=50)), rules.rule(call(amount=50.01))
    unknown = rules.rule(call("look"))

    assert (Effect.ALLOW, "small") == (small.effect, small.rule_id)
    assert "pay may run without asking." == small.reason
    assert (Effect.REQUIRE_APPROVAL, "rest", 14400.0) == (
        large.effect,
        large.rule_id,
        large.deadline_s,
    )
    assert ((Stage(roles=("manager",)),), ("teams",)) == (large.stages, large.channels)
    assert (Effect.DENY, "unknown-tool") == (unknown.effect, unknown.rule_id)
    assert "No rule names the tool look; unknown tools are denied." == unknown.reason


def test_what_no_rule_matches_is_denied() -> None:
    ruling = policy(SMALL).rule(call(amount=51))

    assert (Effect.DENY, "unknown-tool") == (ruling.effect, ruling.rule_id)
    assert "No rule for pay matches this call; what no rule matches is denied." == ruling.reason


def test_the_short_form_is_asked_after_all_rules() -> None:
    rules = policy(SMALL, tools={"pay": "deny", "look": "allow"})

    assert ["small", "tools.pay", "tools.look"] == [
        rules.rule(each).rule_id
        for each in (call(amount=1), call(amount=99), call("look", amount=1))
    ]


def test_what_cannot_be_decided_is_denied_with_the_rule_and_the_field() -> None:
    ruling = policy(SMALL, REST).rule(call())

    assert (Effect.DENY, "small") == (ruling.effect, ruling.rule_id)
    assert (
        "The condition of the rule small cannot be decided: args.amount is missing. What cannot be "
        "decided is denied." == ruling.reason
    )


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ({**SMALL, "when": "args.a >"}, "policy.rules.small.when: 'args.a >' ends too early"),
        ({**SMALL, "when": "amount > 1"}, "policy.rules.small.when: amount is not known"),
        ({**SMALL, "when": "false"}, "policy.rules.small.when: is never true; remove the rule"),
        ({**SMALL, "when": True}, "policy.rules.small.when: write text; put it in quotes"),
        ({**SMALL, "wen": "true"}, "policy.rules.small.wen: unknown key; did you mean when?"),
        ({**SMALL, "effect": "allows"}, "policy.rules.small.effect: write 'allow', 'deny'"),
        ({**SMALL, "id": "a b"}, "policy.rules.a b.id: 'a b' is no name of a rule"),
        ({**SMALL, "id": "tools.x"}, "says something else on the ledger"),
        ({**SMALL, "id": "unknown-tool"}, "says something else on the ledger"),
        ({**SMALL, "id": 5}, "policy.rules.0.id: write text"),
        ({**SMALL, "tool": " "}, "policy.rules.small.tool.0: is no name of a tool"),
        ({**SMALL, "tool": "a|b"}, "'a|b' is no name of a tool and no pattern of names"),
        ({**SMALL, "tool": []}, "policy.rules.small.tool: is empty; name at least one"),
        ({**SMALL, "tool": 5}, "policy.rules.small.tool: write a list"),
        ({k: v for k, v in SMALL.items() if k != "id"}, "policy.rules.0.id: is missing; add it"),
        ({**REST, "roles": []}, "policy.rules.rest: require_approval needs roles"),
        ({**REST, "deadline": 4}, "policy.rules.rest.deadline: 4 has no unit"),
        ({**REST, "roles": (), "stages": [{"rules": ["a"]}]}, "policy.rules.rest.stages.0.rules"),
        ("small", "policy.rules.0: write a mapping of keys to values"),
    ],
)  # fmt: skip
def test_a_rule_that_is_wrong_is_refused_with_its_place(rule: Any, problem: str) -> None:
    assert any(problem in each for each in problems(rule))


def test_every_problem_is_said_at_once() -> None:
    found = problems(
        {**SMALL, "when": "amount > 1 && foo()"},
        {**REST, "when": "args.x == now.getHours()"},
        tools={"look": "allow"},
    )

    assert 3 == len(found)
    assert found[0].startswith("policy.rules.small.when: amount is not known; there are agent")
    assert found[1].startswith("policy.rules.small.when: foo() is not known; there are all")
    assert found[2].startswith("policy.rules.rest.when: now.getHours() needs a zone")


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ({"rules": {"small": SMALL}}, "policy.rules: write a list"),
        ({"rules": [SMALL, SMALL]}, "policy.rules: two rules have the id small; rename one"),
        ({"rule": []}, "policy.rule: unknown key; did you mean rules?"),
        ({"calendars": {"a": {"zone": "UTC"}}}, "policy.calendars.a.hours: is missing; add it"),
        ({"calendars": {"a": {"zone": "UTC", "hour": 1}}}, "did you mean hours?"),
        ({"reversibility": {"pay": "readonly"}}, "policy.reversibility.pay: write 'read_only'"),
        ({"examples": [{"tool": "pay"}]}, "policy.examples.0.expect: is missing; add it"),
        ({"human_input": {"role": []}}, "did you mean roles?"),
        ({"tools": {"pay": {"effect": "allow", "stages": [{"role": 1}]}}}, "did you mean roles?"),
    ],
)
def test_a_section_that_is_wrong_is_refused(section: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Policy.load(section)

    assert any(problem in each for each in caught.value.problems), caught.value.problems


def test_conditions_are_checked_against_what_tools_take() -> None:
    rules = policy({**SMALL, "when": "args.amuont <= 50"}, REST)
    typed = rules.knowing(Tools({("w", "pay"): NUMBER}))

    assert [] == rules.problems()
    assert [("rules.small.when", "pay has no argument amuont; did you mean amount?")] == (
        typed.problems()
    )
    assert rules.version == typed.version
    ruling = typed.rule(call(amount=1), Situation(workflow="w"))
    assert (Effect.DENY, "small") == (ruling.effect, ruling.rule_id)
    assert "is wrong: pay has no argument amuont" in ruling.reason
    assert "cannot be decided" in explain(typed, call(), Situation(workflow="w")).considered[0].why


def test_an_argument_that_no_tool_of_the_rule_has_is_an_error() -> None:
    rules = policy({**SMALL, "tool": ["pay", "wire"], "when": "has(args.iban) && args.iban != ''"})
    iban = {"type": "object", "properties": {"iban": {"type": "string"}}}

    nobody = rules.knowing(Tools({("w", "pay"): NUMBER, ("w", "wire"): NUMBER}))
    one = rules.knowing(Tools({("w", "pay"): NUMBER, ("w", "wire"): iban}))

    assert [("rules.small.when", "has(args.iban): pay and wire has no argument iban")] == (
        nobody.problems()
    )
    assert [] == one.problems()
    assert "small" == one.rule(call("wire", iban="x"), Situation(workflow="w")).rule_id
    assert "unknown-tool" == one.rule(call(amount=1), Situation(workflow="w")).rule_id


def test_one_tool_of_two_workflows_is_checked_in_both() -> None:
    text = {"type": "object", "properties": {"amount": {"type": "string"}}}
    typed = policy(SMALL).knowing(Tools({("a", "pay"): NUMBER, ("b", "pay"): text}))

    ((where, says),) = typed.problems()

    assert ("rules.small.when", True) == (where, "args.amount is a text" in says)
    assert Effect.ALLOW is typed.rule(call(amount=1), Situation(workflow="a")).effect
    assert Effect.DENY is typed.rule(call(amount=1), Situation(workflow="b")).effect


def test_a_rule_for_no_known_tool_is_checked_as_far_as_it_goes() -> None:
    rules = policy({**SMALL, "when": "args.amount / 2 > 1"})

    assert [] == rules.problems()
    ((_, says),) = rules.knowing(Tools({("w", "look"): NUMBER})).problems()
    assert "is of unknown type" in says
    assert Effect.DENY is rules.rule(call(amount=10)).effect


def test_patterns_stand_for_many_tools_and_unknown_ones_are_not_remembered() -> None:
    rules = policy({**SMALL, "id": "reads", "tool": "read_*", "when": None})

    assert Effect.ALLOW is rules.rule(call("read_account")).effect
    assert Effect.DENY is rules.rule(call("write_account")).effect
    assert [Effect.ALLOW] == [rule.effect for rule in rules.rules_for("read_x")]
    assert {"policy.rules.reads"} == set(rules.entries)


def test_classes_come_from_the_policy_then_from_the_workflow_and_else_are_the_worst() -> None:
    rules = policy(
        {"id": "r", "tool": "*", "when": 'tool.reversibility == "read_only"', "effect": "allow"},
        reversibility={"look": "read_only"},
    ).knowing(Tools({}, {"look": Reversibility.IRREVERSIBLE, "peek": Reversibility.READ_ONLY}))

    assert [Effect.ALLOW, Effect.ALLOW, Effect.DENY] == [
        rules.rule(call(tool)).effect for tool in ("look", "peek", "pay")
    ]
    assert [Reversibility.READ_ONLY, Reversibility.IRREVERSIBLE] == [
        rules.book.reversibility(tool) for tool in ("peek", "pay")
    ]
    assert frozenset() == rules.book.known.names


def test_the_version_covers_rules_and_calendars_and_no_examples() -> None:
    plain = Policy.load({"tools": {"pay": "allow"}})
    again = Policy.load(
        {"tools": {"pay": "allow"}, "rules": [], "calendars": {}, "examples": [_EXAMPLE]}
    )
    others = [
        Policy.load({"tools": {"pay": "allow"}, **more})
        for more in (
            {"rules": [SMALL]},
            {"rules": [{**SMALL, "when": "args.amount <= 51.0"}]},
            {"calendars": {"a": {"zone": "UTC", "hours": "09:00-10:00"}}},
            {"reversibility": {"pay": "reversible"}},
        )
    ]

    assert plain.version == again.version
    assert 5 == len({plain.version, *(each.version for each in others)})


_EXAMPLE = {"tool": "pay", "arguments": {"amount": 1}, "expect": "allow"}


def test_rules_of_one_function_under_two_names_are_taken_together() -> None:
    rules = policy(
        SMALL,
        REST,
        {**SMALL, "id": "other", "tool": "pay2", "when": "args.amount <= 20.0"},
        {"id": "other-rest", "tool": "pay2", "effect": "require_approval", "roles": ["boss"]},
        tools={"look": "allow", "see": "deny"},
    )
    merged = rules.strictest([frozenset({"pay", "pay2"}), frozenset({"look", "see"})])
    names = ("pay", "pay2", "pay", "pay2", "pay")
    amounts = (10, 10, 30, 30, 99)
    rulings = [merged.rule(call(n, amount=a)) for n, a in zip(names, amounts, strict=True)]

    assert ["allow", "allow", "require_approval", "require_approval", "require_approval"] == [
        ruling.effect for ruling in rulings
    ]
    assert ["small", "other", "other-rest", "other-rest", "rest"] == [r.rule_id for r in rulings]
    assert (Stage(roles=("manager",)), Stage(roles=("boss",))) == rulings[-1].stages
    assert [Effect.DENY] * 2 == [merged.rule(call(n)).effect for n in ("look", "see")]
    assert merged is merged.strictest([frozenset({"pay", "pay2"}), frozenset({"look", "see"})])
    assert Effect.DENY is merged.rule(call("pay", amount="x")).effect


def test_one_name_that_fails_or_has_no_rule_decides_for_its_function() -> None:
    fails = policy(REST, {**SMALL, "id": "other", "tool": "pay2", "when": "args.x > 1"}).strictest(
        [frozenset({"pay", "pay2"})]
    )
    silent = policy(REST).strictest([frozenset({"pay", "pay2"})])

    assert (Effect.DENY, "other") == (
        fails.rule(call()).effect,
        fails.rule(call()).rule_id,
    )
    assert (Effect.REQUIRE_APPROVAL, Effect.DENY) == (
        silent.rule(call()).effect,
        silent.rule(call("pay2")).effect,
    )


def test_explaining_names_every_rule_up_to_the_one_that_rules() -> None:
    rules = policy(
        {**SMALL, "id": "looks", "tool": ["look", "see"], "when": None},
        SMALL,
        {**REST, "id": "urgent", "when": "args.urgent"},
        tools={"pay": "deny"},
    )
    explained = explain(rules, call(amount=80, urgent=False), NOWHERE)
    fails = explain(rules, call(amount=80))
    allowed = explain(rules, call(amount=8))
    looks = explain(rules, call("look"))

    assert [
        ("looks", False, "it is for look, see, not for pay"),
        ("small", False, "args.amount <= 50.0 is false: args.amount is 80"),
        ("urgent", False, "args.urgent is false: args.urgent is false"),
        ("tools.pay", True, "it is for every call of pay"),
    ] == [(each.rule, each.matched, each.why) for each in explained.considered]
    assert Reversibility.IRREVERSIBLE is explained.reversibility
    assert rules.version == explained.policy_version
    assert "its condition cannot be decided: args.urgent is missing" == fails.considered[-1].why
    assert "args.amount <= 50.0 (args.amount is 8)" == allowed.considered[-1].why
    assert [("looks", "it has no condition")] == [(c.rule, c.why) for c in looks.considered]


def test_a_live_policy_is_replaced_at_once() -> None:
    first, second = policy(SMALL), policy(REST)
    live = LivePolicy(first)
    before = live.current
    live.replace(second)

    assert (first, second, first) == (before, live.current, first.current)


def test_a_situation_has_the_roles_of_today_and_the_time_of_the_proposal() -> None:
    at = datetime(2026, 12, 1, tzinfo=UTC)
    session = Session(
        id=SessionId("S-1"),
        workflow="refunds",
        workflow_version="1",
        task="t",
        owner=PrincipalId("sam"),
        conversation=None,
        status=SessionStatus.RUNNING,
        created_at=at,
        updated_at=at,
    )
    sam = Principal(id=PrincipalId("sam"), name="Sam", roles=frozenset({"rep"}))

    known = situation_of(session, People([sam]), at)
    gone = situation_of(session, People(), at)

    assert Situation(workflow="refunds", requester="sam", roles=frozenset({"rep"}), at=at) == known
    assert frozenset() == gone.roles


def test_an_example_is_a_call_and_where_it_stands() -> None:
    (example,) = Policy.load({"examples": [_EXAMPLE]}).document.examples
    now = datetime(2026, 12, 1, tzinfo=UTC)
    said = example.model_copy(update={"roles": ("boss",), "at": now, "requester": "sam"})

    assert ("pay", {"amount": 1}) == (example.call.tool, example.call.arguments)
    assert Effect.ALLOW is example.expect.effect
    assert Situation(roles=frozenset({"rep"}), at=now) == example.situation(now, frozenset({"rep"}))
    assert Situation(requester="sam", roles=frozenset({"boss"}), at=now) == (
        said.situation(datetime(2027, 1, 1, tzinfo=UTC), None)
    )
