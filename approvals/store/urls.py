"""Database URLs: what they name; nothing here ever repeats a password."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from countersign.approvals.errors import ConfigurationError

POSTGRESQL = ("postgresql", "postgres", "postgresql+psycopg")
"""Schemes that are taken; `postgres` is what some hosters hand out."""
_EXAMPLES = (
    "use a file, for example sqlite:///./countersign.db, or a PostgreSQL database, for example "
    "postgresql://countersign@db.example.com/countersign"
)


def parse(url: str) -> URL:
    """The parts of a URL that can be opened. Raises ConfigurationError for any other."""
    scheme = url.split(":", 1)[0]
    problem = f"COUNTERSIGN_DATABASE_URL: {scheme}:… is not supported; {_EXAMPLES}."
    try:
        parsed = make_url(url)
    except ArgumentError as exc:
        raise ConfigurationError([problem]) from exc
    if parsed.drivername in POSTGRESQL and parsed.database:
        return parsed.set(drivername="postgresql+psycopg")
    named = parsed.database not in (None, "", ":memory:")
    if parsed.drivername == "sqlite" and named and not parsed.host:
        return parsed
    raise ConfigurationError([problem])


def is_postgresql(url: str) -> bool:
    """Whether several processes can share the database. Raises ConfigurationError."""
    return parse(url).get_backend_name() == "postgresql"


def sqlite_path(url: str) -> Path:
    """The file of an `sqlite:///…` URL. Raises ConfigurationError for anything else."""
    parsed = parse(url)
    if parsed.get_backend_name() != "sqlite":
        raise ConfigurationError(
            [
                f"COUNTERSIGN_DATABASE_URL: {shown(url)} is no file; this needs one, for example "
                "sqlite:///./countersign.db."
            ]
        )
    return Path(str(parsed.database)).expanduser().resolve()


def shown(url: str) -> str:
    """The database by a name for people: a path, or a URL without password and options.

    Raises ConfigurationError.
    """
    parsed = parse(url)
    if parsed.get_backend_name() == "sqlite":
        return str(sqlite_path(url))
    host = parsed.host or parsed.query.get("host") or "localhost"
    port = "" if parsed.port is None else f":{parsed.port}"
    return f"postgresql://{host}{port}/{parsed.database}"
