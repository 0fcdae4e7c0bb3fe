"""One way in for decisions on several calls at once, from whatever shows them together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from countersign.approvals.approvals import Approvals
from countersign.approvals.decisions.together import Together
from countersign.approvals.models import Actor, RequestId, Verdict
from countersign.approvals.ports import RequestView
from countersign.connectors.comments.wanted import require_plain

INSTEAD = "Decide the calls one by one, approve all without that comment, or reject."


@dataclass(frozen=True)
class TogetherAttempt:
    """What a person said to several calls of one checkpoint."""

    shown: Mapping[RequestId, str]
    """The digest of each that they were shown."""
    actor: Actor
    verdict: Verdict
    comment: str = ""
    leave: bool = False
    """Whether what is for others to decide waits on; else none counts then."""


async def receive_together(
    approvals: Approvals, view: RequestView, attempt: TogetherAttempt
) -> Together:
    """Count it for all of them, or for none; `view` is of one of them. Raises as
    `Approvals.vote_together`; InvalidError for an approval whose comment may be a change."""
    if attempt.verdict is Verdict.APPROVE and attempt.comment.strip():
        person = attempt.actor.principal
        require_plain(attempt.comment, view, person, INSTEAD)
    return await approvals.vote_together(
        attempt.shown,
        attempt.actor,
        verdict=attempt.verdict,
        comment=attempt.comment,
        leave=attempt.leave,
    )
