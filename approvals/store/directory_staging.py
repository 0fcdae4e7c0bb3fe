"""Staging: what a reading of a directory has found, page by page, until it has come to its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, select

from countersign.approvals.models import Account, DirectoryPage, JsonObject
from countersign.approvals.store import codec
from countersign.approvals.store.dialects import dialect_of
from countersign.approvals.store.schema import directory_staged

ACCOUNT, GROUP, MEMBER = "account", "group", "member"
DELEGATE, SHIFT = "delegate", "shift"


def put(connection: Connection, source: str, generation: int, page: DirectoryPage) -> None:
    """Add a page to what was found; what is said again of the same thing replaces it."""
    rows = {(row["kind"], row["id"], row["member_id"]): row for row in _rows(page)}
    for account_id, said in _accounts(connection, source, page.accounts).items():
        rows[ACCOUNT, account_id, ""] = _row(ACCOUNT, account_id, "", said)
    if not rows:
        return
    make = dialect_of(connection).insert
    insert = make(directory_staged)
    upsert = insert.on_conflict_do_update(
        index_elements=["source", "kind", "id", "member_id"],
        set_={"generation": insert.excluded.generation, "body": insert.excluded.body},
    )
    of = {"source": source, "generation": generation}
    connection.execute(upsert, [row | of for row in rows.values()])


def _accounts(
    connection: Connection, source: str, accounts: Sequence[Account]
) -> dict[str, JsonObject | None]:
    """What was said of these accounts, also on earlier pages; None of one that is inactive."""
    query = select(directory_staged.c.id, directory_staged.c.body).where(
        directory_staged.c.source == source,
        directory_staged.c.kind == ACCOUNT,
        directory_staged.c.id.in_({account.id for account in accounts}),
    )
    said = {row[0]: codec.object_or_none(row[1]) for row in connection.execute(query)}
    for account in accounts:
        before = said.get(account.id, {})
        told = account.model_dump(mode="json", exclude={"id"}, exclude_none=True)
        if account.active is False or (before is None and account.active is None):
            said[account.id] = None
        else:
            said[account.id] = {**(before or {}), **told}
    return said


def _rows(page: DirectoryPage) -> Iterator[dict[str, Any]]:
    for group in page.groups:
        yield _row(GROUP, group.id, "", None if group.is_gone else {"name": group.name})
    for each in page.memberships:
        said = None if each.is_gone else {"is_group": int(each.is_group)}
        yield _row(MEMBER, each.group_id, each.member_id, said)
    for given in page.delegates:
        body = {
            "account_id": given.account_id,
            "delegate_id": given.delegate_id,
            "starts_at": given.starts_at and codec.to_text(given.starts_at),
            "ends_at": given.ends_at and codec.to_text(given.ends_at),
        }
        yield _row(DELEGATE, given.id, "", body)
    for shift in page.shifts:
        body = {
            "person": shift.person,
            "email": shift.email,
            "name": shift.name,
            "starts_at": codec.to_text(shift.starts_at),
            "ends_at": codec.to_text(shift.ends_at),
        }
        yield _row(SHIFT, shift.id, "", body)


def _row(kind: str, id_: str, member_id: str, body: JsonObject | None) -> dict[str, Any]:
    text = None if body is None else codec.dumps(body)
    return {"kind": kind, "id": id_, "member_id": member_id, "body": text}
