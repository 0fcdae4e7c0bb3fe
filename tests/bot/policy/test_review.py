"""Rules compared with the tools and the people that there are."""

from __future__ import annotations

from typing import Any

import pytest

from countersign.approvals.models import Principal
from countersign.approvals.rules.policy import Policy
from countersign.bot.people import SettingsDirectory
from countersign.bot.policy.review import (
    Finding,
    against_bodies,
    against_descriptions,
    against_people,
    against_tools,
)
from countersign.bot.settings.sections import PersonSettings
from tests.doubles.directory import FakeDirectory, person

ALEX, SAM = person("Alex", "manager"), person("Sam", "manager")
MEGAN = person("Megan", "manager", "controller")
ASK = {"effect": "require_approval", "roles": ["manager"]}


def policy(**tools: Any) -> Policy:
    return Policy.load({"tools": tools})


def said(found: list[Finding]) -> list[tuple[bool, str]]:
    return [(finding.is_error, str(finding)) for finding in found]


def people(rule: Any, *there: Principal) -> list[tuple[bool, str]]:
    return said(against_people(policy(pay=rule), FakeDirectory(there)))


def test_rules_that_fit_are_not_complained_about() -> None:
    rules = policy(pay=ASK, look="allow")

    assert [] == against_tools(rules, {"refunds": ("pay", "look")})
    assert [] == against_people(rules, FakeDirectory([ALEX, SAM]))


def test_descriptions_that_models_do_not_see_are_a_note() -> None:
    ((is_error, text),) = said(against_descriptions({"refunds": {"pay": ["invoice", "why"]}}))

    assert not is_error
    assert "workflow refunds: what is written of invoice, why of its tool pay" in text


def test_a_misspelt_rule_is_said_from_both_sides() -> None:
    found = said(against_tools(policy(update_oportunity="allow"), {"crm": ("update_opportunity",)}))

    assert found == [
        (
            True,
            "workflow crm: its tool update_opportunity has no rule, so every call of it will be "
            "denied; did you mean it by the rule update_oportunity?",
        ),
        (
            True,
            "policy.tools.update_oportunity: no workflow has this tool; did you mean "
            "update_opportunity?",
        ),
    ]


@pytest.mark.parametrize("rule", ["Pay", "pay_", "PAY"])
def test_another_case_is_a_near_miss(rule: str) -> None:
    (_, unused) = said(against_tools(policy(**{rule: "allow"}), {"refunds": ("pay",)}))

    assert (True, True) == (unused[0], "did you mean pay?" in unused[1])


def test_a_rule_for_a_tool_of_another_deployment_is_no_error() -> None:
    (unused,) = said(against_tools(policy(pay="allow", wipe="deny"), {"refunds": ("pay",)}))

    assert unused == (
        False,
        "policy.tools.wipe: no workflow has this tool; remove the rule, or load the workflow.",
    )


def test_a_tool_without_a_rule_is_named_with_each_workflow() -> None:
    found = said(against_tools(policy(), {"b": ("pay",), "a": ("pay",)}))

    assert [text.split(":")[0] for _, text in found] == ["workflow a", "workflow b"]
    assert all(is_error and "`pay: deny` if that is meant" in text for is_error, text in found)


def test_rules_are_not_called_unused_while_a_workflow_is_missing() -> None:
    assert [] == against_tools(policy(pay="allow"), {}, complete=False)


def test_the_only_holder_of_a_role_may_ask_too() -> None:
    (found,) = people(ASK, ALEX)

    assert (False, True) == (found[0], "when Alex asks, nobody can decide it." in found[1])


def test_stages_that_need_more_people_than_there_are() -> None:
    tiers = {**ASK, "stages": [{"roles": ["manager"]}, {"roles": ["controller"]}]}
    del tiers["roles"]
    (found,) = people(tiers, MEGAN)
    same_person = people({**tiers, "same_person": True}, MEGAN, person("Zoe", *MEGAN.roles))

    assert (True, True) == (found[0], "nobody could approve it. Steps 1 and 2 need 2" in found[1])
    assert [] == same_person


def test_a_quorum_that_only_just_fits_is_said_for_those_who_may_ask() -> None:
    two = {"effect": "require_approval", "stages": [{"roles": ["manager"], "quorum": 2}]}
    (found,) = people(two, ALEX, SAM)

    assert "when Alex or Sam asks, nobody can decide it." in found[1]


def test_roles_that_nobody_holds() -> None:
    other = {"effect": "require_approval", "roles": ["manager", "manger"]}
    (worst, hint) = people({"effect": "require_approval", "roles": ["manger"]}, ALEX, SAM)
    (unheld,) = people(other, ALEX, SAM)
    nobody = people({"effect": "require_approval", "roles": ["owner", "nobody"]}, ALEX)

    assert unheld == (
        False,
        "policy.tools.pay: nobody has the role manger; did you mean manager?",
    )
    assert (worst[0], "did you mean manager?" in hint[1]) == (True, True)
    assert [is_error for is_error, _ in nobody] == [True, False]
    assert "nobody could approve it. It needs one person with the role nobody" in nobody[0][1]
    assert "owner is whoever asked" in nobody[1][1]


@pytest.mark.parametrize(
    ("channel", "kind"), [("teams", "entra"), ("jira", "jira"), ("servicenow", "servicenow")]
)
def test_approvers_whom_their_channel_does_not_know(channel: str, kind: str) -> None:
    rule = {**ASK, "channels": [channel]}
    known = Principal.model_validate({**ALEX.model_dump(), "identities": {kind: "a"}})
    strangers = [p.model_copy(update={"identities": {"email": "x"}}) for p in (ALEX, SAM)]
    (found,) = people(rule, *strangers)

    assert f"is asked in {channel}, but Alex and Sam (manager) cannot be asked there" in found[1]
    assert f"`identities: {{{kind}: …}}`" in found[1]
    assert [] == people(rule, known, strangers[1])


def test_a_local_persona_needs_no_identity() -> None:
    rules = policy(pay=ASK)
    there = [PersonSettings(id=i, name=i, roles=frozenset({"manager"})) for i in ("alex", "sam")]
    local = SettingsDirectory(there, local_persona="alex")

    assert [] == against_people(rules, local)
    assert 1 == len(against_people(rules, SettingsDirectory(there)))


def test_questions_that_nobody_answers() -> None:
    asks = Policy.load({"human_input": {"roles": ["lead"]}})
    (found,) = said(against_people(asks, FakeDirectory([ALEX])))

    assert found == (
        True,
        "policy.human_input: nobody has the role lead; give it to somebody in `people`.",
    )
    assert [] == against_people(Policy.load({}), FakeDirectory([ALEX]))


def test_a_user_proxy_that_asks_a_role_nobody_has() -> None:
    asking = {("sales", "boss"): ("lead",), ("sales", "desk"): ("lead", "manager")}
    found = said(against_people(Policy.load({}), FakeDirectory([ALEX]), asking))

    assert [is_error for is_error, _ in found] == [True, False]
    assert found[0][1].startswith("workflow sales, user proxy boss: nobody has the role lead;")


def test_one_function_under_rules_that_differ_is_warned_of() -> None:
    """It takes the stricter one, which is no error; the same rule twice is nothing at all."""
    same = [frozenset({"pay", "pay_quickly"})]
    found = said(against_bodies(policy(pay=ASK, pay_quickly="allow"), same))

    assert found == [
        (
            False,
            "policy.tools: pay and pay_quickly are one function; all of them take the strictest of "
            "their rules. Give them the same rule, or register the function once.",
        )
    ]
    assert [] == against_bodies(policy(pay=ASK, pay_quickly=ASK), same)


def test_escalation_to_nobody_is_an_error_and_to_nobody_else_a_note() -> None:
    def found(roles: list[str], *there: Principal) -> list[tuple[bool, str]]:
        rule = {**ASK, "deadline": "4h", "escalate": [{"after": "1h", "roles": roles}]}
        return [each for each in people(rule, *there) if "escalate" in each[1]]

    where = "policy.tools.pay.escalate.0"
    both = person("Kim", "boss")
    assert found(["boss"], ALEX, SAM) == [
        (True, f"{where}: nobody has the role boss, so nobody is asked; give it to somebody.")
    ]
    assert found(["controller"], ALEX, MEGAN) == [
        (
            False,
            f"{where}: asks nobody else: whoever has the role controller is asked from the "
            "beginning.",
        )
    ]
    assert found(["boss"], ALEX, SAM, both) == [
        (False, f"{where}: when Kim asks, it reaches nobody else.")
    ]
    assert [] == found(["boss"], ALEX, SAM, both, person("Lou", "boss"))


def test_a_counterparty_without_whom_nobody_is_left_is_a_note() -> None:
    rule = {"effect": "require_approval", "roles": ["lead"], "counterparty": "args.email"}
    one, two = person("One", "lead"), person("Two", "lead")
    found = people(rule, one)

    assert [] == [each for each in people(rule, one, two) if "a call is with" in each[1]]
    ((is_error, says),) = [each for each in found if "a call is with" in each[1]]
    assert not is_error
    assert "when a call is with One, nobody can decide it." in says
    assert "there is nobody, as the call is with One." in says
