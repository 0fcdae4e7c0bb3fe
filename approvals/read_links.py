"""Signed links to a page that shows all of one revision of one request, and lets nobody decide.

A link is for one person, or for everybody who may answer one ticket. It says so itself, until when
it holds, and is signed: nobody can make one, or another one of it, without our key. A link can be
forwarded, so that it was fetched says nothing; who presses the button on the page says to have read
it. The button carries a second, short-lived signature that the page was given with.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from pydantic import ValidationError

from countersign.approvals.errors import CountersignError
from countersign.approvals.models import (
    PrincipalId,
    Request,
    RequestId,
    Value,
)
from countersign.approvals.ports import Clock

PATH = "/read/"
MIN_KEY_BYTES = 32
"""As long as the MAC that it makes. Source: RFC 2104, section 3 (read 2026-11-25)."""
VALID_S = 3600.0
"""How long a link for one person holds."""
TICKET_VALID = timedelta(days=7)
"""How long a link in a ticket holds at most: its text never changes, so the link cannot."""
CONFIRM_S = 1800.0
_LINK, _CONFIRM = b"countersign/read/1\0", b"countersign/confirm/1\0"
_LONGEST = 1000


class BrokenLinkError(CountersignError):
    """Not a link of ours."""


class ExpiredLinkError(CountersignError):
    """A link of ours that holds no more."""


class Invitation(Value):
    """What a link says, once its signature has been checked."""

    request_id: RequestId
    revision: int
    person: PrincipalId | None
    """Whom it is for; None for everybody who may answer the ticket."""
    place: str
    """Where the link stands: `teams`, `jira`, …"""
    until: datetime


class ReadLinks:
    """Makes links and reads them. Every server of a deployment has the same key."""

    def __init__(
        self,
        key: bytes,
        public_url: str,
        clock: Clock,
        *,
        valid_s: float = VALID_S,
        pages_url: str = "",
    ):
        """`pages_url` is where people sign in and read pages; "" where nobody can."""
        if len(key) < MIN_KEY_BYTES:
            raise ValueError(f"The key is shorter than {MIN_KEY_BYTES} bytes")
        self._key, self._url = key, public_url.rstrip("/")
        self._clock, self._valid_s, self._pages_url = clock, valid_s, pages_url

    @property
    def prefix(self) -> str:
        """What every link begins with."""
        return f"{self._url}{PATH}"

    def personal(self, request: Request, person: PrincipalId, place: str) -> str:
        """A link for one person, from now on for a short time."""
        until = self._clock.now() + timedelta(seconds=self._valid_s)
        return self._link(_invitation(request, person, place, until))

    def for_ticket(self, request: Request, place: str) -> str:
        """The link in a ticket: the same whenever the ticket is written again."""
        longest = request.created_at + TICKET_VALID
        until = longest if request.expires_at is None else min(longest, request.expires_at)
        return self._link(_invitation(request, None, place, until))

    def together(self, request: Request) -> str:
        """The page on which all calls that were proposed with this one can be decided, for whoever
        signs in; "" where nobody can. It is signed by nothing and lets nobody in."""
        return f"{self._pages_url}/inbox/requests/{request.id}/together" if self._pages_url else ""

    def read(self, token: str) -> Invitation:
        """What the link says. Raises BrokenLinkError or ExpiredLinkError."""
        invitation = _parsed(self._verified(_LINK, token))
        if invitation.until <= self._clock.now():
            raise ExpiredLinkError("This link has expired.")
        return invitation

    def confirmation(self, token: str) -> str:
        """What the button of the page carries; it holds for a while, and for this link only."""
        until = int(self._clock.now().timestamp() + CONFIRM_S)
        return self._signed(_CONFIRM, f"{until} {_sha(token)}".encode())

    def confirms(self, token: str, given: str) -> bool:
        """Whether this came with the page behind that link, a short time ago."""
        try:
            until, _, of = self._verified(_CONFIRM, given).decode().partition(" ")
        except BrokenLinkError:
            return False
        return of == _sha(token) and int(until) > self._clock.now().timestamp()

    def _link(self, invitation: Invitation) -> str:
        said = json.dumps(
            [
                invitation.request_id,
                invitation.revision,
                invitation.person,
                invitation.place,
                int(invitation.until.timestamp()),
            ],
            separators=(",", ":"),
        )
        return self.prefix + self._signed(_LINK, said.encode())

    def _signed(self, purpose: bytes, said: bytes) -> str:
        return f"{_encoded(said)}.{_encoded(self._mac(purpose, said))}"

    def _verified(self, purpose: bytes, token: str) -> bytes:
        said, _, mac = token.partition(".")
        if len(token) > _LONGEST:
            raise BrokenLinkError("This is not one of our links.")
        try:
            payload, given = _decoded(said), _decoded(mac)
        except (ValueError, binascii.Error) as exc:
            raise BrokenLinkError("This is not one of our links.") from exc
        if not hmac.compare_digest(given, self._mac(purpose, payload)):
            raise BrokenLinkError("This is not one of our links.")
        return payload

    def _mac(self, purpose: bytes, said: bytes) -> bytes:
        return hmac.new(self._key, purpose + said, sha256).digest()


def _invitation(
    request: Request, person: PrincipalId | None, place: str, until: datetime
) -> Invitation:
    return Invitation(
        request_id=request.id,
        revision=request.revision,
        person=person,
        place=place,
        until=until,
    )


def _parsed(said: bytes) -> Invitation:
    try:
        request_id, revision, person, place, until = json.loads(said)
        return Invitation(
            request_id=request_id,
            revision=revision,
            person=person,
            place=place,
            until=datetime.fromtimestamp(until, UTC),
        )
    except (ValueError, TypeError, ValidationError) as exc:
        raise BrokenLinkError("This is not one of our links.") from exc


def _sha(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    """Raises ValueError, also for another spelling of the same bytes: it would be a second link."""
    padded: Any = text + "=" * (-len(text) % 4)
    raw = base64.b64decode(padded, altchars=b"-_", validate=True)
    if _encoded(raw) != text:
        raise ValueError("spelt otherwise")
    return raw
