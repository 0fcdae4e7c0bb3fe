"""The time of this machine."""

from __future__ import annotations

import threading
from datetime import UTC, datetime


class SystemClock:
    """Implements `approvals.ports.Clock`: a wall clock that never goes back."""

    def __init__(self) -> None:
        self._latest = datetime.min.replace(tzinfo=UTC)
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """See `approvals.ports.Clock.now`."""
        with self._lock:
            self._latest = max(self._latest, datetime.now(UTC))
            return self._latest
