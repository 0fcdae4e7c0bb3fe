"""What our rows know of a system: whether it could be read, and who has closed themselves to us."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from countersign.approvals.store.conversations import blocked
from countersign.approvals.store.tickets import poll_state
from countersign.approvals.tickets import CheckResult


def last_seen(connection: Connection, name: str, is_polled: bool) -> Sequence[CheckResult]:
    """Findings without their cause, which is for the log and for `countersign doctor`."""
    found = [_polled(connection, name)] if is_polled else []
    closed = sum(each.channel == name for each in blocked(connection))
    if closed:
        said = f"closed to the bot: {closed} conversation{'s' if closed > 1 else ''}"
        found.append(CheckResult(name="conversations", ok=False, said=said))
    return found


def _polled(connection: Connection, name: str) -> CheckResult:
    state = poll_state(connection, name)
    if state is None or (state.polled_at is None and not state.failures):
        return CheckResult(name="poll", ok=False, said="not read yet")
    if not state.failures:
        return CheckResult(name="poll", ok=True, said="ok")
    since = "never" if state.polled_at is None else f"{state.polled_at:%Y-%m-%d %H:%M:%S} UTC"
    said = f"unreachable: {state.failures} polls failed, last read {since}"
    return CheckResult(name="poll", ok=False, said=said)
