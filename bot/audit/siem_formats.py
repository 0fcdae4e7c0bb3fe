"""Entries of the ledger as a SIEM reads them: JSON Lines, OCSF, CEF.

Each has an id that is the same whenever it is sent: session, number, and the head of its hash.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from countersign.approvals.models import JsonObject, LedgerEntry

VERSION = "0.1.0"
OCSF_VERSION = "1.3.0"
API_ACTIVITY = 6003
"""OCSF: application activity (6), API activity. Source: schema.ocsf.io, 1.3.0."""
OTHER = 99
ALARMING = frozenset({"evidence_missing", "beside_gate_refused", "in_doubt", "late_error"})
REFUSED = frozenset({"vote_refused", "expired", "failed", "not_executed", "erased", "revoked"})


class SiemFormat(StrEnum):
    """What entries are sent as."""

    JSONL = "jsonl"
    OCSF = "ocsf"
    CEF = "cef"


def event_id(entry: LedgerEntry) -> str:
    """By which a duplicate is known."""
    return f"{entry.session_id}:{entry.seq}:{entry.hash[:16]}"


def document(entry: LedgerEntry, written: SiemFormat) -> JsonObject:
    """An entry as JSON."""
    return _ocsf(entry) if written is SiemFormat.OCSF else _plain(entry)


def line(entry: LedgerEntry, written: SiemFormat) -> str:
    """An entry as one line, without its end."""
    if written is SiemFormat.CEF:
        return _cef(entry)
    return json.dumps(document(entry, written), ensure_ascii=False, separators=(",", ":"))


def severity(entry: LedgerEntry) -> int:
    """OCSF's: 1 informational, 2 low, 4 high."""
    return 4 if entry.kind in ALARMING else 2 if entry.kind in REFUSED else 1


def _plain(entry: LedgerEntry) -> JsonObject:
    return {"id": event_id(entry), **entry.model_dump(mode="json", exclude={"salt", "fields"})}


def _ocsf(entry: LedgerEntry) -> JsonObject:
    body = entry.body
    who = body.get("by") or body.get("owner") or "countersign"
    return {
        "class_uid": API_ACTIVITY,
        "category_uid": 6,
        "activity_id": OTHER,
        "activity_name": entry.kind,
        "type_uid": API_ACTIVITY * 100 + OTHER,
        "severity_id": severity(entry),
        "time": int(entry.at.timestamp() * 1000),
        "metadata": {
            "version": OCSF_VERSION,
            "uid": event_id(entry),
            "sequence": entry.seq,
            "correlation_uid": entry.session_id,
            "product": {"name": "Countersign", "vendor_name": "Countersign", "version": VERSION},
        },
        "actor": {"user": {"uid": str(who), "name": str(body.get("name") or who)}},
        "api": {"operation": str(body.get("tool") or entry.kind)},
        "src_endpoint": {"name": str(body.get("via") or "countersign")},
        "unmapped": {"hash": entry.hash, "prev_hash": entry.prev_hash, "body": body},
    }


_MEMBERS: tuple[tuple[str, str], ...] = (
    ("request", "cs2"), ("tool", "cs3"), ("digest", "cs4"), ("rule", "cs5"), ("identity", "cs6"),
)  # fmt: skip
_LABELS: Mapping[str, str] = {"cs1": "session", **{key: name for name, key in _MEMBERS}}


def _cef(entry: LedgerEntry) -> str:
    """ArcSight's Common Event Format, version 0."""
    body = entry.body
    found: dict[str, Any] = {
        "rt": int(entry.at.timestamp() * 1000),
        "externalId": event_id(entry),
        "act": body.get("verdict") or body.get("outcome") or entry.kind,
        "suser": body.get("by") or body.get("owner"),
        "app": body.get("via"),
        "cs1": entry.session_id,
        **{key: body.get(name) for name, key in _MEMBERS},
        "cn1": entry.seq,
        "cn1Label": "seq",
        "msg": body.get("comment") or body.get("reason"),
    }
    found |= {f"{key}Label": name for key, name in _LABELS.items() if found[key] is not None}
    level = {1: 3, 2: 5, 4: 8}[severity(entry)]
    names = "|".join(map(_in_header, ("Countersign", "Countersign", VERSION, entry.kind)))
    told = " ".join(f"{k}={_in_extension(str(v))}" for k, v in found.items() if v is not None)
    return f"CEF:0|{names}|{_in_header(entry.kind.replace('_', ' '))}|{level}|{told}"


def _escaped(signs: str) -> Callable[[str], str]:
    def escape(text: str) -> str:
        for sign in f"\\{signs}":
            text = text.replace(sign, f"\\{sign}")
        return text.replace("\r\n", "\\n").replace("\n", "\\n").replace("\r", "\\n")

    return escape


_in_header, _in_extension = _escaped("|"), _escaped("=")
