"""`policy explain` of odd calls reads like the answer of a colleague."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from countersign.approvals.models import (
    Delegation,
    Pause,
    PauseId,
    PauseKind,
    PauseScope,
    PrincipalId,
    Via,
)
from countersign.approvals.rules.policy import Policy
from countersign.approvals.rules.rulebook import Tools
from countersign.bot.policy.deciders import Around
from countersign.bot.policy.explained import Rules, call_of, told
from tests.doubles.directory import FakeDirectory, person

POLICY = """
calendars:
  office: {zone: Europe/Berlin, hours: "09:00-17:00", holidays: DE-BE, closed: [2026-12-24]}
reversibility: {pay_refund: irreversible, read_account: read_only}
rules:
  - {id: reads, tool: "read_*", effect: allow}
  - {id: cheap, tool: pay_refund, when: 'money(args.amount, args.currency) <= money(50, "EUR")',
     effect: allow}
  - {id: closed, tool: pay_refund, when: '!business_time("office")', effect: deny,
     reason: Refunds above 50 EUR are paid in business hours.}
  - {id: bulk, tool: pay_refund, when: 'batch.total("amount") > 1000', effect: require_approval,
     roles: [controller], deadline: {business: 8h, calendar: office}}
  - {id: refund, tool: pay_refund, effect: require_approval, roles: [manager], deadline: 4h,
     counterparty: args.customer}
budgets:
  refunds: {tool: pay_refund, window: day, zone: Europe/Berlin, count: {hard: 5}}
tools:
  split: allow
  close_account: {effect: require_approval, roles: [director]}
"""
SCHEMA = {
    "type": "object",
    "properties": {
        "amount": {"type": "number"},
        "currency": {"type": "string"},
        "customer": {"type": "string"},
    },
    "required": ["amount", "currency", "customer"],
}
RITA = person("Rita", "manager")
TOM, DORA, ERIC = person("Tom", "controller"), person("Dora", "director"), person("Eric")
MAX = person("Max", "manager")
PEOPLE = [RITA, MAX, TOM, DORA, ERIC]
NOON = "2026-12-01T12:00:00+01:00"
CALL: dict[str, Any] = {"amount": 80, "currency": "EUR", "customer": "ACME"}
AWAY = Delegation(giver=RITA.id, delegate=ERIC.id)
PAUSED = Pause(
    id=PauseId("P-1"),
    scope=PauseScope(kind=PauseKind.TOOL, name="pay_refund"),
    reason="The price list is wrong.",
    by=PrincipalId("tom"),
    by_name="Tom",
    via=Via.CLI,
    at=datetime(2026, 12, 1, 8, tzinfo=UTC),
)


def explained(
    tool: str,
    arguments: dict[str, Any],
    people: Any = PEOPLE,
    around: Around | None = None,
    **more: Any,
) -> list[str]:
    policy = Policy.load(yaml.safe_load(POLICY)).knowing(Tools({("desk", "pay_refund"): SCHEMA}))
    rules = Rules(policy, FakeDirectory(people), None)
    call = {"tool": tool, "arguments": arguments, "workflow": "desk", "requester": "zoe"}
    asked, now = call_of({"at": NOON, **call, **more}, "call"), datetime.now(UTC)
    found = rules.explain(asked, now)
    lines = told(found, rules.directory, asked, now, policy.calendars, around or Around())
    return [line for line in lines if not line.startswith("reversibility")]


ONLY_OF_PAY = "rules for other tools come before it: reads"
CHEAP = (
    'not cheap: money(args.amount, args.currency) <= money(50, "EUR") is false: args.amount is 80, '
    'args.currency is "EUR"'
)


def test_a_tool_that_nobody_has_named() -> None:
    assert [
        "deny by unknown-tool (risk high)",
        "No rule names the tool drop_table; unknown tools are denied.",
        "all rules are for other tools: reads, cheap, closed, bulk, refund",
    ] == explained("drop_table", {})


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"amount": "lots"}, 'money(args.amount, args.currency) is "lots", which is no number'),
        (
            {"currency": "USD"},
            'money(args.amount, args.currency) <= money(50, "EUR") mixes USD 80 and EUR 50: they '
            "are of different currencies",
        ),
        ({"amount": None}, "args.amount is a null, which money() does not take"),
    ],
)
def test_what_cannot_be_compared(changed: dict[str, Any], says: str) -> None:
    assert [
        "deny by cheap (risk medium)",
        f"The condition of the rule cheap cannot be decided: {says}. What cannot be decided is "
        "denied.",
        "it stopped at cheap, so no later rule was asked",
        ONLY_OF_PAY,
    ] == explained("pay_refund", {**CALL, **changed})


def test_a_missing_argument() -> None:
    without = {name: value for name, value in CALL.items() if name != "customer"}
    says = explained("pay_refund", without)

    assert [
        "deny by refund (risk medium)",
        "The rule refund keeps the counterparty from deciding, and who that is cannot be said: "
        "args.customer is missing. What cannot be decided is denied.",
        CHEAP,
        'not closed: !business_time("office") is false: Tue 1 Dec 2026, 12:00 in Europe/Berlin is '
        "within 09:00-17:00",
    ] == says[:4]


def test_a_division_by_nothing() -> None:
    policy = Policy.load({"rules": [{"id": "share", "tool": "split", "effect": "deny",
                          "when": "double(args.total) / double(args.parts) > 3.0"}]})  # fmt: skip
    rules, now = Rules(policy, FakeDirectory(PEOPLE), None), datetime.now(UTC)
    asked = call_of({"tool": "split", "arguments": {"total": 3, "parts": 0}}, "call")
    says = list(told(rules.explain(asked, now), rules.directory, asked, now))

    assert "double(args.total) / double(args.parts) divides by zero. What" in says[1]
    assert "it stopped at share, so no later rule was asked" == says[2]


def test_over_a_budget() -> None:
    says = explained("pay_refund", CALL, used={"refunds": {"count": 5}})

    assert [
        "deny by refund (risk medium)",
        "The budget refunds has a limit of 5 calls today. 5 calls are counted already, so nothing "
        "was run. It fits again from 2026-12-02 00:00 CET.",
        "budget refunds: 6th of 5 today; past its hard limit of 5 calls",
    ] == says[:3]


@pytest.mark.parametrize(
    ("kind", "name", "holds"),
    [
        (PauseKind.TOOL, "pay_refund", True),
        (PauseKind.WORKFLOW, "desk", True),
        (PauseKind.AGENT, "agent", True),
        (PauseKind.ALL, "", True),
        (PauseKind.DOMAIN, "finance", False),
        (PauseKind.TOOL, "split", False),
    ],
)
def test_while_it_is_paused(kind: PauseKind, name: str, holds: bool) -> None:
    pause = PAUSED.model_copy(update={"scope": PauseScope(kind=kind, name=name)})
    line = (
        "paused by Tom since 2026-12-01 08:00 UTC: The price list is wrong; it does not begin "
        "before that has ended"
    )

    assert holds is (line in explained("pay_refund", CALL, around=Around(pauses=(pause,))))


def test_only_a_delegate_is_left() -> None:
    given = Around(delegations=(AWAY, Delegation(giver=RITA.id, delegate=TOM.id)))
    alone = [RITA, ERIC, TOM, DORA]
    with_rita = {**CALL, "customer": "eric@example.com"}

    assert "  Rita, Eric (for Rita) or Tom (for Rita) can decide it" in explained(
        "pay_refund", CALL, alone, given
    )
    assert "  Rita or Tom (for Rita) can decide it" in explained(
        "pay_refund", with_rita, alone, given
    )
    assert "  Rita or Eric (for Rita) can decide it" in explained(
        "pay_refund", CALL, alone, given, requester="tom"
    )
    ended = AWAY.model_copy(update={"ends_at": datetime(2026, 12, 1, tzinfo=UTC)})
    assert "  Rita can decide it" in explained(
        "pay_refund", CALL, alone, Around(delegations=(ended,))
    )


def test_who_stands_in_for_whoever_asks_is_not_named() -> None:
    given = Around(delegations=(AWAY, Delegation(giver=MAX.id, delegate=ERIC.id)))
    says = explained("pay_refund", CALL, around=given, requester="rita")

    assert ["  Max can decide it", "  Rita may not: nobody decides their own call"] == [
        line for line in says if line.startswith("  ")
    ]


def test_a_holiday() -> None:
    says = explained("pay_refund", CALL, at="2026-12-25T12:00:00+01:00")

    assert ["deny by closed (risk medium)", "Refunds above 50 EUR are paid in business hours."] == (
        says[:2]
    )
    why = 'it matched closed: !business_time("office") (Fri 25 Dec 2026, 12:00 in Europe/Berlin is '
    assert says[3].startswith(f"{why}a holiday (")


@pytest.mark.parametrize(
    ("at", "why"),
    [
        ("2026-12-06T12:00:00+01:00", "is no working day"),
        ("2026-12-01T08:59:00+01:00", "is outside of 09:00-17:00"),
        ("2026-12-24T12:00:00+01:00", "is a day on which it is closed"),
    ],
)
def test_out_of_hours(at: str, why: str) -> None:
    says = explained("pay_refund", CALL, at=at)

    assert why in "\n".join(says)


def test_among_many() -> None:
    says = explained("pay_refund", CALL, batch={"size": 20, "total": {"amount": 1600}})

    assert [
        "require_approval by bulk (risk medium)",
        "pay_refund needs a person's approval.",
        "asks 1 of controller, in teams",
        "  Tom can decide it",
    ] == says[:4]
    assert 'it matched bulk: batch.total("amount") > 1000 (batch.total("amount") is 1600)' in says


def test_with_somebody_who_could_decide_it() -> None:
    says = explained("pay_refund", {**CALL, "customer": "Max <max@example.com>"})

    assert ["  Rita can decide it", "  Max may not: the call is with Max <max@example.com>"] == [
        line for line in says if line.startswith("  ")
    ]


def test_nobody_is_left_to_decide_it() -> None:
    says = explained("close_account", {}, requester="dora")

    assert [
        "  nobody can decide it",
        "  Dora may not: nobody decides their own call",
        "  Nobody but Dora, who asked, may decide it. It needs one person with the role director. "
        "Eric, Max, Rita or 1 other could decide it if an administrator gave them the role "
        "director.",
    ] == says[3:6]
