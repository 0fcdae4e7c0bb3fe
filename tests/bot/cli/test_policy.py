"""`countersign policy`: checking rules with conditions, explaining calls, and testing examples."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from countersign.approvals.audit.canonical import canonical_json
from countersign.approvals.rules.policy import version_of
from tests.bot.cli.conftest import Cli

BASE = """
people:
  - {id: alex, name: Alex Wilber, roles: [account_executive], token: local-token-alex,
     identities: {entra: 00000000-0000-0000-0000-000000000001}}
  - {id: megan, name: Megan Bowen, roles: [account_executive, lead], token: local-token-megan,
     identities: {entra: 00000000-0000-0000-0000-000000000002}}
teams: {app_id: ""}
model: {provider: scripted, base_url: "http://127.0.0.1:9/v1"}
workflows:
  modules: [countersign.examples.crm_update]
  settings: {crm_url: "http://127.0.0.1:9", crm_api_key: x, smtp_host: 127.0.0.1, smtp_port: 9,
    mail_from: "A <a@b.example>"}
policy:
"""
RULES = """
  calendars:
    office: {zone: Europe/Berlin, hours: "09:00-17:00"}
  reversibility: {lookup_customer: read_only}
  rules:
    - {id: reads, tool: "lookup_*", when: 'tool.reversibility == "read_only"', effect: allow}
    - id: small
      tool: update_opportunity
      when: args.amount <= 1000 && agent != "intern"
      effect: allow
    - id: night
      tool: update_opportunity
      when: '!business_time("office")'
      effect: deny
      reason: The forecast is made in business hours.
    - {id: rest, tool: update_opportunity, effect: require_approval, roles: [account_executive],
       deadline: 4h, risk: high}
  tools:
    send_email: {effect: require_approval, roles: [lead]}
  examples:
    - {name: small, tool: update_opportunity, agent: seller, expect: {effect: allow, rule: small},
       arguments: {opportunity_id: O-1, amount: 1000, close_date: "2026-12-31", stage: won}}
"""
CONTRADICTORY = """
  rules:
    - id: odd
      tool: update_opportunity
      when: args.amount > 10 && args.amount < 5
      effect: allow
  tools: {send_email: deny, lookup_customer: allow}
"""
WRONG = """
  rules:
    - id: small
      tool: update_opportunity
      when: args.amuont <= 1000
      effect: allow
    - {id: mail, tool: send_emial, effect: deny}
    - {id: all, tool: update_opportunity, effect: deny}
    - {id: late, tool: update_opportunity, when: 'agent == "x"', effect: allow}
  tools: {lookup_customer: allow, send_email: deny}
"""
BROKEN = """
  rules:
    - id: small
      tool: update_opportunity
      when: args.amount <= 
        && true
      effect: allow
    - {id: mail, tool: send_email, when: 'requestor.id == "x"', effect: deny}
  tools: {lookup_customer: allow}
"""


@pytest.fixture
def rules(cli: Cli, tmp_path: Path) -> Any:
    """Run a command with these rules."""

    def run(rules: str, *command: str) -> Any:
        (tmp_path / "c.yaml").write_text(BASE + rules)
        return cli(*command, "--config", "c.yaml")

    return run


def line_of(text: str, rules: str = WRONG) -> int:
    lines = (BASE + rules).splitlines()
    return next(number for number, line in enumerate(lines, start=1) if text in line)


def test_check_shows_the_rules_in_their_order(rules: Any) -> None:
    said = rules(RULES, "policy", "check")

    assert said.status == 0, said.out
    assert 'reads: lookup_*\n  when tool.reversibility == "read_only"\n  allow\n' in said.out
    names = ["reads: ", "small: ", "night: ", "rest: ", "send_email"]
    assert sorted(names, key=said.out.index) == names


@pytest.mark.parametrize("command", [("policy", "check"), ("doctor",)])
def test_check_says_file_line_and_fix_of_every_problem(
    rules: Any, command: tuple[str, ...]
) -> None:
    said = rules(WRONG.replace("late", "lat").partition("    - {id: lat,")[0] + "  tools: "
                 "{lookup_customer: allow, send_email: deny}\n", *command)  # fmt: skip

    assert said.status == 1
    for words in (
        f"c.yaml:{line_of('when: args.amuont')}: policy.rules.small.when: update_opportunity has "
        "no argument amuont; did you mean amount?",
        f"c.yaml:{line_of('id: mail')}: policy.rules.mail.tool: no workflow has a tool send_emial; "
        "did you mean send_email?",
    ):
        assert words in said.out


def test_rules_that_are_never_reached_are_an_error_of_the_file(rules: Any) -> None:
    said = rules(WRONG, "policy", "check")

    assert said.status == 1
    line = line_of("id: late")
    assert f"c.yaml:{line}: policy.rules.late: is never reached: all comes first" in said.out


def test_conditions_that_contradict_themselves_are_an_error_of_the_file(rules: Any) -> None:
    said = rules(CONTRADICTORY, "policy", "check")

    assert said.status == 1
    line = line_of("args.amount > 10", CONTRADICTORY)
    assert (
        f"c.yaml:{line}: policy.rules.odd.when: is never true: args.amount > 10 and "
        "args.amount < 5 exclude each other; write || between them, or remove the rule" in said.out
    )


def test_people_who_stand_in_for_one_another_in_a_circle_are_named(
    cli: Cli, tmp_path: Path
) -> None:
    text = BASE + RULES
    for giver, delegate in (("alex", "megan"), ("megan", "alex")):
        token = f"token: local-token-{giver},"
        text = text.replace(token, f"{token} delegates: [{{to: {delegate}}}],")
    (tmp_path / "c.yaml").write_text(text)
    said = cli("policy", "check", "--config", "c.yaml")

    assert said.status == 1
    assert "alex → megan → alex stand in for one another in a circle" in said.out


def test_conditions_that_cannot_be_read_are_said_together(rules: Any) -> None:
    said = rules(BROKEN, "policy", "check")

    assert said.status == 1
    line = line_of("when: args.amount <=", BROKEN)
    assert f"c.yaml:{line}: policy.rules.small.when:" in said.out
    assert "cannot be read at '&&'" in said.out
    assert "its tool update_opportunity has no rule" not in said.out


def test_wrong_names_are_an_error_of_the_file(rules: Any) -> None:
    said = rules(BROKEN.replace("<= \n        && true", "<= 5"), "policy", "check")

    assert (
        f"c.yaml:{line_of('id: mail', BROKEN) - 1}: policy.rules.mail.when: requestor" in said.out
    )
    assert "is not known; did you mean requester?" in said.out


CALL = {
    "tool": "update_opportunity",
    "arguments": {
        "opportunity_id": "O-1",
        "amount": 1000.01,
        "close_date": "2026-12-31",
        "stage": "proposal",
    },
    "agent": "seller",
    "requester": "alex",
    "at": "2026-12-01T12:00:00+01:00",
}


def explain(rules: Any, tmp_path: Path, *more: str, **changed: Any) -> Any:
    arguments = {**CALL["arguments"], **changed.pop("arguments", {})}  # type: ignore[dict-item]
    (tmp_path / "call.json").write_text(json.dumps({**CALL, **changed, "arguments": arguments}))
    return rules(RULES, "policy", "explain", "call.json", *more)


def test_explain_reads_like_the_answer_of_a_colleague(rules: Any, tmp_path: Path) -> None:
    said = explain(rules, tmp_path)

    assert said.status == 0, said.err
    for line in (
        "require_approval by rest (risk high)",
        "update_opportunity needs a person's approval.",
        "asks 1 of account_executive, in teams",
        "  Megan Bowen can decide it",
        "they have 4 hours, until 2026-12-01 16:00 +01:00",
        "not small: args.amount <= 1000 is false: args.amount is 1000.01",
        'not night: !business_time("office") is false: Tue 1 Dec 2026, 12:00 in Europe/Berlin is '
        "within 09:00-17:00",
        "  Alex Wilber may not: nobody decides their own call",
        "it matched rest: it has no condition",
        "rules for other tools come before it: reads",
    ):
        assert line in said.out.splitlines(), said.out


def test_explain_says_whom_the_call_is_with(rules: Any, tmp_path: Path) -> None:
    written = {**CALL, "arguments": {**CALL["arguments"], "opportunity_id": "megan"}}  # type: ignore[dict-item]
    (tmp_path / "call.json").write_text(json.dumps({**written, "requester": "zoe"}))
    rule = RULES.replace(
        "deadline: 4h, risk", "counterparty: args.opportunity_id, deadline: 4h, risk"
    )
    said = rules(rule, "policy", "explain", "call.json")
    (tmp_path / "call.json").write_text(json.dumps(written))
    alone = rules(rule, "policy", "explain", "call.json")

    assert "  Alex Wilber can decide it" in said.out.splitlines(), said.out
    assert "  Megan Bowen may not: the call is with megan" in said.out.splitlines()
    assert "  nobody can decide it" in alone.out.splitlines(), alone.out


def test_explain_as_json_is_the_public_form(rules: Any, tmp_path: Path) -> None:
    found = json.loads(explain(rules, tmp_path, "--json").out)

    assert ["effect", "rule", "reason", "reversibility", "stages", "deadline_s", "channels",
            "considered", "policy_version"] == list(found)  # fmt: skip
    assert ("require_approval", "rest", "irreversible", 14400.0, ["teams"]) == (
        found["effect"],
        found["rule"],
        found["reversibility"],
        found["deadline_s"],
        found["channels"],
    )
    assert [("reads", False), ("small", False), ("night", False), ("rest", True)] == [
        (each["rule"], each["matched"]) for each in found["considered"]
    ]
    assert {"rule", "matched", "why"} == set(found["considered"][0])


TIMED = RULES.replace(
    "deadline: 4h, risk: high}",
    """deadline: {business: 4h, calendar: office}, at_deadline: escalate, risk: high,
       remind: [1h, {before: {business: 30m, calendar: office}}],
       escalate: [{after: 2h, roles: [sales_manager]}, {roles: [it_manager], instead: true}]}""",
)


def timed(rules: Any, tmp_path: Path, *command: str) -> Any:
    (tmp_path / "call.json").write_text(json.dumps(CALL))
    return rules(TIMED, "policy", *command)


def test_explain_says_when_people_are_reminded_and_others_asked(rules: Any, tmp_path: Path) -> None:
    said = timed(rules, tmp_path, "explain", "call.json")

    assert said.status == 0, said.err
    for line in (
        "it reminds them at 2026-12-01 13:00 +01:00 (Tue 1 Dec 2026, 13:00 in Europe/Berlin)",
        "sales_manager is asked as well from 2026-12-01 14:00 +01:00 "
        "(Tue 1 Dec 2026, 14:00 in Europe/Berlin)",
        "they have 4 business hours of office, until 2026-12-01 16:00 +01:00 (Tue 1 Dec 2026, "
        "16:00 in Europe/Berlin); if nobody decides by then, it_manager is asked, with as long "
        "again",
    ):
        assert line in said.out.splitlines(), said.out


def test_explain_as_json_says_so_where_a_rule_does(rules: Any, tmp_path: Path) -> None:
    found = json.loads(timed(rules, tmp_path, "explain", "call.json", "--json").out)

    assert "escalate" == found["at_deadline"]
    assert datetime.fromisoformat("2026-12-01T16:00+01:00") == datetime.fromisoformat(
        found["expires_at"]
    )
    assert [("remind", []), ("escalate", ["sales_manager"]), ("remind", [])] == [
        (step["kind"], step["roles"]) for step in found["steps"]
    ]


def test_check_shows_times_as_they_are_written(rules: Any, tmp_path: Path) -> None:
    said = timed(rules, tmp_path, "check")

    assert (
        "deadline 4h of office, then escalate; reminds after 1h; reminds 30m of office before; "
        "asks sales_manager as well after 2h; asks it_manager instead at the deadline; holds for"
    ) in said.out, said.out


@pytest.mark.parametrize(
    ("changed", "effect", "rule", "words"),
    [
        ({"arguments": {"amount": 1000}}, "allow", "small", "may run without asking"),
        ({"arguments": {"amount": 1}, "agent": "intern"}, "require_approval", "rest", "needs"),
        ({"at": "2026-12-01T20:00:00Z"}, "deny", "night", "made in business hours"),
        ({"arguments": {"amount": "lots"}}, "deny", "arguments", "amount"),
        ({"arguments": {"colour": "red"}}, "deny", "arguments", "colour"),
        ({"tool": "drop_table"}, "deny", "unknown-tool", "No rule names the tool"),
    ],
)
def test_explain_says_what_would_become_of_the_call(
    rules: Any, tmp_path: Path, changed: dict[str, Any], effect: str, rule: str, words: str
) -> None:
    found = json.loads(explain(rules, tmp_path, "--json", **changed).out)

    assert (effect, rule) == (found["effect"], found["rule"])
    assert words in found["reason"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "is not JSON"),
        ("[]", "call.json: write a mapping"),
        ('{"tol": "x"}', "call.json.tol: unknown key; did you mean tool?"),
        ('{"tool": "x", "at": "2026-12-01T12:00:00"}', "call.json.at:"),
    ],
)
def test_a_call_that_is_none_is_refused(rules: Any, tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "call.json").write_text(text)

    said = rules(RULES, "policy", "explain", "call.json")
    missing = rules(RULES, "policy", "explain", "gone.json")

    assert (1, True) == (said.status, why in said.err), said.err
    assert (1, True) == (missing.status, "gone.json: cannot be read" in missing.err)


def test_examples_of_the_file_and_beside_it_are_compared(rules: Any, tmp_path: Path) -> None:
    good = rules(RULES, "policy", "test")
    (tmp_path / "c.examples.yaml").write_text(
        "examples:\n"
        "  - {tool: lookup_customer, arguments: {name: x}, expect: allow}\n"
        "  - {name: mails, tool: send_email, expect: {effect: deny, rule: nomail, roles: [boss]},\n"
        "     arguments: {to: a@b.example, subject: s, body: b}}\n"
    )
    bad = rules(RULES, "policy", "test")

    assert (0, True) == (good.status, "1 of 1 examples as expected" in good.out), good.out
    assert (1, True) == (bad.status, "2 of 3 examples as expected" in bad.out), bad.out
    for words in (
        "c.examples.yaml: examples.1 (mails): expected deny, and it is require_approval by "
        "tools.send_email",
        "expected the rule nomail, and it is tools.send_email",
        "expected to ask boss, and it asks lead",
        "tools.send_email: it is for every call of send_email",
    ):
        assert words in bad.out


def test_examples_that_are_none_are_refused(rules: Any, tmp_path: Path) -> None:
    without = RULES.partition("  examples:")[0]
    none = rules(without, "policy", "test")
    (tmp_path / "more.yaml").write_text("examples: [{tool: x, expect: {efect: allow}}]\n")
    wrong = rules(without, "policy", "test", "--examples", "more.yaml")

    assert (1, True) == (none.status, "there are no examples" in none.err)
    assert (1, True) == (wrong.status, "did you mean effect?" in wrong.err), wrong.err


def test_the_text_of_a_version_is_shown_as_it_ruled(cli: Cli, tmp_path: Path) -> None:
    document: dict[str, Any] = {"tools": {}, "human_input": {}, "rules": [{"id": "small"}]}
    version = version_of(document)
    cli("db", "upgrade")
    with sqlite3.connect(tmp_path / "countersign.db") as file:
        row = (version, canonical_json(document).decode(), "2026-12-01T10:00:00.000000+00:00")
        file.execute("INSERT INTO policy_versions VALUES (?, ?, ?)", row)
    listed = cli("policy", "versions")
    as_json = json.loads(cli("policy", "versions", "--json").out)
    shown = cli("policy", "show", version)
    with sqlite3.connect(tmp_path / "countersign.db") as file:
        file.execute("UPDATE policy_versions SET document = '{}'")
    changed = cli("policy", "show", version)
    missing = cli("policy", "show", "abc")

    assert f"{version}  since 2026-12-01 10:00 UTC" in listed.out
    assert [version] == [each["version"] for each in as_json]
    assert document == json.loads(shown.out)
    assert (1, True) == (
        changed.status,
        "was changed: it is not what its version names" in " ".join(changed.err.split()),
    )
    assert (1, True) == (missing.status, "No server has ruled by a policy abc" in missing.err)
