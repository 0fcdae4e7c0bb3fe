"""PostgreSQL: the tables of Procrastinate, and whose turn it is to sweep"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from countersign.approvals.errors import ConfigurationError
from countersign.approvals.store import doorbells

revision = "0006"
down_revision = "0003"
branch_labels = None
depends_on = None

VERSION = "3.10"
"""Of the Procrastinate whose tables these are; a later migration starts from here."""


def upgrade() -> None:
    """Nothing on SQLite, where one process rings itself."""
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    if connection.scalar(sa.text("SELECT to_regclass('procrastinate_jobs')")) is None:
        # Without parameters, so that its many statements and its % are taken as they are.
        connection.exec_driver_sql(
            doorbells.schema_sql(), execution_options={"no_parameters": True}
        )
    if missing := doorbells.missing_functions(connection):
        raise ConfigurationError(
            f"The database has another version of Procrastinate: {missing[0]} is missing. Bring it "
            f"to {VERSION} (procrastinate.readthedocs.io, Migrations), or give Countersign a "
            "database of its own."
        )
    engine = op.create_table(
        "job_engine",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("swept_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_job_engine")),
    )
    never = datetime.fromtimestamp(0, UTC)
    row = {"name": "procrastinate", "version": VERSION, "swept_at": never}
    connection.execute(engine.insert().values(row))
