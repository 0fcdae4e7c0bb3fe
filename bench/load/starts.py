"""What a server costs before it has done anything."""

from __future__ import annotations

from bench.load.pair import Tell, pair, progress
from bench.lockstep.rounds import in_turn
from bench.results import Results


def starts(results: Results, *, rounds: int, tell: Tell) -> None:
    """Start the server as it is shipped, on SQLite, again and again."""
    env = {"DATABASE": "sqlite", "AS_SHIPPED": "1"}
    with pair(results, "start", "bench.ours.host", **env) as workers:
        for number in range(rounds + 1):
            for name in in_turn(list(workers), number):
                figures = workers[name].ask("start")
                if number:  # the first one writes the schema and Python's caches
                    row = {"rep": number, "peer": name, "leg": "start", "database": "sqlite"}
                    results.load.append({**row, **figures})
                    progress(tell, "start", number, rounds, results.load[-1], "cpu_ms", "rss_mb")
