"""Error redaction: what PostgreSQL says, without the values that it quotes, for the logs.

Its DETAIL names the key that is there twice, or the whole row that breaks a constraint. Source:
https://www.postgresql.org/docs/current/protocol-error-fields.html (read 2026-11-25).
"""

from __future__ import annotations

from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import StatementError


def make_terse(error: BaseException) -> None:
    """Keep what happened; drop what it happened to. Only psycopg's errors have more than that."""
    said = getattr(getattr(error, "diag", None), "message_primary", None)
    if said is not None:
        error.args = (said,)


def keep_terse(engine: Engine) -> None:
    """Make every error terse that this engine raises."""
    event.listen(engine, "handle_error", _handle)


def _handle(context: ExceptionContext) -> None:
    error, wrapped = context.original_exception, context.sqlalchemy_exception
    before = str(error)
    make_terse(error)
    if isinstance(wrapped, StatementError):
        message, *others = wrapped.args
        wrapped.args = (str(message).replace(before, str(error)), *others)
