"""Each ruling of a table, by the rule that makes it, and never an exception."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from countersign.approvals.models import SessionId, ToolCall
from countersign.approvals.rules.conditions.facts import Situation
from countersign.approvals.rules.explaining import explain
from countersign.approvals.rules.policy import Policy
from countersign.approvals.rules.rulebook import Tools
from tests.approvals.rules.decision_table import POLICY, SCHEMAS, TABLE

AT = datetime(2026, 12, 1, 10, 0, tzinfo=UTC)


def policy() -> Policy:
    schemas = {
        (workflow, tool): {"type": "object", "properties": properties}
        for workflow in ("finance", "pilot", "Pilot")
        for tool, properties in SCHEMAS.items()
    }
    typed = Policy.load(yaml.safe_load(POLICY)).knowing(Tools(schemas))
    assert [] == typed.problems()
    return typed


def rows() -> Iterator[tuple[ToolCall, Situation, str, str]]:
    tool = ""
    for line in TABLE.strip().splitlines():
        if not line.startswith(" "):
            tool = line
            continue
        given, _, expected = line.partition(" -> ")
        arguments, _, around = given.partition(" @ ")
        effect, rule = expected.split()
        said: dict[str, Any] = {"agent": "seller", "workflow": "finance", "roles": "rep"}
        said |= dict(each.split("=") for each in around.split())
        at = said.get("at", AT.isoformat())
        call = ToolCall(
            session_id=SessionId("S-1"),
            call_id="call-1",
            tool=tool,
            arguments=yaml.safe_load(arguments),
            agent=said["agent"],
            executor="gate",
        )
        situation = Situation(
            workflow=said["workflow"] or None,
            requester="sam",
            roles=frozenset(said["roles"].split(",")) if said["roles"] else None,
            at=datetime.fromisoformat(at) if at else None,
        )
        yield call, situation, effect, rule


ROWS = list(rows())
RULES = policy()


@pytest.mark.parametrize(
    ("call", "situation", "effect", "rule"),
    ROWS,
    ids=[f"{row[0].tool}-{number}" for number, row in enumerate(ROWS)],
)
def test_the_rule_of_the_table_rules(
    call: ToolCall, situation: Situation, effect: str, rule: str
) -> None:
    ruling = RULES.rule(call, situation)
    explained = explain(RULES, call, situation)
    fails, denies = effect == "fails", rule == "unknown-tool"

    assert ("deny" if fails else effect, rule) == (ruling.effect, ruling.rule_id)
    assert fails is ("cannot be decided" in ruling.reason)
    assert ruling == explained.ruling
    matched = [each.rule for each in explained.considered if each.matched]
    assert matched == ([] if fails or denies else [rule])


def test_the_table_is_large_enough_and_uses_every_rule() -> None:
    ids = {rule.id for rule in RULES.document.rules}
    ids |= {f"tools.{tool}" for tool in RULES.document.tools}

    assert len(ROWS) >= 150
    assert ids == {rule for *_, rule in ROWS} - {"unknown-tool"}
