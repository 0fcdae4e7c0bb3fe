"""One byte sequence per value, so that a digest means the same everywhere.

RFC 8785 (JSON Canonicalization Scheme) with SHA-256. Numbers are IEEE 754 doubles there, so an
integer beyond 2**53 has no canonical form and is refused instead of being rounded.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from json.encoder import encode_basestring
from typing import Any

import rfc8785

from countersign.approvals.errors import InvalidError
from countersign.approvals.models import JsonObject
from countersign.approvals.strict_json import deeper_than

NESTING_LIMIT = 100
"""Levels of objects and lists in the arguments of a call: far more than a person reads, and fewer
than the API can write (a JSON serializer gives up at 255)."""
PLAIN_NUMBER = re.compile(r"-?\d+\.\d+")
"""A float that Python and RFC 8785 write alike, but for a trailing `.0`."""
SHORT_DIGITS = 12
"""Hex digits of a digest that a card shows: 48 bits, enough to compare by eye."""


def canonical_json(value: Any) -> bytes:
    """The RFC 8785 form of a JSON value. Raises InvalidError if it has none."""
    try:
        return _text(value).encode()
    # a lone surrogate is a UnicodeEncodeError
    except (rfc8785.CanonicalizationError, UnicodeError, TypeError, RecursionError) as exc:
        raise InvalidError(f"The value has no canonical JSON form: {exc}") from exc


def canonical_arguments(arguments: JsonObject) -> bytes:
    """The RFC 8785 form of a call's arguments, which have to be shown as well as signed.

    Raises InvalidError if there is none or they are nested too deeply.
    """
    _require_shallow(arguments)
    return canonical_json(arguments)


def _require_shallow(arguments: JsonObject) -> None:
    if deeper_than(arguments, NESTING_LIMIT):
        raise InvalidError(f"The arguments are nested more than {NESTING_LIMIT} levels deep.")


def _text(value: Any) -> str:
    """The canonical form before its encoding.

    `rfc8785` says what it is. Every call of an agent and every link of the ledger pays for it, so
    what they are mostly made of is written here: the same text in a fifth of the time.
    """
    if isinstance(value, str):
        return encode_basestring(value)
    kind = type(value)
    if kind is dict and _is_ascii(value):
        members = []
        # among ASCII keys the order of UTF-16 code units is that of the characters
        for name in sorted(value):
            held = value[name]
            if type(held) is str:
                text = encode_basestring(held)
            else:
                text = "null" if held is None else _text(held)
            members.append(f"{encode_basestring(name)}:{text}")
        return f"{{{','.join(members)}}}"
    if kind is list or kind is tuple:
        return f"[{','.join([_text(item) for item in value])}]"
    if kind is int and -(2**53) < value < 2**53:
        return str(value)
    if value is None:
        return "null"
    if kind is bool:
        return "true" if value else "false"
    if kind is float and value and PLAIN_NUMBER.fullmatch(text := repr(value)):
        return text.removesuffix(".0")
    return rfc8785.dumps(value).decode()


def _is_ascii(keys: Iterable[Any]) -> bool:
    try:
        return "".join(keys).isascii()
    except TypeError:
        return False


def well_formed(text: str) -> str:
    """`text` with each lone surrogate replaced by `?` and each NUL by U+FFFD: models and tools do
    produce them, UTF-8 cannot hold the one, and PostgreSQL's `text` not the other.

    Source: https://www.postgresql.org/docs/current/datatype-character.html (read 2026-11-25).
    """
    if text.isascii() and "\x00" not in text:
        return text
    return text.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")


def sha256_hex(data: bytes) -> str:
    """64 lower-case hex digits."""
    return hashlib.sha256(data).hexdigest()


def digest(
    *,
    session_id: str,
    call_id: str,
    tool: str,
    arguments: JsonObject,
    policy_version: str,
    schema_version: str = "",
    checked: JsonObject | None = None,
    salt: str = "",
) -> str:
    """What a person signs: SHA-256 over `signed_text`. Raises InvalidError if the arguments cannot
    be signed."""
    signed = signed_text(
        session_id=session_id,
        call_id=call_id,
        tool=tool,
        arguments=arguments,
        policy_version=policy_version,
        schema_version=schema_version,
        checked=checked,
        salt=salt,
    )
    return sha256_hex(signed)


def signed_text(
    *,
    session_id: str,
    call_id: str,
    tool: str,
    arguments: JsonObject,
    policy_version: str,
    schema_version: str = "",
    checked: JsonObject | None = None,
    salt: str = "",
) -> bytes:
    """The canonical JSON of exactly these eight members.

    Without a schema version (a question; a request of the form before there was one), a salt (one
    of the form before there was that), or where the tool has neither check nor preview, it is of
    the others. Raises InvalidError.
    """
    _require_shallow(arguments)
    signed = {
        "session": session_id,
        "call_id": call_id,
        "tool": tool,
        "arguments": arguments,
        "policy_version": policy_version,
    }
    if schema_version:
        signed["schema_version"] = schema_version
    if checked:
        signed["checked"] = checked
    if salt:
        signed["salt"] = salt
    return canonical_json(signed)


def short(digest_hex: str) -> str:
    """The short form of a digest for people."""
    return digest_hex[:SHORT_DIGITS]
