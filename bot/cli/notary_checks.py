"""What `doctor` finds of witnesses and time-stamping authorities: whether each answers, with the
key that the configuration says, and by a clock that goes as ours does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from countersign.approvals.audit.cosignatures import WitnessKey, added, cosignatures
from countersign.approvals.audit.notes import Checkpoint, SigningKey
from countersign.approvals.errors import ConfigurationError, CountersignError, NotFoundError
from countersign.bot.audit import stamps
from countersign.bot.cli.records import auditing
from countersign.bot.clock import SystemClock
from countersign.bot.settings.ledger import LedgerSettings, StampSettings, WitnessSettings

APART_S = 60.0
"""Seconds by which the clock of a witness or an authority may differ from ours."""


class Found(NamedTuple):
    """What is found of one of them."""

    ok: bool
    name: str
    said: str


def found(section: LedgerSettings) -> Iterator[Found]:
    """Ask each of them. A witness is asked to cosign the newest checkpoint, as in publishing; an
    authority stamps a note that is of no ledger. Nothing of it is kept."""
    if section.witnesses:
        try:
            newest = auditing(lambda trail: trail.checkpoint())
        except (NotFoundError, ConfigurationError):
            newest = None
        for witness in section.witnesses:
            yield _witness(witness, newest)
    for authority in section.timestamps:
        yield _authority(authority)


def _witness(settings: WitnessSettings, newest: tuple[int, str] | None) -> Found:
    from countersign.bot.audit.witnesses import Asked, ask  # as in `bot.cli.actions`

    key = WitnessKey.parse(settings.key)
    name = f"witness {key.name}"
    if newest is None:
        return Found(True, name, "is asked as soon as a checkpoint of the ledger is signed")
    size, note = newest

    def proof(old: int, new: int) -> list[bytes]:
        return auditing(lambda trail: trail.consistency(old, new))

    try:
        line = ask(Asked(key, settings.url), size, note, proof)
    except CountersignError as exc:
        return Found(False, name, str(exc))
    (cosigned,) = cosignatures(note + line, [key])
    return _timed(name, f"cosigns the checkpoint of size {size}", cosigned.at)


def _authority(settings: StampSettings) -> Found:
    name = f"time stamps, {stamps.name_of(settings.url)}"
    probe = SigningKey.new("doctor.invalid/probe")
    note = probe.sign(Checkpoint(probe.name, 1, bytes(32)).text)
    try:
        stamped = added(note, [stamps.stamp(settings.url, note)])
        (one,) = stamps.stamps(stamped, stamps.roots_in(settings.roots))
    except CountersignError as exc:
        return Found(False, name, str(exc))
    return _timed(name, f"answers, and leads to a certificate of {settings.roots}", one.at)


def _timed(name: str, said: str, at: datetime) -> Found:
    apart_s = (at - SystemClock().now()).total_seconds()
    if abs(apart_s) <= APART_S:
        return Found(True, name, said)
    way = "ahead of" if apart_s > 0 else "behind"
    return Found(
        False,
        name,
        f"{said}, but its clock is {abs(apart_s):,.0f} s {way} ours: set both by NTP, or else what "
        "it says of the time shows nothing.",
    )
