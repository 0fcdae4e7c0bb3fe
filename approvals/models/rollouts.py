"""Rollout: the phase in which a rule stands for a tool, from what people do to what runs alone."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from countersign.approvals.models.base import Value


class Phase(StrEnum):
    """From what lets least happen without people to what lets most; `rollout.phases` are some of
    them, in this order."""

    SHADOW = "shadow"
    """It is proposed, and a person does it by hand."""
    COPILOT = "copilot"
    """People are asked of every call."""
    SAMPLED = "sampled"
    """Within its gates people are asked of one in so many, drawn with a key."""
    AUTONOMOUS = "autonomous"
    """Within its gates nobody is asked."""


UNASKED = frozenset({Phase.SAMPLED, Phase.AUTONOMOUS})
"""Phases in which calls run of which nobody was asked."""


class RolloutStanding(Value):
    """Where a rule stands for a tool, as it was put there last."""

    rule_id: str
    tool: str
    meaning: str
    """Of the rule then: one that means something else stands at its first phase."""
    phase: Phase
    since: datetime
    cause: str
    """`promoted`, `demoted`, `regret` or `changed`."""
    by_name: str
    reason: str
