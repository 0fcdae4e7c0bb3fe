"""How many calls a second the rules rule on, beside plain Python conditions and cel-python.

All three have the same rules over ten tools and rule on the same calls, in turn, in one process and
on one core; processor time is counted, so that neighbours do not. Ours and the Python conditions
find the rules of a tool by its name. cel-python asks rule by rule, those of the tool alone: without
that it would be ten times slower yet.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import celpy
import celpy.adapter

from countersign.approvals.models import SessionId, ToolCall
from countersign.approvals.rules.conditions.facts import Situation
from countersign.approvals.rules.policy import Policy
from countersign.approvals.rules.rulebook import Tools

TOOLS = 10
SIZES = (10, 100, 1_000)
ROUNDS = int(os.environ.get("ROUNDS", "5"))
ROUND_S = 0.5
RESULTS = Path(__file__).parents[1] / "rules.json"
SCHEMA = {
    "type": "object",
    "properties": {
        "amount": {"type": "number"},
        "currency": {"type": "string"},
        "to": {"type": "string"},
    },
}
SITUATION = Situation(workflow="w", requester="sam", roles=frozenset({"rep"}))
Ruler = Callable[[ToolCall], str]


def rules(count: int) -> list[dict[str, Any]]:
    """So many rules: limits that fall, by turns for each tool; the calls stay below all of them."""
    return [
        {
            "id": f"r{number}",
            "tool": f"tool_{number % TOOLS}",
            "when": f'args.amount > {100_000.5 - number} && args.currency == "EUR"',
            "effect": "require_approval",
            "roles": ["manager"],
        }
        for number in range(count)
    ]


def calls() -> list[ToolCall]:
    """One of each tool."""
    return [
        ToolCall(
            session_id=SessionId("S-1"),
            call_id="call-1",
            tool=f"tool_{number}",
            arguments={"amount": 12.5 * number, "currency": "EUR", "to": "anna@contoso.example"},
            agent="seller",
            executor="gate",
        )
        for number in range(TOOLS)
    ]


def ours(written: Sequence[dict[str, Any]]) -> Ruler:
    """The policy, as a server has it."""
    tools = [f"tool_{number}" for number in range(TOOLS)]
    policy = Policy.load({"rules": list(written), "tools": dict.fromkeys(tools, "allow")})
    known = policy.knowing(Tools({("w", tool): SCHEMA for tool in tools}))
    return lambda call: known.rule(call, SITUATION).rule_id


def plain(written: Sequence[dict[str, Any]]) -> Ruler:
    """The same as functions that somebody wrote by hand, by tool: floats, and no checks."""
    by_tool: dict[str, list[tuple[str, Callable[[Any], bool]]]] = {}
    for number, rule in enumerate(written):
        limit = 100_000.5 - number

        def condition(args: Any, limit: float = limit) -> bool:
            return bool(args["amount"] > limit and args["currency"] == "EUR")

        by_tool.setdefault(rule["tool"], []).append((rule["id"], condition))

    def ruler(call: ToolCall) -> str:
        for name, holds in by_tool.get(call.tool, ()):
            if holds(call.arguments):
                return name
        return f"tools.{call.tool}"

    return ruler


def cel_python(written: Sequence[dict[str, Any]]) -> Ruler:
    """The same conditions in cel-python, compiled, by tool."""
    environment = celpy.Environment()
    by_tool: dict[str, list[tuple[str, Any]]] = {}
    for rule in written:
        program = environment.program(environment.compile(rule["when"]))
        by_tool.setdefault(rule["tool"], []).append((rule["id"], program))

    def ruler(call: ToolCall) -> str:
        facts: Any = {"args": celpy.adapter.json_to_cel(call.arguments)}
        for name, program in by_tool.get(call.tool, ()):
            if program.evaluate(facts):
                return name
        return f"tools.{call.tool}"

    return ruler


CONTENDERS: dict[str, Callable[[Sequence[dict[str, Any]]], Ruler]] = {
    "countersign": ours,
    "plain Python": plain,
    "cel-python": cel_python,
}


def per_second(ruler: Ruler, asked: Sequence[ToolCall]) -> float:
    """Rulings for each second of the processor."""
    count, began_s = 0, time.process_time()
    while (took_s := time.process_time() - began_s) < ROUND_S:
        for call in asked:
            ruler(call)
        count += len(asked)
    return count / took_s


def measure(count: int) -> dict[str, float]:
    """Each contender's median over rounds in which they take turns. They must say the same."""
    written, asked = rules(count), calls()
    rulers = {name: make(written) for name, make in CONTENDERS.items()}
    said = {name: [ruler(call) for call in asked] for name, ruler in rulers.items()}
    if any(each != said["countersign"] for each in said.values()):
        raise AssertionError(f"they do not rule alike: {said}")
    rounds = [
        {name: per_second(ruler, asked) for name, ruler in rulers.items()} for _ in range(ROUNDS)
    ]
    return {name: median(each[name] for each in rounds) for name in rulers}


def main() -> None:
    """Measure every size, print the table, and write it as JSON."""
    print(f"| rules | {' | '.join(CONTENDERS)} | to cel-python |")
    print(f"| ---: |{' ---: |' * (len(CONTENDERS) + 1)}")
    found = {}
    for count in SIZES:
        found[count] = measure(count)
        figures = " | ".join(f"{found[count][name]:,.0f}/s" for name in CONTENDERS)
        ratio = found[count]["countersign"] / found[count]["cel-python"]
        print(f"| {count:,} | {figures} | {ratio:,.0f} x |", flush=True)
    told = {"python": sys.version.split()[0], "rounds": ROUNDS, "rulings_per_s": found}
    RESULTS.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
