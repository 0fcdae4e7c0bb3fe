"""Observer: the seam behind which metrics, traces and the log are kept.

It is told after the write is durable, so that nothing is counted that did not stand. Telling it
changes nothing: an observer neither raises nor waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Literal, Protocol

from typing_extensions import override

from countersign.approvals.errors import CountersignError
from countersign.approvals.models import (
    Request,
    Result,
    Verdict,
    Via,
)

DeliveryOutcome = Literal["posted", "updated", "said", "failed", "unreachable", "abandoned"]
"""A card or ticket was made, or brought up to date; a text was posted; it will be tried again; it
waits until people can be reached; it will not."""


class Observer(Protocol):
    """Hears of requests on their way. Called on the event loop."""

    def proposed(self, requests: Sequence[Request]) -> None:
        """Calls were ruled on and stored; those that are pending wait for people."""

    def voted(self, request: Request, verdict: Verdict, via: Via, *, began_s: float) -> None:
        """A vote was counted, and left `request` behind; `began_s` is `time.time()` before it."""

    def vote_refused(self, request_id: str, via: Via, error: CountersignError) -> None:
        """A vote counted for nothing: too late, not theirs to give, on an older text."""

    def expired(self, request_id: str) -> None:
        """Nobody decided in time."""

    def silence(self, request: Request) -> None:
        """Nobody objected in time, and its rule lets it run then."""

    def completed(self, request: Request, result: Result, *, took_s: float | None = None) -> None:
        """It is known what became of a call; `took_s` is how long its tool ran, if it did."""

    def evidence_missing(self, request: Request, reason: str) -> None:
        """An approved call was not run, because the ledger does not have its approval on record:
        somebody has written to the tables."""

    def nobody_left(self, request: Request, reason: str) -> None:
        """No set of different people can decide it any more; `reason` says why, and who could."""

    def somebody_again(self, request: Request) -> None:
        """What nobody could decide can be decided again."""

    def refused_beside(self, *, session_known: bool) -> None:
        """Something was stopped beside the gate; whether it is known which session's it was."""

    def delivered(self, channel: str, outcome: DeliveryOutcome) -> None:
        """A channel was tried."""

    def job_started(self, kind: str, *, waited_s: float) -> None:
        """A job began, this long after its bell was rung."""

    def job_ended(self, kind: str, *, took_s: float, failed: bool) -> None:
        """Its handler returned, or raised."""

    def span(
        self, name: str, request: Request | None = None, **attributes: str | int | bool
    ) -> AbstractContextManager[object]:
        """Time the block as a part of the trace that `request` began in."""

    def traceparent(self) -> str | None:
        """What a new request keeps (W3C Trace Context) so that its trace goes on in other
        processes; None if nothing is traced."""


class Silent(Observer):
    """Keeps nothing."""

    _nothing = nullcontext()

    @override
    def proposed(self, requests: Sequence[Request]) -> None:
        pass

    @override
    def voted(self, request: Request, verdict: Verdict, via: Via, *, began_s: float) -> None:
        pass

    @override
    def vote_refused(self, request_id: str, via: Via, error: CountersignError) -> None:
        pass

    @override
    def expired(self, request_id: str) -> None:
        pass

    @override
    def silence(self, request: Request) -> None:
        pass

    @override
    def completed(self, request: Request, result: Result, *, took_s: float | None = None) -> None:
        pass

    @override
    def evidence_missing(self, request: Request, reason: str) -> None:
        pass

    @override
    def nobody_left(self, request: Request, reason: str) -> None:
        pass

    @override
    def somebody_again(self, request: Request) -> None:
        pass

    @override
    def refused_beside(self, *, session_known: bool) -> None:
        pass

    @override
    def delivered(self, channel: str, outcome: DeliveryOutcome) -> None:
        pass

    @override
    def job_started(self, kind: str, *, waited_s: float) -> None:
        pass

    @override
    def job_ended(self, kind: str, *, took_s: float, failed: bool) -> None:
        pass

    @override
    def span(
        self, name: str, request: Request | None = None, **attributes: str | int | bool
    ) -> AbstractContextManager[object]:
        return self._nothing

    @override
    def traceparent(self) -> str | None:
        return None


SILENT = Silent()
