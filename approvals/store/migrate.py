"""Runs the Alembic migrations that ship with the package."""

from __future__ import annotations

import threading

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import Engine, text

from countersign.approvals.errors import ConfigurationError
from countersign.approvals.store.revision import MIGRATIONS

_LOCK = 7_236_918_345_210
"""The number of our advisory lock: any, as long as nobody else uses it."""

_ONE_AT_A_TIME = threading.Lock()
"""Alembic 1.20 keeps what a migration works on in globals: of two in one process, one would change
the other's database, or neither would end (https://github.com/skypilot-org/skypilot/pull/9068)."""


def upgrade_engine(engine: Engine) -> None:
    """Apply what is missing. Raises ConfigurationError if a newer version made the database."""
    config = _config()
    with _ONE_AT_A_TIME, engine.connect() as connection:
        config.attributes["connection"] = connection
        try:
            with connection.begin():
                if connection.dialect.name == "postgresql":
                    # Of several that come at once, one upgrades and the others find it done.
                    connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
                command.upgrade(config, "head")
        except CommandError as exc:
            raise ConfigurationError(
                f"The database has a schema that this version does not know ({exc}). "
                "Install the newer Countersign that wrote it."
            ) from exc


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config
