"""Who is on call, in words."""

from __future__ import annotations

from countersign.approvals.forms.times import Say, moment
from countersign.approvals.forms.wording import visible
from countersign.approvals.models import Duty, OnCall


def on_call_words(found: OnCall, say: Say = moment) -> str:
    """`On call for payments: Ana Li until 2026-11-30 17:00 UTC (…).`, and what is wrong with it."""
    name, zone = visible(found.schedule), "" if found.zone == "UTC" else found.zone
    if found.outdated is not None:
        return f"{visible(found.outdated)} Nobody can decide by it before it has been read."
    said = []
    if found.known:
        who = " and ".join(_until(duty, zone, say) for duty in found.known)
        said.append(f"On call for {name}: {who}.")
    for duty in found.duties:
        if duty.person is None:
            said.append(
                f"{visible(duty.name)} is on call for {name} until "
                f"{say(duty.until, zone)}, but is not known here."
            )
    if not found.known:
        said.append(_nobody(found, name, zone, say))
    return " ".join(said)


def _nobody(found: OnCall, name: str, zone: str, say: Say) -> str:
    who = "Nobody who is known here is" if found.duties else "Nobody is"
    instead = ""
    if found.otherwise:
        instead = f", so {' or '.join(map(visible, found.otherwise))} is asked instead"
    after = ""
    if found.follows is not None:
        after = f" {visible(found.follows.name)} is from {say(found.follows.until, zone)}."
    return f"{who} on call for {name} now{instead}.{after}"


def _until(duty: Duty, zone: str, say: Say) -> str:
    return f"{visible(duty.name)} until {say(duty.until, zone)}"
