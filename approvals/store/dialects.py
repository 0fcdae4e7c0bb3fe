"""Constructs that SQLAlchemy has for one database only."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects import sqlite


def dialect_of(connection: Connection) -> Any:
    """The module with the constructs for this database: `insert` has `on_conflict_do_…` there."""
    return postgresql() if connection.dialect.name == "postgresql" else sqlite


def postgresql() -> Any:
    """Those of PostgreSQL, imported when they are needed: 45 ms of CPU, and 3 MB."""
    from sqlalchemy.dialects import postgresql

    return postgresql
