"""What all tables share: the metadata, and text that every database sorts alike."""

from __future__ import annotations

from typing import Any

from sqlalchemy import TEXT, MetaData
from sqlalchemy import String as _String
from sqlalchemy import Text as _Text
from sqlalchemy.types import TypeEngine

_BYTEWISE = TEXT(collation="C")
"""On PostgreSQL all text sorts by its bytes, as on SQLite, and has no length that is enforced."""


def String(length: int) -> TypeEngine[Any]:  # noqa: N802 - reads as the type that it gives
    """Text of about this length."""
    return _String(length).with_variant(_BYTEWISE, "postgresql")


Text: TypeEngine[Any] = _Text().with_variant(_BYTEWISE, "postgresql")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
