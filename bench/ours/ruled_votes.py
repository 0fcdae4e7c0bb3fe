"""What a vote costs where many rules stand, beside one where a single entry of `tools` does.

The same calls, people and database; the stacks take turns in one process, and processor time is
counted, so that neighbours do not. A plain approval asks no rule; a changed one is asked about by
all rules of its tool, and once more when it is about to run.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from typing import Any

from bench.data import directory as folder
from bench.ours.stack import ACTOR, ASKED, Stack, stack
from bench.ours.workflow_names import GROUP
from bench.payload import TASK, TOOL
from countersign.approvals.models import Request, Verdict

VOTES = int(os.environ.get("VOTES", "200"))
ROUNDS = int(os.environ.get("ROUNDS", "5"))
TOOLS = 10
"""As many as in `bench.ours.rules`: so many tools share the rules, as they do in a deployment."""
RESULTS = Path(__file__).parents[1] / "ruled_votes.json"
ONE = "one entry of tools"
LEGS = (Verdict.APPROVE, Verdict.MODIFY)


def ruled(count: int, tools: int) -> dict[str, Any]:
    """So many rules on so many tools by turns; the call is that of the last one of its tool, and no
    limit before matches."""
    rules = [
        {
            "id": f"r{n}",
            "tool": TOOL if n % tools == 0 else f"tool_{n % tools}",
            "when": f"args.amount > {10_000.5 - n}",
            **ASKED,
        }
        for n in range(count - 1)
    ]
    return {"rules": [*rules, {"id": "rest", "tool": TOOL, **ASKED}]}


async def cast(ours: Stack, asked: Iterator[Request], verdict: Verdict) -> float:
    """Processor time of one vote, in ms."""
    took_s = 0.0
    for _ in range(VOTES):
        request = next(asked)
        given = {**request.arguments, "amount": 120.5} if verdict is Verdict.MODIFY else None
        began_s = time.process_time()
        await ours.approvals.vote(
            request.id, ACTOR, verdict=verdict, digest=request.digest, arguments=given
        )
        took_s += time.process_time() - began_s
    return took_s / VOTES * 1000


async def measure(policies: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """By leg, the median time of a vote under each policy."""
    with folder() as here:
        async with AsyncExitStack() as stack_of:
            found = {}
            for number, (name, policy) in enumerate(policies.items()):
                ours = await stack_of.enter_async_context(
                    stack(here / f"{number}.db", GROUP, policy=policy)
                )
                for _ in range(VOTES * ROUNDS * len(LEGS)):
                    await ours.start(GROUP, TASK)
                found[name] = ours, iter(await ours.pending())
            rounds = [
                {
                    (verdict, name): await cast(ours, asked, verdict)
                    for verdict in LEGS
                    for name, (ours, asked) in found.items()
                }
                for _ in range(ROUNDS)
            ]
    return {
        verdict: {name: median(each[verdict, name] for each in rounds) for name in policies}
        for verdict in LEGS
    }


async def main() -> None:
    """Measure, print the table, and write it as JSON."""
    policies = {ONE: {"tools": {TOOL: dict(ASKED)}}}
    policies |= {
        f"100 rules on {TOOLS} tools": ruled(100, TOOLS),
        f"1,000 rules on {TOOLS} tools": ruled(1_000, TOOLS),
        "100 rules on this tool": ruled(100, 1),
    }
    found = await measure(policies)
    print(f"| vote | {' | '.join(policies)} |")
    print(f"| --- |{' ---: |' * len(policies)}")
    for verdict, by_policy in found.items():
        base = by_policy[ONE]
        figures = (f"{ms:.2f} ms ({ms / base:.2f} x)" for ms in by_policy.values())
        print(f"| {verdict} | {' | '.join(figures)} |", flush=True)
    told = {"python": sys.version.split()[0], "votes": VOTES, "rounds": ROUNDS, "cpu_ms": found}
    RESULTS.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())
