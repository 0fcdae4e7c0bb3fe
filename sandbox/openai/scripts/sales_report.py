"""What the quoter of the sales quote says at the end, and of which record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from countersign.sandbox.openai.scripts.outcomes import Outcome, read, why_not


@dataclass(frozen=True)
class Record:
    """The customer and the opportunity the quote is for, from the lookup."""

    customer: Mapping[str, Any]
    opportunity: Mapping[str, Any]

    def list_amount(self, seats: int) -> float:
        """What the seats cost without a discount."""
        return round(float(self.customer["list_price_per_seat"]) * seats, 2)


def report(
    opening: str,
    released: Outcome,
    stages: Sequence[Any],
    activities: Sequence[Any],
    record: Record,
) -> str:
    """What was released, what was done with it, and what was not."""
    terms_text = (
        f"{float(released.arguments['discount_percent']):g} % discount, "
        f"valid for {released.arguments['valid_days']} days"
    )
    changed = f", as changed by {released.decided_by or 'the approver'}" if released.changed else ""
    stage = read(stages[-1]) if stages else None
    activity = read(activities[-1]) if activities else None
    done, open_ends = [], []
    if stage is not None:
        ok = f"{record.opportunity['id']} is now in {stage.arguments.get('stage')}"
        done.append(ok) if stage.executed else open_ends.append(
            f"the stage of the opportunity was not changed, {why_not(stage)}"
        )
    if activity is not None:
        done.append("the activity is logged") if activity.executed else open_ends.append(
            f"the activity was not logged, {why_not(activity)}"
        )
    sentences = [f"{opening}, {terms_text}{changed}."]
    if done:
        sentences.append(_sentence(" and ".join(done)))
    if open_ends:
        sentences.append(_sentence("But " + "; ".join(open_ends)))
    return " ".join(sentences)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
