"""Published checkpoints: kept where nobody who can write to the database can reach them.

A directory to which files are only added, an HTTP endpoint that takes a note with POST and gives
all of them, or the newest, with GET, or where people read them (`bot.audit.people_places`).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from countersign.approvals.backoff import backoff_s
from countersign.approvals.errors import ConflictError, InvalidError, UnavailableError
from countersign.bot.audit import people_places
from countersign.bot.audit.plain_http import require_encrypted

if TYPE_CHECKING:  # the command line offers this before it is asked for, and starts fast
    import httpx

SUFFIX = ".checkpoint"
TIMEOUT_S = 30.0
ATTEMPTS = 5
MAX_BYTES = 2**28


def is_url(place: str) -> bool:
    """Whether a place is an HTTP endpoint; else it is a path."""
    return place.startswith(("https://", "http://"))


def published(place: str, token: str | None = None, config: Path | None = None) -> str:
    """The text at a place, with all notes that there are; "" if there is none. `config` is where
    the systems of people are.

    Raises InvalidError, UnavailableError, or NotFoundError for a ticket that there is not.
    """
    if people_places.kind_of(place):
        return people_places.read(place, config)
    if is_url(place):
        answer = _call("GET", place, None, token, pause=time.sleep)
        return "" if answer.status_code == HTTPStatus.NOT_FOUND else answer.text
    path = Path(place)
    files = sorted(path.glob(f"*{SUFFIX}")) if path.is_dir() else [path]
    try:
        if sum(file.stat().st_size for file in files) > MAX_BYTES:
            raise InvalidError(f"{place}: at most {MAX_BYTES:,} bytes are read.")
        return "\n".join(file.read_text(encoding="utf-8") for file in files)
    except (OSError, UnicodeDecodeError) as exc:
        raise InvalidError(f"{place}: cannot be read: {exc}.") from exc


def publish(
    place: str,
    size: int,
    note: str,
    token: str | None = None,
    *,
    config: Path | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> bool:
    """Add a note; False if it is there already.

    Raises ConflictError if another one of its size is; InvalidError if the place does not take it;
    UnavailableError if it could not be reached after some attempts.
    """
    if people_places.kind_of(place):
        people_places.write(place, note, config)
        return True
    if is_url(place):
        _call("POST", place, note, token, pause=pause)
        return True
    file = Path(place) / f"{size:016d}{SUFFIX}"
    try:
        if not file.parent.is_dir():
            file.parent.mkdir(parents=True)
    except OSError as exc:
        raise InvalidError(f"{place}: cannot be written: {exc.strerror}.") from exc
    new = file.with_name(f".{file.name}.{os.getpid()}.new")
    try:
        # Whole or not at all: half a note would look like that of another ledger.
        with new.open("w", encoding="utf-8") as written:
            written.write(note)
            written.flush()
            os.fsync(written.fileno())
        new.chmod(0o444)
        os.link(new, file)
    except FileExistsError:
        if file.read_text(encoding="utf-8") == note:
            return False
        raise ConflictError(
            f"{file} is another checkpoint of this size: one of the two ledgers is not true."
        ) from None
    except OSError as exc:
        raise InvalidError(f"{place}: cannot be written: {exc.strerror}.") from exc
    finally:
        new.unlink(missing_ok=True)
    return True


def _call(
    method: str, url: str, note: str | None, token: str | None, *, pause: Callable[[float], None]
) -> httpx.Response:
    import httpx

    require_encrypted(url, token)
    headers = {"Content-Type": "text/plain; charset=utf-8"} if note is not None else {}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    why = ""
    with httpx.Client(timeout=TIMEOUT_S, trust_env=False) as client:
        for attempt in range(ATTEMPTS):
            if attempt:
                pause(backoff_s(attempt, 1.0, 30.0, None))
            try:
                answer = client.request(method, url, content=note, headers=headers)
            except httpx.HTTPError as exc:
                why = str(exc)
                continue
            if answer.status_code >= 500 or answer.status_code == HTTPStatus.TOO_MANY_REQUESTS:
                why = f"it answered {answer.status_code}"
                continue
            is_empty = method == "GET" and answer.status_code == HTTPStatus.NOT_FOUND
            if answer.is_error and not is_empty:
                raise InvalidError(f"{url} answered {answer.status_code} to {method}.")
            return answer
    raise UnavailableError(f"{url} cannot be reached ({why}).")
