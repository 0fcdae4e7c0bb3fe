"""Many sessions at once in one process, and round trips in short and long chats."""

from __future__ import annotations

from contextlib import ExitStack

from bench.load.pair import Tell, pair, progress
from bench.lockstep.rounds import LEGS, in_turn
from bench.results import Results

AT_ONCE = {1: 16, 16: 64, 32: 64, 64: 128, 256: 256}
"""Sessions at once, and how many of them make a block."""
TRIPS = {6: 10, 400: 5}
"""Messages of a chat, and how many round trips make a block."""


def at_once(results: Results, *, rounds: int, tell: Tell) -> None:
    """Pause and resume of so many sessions at a time."""
    with pair(results, "sessions at once", "bench.ours.sessions") as workers:
        for number in range(rounds + 1):
            for level, n in AT_ONCE.items():
                for leg in LEGS:
                    for name in in_turn(list(workers), number):
                        figures = workers[name].block(leg, first=0, n=n, at_once=level)
                        if number:  # the first one warms up
                            row = {"rep": number, "peer": name, "leg": leg, "at_once": level}
                            results.load.append({**row, **figures})
            if number:
                _tell_rates(results, number, rounds, tell)


def _tell_rates(results: Results, number: int, rounds: int, tell: Tell) -> None:
    rates: dict[str, list[str]] = {}
    for row in results.load:
        if row["rep"] == number and row["leg"] == "resume" and "at_once" in row:
            rates.setdefault(row["peer"], []).append(f"{row['at_once']}: {row['per_s']:.0f}")
    told = "; ".join(f"{peer} {', '.join(each)}" for peer, each in rates.items())
    tell(f"resumed per second, by sessions at once {number}/{rounds}: {told}")


def round_trips(results: Results, *, rounds: int, tell: Tell) -> None:
    """Approve, run the tool, wait again: in a chat of so many messages."""
    with ExitStack() as stack:
        module = "bench.ours.long_chats"
        by_length = {
            messages: stack.enter_context(
                pair(results, f"chats of {messages}", module, MESSAGES=str(messages))
            )
            for messages in TRIPS
        }
        each = [(m, name) for m, workers in by_length.items() for name in workers]
        for number in range(rounds + 1):
            for messages, name in in_turn(each, number):
                n = TRIPS[messages]
                figures = by_length[messages][name].block("trip", first=0, n=n)
                if number:
                    row = {"rep": number, "peer": name, "leg": "trip", "messages": messages}
                    results.load.append({**row, **figures})
                    what = f"round trip at {messages} messages"
                    progress(tell, what, number, rounds, results.load[-1], "p50_ms")
