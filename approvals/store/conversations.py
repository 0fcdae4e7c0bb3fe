"""Queries on conversations: where people can be reached, and whether that is closed to us."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, select, update

from countersign.approvals.models import Conversation, JsonObject, PrincipalId
from countersign.approvals.store import codec
from countersign.approvals.store.dialects import dialect_of
from countersign.approvals.store.schema import conversations


class Change(NamedTuple):
    """What is new about a conversation."""

    principal_id: PrincipalId | None
    """Whose personal chat it is, from all that was heard of it."""
    moved: bool = False
    """It has another address."""
    reopened: bool = False
    """It was closed to us."""
    added: bool = False
    """It was not known before."""


def get(connection: Connection, key: str, *, lock: bool = False) -> Conversation | None:
    """The conversation of this key; `lock` it to write what depends on it."""
    query = select(conversations).where(conversations.c.key == key)
    row = connection.execute(query.with_for_update() if lock else query).first()
    return None if row is None else codec.conversation(row)


def personal(connection: Connection, principal_id: str, channel: str) -> Conversation | None:
    """The newest one-to-one chat with a person."""
    query = (
        select(conversations)
        .where(
            conversations.c.principal_id == principal_id,
            conversations.c.channel == channel,
            conversations.c.kind == "personal",
        )
        .order_by(conversations.c.updated_at.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    return None if row is None else codec.conversation(row)


def is_as_known(known: Conversation | None, heard: Conversation) -> bool:
    """Whether `heard` says nothing that is not stored."""
    return (
        known is not None
        and known.blocked_at is None
        and _address(known.reference) == _address(heard.reference)
        and heard.principal_id in (None, known.principal_id)
    )


def save(connection: Connection, heard: Conversation, *, only_known: bool) -> Change | None:
    """Insert, or refresh: it was heard of, so it is open to us. None if nothing was written.

    A reference without an address never replaces one that has one.
    """
    known = get(connection, heard.key, lock=True)
    if known is None:
        columns = _columns(heard)
        if only_known or not connection.execute(_insert(connection, columns)).rowcount:
            return None
        return Change(heard.principal_id, added=True)
    if not heard.reference.get("serviceUrl") and known.reference.get("serviceUrl"):
        return None
    kept = heard.principal_id or known.principal_id
    columns = _columns(heard.model_copy(update={"principal_id": kept}))
    where = conversations.c.key == heard.key
    connection.execute(update(conversations).where(where).values(columns))
    return Change(
        kept,
        moved=_address(known.reference) != _address(heard.reference),
        reopened=known.blocked_at is not None,
    )


def block(
    connection: Connection, keys: Sequence[str], *, reason: str, now: datetime
) -> Sequence[str]:
    """These are closed to us since `now`; those that were not before."""
    where = (conversations.c.key.in_(keys), conversations.c.blocked_at.is_(None))
    query = select(conversations.c.key).where(*where).with_for_update()
    newly = [row[0] for row in connection.execute(query)]
    values = {"blocked_at": codec.to_text(now), "blocked_reason": reason}
    connection.execute(update(conversations).where(*where).values(values))
    return newly


def unblock(connection: Connection, key: str) -> Conversation | None:
    """It is open to us; the conversation if it was not before."""
    known = get(connection, key, lock=True)
    if known is None or known.blocked_at is None:
        return None
    values: dict[str, Any] = {"blocked_at": None, "blocked_reason": None}
    connection.execute(update(conversations).where(conversations.c.key == key).values(values))
    return known.model_copy(update=values)


def blocked(connection: Connection) -> list[Conversation]:
    """All that are closed to us, the longest first."""
    query = (
        select(conversations)
        .where(conversations.c.blocked_at.is_not(None))
        .order_by(conversations.c.blocked_at, conversations.c.key)
    )
    return [codec.conversation(row) for row in connection.execute(query)]


def of_team(connection: Connection, conversation: Conversation) -> list[Conversation]:
    """The other conversations of the same team: an app is added to a team as a whole."""
    team = conversation.reference.get("team")
    if conversation.kind != "channel" or not team:
        return []
    query = select(conversations).where(
        conversations.c.channel == conversation.channel,
        conversations.c.kind == "channel",
        conversations.c.key != conversation.key,
    )
    rows = [codec.conversation(row) for row in connection.execute(query)]
    return [each for each in rows if each.reference.get("team") == team]


def _address(reference: JsonObject) -> object:
    """What has to be right to reach it: two parts of a Bot Framework reference, all of others."""
    if "serviceUrl" not in reference:
        return reference
    bot = reference.get("bot")
    return reference.get("serviceUrl"), bot.get("id") if isinstance(bot, dict) else None


def _columns(value: Conversation) -> dict[str, Any]:
    return {
        "key": value.key,
        "channel": value.channel,
        "kind": value.kind,
        "principal_id": value.principal_id,
        "reference": codec.dumps(value.reference),
        "updated_at": codec.to_text(value.updated_at),
        "blocked_at": None,
        "blocked_reason": None,
    }


def _insert(connection: Connection, values: dict[str, Any]) -> Any:
    dialect = dialect_of(connection)
    query = dialect.insert(conversations).values(values).on_conflict_do_nothing()
    return query.execution_options(preserve_rowcount=True)
