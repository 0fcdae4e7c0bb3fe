"""Model usage as AutoGen's clients sum it up, in a third of the space and back."""

from __future__ import annotations

from typing import Any

_COUNTS = ("cost", "prompt_tokens", "completion_tokens", "total_tokens")
Summary = dict[str, Any]


def pack(summary: Summary | None) -> Any:
    """`[total cost, model, cost, prompt, completion and total tokens, model, …]`.

    A summary of any other shape stays as it is.
    """
    if summary is None or "total_cost" not in summary:
        return summary
    packed: list[Any] = [summary["total_cost"]]
    for model, counts in summary.items():
        if model == "total_cost":
            continue
        if not isinstance(counts, dict) or counts.keys() != set(_COUNTS):
            return summary
        packed += (model, *(counts[name] for name in _COUNTS))
    return packed


def unpack(packed: Any) -> Summary | None:
    """The summary, as a value of its own."""
    if not isinstance(packed, list):
        return None if packed is None else dict(packed)
    total, *rest = packed
    width = 1 + len(_COUNTS)
    rows = [rest[at : at + width] for at in range(0, len(rest), width)]
    return {"total_cost": total} | {
        model: dict(zip(_COUNTS, counts, strict=True)) for model, *counts in rows
    }
