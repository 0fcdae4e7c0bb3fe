"""Sharing: whom a request is sent to, where the policy limits how many one person is sent."""

from __future__ import annotations

from collections.abc import Sequence

from countersign.approvals.models import People, Principal, Request, Risk
from countersign.approvals.ports import Unit
from countersign.approvals.rules.eligibility import Asked
from countersign.approvals.rules.load import reached
from countersign.approvals.rules.policies import Policies
from countersign.approvals.store import loads


class Sharing:
    """Reads what each of them is shown already."""

    def __init__(self, policies: Policies):
        self._policies = policies

    def reached(
        self,
        unit: Unit,
        channel: str,
        request: Request,
        ask: Asked,
        approvers: Sequence[Principal],
        people: People,
    ) -> Sequence[Principal]:
        """Those of the approvers who are sent it in this channel. What is of high risk is sent to
        all of them."""
        most = self._policies.current.document.most_open
        if most is None or request.risk is Risk.HIGH:
            return approvers
        ids = [person.id for person in approvers]
        known = loads.open_for(unit.connection, channel, ids, request.id)
        return reached(ask, approvers, known, most, people)
