"""Second looks: what a server that died was sending may arrive after what its successor sends.

The message is older then than what is on record of it, and nothing would draw it again. So whoever
finds that an attempt was cut off notes since when there is that doubt, and the message is drawn
once more when what was on its way has long arrived. Where every attempt ends there is nothing more.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection

from countersign.approvals import backoff
from countersign.approvals.models import Delivery
from countersign.approvals.store import codec
from countersign.approvals.store import deliveries as rows


class Doubt(NamedTuple):
    """What is written of an attempt that has shown it."""

    doubt_at: datetime | None
    """Since when something older may be on its way; None if nothing is."""
    next_at: datetime | None
    """When to draw it once more."""


def noticed(delivery: Delivery, now: datetime, *, redrawn: bool) -> Delivery:
    """The delivery that is taken now, in doubt from now on if an attempt to draw its message again
    has begun before and nobody has written down how it ended. Only of a channel that has its
    messages `redrawn`."""
    is_cut_off = delivery.attempts > 0 and delivery.error is None
    if not (redrawn and is_cut_off and delivery.reference is not None):
        return delivery
    return delivery.model_copy(update={"doubt_at": now})


def begin(connection: Connection, delivery: Delivery, until: str) -> None:
    """Take it for an attempt, until then at most. Without an error it is under way, which tells it
    from one that waits after an attempt that has failed."""
    rows.record(
        connection,
        delivery.id,
        next_at=until,
        attempts=delivery.attempts + 1,
        error=None,
        doubt_at=codec.optional_text(delivery.doubt_at),
    )


def after(taken: Delivery, current: Delivery, now: datetime, *, redrawn: bool) -> Doubt:
    """What is left of the doubt when an attempt ends: `taken` is the delivery as it began with.

    A doubt that has come up since is about this attempt itself, which has ended by now.
    """
    since = current.doubt_at if redrawn and taken.doubt_at is not None else None
    if since is None or now >= (at := since + timedelta(seconds=backoff.SECOND_LOOK_S)):
        return Doubt(None, None)
    return Doubt(since, at)
