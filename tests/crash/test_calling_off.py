"""A story that a busy machine has spoilt is called off, so that it can be told again."""

from __future__ import annotations

from pathlib import Path

from tests.crash.crowd import crowd
from tests.processes import Nursery


def test_session_is_cancelled_as_whoever_may(tmp_path: Path, nursery: Nursery) -> None:
    with crowd(tmp_path, nursery, "sqlite") as one:
        session = one.one.ask()
        one.one.pending()
        one.call_off(session)

        assert "cancelled" == one.get(f"/sessions/{session}")["status"]
