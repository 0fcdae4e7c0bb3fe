"""Where stand-ins keep their SQLite files, and how they open them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

DIRECTORY = Path(".sandbox")
"""Below the working directory, ignored by git."""


def default_path(name: str) -> Path:
    """The file a stand-in uses when it runs alone and nobody named another one."""
    return DIRECTORY / name


def open_database(path: Path | None, schema: str) -> sqlite3.Connection:
    """Open the file (memory if None) and create what is missing.

    A committed write survives kill -9 of any process.
    """
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.parent.name == DIRECTORY.name:
            (path.parent / ".gitignore").write_text("*\n")
    connection = sqlite3.connect(path or ":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.executescript(schema)
    return connection
