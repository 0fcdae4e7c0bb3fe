"""Browser sessions: whoever signs somebody in begins one here, and its cookie names them.

The cookie holds 256 random bits, the database their hash. Signing in always begins a new one, so an
id that somebody has planted in a browser before is worth nothing afterwards.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from countersign.approvals.models import BrowserSession, JsonObject, PrincipalId
from countersign.approvals.ports import Clock, Store
from countersign.approvals.store import browser_sessions as rows
from countersign.bot.settings.inbox import InboxSettings

log = structlog.get_logger(__name__)

TOKEN_CHARS = 43
"""Of 256 bits in base64url."""
SEEN_EVERY = timedelta(minutes=1)
"""That a session is used is written so often at most."""
SWEPT_AT_ONCE = 100


class BrowserSessions:
    """Begins, finds and ends them."""

    def __init__(self, store: Store, clock: Clock, settings: InboxSettings):
        self._store, self._clock = store, clock
        self._idle = timedelta(seconds=settings.idle)
        self._longest = timedelta(seconds=settings.longest)

    async def begin(
        self,
        person: PrincipalId,
        *,
        method: str,
        identity: str,
        replaces: str = "",
        authenticated_at: datetime | None = None,
        claims: JsonObject | None = None,
    ) -> str:
        """What the cookie shall hold, after somebody has proved who they are.

        `replaces` is what the cookie holds now: that session ends, whoever it belonged to. Raises
        UnavailableError if it cannot be written.
        """
        token, now = secrets.token_urlsafe(32), self._clock.now()
        session = BrowserSession(
            id=row_id(token),
            principal_id=person,
            method=method,
            identity=identity,
            authenticated_at=authenticated_at or now,
            created_at=now,
            seen_at=now,
            expires_at=now + self._longest,
            claims=claims,
        )
        old = row_id(replaces)

        def statements(connection: Connection) -> None:
            rows.end(connection, [old])
            rows.end_old(connection, now, now - self._idle, limit=SWEPT_AT_ONCE)
            rows.add(connection, session)

        await self._store.write(statements)
        log.info("signed in", person=person, method=method)
        return token

    async def find(self, token: str, *, touch: bool = True) -> BrowserSession | None:
        """The session of this cookie; None if there is none, or not any more. It counts as use of
        it unless it is not to `touch` it."""
        if len(token) != TOKEN_CHARS:
            return None
        session_id, now = row_id(token), self._clock.now()
        session = await self._store.read(lambda c: rows.get(c, session_id))
        if session is None or not self._holds(session, now):
            return None
        if touch and now - session.seen_at >= SEEN_EVERY:
            await self._store.write(lambda c: rows.seen(c, session_id, now))
        return session

    async def of(self, person: PrincipalId) -> Sequence[BrowserSession]:
        """The sessions of a person that hold, the one that was used last first."""
        now = self._clock.now()
        found = await self._store.read(lambda c: rows.of_person(c, person))
        return [session for session in found if self._holds(session, now)]

    async def end(self, token: str) -> None:
        """Sign this browser out; harmless if it is not signed in."""
        session_id = row_id(token)
        await self._store.write(lambda c: rows.end(c, [session_id]))

    async def end_all(self, person: PrincipalId) -> int:
        """Sign a person out everywhere; in how many browsers they were."""
        return await self._store.write(lambda c: rows.end_all(c, person))

    def _holds(self, session: BrowserSession, now: datetime) -> bool:
        return now < session.expires_at and now - session.seen_at < self._idle


def row_id(token: str) -> str:
    """The id of the row for what a cookie holds."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
