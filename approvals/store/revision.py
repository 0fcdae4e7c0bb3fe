"""Schema revision: the one a database has and the one this version needs, without Alembic.

A migration's file begins with the revision that it makes; Alembic, which takes half a second to
import, is needed only where one has to be run.
"""

from __future__ import annotations

import re
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

MIGRATIONS = Path(__file__).parent / "migrations"
KNOWN = frozenset(p.name.partition("_")[0] for p in MIGRATIONS.glob("versions/[0-9]*_*.py"))
"""Every revision that this version, or one before it, has made."""
_BUILT_UPON = re.compile(r'^down_revision = "(\w+)"$', re.MULTILINE)


def _newest() -> str:
    """The one that no other builds upon, whatever their numbers."""
    texts = (file.read_text() for file in MIGRATIONS.glob("versions/[0-9]*_*.py"))
    older = {found.group(1) for text in texts if (found := _BUILT_UPON.search(text))}
    (newest,) = KNOWN - older
    return newest


HEAD = _newest()
"""The revision of this version."""


def current_revision(engine: Engine) -> str | None:
    """The schema revision of a database; None if it has none yet."""
    with engine.connect() as connection:
        return current_revision_in(connection)


def current_revision_in(connection: Connection) -> str | None:
    """`current_revision` inside a transaction of the caller's."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)
