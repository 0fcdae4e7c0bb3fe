"""Transport security of the database: could what is said to it be read or changed on the way?

Source: https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS and
libpq-ssl.html, "SSL Mode Descriptions" (read 2026-11-25): without `sslmode` it is `prefer`, which
takes whatever it gets.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from sqlalchemy import URL

from countersign.approvals.store.urls import parse

ENCRYPTED = frozenset({"require", "verify-ca", "verify-full"})
"""Values of `sslmode` that never fall back to plain text."""
_SOCKET = ("/", "@")
"""How a host begins that is a Unix socket."""


def readable_on_the_way(
    url: str,
    environ: Mapping[str, str],
    *,
    private: bool,
    named: str = "COUNTERSIGN_DATABASE_URL",
) -> list[str]:
    """The problem, if there is one, with the URL that is `named`; `private` says that nobody else
    is on that network.

    Raises ConfigurationError for a URL that cannot be opened.
    """
    parsed = parse(url)
    if private or parsed.get_backend_name() != "postgresql" or _at_home(parsed, environ):
        return []
    modes = _values(parsed, "sslmode") or [environ.get("PGSSLMODE", "")]
    if all(mode in ENCRYPTED for mode in modes):
        return []
    return [
        f"{named}: decisions would go to the database in plain text if it asks for "
        "that; add ?sslmode=verify-full&sslrootcert=FILE (or sslmode=require, which takes any "
        "certificate), or export PGSSLMODE. On a network that is the database's and ours alone, "
        "export COUNTERSIGN_DATABASE_PRIVATE_NETWORK=true."
    ]


def _at_home(parsed: URL, environ: Mapping[str, str]) -> bool:
    """Whether every place it may connect to is on this machine."""
    if parsed.query.get("service") or environ.get("PGSERVICE"):
        return False  # a file that we do not read says where it is
    named = [parsed.host] if parsed.host else _values(parsed, "host")
    places = [*(named or [environ.get("PGHOST", "")]), *_values(parsed, "hostaddr")]
    places.append(environ.get("PGHOSTADDR", ""))
    return all(_is_here(place) for several in places for place in several.split(","))


def _is_here(place: str) -> bool:
    """`place` is a name or address, with or without a port; without any it is a Unix socket."""
    if not place or place.startswith(_SOCKET):
        return True
    host = place if place.count(":") != 1 else place.partition(":")[0]
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _values(parsed: URL, name: str) -> list[str]:
    given = parsed.query.get(name, ())
    return [given] if isinstance(given, str) else list(given)
