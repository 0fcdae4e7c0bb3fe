"""`policy test` says which adversarial examples a rule would let run once it has come that far."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.bot.cli.conftest import Cli
from tests.bot.cli.test_policy import BASE

RULES = """
  reversibility: {update_opportunity: reversible}
  rules:
    - id: steps
      tool: update_opportunity
      effect: require_approval
      roles: [account_executive]
      rollout:
        phases: [copilot, autonomous]
        accepted_by: [account_executive]
        gates: [%s]
  tools: {send_email: deny, lookup_customer: allow}
  examples:
    - name: many small ones
      tool: update_opportunity
      requester: sam
      arguments: {opportunity_id: O-1, amount: 10, close_date: "2026-12-31", stage: won}
      expect: require_approval
      adversarial: true
    - name: mails to anybody
      tool: send_email
      arguments: {to: a@b.example, subject: s, body: b}
      expect: deny
      adversarial: true
"""


@pytest.fixture
def tested(cli: Cli, tmp_path: Path) -> Any:
    """The command with a gate."""

    def run(gate: str) -> Any:
        (tmp_path / "c.yaml").write_text(BASE + RULES % gate)
        return cli("policy", "test", "--config", "c.yaml")

    return run


def test_one_that_meets_all_gates_is_named_with_what_to_do(tested: Any) -> None:
    said = tested("args.amount <= 100")

    assert 1 == said.status, said.out
    for words in (
        "2 of 2 examples as expected",
        "policy.rules.steps.rollout: the adversarial example many small ones would run unasked for "
        "update_opportunity once the rule is autonomous; add a gate that it does not meet.",
        "1 of 2 adversarial examples are stopped (50%)",
    ):
        assert words in said.out, said.out


def test_where_all_are_stopped_it_says_so(tested: Any) -> None:
    said = tested('args.amount <= 100 && args.stage != "won"')

    assert 0 == said.status, said.out
    assert "2 of 2 adversarial examples are stopped (100%)" in said.out


def test_one_that_runs_already_is_not_stopped(cli: Cli, tmp_path: Path) -> None:
    rules = (RULES % "args.amount <= 1").replace("send_email: deny", "send_email: allow")
    (tmp_path / "c.yaml").write_text(BASE + rules)
    said = cli("policy", "test", "--config", "c.yaml")

    assert 1 == said.status
    assert "mails to anybody" in said.out
    assert "1 of 2 adversarial examples are stopped (50%)" in said.out
