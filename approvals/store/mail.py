"""Queries on mail: threads, links of which only a hash is kept, and what people do not want."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Literal

from sqlalchemy import Connection, delete, insert, select, update

from countersign.approvals.models import DeliveryId, PrincipalId, RequestId, Value
from countersign.approvals.store import codec
from countersign.approvals.store.dialects import dialect_of
from countersign.approvals.store.schema import mail_links, mail_mutes, mail_threads

TOKEN_BYTES = 32
LINKS_KEPT = timedelta(days=30)
"""How long a link that has expired is still known, so that whoever opens it is told so."""
Kind = Literal["request", "calls", "reminders", "digests"]
"""Of links: to a request, to all calls that were proposed with it, or to stop one kind of mail."""
STOPS: tuple[Kind, ...] = ("reminders", "digests")
"""What can be stopped: of mutes there are only these."""


class MailThread(Value):
    """The mails about one delivery, or about the list in which it was shown. Of several
    calls in one mail each delivery has a thread, all with the same ids."""

    delivery_id: DeliveryId
    message_id: str
    """What the ids of its mails begin with: random, so that whoever names it was sent one."""
    request_id: RequestId
    principal_id: PrincipalId
    address: str
    subject: str
    told: str = ""
    """What its last mail says; "" if none was taken."""
    bounced: str = ""
    """Why it came back; "" while nothing did."""


class MailLink(Value):
    """What a link says."""

    kind: Kind
    request_id: RequestId
    principal_id: PrincipalId
    expires_at: datetime


def thread(connection: Connection, delivery_id: str) -> MailThread | None:
    """The thread of a delivery."""
    query = select(mail_threads).where(mail_threads.c.delivery_id == delivery_id)
    row = connection.execute(query).mappings().first()
    return None if row is None else _thread(row)


def threads(connection: Connection, message_id: str) -> Sequence[MailThread]:
    """Everything that a mail was about; several where it was about several
    calls."""
    query = (
        select(mail_threads)
        .where(mail_threads.c.message_id == message_id)
        .order_by(mail_threads.c.delivery_id)
    )
    return [_thread(row) for row in connection.execute(query).mappings()]


def keep_thread(connection: Connection, known: MailThread, now: datetime) -> None:
    """Write it, over what was known of its delivery."""
    values = {**known.model_dump(), "at": codec.to_text(now)}
    dialect = dialect_of(connection)
    connection.execute(
        dialect.insert(mail_threads)
        .values(values)
        .on_conflict_do_update(index_elements=["delivery_id"], set_=values)
    )


def record(connection: Connection, message_id: str, **values: str) -> None:
    """Write what was told in a thread, or why its mail came back."""
    query = update(mail_threads).where(mail_threads.c.message_id == message_id)
    connection.execute(query.values(values))


def claim(connection: Connection, message_id: str, before: str, told: str) -> bool:
    """Write what is being told in a thread; False if something else than `before` was told there
    meanwhile."""
    which = mail_threads.c.message_id == message_id, mail_threads.c.told == before
    return connection.execute(update(mail_threads).where(*which).values(told=told)).rowcount > 0


def add_link(connection: Connection, link: MailLink, now: datetime) -> str:
    """A new token for this link; old ones that nobody needs any more are forgotten."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    old = mail_links.c.expires_at < codec.to_text(now - LINKS_KEPT)
    connection.execute(delete(mail_links).where(old))
    values = {**link.model_dump(), "expires_at": codec.to_text(link.expires_at)}
    connection.execute(insert(mail_links).values(token_hash=_hash(token), **values))
    return token


def link(connection: Connection, token: str) -> MailLink | None:
    """What a token stands for, also one that has expired; None if it is none of ours."""
    query = select(mail_links).where(mail_links.c.token_hash == _hash(token))
    row = connection.execute(query).mappings().first()
    if row is None:
        return None
    return MailLink(
        kind=row["kind"],
        request_id=row["request_id"],
        principal_id=row["principal_id"],
        expires_at=codec.from_text(row["expires_at"]),
    )


def muted(connection: Connection, principal_id: str) -> frozenset[str]:
    """The kinds of mail that a person does not want."""
    query = select(mail_mutes.c.kind).where(mail_mutes.c.principal_id == principal_id)
    return frozenset(connection.execute(query).scalars())


def mute(connection: Connection, principal_id: str, kind: str, now: datetime) -> None:
    """They do not want this kind. Harmless to repeat."""
    dialect = dialect_of(connection)
    values = {"principal_id": principal_id, "kind": kind, "at": codec.to_text(now)}
    connection.execute(dialect.insert(mail_mutes).values(values).on_conflict_do_nothing())


def unmute(connection: Connection, principal_id: str, kind: str) -> None:
    """They want it again."""
    which = mail_mutes.c.principal_id == principal_id, mail_mutes.c.kind == kind
    connection.execute(delete(mail_mutes).where(*which))


def _thread(row: object) -> MailThread:
    values = dict(row)  # type: ignore[call-overload]
    del values["at"]
    return MailThread.model_validate(values)


def _hash(token: str) -> str:
    return sha256(token.encode("utf-8", "replace")).hexdigest()
