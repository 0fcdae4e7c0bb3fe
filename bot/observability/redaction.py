"""Takes known secrets out of a log line that is about to be written.

The second line of defence: no line of ours is written to hold one. But an exception of a library
may quote a URL, a header or a body, and a traceback ends up in the log.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any
from urllib.parse import quote, quote_plus

import structlog
from pydantic import BaseModel, SecretStr
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

HIDDEN = "[hidden]"
MIN_LENGTH = 6
"""What is shorter is in every other word; as a secret it is none."""
_SCHEMES = re.compile(r"([Bb]earer|[Bb]asic)( +|%20)[A-Za-z0-9._~+/=-]{12,}")
"""Credentials of an Authorization header, whoever they belong to (RFC 9110, section 11.6.2)."""


class Redactor:
    """Replaces secrets in a text, also where they are escaped for JSON, a URL or Basic."""

    def __init__(self, secrets: Iterable[str]):
        forms = {form for secret in secrets for form in _forms(secret)}
        # The longest first, so that none leaves a part of another behind.
        ordered = sorted(forms, key=lambda form: (-len(form), form))
        self._known = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def text(self, line: str) -> str:
        """The line without what must not be read."""
        if self._known is not None:
            line = self._known.sub(HIDDEN, line)
        return _SCHEMES.sub(rf"\1\2{HIDDEN}", line)

    def around(self, render: structlog.typing.Processor) -> structlog.typing.Processor:
        """A renderer that hides secrets in what `render` has written."""

        def redacted(logger: Any, name: str, event: structlog.typing.EventDict) -> str:
            line = render(logger, name, event)
            return self.text(line if isinstance(line, str) else str(line))

        return redacted


def secrets_in(value: Any) -> Iterator[str]:
    """Every secret in settings: what is a `SecretStr`, and the password of a database's URL."""
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            field = getattr(value, name)
            yield from _password(field) if name == "database_url" else secrets_in(field)
    elif is_dataclass(value) and not isinstance(value, type):  # a system with its settings
        for each in fields(value):
            yield from secrets_in(getattr(value, each.name))
    elif isinstance(value, dict):
        for member in value.values():
            yield from secrets_in(member)
    elif isinstance(value, list | tuple | set | frozenset):
        for member in value:
            yield from secrets_in(member)


def _password(url: str) -> Iterator[str]:
    try:
        password = make_url(url).password
    except ArgumentError:
        return
    if password:
        yield str(password)


def _forms(secret: str) -> Iterator[str]:
    if len(secret) < MIN_LENGTH:
        return
    yield secret
    for ascii_only in (True, False):
        escaped = json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
        yield escaped
        # A body that is quoted in a line: as JSON, or as Python shows it.
        yield json.dumps(escaped)[1:-1]
        yield escaped.replace("\\", "\\\\")
    yield quote(secret, safe="")
    yield quote_plus(secret)
    # As the end of `user:secret` in Basic: three alignments, without what depends on the user.
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + secret.encode()).decode().rstrip("=")
        inner = encoded[(before * 8 + 5) // 6 : -1] if before else encoded[:-1]
        if len(inner) >= MIN_LENGTH:
            yield inner
