"""What of a record is given: the fields that were asked for, and the envelope around it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from countersign.sandbox.asana.records import RefusedError

COMPACT = ("gid", "resource_type", "resource_subtype", "name")
MOST = 100


def chosen(record: Any, fields: Sequence[str]) -> Any:
    """The gid and the fields that were asked for, by their paths; `a.b` of each in a list."""
    if isinstance(record, list):
        return [chosen(each, fields) for each in record]
    if not isinstance(record, dict):
        return record
    wanted: dict[str, list[str]] = {}
    for path in fields:
        name, _, rest = path.partition(".")
        wanted.setdefault(name, []).extend([rest] if rest else [])
    kept = {name: record[name] for name in ("gid",) if name in record}
    for name, inner in wanted.items():
        if name in record:
            kept[name] = chosen(record[name], inner or COMPACT)
    return kept


def page(rows: Sequence[Any], query: Mapping[str, str], path: str) -> dict[str, Any]:
    """A page of rows, with where the next one begins. Raises RefusedError for an offset that no
    page has given."""
    if "limit" not in query:
        return {"data": list(rows)}
    limit = int(query["limit"])
    if not 1 <= limit <= MOST:
        raise RefusedError(400, f"limit: must be between 1 and {MOST}")
    at = _offset(query["offset"]) if "offset" in query else 0
    found, more = list(rows[at : at + limit]), len(rows) > at + limit
    token = base64.urlsafe_b64encode(json.dumps([at + limit]).encode()).decode()
    after = {"offset": token, "path": f"{path}?limit={limit}&offset={token}"}
    return {"data": found, "next_page": after if more else None}


def _offset(token: str) -> int:
    try:
        (at,) = json.loads(base64.urlsafe_b64decode(token))
    except ValueError as exc:
        raise RefusedError(400, "offset: Your pagination token is invalid.") from exc
    return int(at)


def fields_of(query: Mapping[str, str], usual: Sequence[str]) -> Sequence[str]:
    """What `opt_fields` names, or what comes without it."""
    named = [name.strip() for name in query.get("opt_fields", "").split(",") if name.strip()]
    return named or usual
