"""What is still needed of people, in words."""

from __future__ import annotations

from countersign.approvals.models import StageProgress
from countersign.approvals.ports import RequestView
from countersign.approvals.rules.deciding import stage_in_words


def still_needed(view: RequestView) -> str:
    """How many more have to approve the open stages, and as what."""
    return " ".join(
        f"{step.missing} more of {step.stage.quorum} have to approve{_as(view, step)}."
        for step in view.steps
        if step.is_open and step.missing
    )


def _as(view: RequestView, step: StageProgress) -> str:
    return f" as {stage_in_words(step.stage)}" if view.request.stages[1:] else ""
