"""What all tables share: the metadata, text that every database sorts alike, and packed text."""

from __future__ import annotations

from typing import Any

from sqlalchemy import TEXT, ColumnElement, Dialect, MetaData
from sqlalchemy import String as _String
from sqlalchemy import Text as _Text
from sqlalchemy.types import TypeDecorator, TypeEngine

from countersign.approvals.store import packing

_BYTEWISE = TEXT(collation="C")
"""On PostgreSQL all text sorts by its bytes, as on SQLite, and has no length that is enforced."""


def String(length: int) -> TypeEngine[Any]:  # noqa: N802 - reads as the type that it gives
    """Text of about this length."""
    return _String(length).with_variant(_BYTEWISE, "postgresql")


Text: TypeEngine[Any] = _Text().with_variant(_BYTEWISE, "postgresql")


def only(rows: ColumnElement[bool]) -> dict[str, Any]:
    """The option of an index that holds only these rows, on every database: migrations make it so.
    `postgresql_where` would import all that SQLAlchemy knows of PostgreSQL, also on SQLite."""
    return {"sqlite_where": rows}


class Packed(TypeDecorator[str]):
    """Text that SQLite keeps as `packing.pack` makes it: it takes bytes in any column. PostgreSQL
    compresses long values by itself, and servers of two releases may run on it together."""

    impl = _Text
    cache_ok = True
    declared: TypeEngine[Any] = _Text()
    """As SQLite was told when it was text."""
    pack = staticmethod(packing.pack)
    unpack = staticmethod(packing.unpack)

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The type that the database knows."""
        known = self.declared if dialect.name == "sqlite" else _BYTEWISE
        return dialect.type_descriptor(known)

    def process_bind_param(self, value: str | None, dialect: Dialect) -> Any:
        """What is stored."""
        return self.pack(value) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        """What was stored."""
        return self.unpack(value)


class Hex(Packed):
    """Hexadecimal digits that SQLite keeps as the bytes that they say."""

    cache_ok = True
    declared = _String(64)
    pack = staticmethod(packing.pack_hex)
    unpack = staticmethod(packing.unpack_hex)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
