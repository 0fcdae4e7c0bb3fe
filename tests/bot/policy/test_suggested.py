"""`countersign policy suggest`: rules found in what people have answered."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from countersign.approvals.models import Verdict
from countersign.approvals.rules.simulation.suggesting import Suggestion
from countersign.bot.policy.simulation.suggested import rule_of
from countersign.bot.workflows import found
from countersign.bot.workflows.found import sound_workflows
from tests.bot.cli.conftest import Cli, cli  # noqa: F401
from tests.doubles.directory import BEN
from tests.doubles.world import World, opened

CONFIG = """
people: [{id: ben, name: Ben, roles: [manager], token: local-token-ben,
  identities: {entra: 00000000-0000-0000-0000-000000000001}}]
teams: {app_id: ""}
model: {provider: scripted, base_url: "http://127.0.0.1:9/v1"}
workflows:
  modules: [countersign.examples.crm_update]
  settings: {crm_url: "http://127.0.0.1:9", crm_api_key: x, smtp_host: 127.0.0.1, smtp_port: 9,
    mail_from: "A <a@b.example>"}
policy:
  reversibility: {quote: reversible}
"""
SHORT = "  tools: {quote: {effect: require_approval, roles: [manager], channels: [teams]}}\n"
ORDERED = """  rules:
    - {id: quote-usual, tool: other, effect: deny}
    - {id: asks, tool: quote, effect: require_approval, roles: [manager], channels: [teams]}
"""
SINCE = ("--since", "2020-01-01", "--until", "2040-01-01", "--config", "c.yaml")


async def answered(world: World) -> None:
    world.use({"tools": {"quote": {"effect": "require_approval", "roles": ["manager"]}}})
    for number in range(24):
        run = await world.begun()
        amount = 900 if number == 3 else 10 * (number % 6 + 1)
        (request,) = await world.submit(
            run, world.proposal(run.session.id, "quote", {"amount": amount})
        )
        await world.vote(request, BEN, Verdict.REJECT if number == 3 else Verdict.APPROVE)
        world.clock.advance(60)


@pytest.fixture
def commands(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: F811
    """Run commands on a database with answers, with these rules."""

    async def make() -> None:
        async with opened(tmp_path) as world:
            await answered(world)

    asyncio.run(make())
    (path,) = tmp_path.glob("*.db")
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", f"sqlite:///{path}")

    def run(rules: str, *arguments: str) -> Any:
        (tmp_path / "c.yaml").write_text(CONFIG + rules)
        return cli("policy", "suggest", *SINCE, *arguments)

    return run


def test_a_rule_is_printed_with_what_speaks_for_it(commands: Any) -> None:
    said = commands(SHORT, "--least", "20", "--agreement", "0.8")

    assert said.status == 0, said.err
    (rule,) = yaml.safe_load(said.out)
    assert {
        "id": "quote-usual",
        "tool": "quote",
        "when": "args.amount <= 60",
        "effect": "allow",
    } == rule
    assert "# before policy.tools.quote" in said.out
    assert "people approved all 23 such calls as they were proposed: 96% of the 24" in said.out
    assert "it spares people 23 requests\n" in said.out


def test_a_rule_stands_before_the_one_that_it_is_about_under_a_name_of_its_own(
    commands: Any,
) -> None:
    said = commands(ORDERED, "--least", "20", "--agreement", "0.8", "--json")
    (told,) = json.loads(said.out)["suggestions"]

    assert ("asks", "quote-usual1") == (told["before"], told["rule"]["id"])
    assert (24, 23, 23, 0) == (
        told["asked"], told["agreed"], told["spared"], told["would_run_against_people"],
    )  # fmt: skip
    assert 0.85 < told["agreement"] < 0.86


@pytest.mark.parametrize(("rules", "suggested"), [(SHORT, "quote-usual"), (ORDERED, "usual1")])
def test_workflows_are_loaded_once_whatever_is_suggested(
    commands: Any, monkeypatch: pytest.MonkeyPatch, rules: str, suggested: str
) -> None:
    loaded: list[str] = []

    def sound(*given: Any) -> Any:
        loaded.append("workflows")
        return sound_workflows(*given)

    monkeypatch.setattr(found, "sound_workflows", sound)
    said = commands(rules, "--least", "20", "--agreement", "0.8")

    assert suggested in said.out
    assert ["workflows"] == loaded


def test_nothing_is_suggested_where_too_few_calls_speak_for_it(commands: Any) -> None:
    said = commands(SHORT)

    assert said.status == 0
    assert "nothing to suggest" in said.out


def test_a_rule_for_all_calls_has_no_condition_and_a_name_that_fits() -> None:
    usual = Suggestion("tools.x", "übel/tool", "", 1, 1, 1, 0.5)

    assert {"id": "bel-tool-usual", "tool": "übel/tool", "effect": "allow"} == rule_of(usual, set())
    other = Suggestion("tools.x", "ü", "", 1, 1, 1, 0.5)
    assert "calls-usual1" == rule_of(other, {"calls-usual"})["id"]
