"""`countersign ledger publish`: checkpoints go where nobody who can write to the database can."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from countersign.approvals.audit.handover import Reign
from countersign.approvals.audit.merkle import is_consistent
from countersign.approvals.audit.notes import Checkpoint, VerifierKey, opened_unchecked
from countersign.approvals.audit_trail import AuditTrail
from countersign.approvals.errors import (
    ConflictError,
    IntegrityError,
    InvalidError,
    NotFoundError,
    UnavailableError,
)
from countersign.bot.audit.found_notes import notes_among, notes_in
from countersign.bot.audit.people_places import NOTHING_BACK, kind_of
from countersign.bot.audit.publishing import is_url, published
from countersign.bot.audit.publishing import publish as publish_to
from countersign.bot.cli.checking import say_others, sorted_out
from countersign.bot.cli.ledger import token_of
from countersign.bot.cli.notaries import notarised
from countersign.bot.cli.options import ConfigOption
from countersign.bot.cli.records import auditing
from countersign.bot.console import console, errors


def publish(
    to: Annotated[
        list[str],
        typer.Option(
            help="A directory, a URL, jira:OPS-12, servicenow:CHG0030001 or teams:CONVERSATION; "
            "repeatable."
        ),
    ],
    every: Annotated[
        float | None, typer.Option(min=1, help="Go on, and look every so many seconds.")
    ] = None,
    sent: Annotated[
        Path | None,
        typer.Option(help="A folder that keeps what was sent to Teams, which gives nothing back."),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Publish the newest signed checkpoint, if the ledger is a continuation of what is published
    there. Exit status 1 if it is not, or if a place does not take it."""
    outlets = [Outlet(place, config, sent) for place in to]
    while True:
        try:
            _publish(outlets, config)
        except (UnavailableError, NotFoundError) as exc:
            if every is None:
                raise
            errors.print(f"countersign: {exc}", markup=False, highlight=False, soft_wrap=True)
        if every is None:
            return
        time.sleep(every)


class Outlet:
    """A place, and how what is there is read: of Teams, what was sent there is. Raises
    InvalidError."""

    def __init__(self, place: str, config: Path | None = None, sent: Path | None = None):
        self.place, self._config, self._token = place, config, token_of()
        self._kind = kind_of(place)
        self._kept = place
        if self._kind == "teams":
            if sent is None:
                raise InvalidError(f"{place}: {NOTHING_BACK} Say with --sent which folder does.")
            name = re.sub(r"[^A-Za-z0-9.@_-]", "_", place.partition(":")[2])
            self._kept = str(sent / name)

    def newest(self) -> Checkpoint | None:
        """None if nothing is there yet. Raises InvalidError for what cannot be read: a place that
        only seems empty would take any ledger for its continuation."""
        if not is_url(self._kept) and kind_of(self._kept) is None and not Path(self._kept).exists():
            return None
        text = published(self._kept, self._token, self._config)
        notes = self._ours(text) if kind_of(self._kept) else notes_in(text) if text.strip() else []
        found = [Checkpoint.parse(opened_unchecked(each)) for each in notes]
        return max(found, key=lambda each: each.size, default=None)

    def _ours(self, text: str) -> list[str]:
        """Where people write: what a key of this ledger has signed."""
        known = [Reign(VerifierKey.parse(each)) for each in auditing(lambda trail: trail.keys())]
        ours, others = sorted_out(notes_among(text), known)
        if others:
            say_others(self.place, others)
        return ours

    def add(self, size: int, note: str) -> bool:
        """Publish it; False if it is there already. Raises as `publishing.publish`."""
        if not publish_to(self.place, size, note, self._token, config=self._config):
            return False
        if self._kept != self.place:
            publish_to(self._kept, size, note)
        return True


def _publish(outlets: Sequence[Outlet], config: Path | None = None) -> None:
    size, note = auditing(lambda trail: trail.checkpoint())
    note = notarised(size, note, config)
    for outlet in outlets:
        place, before = outlet.place, outlet.newest()
        if before is not None and before.size >= size:
            _require_same(place, before, size, note)
            continue
        if before is not None:
            _require_continuation(place, before)
        if outlet.add(size, note):
            console.print(f"{place}: published the checkpoint of size {size}.", markup=False)


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
