"""The key that signs links to the page with all of a request: the `links` section."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

import structlog
from pydantic import Field, SecretStr

from countersign.approvals.models import Value
from countersign.approvals.read_links import MIN_KEY_BYTES
from countersign.approvals.store.urls import is_postgresql, sqlite_path
from countersign.bot.settings.secrets import secret
from countersign.connectors.secrets import variable_words

log = structlog.get_logger(__name__)

DEFAULT_KEY = "COUNTERSIGN_LINK_KEY"


class LinksSettings(Value):
    """As it stands in the file."""

    key_env: str = Field(default=DEFAULT_KEY, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    """The variable with the key, the same on every server of a deployment."""


def link_key(
    section: LinksSettings | None, environ: Mapping[str, str], *, local: bool
) -> SecretStr | str | None:
    """The key; a text is what is wrong; None where local mode makes one of its own."""
    variable = (section or LinksSettings()).key_env
    key = secret(variable, environ)
    if key is None:
        if section is None and local:
            return None
        return (
            f"links.key_env: {variable_words(variable)} is not set, and signs links to the page "
            "for what does not fit on a card or into a ticket; export a random key, for example "
            "from `openssl rand -hex 32`, the same on every server."
        )
    if len(key.get_secret_value().encode()) < MIN_KEY_BYTES:
        return (
            f"links.key_env: {variable} is shorter than {MIN_KEY_BYTES} bytes; use a random key, "
            "for example from `openssl rand -hex 32`."
        )
    return key


def local_key(database_url: str) -> bytes:
    """A key for one's own machine: made once and kept beside the database, so that links outlive a
    restart. Where there is no file beside which to keep it, it is new at each start."""
    if is_postgresql(database_url):
        return secrets.token_bytes(MIN_KEY_BYTES)
    path = Path(f"{sqlite_path(database_url)}.link-key")
    try:
        return _kept(path)
    except (OSError, ValueError) as exc:  # it cannot be written, or what is there is no key
        log.warning("key for links not kept", path=str(path), error=str(exc))
        return secrets.token_bytes(MIN_KEY_BYTES)


def _kept(path: Path) -> bytes:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        key = bytes.fromhex(path.read_text())
        if len(key) >= MIN_KEY_BYTES:
            return key
        raise ValueError("the file holds no key; remove it") from None
    key = secrets.token_bytes(MIN_KEY_BYTES)
    with os.fdopen(handle, "w") as file:
        file.write(key.hex())
    return key
