"""The key that signs checkpoints of the ledger: from a variable, a file, or made in local mode."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import structlog
from pydantic import SecretStr

from countersign.approvals.audit.notes import NoteError, SigningKey
from countersign.approvals.store.urls import is_postgresql, sqlite_path
from countersign.bot.settings.ledger import LedgerSettings
from countersign.bot.settings.secrets import secret
from countersign.connectors.secrets import variable_words

log = structlog.get_logger(__name__)

DEFAULT_KEY = "COUNTERSIGN_LEDGER_KEY"
LOCAL_NAME = "localhost/ledger"


def ledger_key(
    section: LedgerSettings | None, environ: Mapping[str, str]
) -> SecretStr | str | None:
    """The sealing key; a text is what is wrong; None if checkpoints are not signed here."""
    if section is not None and section.signer and (section.key_env or section.key_file):
        return "ledger: `signer` signs elsewhere; leave key_env and key_file out, or it."
    if section is not None and section.signer:
        return None
    if section is None or section.key_file is None:
        return _from_variable(section, environ)
    if section.key_env is not None:
        return "ledger: name the key by key_env or by key_file, not by both."
    try:
        text = section.key_file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        return f"ledger.key_file: {section.key_file} cannot be read: {exc}."
    return _sound(text, f"ledger.key_file: {section.key_file}")


def _from_variable(
    section: LedgerSettings | None, environ: Mapping[str, str]
) -> SecretStr | str | None:
    named = section.key_env if section else None
    variable = named or DEFAULT_KEY
    key = secret(variable, environ)
    if key is not None:
        return _sound(key.get_secret_value(), f"ledger.key_env: {variable}")
    if named is None:
        return None
    return (
        f"ledger.key_env: {variable_words(variable)} is not set; export the key that "
        "`countersign ledger keygen` has made."
    )


def _sound(text: str, where: str) -> SecretStr | str:
    try:
        return SecretStr(str(SigningKey.parse(text)))
    except NoteError as exc:
        return f"{where}: {exc} `countersign ledger keygen` makes one."


def local_ledger_key(database_url: str) -> SigningKey | None:
    """A key for one's own machine: made once and kept beside the database. None where there is no
    file beside which to keep it, or it cannot be kept."""
    if is_postgresql(database_url):
        log.warning(
            "checkpoints of the ledger not signed: beside PostgreSQL there is no file for a key",
            fix="export COUNTERSIGN_LEDGER_KEY, with what `countersign ledger keygen` makes",
        )
        return None
    path = Path(f"{sqlite_path(database_url)}.ledger-key")
    try:
        return _kept(path)
    except (OSError, UnicodeDecodeError, NoteError) as exc:
        log.warning("checkpoints of the ledger not signed", path=str(path), error=str(exc))
        return None


def _kept(path: Path) -> SigningKey:
    key = SigningKey.new(LOCAL_NAME)
    try:
        write_new(path, f"{key}\n")
    except FileExistsError:
        return SigningKey.parse(path.read_text())
    return key


def write_new(path: Path, text: str) -> None:
    """Write a file that nobody else may read. Raises FileExistsError if it is there."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
