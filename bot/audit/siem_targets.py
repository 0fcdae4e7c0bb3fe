"""Where entries are forwarded to. Each `send` returns when the other side has taken them."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Callable, Sequence
from datetime import UTC
from pathlib import Path
from typing import Any

from countersign.approvals.errors import InvalidError, UnavailableError
from countersign.approvals.models import LedgerEntry
from countersign.bot.audit.plain_http import require_encrypted
from countersign.bot.audit.siem_formats import (
    SiemFormat,
    document,
    event_id,
    line,
    severity,
)

TIMEOUT_S = 30.0
KINDS = "stdout, file:PATH, splunk:URL, elastic:URL or syslog:HOST:PORT"
FACILITY = 13
"""Syslog: log audit (RFC 5424, table 1)."""
LEVELS = {1: 6, 2: 4, 4: 1}
"""Syslog: informational, warning, alert."""
Send = Callable[[Sequence[LedgerEntry]], None]


def target(where: str, written: SiemFormat, token: str | None) -> Send:
    """How to send to `where`. Raises InvalidError if it is none of the kinds that there are."""
    kind, _, place = where.partition(":")
    if where == "stdout":
        return lambda entries: _stdout(entries, written)
    if kind == "file" and place:
        return lambda entries: _file(Path(place), entries, written)
    if kind in ("splunk", "elastic") and place.startswith(("https://", "http://")):
        if written is SiemFormat.CEF:
            raise InvalidError(f"--to {where}: takes JSON, so --format jsonl or ocsf.")
        require_encrypted(place, token)
        send = _splunk if kind == "splunk" else _elastic
        return lambda entries: send(place, entries, written, token)
    host, _, port = place.rpartition(":")
    if kind == "syslog" and host and port.isdecimal():
        return lambda entries: _syslog((host, int(port)), entries, written)
    raise InvalidError(f"--to {where}: is none of {KINDS}.")


def _stdout(entries: Sequence[LedgerEntry], written: SiemFormat) -> None:
    sys.stdout.write("".join(f"{line(entry, written)}\n" for entry in entries))
    sys.stdout.flush()


def _file(path: Path, entries: Sequence[LedgerEntry], written: SiemFormat) -> None:
    try:
        torn = _ends_within_a_line(path)
        with path.open("a", encoding="utf-8") as file:
            file.write("\n" if torn else "")
            file.write("".join(f"{line(entry, written)}\n" for entry in entries))
            file.flush()
            os.fsync(file.fileno())
    except OSError as exc:
        raise UnavailableError(f"{path}: cannot be written: {exc.strerror}.") from exc


def _ends_within_a_line(path: Path) -> bool:
    """Whether a forwarder died while it wrote: what is sent again must not go on in that line."""
    if not path.is_file() or path.stat().st_size == 0:
        return False
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"


def _splunk(
    url: str, entries: Sequence[LedgerEntry], written: SiemFormat, token: str | None
) -> None:
    """Splunk's HTTP Event Collector: one JSON object after the other."""
    events = (
        {
            "time": entry.at.timestamp(),
            "source": "countersign",
            "sourcetype": f"countersign:{written}",
            "event": document(entry, written),
            "fields": {"id": event_id(entry)},
        }
        for entry in entries
    )
    text = "\n".join(json.dumps(event, ensure_ascii=False) for event in events)
    _post(url, text, "application/json", f"Splunk {token}" if token else None)


def _elastic(
    url: str, entries: Sequence[LedgerEntry], written: SiemFormat, token: str | None
) -> None:
    """Elasticsearch's bulk API; a document that is there already has been taken before."""
    lines = (
        json.dumps(each, ensure_ascii=False)
        for entry in entries
        for each in (
            {"create": {"_id": event_id(entry)}},
            {"@timestamp": entry.at.isoformat(), **document(entry, written)},
        )
    )
    kind, key = "application/x-ndjson", f"ApiKey {token}" if token else None
    answer = _post(url, "".join(f"{each}\n" for each in lines), kind, key)
    results = [result for item in answer.get("items", ()) for result in item.values()]
    refused = [r for r in results if r.get("status", 0) >= 300 and r["status"] != 409]
    if refused or len(results) != len(entries):
        why = json.dumps(refused[0].get("error")) if refused else "it does not name them all"
        raise UnavailableError(f"{url} has not taken all entries: {why[:300]}.")


def _post(url: str, text: str, kind: str, authorization: str | None) -> dict[str, Any]:
    import httpx  # the command line offers this before it is asked for, and starts fast

    headers = {"Content-Type": kind}
    if authorization:
        headers["Authorization"] = authorization
    try:
        with httpx.Client(timeout=TIMEOUT_S, trust_env=False) as client:
            answer = client.post(url, content=text.encode(), headers=headers)
    except httpx.HTTPError as exc:
        raise UnavailableError(f"{url} cannot be reached ({exc}).") from exc
    if answer.is_error:
        raise UnavailableError(f"{url} answered {answer.status_code}: {answer.text[:200]}")
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _syslog(address: tuple[str, int], entries: Sequence[LedgerEntry], written: SiemFormat) -> None:
    """RFC 5424 over TCP with octet counting (RFC 6587). TCP says nothing of what was read, so each
    batch is a connection, and counts as taken when the other side has closed it, too."""
    messages = [_message(entry, written) for entry in entries]
    framed = b"".join(b"%d %s" % (len(each), each) for each in messages)
    try:
        with socket.create_connection(address, timeout=TIMEOUT_S) as connection:
            connection.sendall(framed)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(4096):
                pass
    except OSError as exc:
        raise UnavailableError(f"{address[0]}:{address[1]} has not taken them ({exc}).") from exc


def _message(entry: LedgerEntry, written: SiemFormat) -> bytes:
    at = entry.at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    priority = FACILITY * 8 + LEVELS[severity(entry)]
    head = f"<{priority}>1 {at} {socket.gethostname()[:255] or '-'} countersign - {entry.kind[:32]}"
    return f'{head} [origin software="countersign"] {line(entry, written)}'.encode()
