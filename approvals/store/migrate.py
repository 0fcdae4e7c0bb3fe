"""Runs the Alembic migrations that ship with the package."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, Engine, text

from approvals.errors import ConfigurationError

_LOCK = 7_236_918_345_210
"""The number of our advisory lock: any, as long as nobody else uses it."""
_SCRIPTS = Path(__file__).parent / "migrations"


def upgrade_engine(engine: Engine) -> None:
    """Apply what is missing. Raises ConfigurationError if a newer version made the database."""
    config = _config()
    with engine.connect() as connection:
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


def current_revision(engine: Engine) -> str | None:
    """The schema revision of a database; None if it has none yet."""
    with engine.connect() as connection:
        return current_revision_in(connection)


def current_revision_in(connection: Connection) -> str | None:
    """`current_revision` inside a transaction of the caller's."""
    return MigrationContext.configure(connection).get_current_revision()


def is_known(revision: str) -> bool:
    """Whether this version, or one before it, has such a schema."""
    try:
        return ScriptDirectory.from_config(_config()).get_revision(revision) is not None
    except CommandError:
        return False


def head_revision() -> str:
    """The schema revision of this version."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    return config
