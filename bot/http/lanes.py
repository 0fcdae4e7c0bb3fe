"""Back-pressure: what is too much is told to come again, at once and before anything was done.

Work is done in lanes, one for each kind. A lane has so many places and a line of bounded length
before them; a lane gives no place away while somebody waits in one that is more urgent. So a
flood of reads or starts costs a vote nothing, and memory is bounded whatever arrives. A vote is
either counted or its sender is told 429 with `Retry-After`.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from enum import StrEnum

from countersign.approvals.errors import BusyError
from countersign.bot.http.rates import Rates
from countersign.bot.http.settings import LaneLimit, LimitsSettings

RETRY_AFTER_S = 2.0
"""When to come again after a lane was full: by then its line has moved on."""


class Kind(StrEnum):
    """Kinds of work, the most urgent first."""

    VOTES = "votes"
    WEBHOOKS = "webhooks"
    STARTS = "starts"
    READS = "reads"


class _Lane:
    def __init__(self, limit: LaneLimit):
        self.limit = limit
        self.active = 0
        self.line: deque[asyncio.Future[None]] = deque()

    @property
    def has_room(self) -> bool:
        return self.active < self.limit.at_once


class Limits:
    """What this process takes on. One for each application, on one event loop."""

    def __init__(self, settings: LimitsSettings, rates: Rates | None = None):
        self._settings = settings
        lanes = {kind: getattr(settings, kind) for kind in Kind}
        self._lanes: Mapping[Kind, _Lane] = {kind: _Lane(lane) for kind, lane in lanes.items()}
        self._people = rates or Rates(settings.person)

    @asynccontextmanager
    async def admitted(self, kind: str, principal: str) -> AsyncIterator[None]:
        """A place in the lane, for as long as the block takes.

        Raises BusyError if this principal asks too often, or if the lane is full and stays full.
        """
        wait_s = self._people.take(principal)
        if wait_s > 0:
            raise BusyError(
                f"That is more than {self._settings.person.per_s:g} requests a second of one "
                f"person. Nothing was done; come again in {math.ceil(wait_s)} s.",
                retry_after_s=wait_s,
            )
        kind = Kind(kind)
        lane = self._lanes[kind]
        if lane.has_room and not self._is_kept_back(kind):
            lane.active += 1
        else:
            await self._in_line(kind, lane)
        try:
            yield
        finally:
            lane.active -= 1
            self._move_on()

    def under_way(self) -> dict[str, tuple[int, int]]:
        """How many of each kind are worked on, and how many are in line."""
        return {str(kind): (lane.active, len(lane.line)) for kind, lane in self._lanes.items()}

    def _is_kept_back(self, kind: Kind) -> bool:
        """Whether somebody was here before, or comes first."""
        for urgent, lane in self._lanes.items():
            if lane.line:
                return True
            if urgent is kind:
                return False
        return False

    async def _in_line(self, kind: Kind, lane: _Lane) -> None:
        """Wait for a place, which is taken when this returns."""
        if len(lane.line) >= lane.limit.queue:
            raise _full(kind)
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        lane.line.append(place)
        try:
            async with asyncio.timeout(self._settings.wait):
                await place
        except BaseException as exc:
            if place.done() and not place.cancelled():
                lane.active -= 1  # given just now, to somebody who has gone
            else:
                lane.line.remove(place)
            self._move_on()
            if isinstance(exc, TimeoutError):
                raise _full(kind) from None
            raise

    def _move_on(self) -> None:
        for lane in self._lanes.values():
            while lane.line and lane.has_room:
                lane.line.popleft().set_result(None)
                lane.active += 1
            if lane.line:
                return


def _full(kind: Kind) -> BusyError:
    return BusyError(
        f"This server has as many {kind} to work on as it takes. Nothing was done; come again in "
        f"{math.ceil(RETRY_AFTER_S)} s.",
        retry_after_s=RETRY_AFTER_S,
    )
