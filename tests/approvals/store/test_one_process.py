"""One process writes to a database file, by whatever name it is called."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from countersign.approvals.errors import ConfigurationError
from countersign.approvals.store.sqlite_engine import exclusive


def test_a_link_to_the_file_is_the_file(tmp_path: Path) -> None:
    """Each would forget the other's leases at its start, and run what the other one runs."""
    real, link = tmp_path / "real.db", tmp_path / "elsewhere" / "current.db"
    link.parent.mkdir()
    real.touch()
    link.symlink_to(real)

    with exclusive(real), pytest.raises(ConfigurationError, match="in use by another"):
        with exclusive(link):
            pass
    with exclusive(link), pytest.raises(ConfigurationError, match="in use by another"):
        with exclusive(real):
            pass


def test_a_link_to_a_file_that_is_not_there_yet_is_that_file(tmp_path: Path) -> None:
    link = tmp_path / "current.db"
    link.symlink_to(tmp_path / "real.db")

    with exclusive(link), pytest.raises(ConfigurationError, match="in use by another"):
        with exclusive(tmp_path / "real.db"):
            pass


def test_a_file_with_two_names_is_refused(tmp_path: Path) -> None:
    """SQLite would keep a write-ahead log for each of them."""
    real, other = tmp_path / "real.db", tmp_path / "other.db"
    real.touch()
    os.link(real, other)

    for name in (real, other):
        with pytest.raises(ConfigurationError, match="has another name as well"):
            with exclusive(name):
                pass
    other.unlink()
    with exclusive(real) as lock:
        assert str(real.resolve()) + ".lock" == lock.name
