"""Alembic environment: the connection is always handed in by `approvals.store.migrate`."""

from __future__ import annotations

from alembic import context

from countersign.approvals.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
context.run_migrations()
