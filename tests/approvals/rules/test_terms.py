"""Terms of a rule: what its stages may say, and what of that is refused when it is read."""

from __future__ import annotations

from typing import Any

import pytest

from countersign.approvals.errors import ConfigurationError
from countersign.approvals.models import AtDeadline, Effect, SessionId, Stage, ToolCall
from countersign.approvals.rules.approvers import granted, no_longer
from countersign.approvals.rules.conditions.facts import NOWHERE
from countersign.approvals.rules.deciding import stage_in_words, stages_in_words
from countersign.approvals.rules.edit_terms import CONDITIONS
from countersign.approvals.rules.edited import rule_edited
from countersign.approvals.rules.policy import Policy
from countersign.approvals.rules.rulebook import Tools
from countersign.approvals.rules.tiers import merged, needs_more, with_second_person

ASKS: dict[str, Any] = {"effect": "require_approval"}
MANAGER, LEGAL = Stage(roles=("manager",)), Stage(roles=("legal",))
SCHEMA = {"type": "object", "properties": {"amount": {"type": "number"}}}


def problems(section: Any) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as caught:
        Policy.load(section)
    return caught.value.problems


def call(amount: float = 1, tool: str = "pay") -> ToolCall:
    return ToolCall(
        session_id=SessionId("S-1"), call_id="c", tool=tool, arguments={"amount": amount},
        agent="a", executor="e",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "path", "says"),
    [
        ({"stages": [{"quorum": 1}]}, ".stages.0", "needs roles, groups, people or on_call"),
        ({"stages": [{"groups": []}]}, ".stages.0", "needs roles, groups, people or on_call"),
        ({"stages": [{"peple": ["x"]}]}, ".stages.0.peple", "did you mean people?"),
        ({"stages": [{"roles": ["x"], "edits": False}]}, "", "edits is for the whole rule"),
        ({"stages": [{"roles": ["x"], "rejects": 2}]}, "", "write `rejects: {needed: …}`"),
        ({"stages": [{"roles": ["x"], "comment_required": True}]}, "", "`comment: required`"),
        ({"roles": ["x"], "rejects": {"needed": 0}}, ".rejects.needed", "write 1 or more"),
        ({"roles": ["x"], "rejects": {"neded": 2}}, ".rejects.neded", "did you mean needed?"),
        ({"roles": ["x"], "comment": "always"}, ".comment", "required"),
        ({"roles": ["x"], "edits": {"second": "a"}}, ".edits.second", "second_person_above"),
        ({"roles": ["x"], "edits": {"second_person_above": "args.("}}, ".edits.second_person_above",
         "args.("),
        ({"roles": ["x"], "edits": {"second_person_above": "arg.a > 1"}},
         ".edits.second_person_above", "arg"),
        ({"roles": ["x"], "edits": {"second_person_above": "args.a > 9 && args.a < 5"}},
         ".edits.second_person_above", "is never true: args.a > 9 and args.a < 5 exclude each"),
        ({"roles": ["x"], "edits": {"without_editor_above": "args.("}},
         ".edits.without_editor_above", "args.("),
        ({"roles": ["x"], "edits": {"without_editor": "args.a > 1"}}, ".edits.without_editor",
         "did you mean without_editor_above?"),
        ({"stages": [{"roles": ["x"], "editors": ["ben"]}]}, "",
         "write `edits: {without_editor_above: …}` beside stages"),
        ({"roles": ["x"], "stages": [{"roles": ["y"]}]}, "", "give either roles or stages"),
        ({"groups": ["x"], "on_call": "d", "stages": [{"roles": ["y"]}]}, "",
         "give either groups and on_call or stages"),
        ({"groups": []}, "", "require_approval needs roles (or stages)"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(rule: Any, path: str, says: str) -> None:
    for section, place in (
        ({"tools": {"pay": {**ASKS, **rule}}}, "policy.tools.pay"),
        ({"rules": [{"id": "r", "tool": "pay", **ASKS, **rule}]}, "policy.rules.r"),
    ):
        found = problems(section)
        assert any(p.startswith(f"{place}{path}: ") and says in p for p in found), found


def test_bands_of_edits_are_checked_against_the_tool() -> None:
    band = {key: "args.amuont > 1" for key in CONDITIONS}
    rule = {**ASKS, "roles": ["x"], "edits": band}
    known = Tools({("w", "pay"): SCHEMA})
    short = Policy.load({"tools": {"pay": rule}}).knowing(known)
    ordered = Policy.load({"rules": [{"id": "r", "tool": "*", **rule}]}).knowing(known)
    fine = {**rule, "edits": {"second_person_above": "args.amount > 1"}}

    for policy, place in ((short, "tools.pay"), (ordered, "rules.r")):
        found = policy.problems()
        assert [f"{place}.edits.{key}" for key in CONDITIONS] == [where for where, _ in found]
        assert all("did you mean amount?" in says for _, says in found)
    assert [] == Policy.load({"tools": {"pay": fine}}).knowing(known).problems()
    denied = rule_edited(short, call(1), call(2), NOWHERE.model_copy(update={"workflow": "w"}))
    assert Effect.DENY is denied.effect


def test_terms_stand_in_every_stage() -> None:
    stages = [{"roles": ["manager"]}, {"people": ["alex"], "parallel": True}]
    rule = {
        **ASKS,
        "stages": stages,
        "rejects": {"needed": 2},
        "comment": "required",
        "edits": False,
    }
    tiers = Policy.load({"tools": {"pay": rule}}).tools["pay"].tiers()
    plain = Policy.load({"tools": {"pay": {**ASKS, "stages": stages, "rejects": "any"}}})

    assert [(2, True, False)] * 2 == [(t.rejects, t.comment_required, t.edits) for t in tiers]
    assert [{"roles": ["manager"], "quorum": 1, "same_person": False}] == [
        stage.told() for stage in plain.tools["pay"].tiers()[:1]
    ]
    assert {"people": ["alex"], "parallel": True} == {
        key: tiers[1].told()[key] for key in ("people", "parallel")
    }


def test_names_of_one_function_take_the_stricter_terms() -> None:
    band = {"second_person_above": "args.amount > 5", "without_editor_above": "args.amount > 7"}
    one = {**ASKS, "roles": ["x"], "rejects": {"needed": 3}, "edits": band}
    two = {**ASKS, "roles": ["x"], "rejects": {"needed": 2}, "comment": "required", "edits": False}
    three = {**ASKS, "roles": ["x"], "edits": {"second_person_above": "args.amount > 9"}}
    written = Policy.load({"tools": {"a": one, "b": two, "c": three}})
    rule = written.strictest([frozenset("abc")]).tools["a"]
    (tier,) = rule.tiers()

    assert (1, True, False) == (tier.rejects, tier.comment_required, tier.edits)
    assert "(args.amount > 5) || (args.amount > 9)" == rule.edits.second_person_above
    assert "args.amount > 7" == rule.edits.without_editor_above


def test_one_stage_has_a_short_form() -> None:
    short = {"roles": ["x"], "groups": ["g"], "people": ["ben"], "on_call": "duty"}
    policy = Policy.load({"tools": {"pay": {**ASKS, **short}}})
    (stage,) = policy.tools["pay"].tiers()

    assert Stage(**short) == stage  # type: ignore[arg-type]
    assert ("duty",) == stage.on_call
    both = Policy.load({"tools": {"a": {**ASKS, "on_call": "d"}, "b": {**ASKS, "roles": ["x"]}}})
    rule = both.strictest([frozenset("ab")]).tools["a"]
    assert [Stage(on_call=("d",)), Stage(roles=("x",))] == list(rule.tiers())


@pytest.mark.parametrize("first", ["a", "b"])
def test_names_of_one_function_run_by_silence_only_where_all_of_their_rules_say_so(
    first: str,
) -> None:
    silent = {**ASKS, "roles": ["x"], "deadline": "1h", "at_deadline": "approve"}
    strict = {"roles": [], "stages": [{"roles": ["y"], "quorum": 2}]}  # its terms are taken
    other = "b" if first == "a" else "a"
    classes = {"a": "reversible", "b": "reversible"}

    def end(**rule: Any) -> AtDeadline:
        tools = {first: {**silent, **strict}, other: {**silent, **rule}}
        written = Policy.load({"tools": tools, "reversibility": classes})
        return written.strictest([frozenset("ab")]).tools["a"].at_deadline

    assert AtDeadline.APPROVE is end()
    assert AtDeadline.REJECT is end(at_deadline="reject")


def test_edit_of_one_name_is_ruled_like_that_of_the_other() -> None:
    ask = {**ASKS, "roles": ["x"]}
    band = {"edits": {"second_person_above": "args.amount > 5"}}
    rules = [
        {"id": "one", "tool": "pay", **ask, **band},
        {"id": "other", "tool": "transfer", **ask},
    ]
    policy = Policy.load({"rules": rules}).strictest([frozenset({"pay", "transfer"})])

    edited = rule_edited(policy, call(1, "transfer"), call(9, "transfer"), NOWHERE)
    assert [2] == [stage.quorum for stage in edited.stages]


def test_edit_of_what_no_rule_knows_is_denied() -> None:
    policy = Policy.load({"tools": {"look": "allow"}})

    assert Effect.DENY is rule_edited(policy, call(1), call(2), NOWHERE).effect
    allowed = rule_edited(policy, call(1, "look"), call(2, "look"), NOWHERE)
    assert Effect.ALLOW is allowed.effect


def test_stages_of_two_rules_are_those_of_both() -> None:
    """Also where one rule asks twice of the same people, in two steps."""
    twice = (MANAGER, MANAGER)
    finance = Stage(groups=("finance",), quorum=2, parallel=True)

    assert twice == merged(twice, twice)
    assert [s.roles for s in merged((MANAGER, LEGAL), twice)] == [
        ("manager",), ("legal",), ("manager",),
    ]  # fmt: skip
    (both,) = merged((finance,), (finance.model_copy(update={"quorum": 3, "rejects": 2}),))
    assert (3, 1) == (both.quorum, both.rejects)


def test_one_person_fills_several_stages_only_where_both_rules_are_the_same() -> None:
    same = tuple(s.model_copy(update={"same_person": True}) for s in (MANAGER, LEGAL))

    assert same == merged(same, same)
    assert not any(s.same_person for s in merged(same, (MANAGER,)))
    assert not any(s.same_person for s in with_second_person(same))


def test_second_person_is_asked_where_one_would_do() -> None:
    two = MANAGER.model_copy(update={"quorum": 2})

    assert (two,) == with_second_person([MANAGER])
    assert (two,) == with_second_person([two])
    assert (MANAGER, LEGAL) == with_second_person([MANAGER, LEGAL])


def test_what_more_is_needed_is_told_with_what_was_asked_before() -> None:
    three = MANAGER.model_copy(update={"quorum": 3})

    assert [] == needs_more([MANAGER, LEGAL], [LEGAL])
    assert [(three, 1), (LEGAL, 0)] == needs_more([MANAGER], [three, LEGAL])


def test_stages_read_like_a_sentence() -> None:
    stages = [
        MANAGER.model_copy(update={"quorum": 2}),
        Stage(roles=("legal",), parallel=True),
        Stage(groups=("finance",), people=("alex",), parallel=True),  # type: ignore[arg-type]
        Stage(roles=("head_of_sales",)),
    ]

    assert (
        "2 of manager, then 1 of legal and 1 of group finance or alex, then 1 of head_of_sales"
        == stages_in_words(stages)
    )
    assert "somebody of the group finance or alex" == stage_in_words(stages[2])
    assert "head of sales" == stage_in_words(stages[3])


@pytest.mark.parametrize(
    ("stage", "gave", "lost"),
    [
        (MANAGER, "gave them the role manager", "no longer holds the role manager"),
        (Stage(groups=("g",)), "put them into the group g",
         "is no longer asked: it needs the group g"),
        (Stage(people=("al",)), "named them in the rule",  # type: ignore[arg-type]
         "is no longer asked: it needs the name al"),
    ],
)  # fmt: skip
def test_what_somebody_would_need_or_has_lost_is_said(stage: Stage, gave: str, lost: str) -> None:
    assert (gave, lost) == (granted([stage]), no_longer(stage))


def test_a_counterparty_is_checked_against_the_tool() -> None:
    rule = {**ASKS, "roles": ["x"], "counterparty": "args.amuont"}
    known = Tools({("w", "pay"): SCHEMA})
    short = Policy.load({"tools": {"pay": rule}}).knowing(known)
    ordered = Policy.load({"rules": [{"id": "r", "tool": "*", **rule}]}).knowing(known)

    for policy, place in ((short, "tools.pay"), (ordered, "rules.r")):
        ((where, says),) = policy.problems()
        assert f"{place}.counterparty" == where
        assert "did you mean amount?" in says
    denied = short.rule(call(1), NOWHERE.model_copy(update={"workflow": "w"}))
    assert Effect.DENY is denied.effect
    assert "args.amuont is wrong" in denied.reason


def test_a_counterparty_that_nobody_can_find_is_no_answer() -> None:
    deep: Any = []
    for _ in range(5_000):
        deep = [deep]
    rule = {**ASKS, "roles": ["x"], "counterparty": "args.payee"}
    policy = Policy.load({"tools": {"pay": rule}})
    found = policy.rule(call().model_copy(update={"arguments": {"payee": deep}}), NOWHERE)

    assert Effect.DENY is found.effect
    assert "nested too deep" in found.reason


def test_names_of_one_function_keep_every_counterparty_out() -> None:
    one = {**ASKS, "roles": ["x"], "counterparty": "args.cc"}
    two = {**ASKS, "roles": ["x", "y"], "counterparty": ["args.payee", "args.cc"]}
    both = [frozenset("ab")]
    short = Policy.load({"tools": {"a": one, "b": two}}).strictest(both)
    ordered = Policy.load(
        {"rules": [{"id": "r", "tool": "a", **one}, {"id": "s", "tool": "b", **two}]}
    ).strictest(both)

    for policy in (short, ordered):
        update = {"tool": "a", "arguments": {"payee": "Ben", "cc": "5"}}
        found = policy.rule(call().model_copy(update=update))
        assert [{"5", "Ben"}] * 2 == [set(stage.parties) for stage in found.stages]


def test_a_policy_without_a_counterparty_has_the_version_that_it_had() -> None:
    rule = {**ASKS, "stages": [{"roles": ["x"]}]}
    text = Policy.load({"tools": {"pay": rule}}).document.text()["tools"]["pay"]

    assert "counterparty" not in text
    assert "parties" not in text["stages"][0]
