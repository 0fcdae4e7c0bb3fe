"""Shifts in tickets: who is on call now may answer, and the ticket says when that changes."""

from __future__ import annotations

from countersign.approvals.audit.canonical import canonical_json, sha256_hex
from countersign.approvals.forms.on_call import on_call_words
from countersign.approvals.models import JsonObject
from countersign.approvals.ports import RequestView

CHANGED = "The shift has changed: who is on call now may answer here."


def on_duty(view: RequestView) -> str:
    """Another one whenever others are on call for its open steps; "" where nobody has to be."""
    told: JsonObject = {
        each.schedule: sorted(str(duty.person) for duty in each.known) or sorted(each.otherwise)
        for each in view.on_call
        if each.outdated is None
    }
    return sha256_hex(canonical_json(told))[:16] if told else ""


def shift_words(view: RequestView) -> str:
    """What the ticket says then."""
    return "\n\n".join([CHANGED, *map(on_call_words, view.on_call)])


def shift_key(view: RequestView) -> str:
    """By which that is said once for each shift: the same people come back."""
    return f"on-call:{sha256_hex(shift_words(view).encode())[:16]}"
