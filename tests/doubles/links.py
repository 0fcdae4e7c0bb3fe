"""Links to the page that shows all of a request, with a key that every test knows."""

from __future__ import annotations

from countersign.approvals.ports import Clock
from countersign.approvals.read_links import ReadLinks
from tests.doubles.clock import ManualClock

KEY = b"a key of tests, 32 bytes or more"


def links(url: str = "https://gate.example", clock: Clock | None = None) -> ReadLinks:
    """Links to a server at `url`."""
    return ReadLinks(KEY, url, clock or ManualClock())
