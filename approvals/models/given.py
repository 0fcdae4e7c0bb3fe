"""Delegations that people give by themselves, from a time until a time."""

from __future__ import annotations

from datetime import datetime
from typing import NewType

from countersign.approvals.models.base import PrincipalId, Value
from countersign.approvals.models.delegations import Delegation
from countersign.approvals.models.principals import Via

DelegationId = NewType("DelegationId", str)
GIVEN = "given"
"""What people gave by themselves, beside the names of directories."""


class GivenDelegation(Value):
    """That somebody decides for somebody else, as that one has said; kept for ever."""

    id: DelegationId
    giver: PrincipalId
    giver_name: str
    delegate: PrincipalId
    delegate_name: str
    starts_at: datetime
    ends_at: datetime
    roles: tuple[str, ...] = ()
    """Those of the giver's that it is about; none named: all."""
    reason: str = ""
    via: Via
    at: datetime
    """When it was given."""
    revoked_at: datetime | None = None
    revoked_by: PrincipalId | None = None
    revoked_by_name: str | None = None
    revoked_via: Via | None = None

    @property
    def delegation(self) -> Delegation:
        """As it holds."""
        return Delegation(
            giver=self.giver,
            delegate=self.delegate,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            roles=frozenset(self.roles) or None,
            source=GIVEN,
        )

    @property
    def words(self) -> str:
        """Who decides for whom, when and what, as one sentence without a full stop of its own."""
        what = f" as {' and '.join(self.roles)}" if self.roles else ""
        why = f" ({self.reason})" if self.reason else ""
        return (
            f"{self.delegate_name} decides for {self.giver_name}{what} from "
            f"{self.starts_at:%Y-%m-%d %H:%M} to {self.ends_at:%Y-%m-%d %H:%M} UTC{why}"
        )
