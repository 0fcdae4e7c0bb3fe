"""Links in mails: each is for one person, and for one request or one kind of mail."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection

from countersign.approvals.models import Principal, Request
from countersign.approvals.store import mail as rows
from countersign.approvals.store.mail import STOPS, Kind, MailLink
from countersign.connectors.system import Deployment

PATH = "/inbox/mail"
STOP_PATH = f"{PATH}/unsubscribe"
STOP_VALID = timedelta(days=365)
"""Whoever finds an old mail can still end what it began."""


class Links:
    """Makes links, of which only hashes are kept."""

    def __init__(self, valid_for_s: float, deployment: Deployment):
        self._valid_for_s, self._url = valid_for_s, deployment.public_url
        self._store, self._clock = deployment.store, deployment.clock

    async def url_of(self, request: Request, person: Principal, kind: Kind = "request") -> str:
        """A link of this kind for this person."""
        return await self._store.write(lambda c: self.add(c, request, person, kind))

    def add(
        self, connection: Connection, request: Request, person: Principal, kind: Kind = "request"
    ) -> str:
        """`url_of`, in a transaction of the caller's."""
        now, valid = self._clock.now(), timedelta(seconds=self._valid_for_s)
        link = MailLink(
            kind=kind,
            request_id=request.id,
            principal_id=person.id,
            expires_at=now + (STOP_VALID if kind in STOPS else valid),
        )
        token = rows.add_link(connection, link, now)
        return f"{self._url}{STOP_PATH if kind in STOPS else PATH}/{token}"
