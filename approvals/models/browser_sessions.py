"""Browser sessions: who is signed in to the inbox, and how they proved who they are."""

from __future__ import annotations

from datetime import datetime

from countersign.approvals.models.base import JsonObject, PrincipalId, Value


class BrowserSession(Value):
    """One browser in which somebody is signed in."""

    id: str
    """SHA-256 of the random id in the browser's cookie, in hex: a copy of the row opens nothing."""
    principal_id: PrincipalId
    method: str
    """How they proved who they are: `picker`, `oidc`, …"""
    identity: str
    """As the ledger names them when they act: `oidc:<subject>`."""
    authenticated_at: datetime
    """When they last did."""
    created_at: datetime
    seen_at: datetime
    """When it was used last, to within a minute."""
    expires_at: datetime
    """When it ends, however much it is used."""
    claims: JsonObject | None = None
    """What whoever signed them in keeps of it."""
