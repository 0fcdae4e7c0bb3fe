"""What one decision on all calls of a checkpoint costs, beside one vote on one of them: one run.

In each round a session proposes `CALLS` calls together. One of them is voted on alone; then one
decision is for all others. Processor time is counted, so that neighbours do not, and the time that
the disk takes is not in it; the median of the rounds is told, and of the ratios between both.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from bench.measure import require
from bench.ours.stack import ACTOR, REQUESTER, Stack, stack
from bench.ours.workflow_names import GROUP
from bench.payload import TOOL
from countersign.approvals.models import ChatState, Proposal, Request, ToolCall, Verdict
from countersign.approvals.store import upgrade

ROUNDS = int(os.environ.get("ROUNDS", "7"))
CALLS = int(os.environ.get("CALLS", "200"))
GOAL = 3.0
"""One decision on all of them costs at most so many votes."""
RESULTS = Path(__file__).parents[1] / "together.json"


async def _asked(ours: Stack) -> list[Request]:
    """The requests of a new session that waits for all of them."""
    session = await ours.runs.start(
        workflow=GROUP, workflow_version="1", task="Pay", owner=REQUESTER
    )
    run = await ours.runs.begin(session.id)
    if run is None:
        raise AssertionError("somebody else runs it")
    forms = ours.registry.forms()
    calls = [
        ToolCall(
            session_id=session.id,
            call_id=str(number),
            tool=TOOL,
            arguments={"amount": number + 0.25, "currency": "EUR", "payee": f"ACME {number}"},
            agent="clerk",
            executor="gate",
            schema_version=forms.get((GROUP, TOOL), ""),
        )
        for number in range(CALLS)
    ]
    state = ChatState(snapshot="{}", transcript_sha256="0" * 64)
    return list(
        await ours.runs.submit(
            run, [Proposal(call=call) for call in calls], state=state, first=True
        )
    )


async def measure() -> list[tuple[float, float]]:
    """Of each round, the CPU ms of one vote and of one decision on all others."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder, "bench.db")
        upgrade(f"sqlite:///{database}")
        async with stack(database, GROUP) as ours:
            gc.freeze()  # as a server does once it has imported what it needs
            for _ in range(ROUNDS + 1):
                first, *others = await _asked(ours)
                began_s = time.process_time()
                await ours.approve(first)
                vote_s = time.process_time() - began_s
                shown = {each.id: each.digest for each in others}
                began_s = time.process_time()
                done = await ours.approvals.vote_together(shown, ACTOR, verdict=Verdict.APPROVE)
                found.append((vote_s * 1e3, (time.process_time() - began_s) * 1e3))
                require(len(done.requests) == CALLS - 1, "not all of them were decided")
    return found[1:]


def main() -> None:
    """Measure, print the table, and write it as JSON."""
    rounds = asyncio.run(measure())
    vote_ms, all_ms = (median(column) for column in zip(*rounds, strict=True))
    ratio = median(many / one for one, many in rounds)
    print(f"| one vote of {CALLS} | one decision on the others | to one vote | goal |")
    print("| ---: | ---: | ---: | ---: |")
    print(f"| {vote_ms:,.1f} ms | {all_ms:,.1f} ms | {ratio:.2f} x | ≤ {GOAL:g} x |")
    told = {"python": sys.version.split()[0], "calls": CALLS, "rounds": rounds, "ratio": ratio}
    RESULTS.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
