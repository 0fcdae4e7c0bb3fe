"""Steps: how far each stage of a request is."""

from __future__ import annotations

from countersign.approvals.models.base import Value
from countersign.approvals.models.calls import Stage
from countersign.approvals.models.principals import Principal
from countersign.approvals.models.requests import Vote


class StageProgress(Value):
    """One stage of a request, with the votes on its current revision."""

    number: int
    """From 0."""
    stage: Stage
    is_open: bool
    """Whether its people may vote now."""
    votes: tuple[Vote, ...]
    """Those that count in it, oldest first."""
    missing: int
    """How many approvals it still needs; 0 once the request is decided."""
    could: tuple[Principal, ...]
    """Who could give them, as things are; some of them may be needed in another stage."""
