"""`countersign ledger publish`: checkpoints go where nobody who can write to the database can."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from countersign.approvals.audit.merkle import is_consistent
from countersign.approvals.audit.notes import Checkpoint, opened_unchecked
from countersign.approvals.audit_trail import AuditTrail
from countersign.approvals.errors import (
    ConflictError,
    IntegrityError,
    NotFoundError,
    UnavailableError,
)
from countersign.bot.audit.publishing import is_url, published
from countersign.bot.audit.publishing import publish as publish_to
from countersign.bot.cli.ledger import notes_in, token_of
from countersign.bot.cli.records import auditing
from countersign.bot.console import console, errors


def publish(
    to: Annotated[list[str], typer.Option(help="A directory, or a URL; repeatable.")],
    every: Annotated[
        float | None, typer.Option(min=1, help="Go on, and look every so many seconds.")
    ] = None,
) -> None:
    """Publish the newest signed checkpoint, if the ledger is a continuation of what is published
    there. Exit status 1 if it is not, or if a place does not take it."""
    token = token_of()
    while True:
        try:
            _publish(to, token)
        except (UnavailableError, NotFoundError) as exc:
            if every is None:
                raise
            errors.print(f"countersign: {exc}", markup=False, highlight=False, soft_wrap=True)
        if every is None:
            return
        time.sleep(every)


def _publish(places: list[str], token: str | None) -> None:
    size, note = auditing(lambda trail: trail.checkpoint())
    for place in places:
        before = _newest(place, token)
        if before is not None and before.size >= size:
            _require_same(place, before, size, note)
            continue
        if before is not None:
            _require_continuation(place, before)
        if publish_to(place, size, note, token):
            console.print(f"{place}: published the checkpoint of size {size}.", markup=False)


def _newest(place: str, token: str | None) -> Checkpoint | None:
    """None if nothing is there yet. Raises InvalidError for what cannot be read: a place that only
    seems empty would take any ledger for its continuation."""
    if not is_url(place) and not Path(place).exists():
        return None
    text = published(place, token)
    if not text.strip():
        return None
    notes = notes_in(text)
    return max((Checkpoint.parse(opened_unchecked(each)) for each in notes), key=lambda c: c.size)


def _require_same(place: str, before: Checkpoint, size: int, note: str) -> None:
    now = Checkpoint.parse(opened_unchecked(note))
    if before.size > size or before.root != now.root:
        raise IntegrityError(
            f"{place}: has a checkpoint of size {before.size}, and the ledger has signed {size} "
            "last: its database was set back, or something in it was replaced."
        )


def _require_continuation(place: str, before: Checkpoint) -> None:
    """Raise IntegrityError unless it is proven that today's tree begins with that of `before`."""

    async def work(trail: AuditTrail) -> tuple[int, bytes, list[bytes]]:
        return await trail.tree(before.size)

    try:
        size, root, path = auditing(work)
    except (ConflictError, NotFoundError) as exc:
        raise IntegrityError(f"{place}: the database was set back: {exc}") from exc
    if not is_consistent(before.size, size, path, before.root, root):
        raise IntegrityError(
            f"{place}: the ledger is no continuation of the checkpoint of size {before.size}: "
            "what was sealed until then has been replaced."
        )
