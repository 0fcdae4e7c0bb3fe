"""The observer of the product: tells the log, the metrics and the traces what happens."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import structlog
from typing_extensions import override

from countersign.approvals.errors import CountersignError
from countersign.approvals.models import (
    Request,
    RequestId,
    Result,
    Verdict,
    Via,
)
from countersign.approvals.observer import DeliveryOutcome, Observer
from countersign.approvals.rules.proposals import is_unanswerable
from countersign.bot.observability.metrics import Metrics, outcome, refusal
from countersign.bot.observability.tracing import Tracing

log = structlog.get_logger(__name__)

_NOTHING = nullcontext()
REMEMBERED = 10_000
"""Calls that were refused, the newest: their answers are read again whenever a session is tried
again, and are told and counted once."""


class ProcessObserver(Observer):
    """Implements `approvals.observer.Observer`: one line, one count and one span for each."""

    def __init__(self, metrics: Metrics, tracing: Tracing | None = None):
        self.metrics, self.tracing = metrics, tracing
        self._refused: OrderedDict[RequestId, None] = OrderedDict()

    @override
    def proposed(self, requests: Sequence[Request]) -> None:
        self.metrics.proposed(requests)
        for request in requests:
            log.info(
                "request proposed",
                session_id=request.session_id,
                request_id=request.id,
                tool=request.tool,
                rule=request.rule_id,
                status=request.status.value,
            )
            if is_unanswerable(request) and request.result is not None:
                self.nobody_left(request, request.result.message)

    @override
    def nobody_left(self, request: Request, reason: str) -> None:
        self.metrics.nobody_left(request.rule_id)
        log.warning("nobody can decide", reason=reason, **_about(request))

    @override
    def somebody_again(self, request: Request) -> None:
        log.info("somebody can decide again", **_about(request))

    @override
    def voted(self, request: Request, verdict: Verdict, via: Via, *, began_s: float) -> None:
        self.metrics.voted(via, verdict)
        decided = request.decision is not None
        if request.decision is not None:
            self.metrics.decided(via, request.decision.verdict)
        if self.tracing is not None:
            seen = {"channel": via, "verdict": verdict.value, "decided": decided}
            self.tracing.past("vote", request, began_s, seen)
        log.info(
            "request decided" if decided else "vote counted",
            session_id=request.session_id,
            request_id=request.id,
            verdict=verdict.value,
            channel=via,
        )

    @override
    def vote_refused(self, request_id: str, via: Via, error: CountersignError) -> None:
        self.metrics.vote_refused(via, error)
        reason = refusal(error)
        log.info("vote refused", request_id=request_id, channel=via, reason=reason)

    @override
    def expired(self, request_id: str) -> None:
        self.metrics.expired()
        log.info("request expired", request_id=request_id)

    @override
    def silence(self, request: Request) -> None:
        self.metrics.decided(Via.CLOCK, Verdict.APPROVE)
        log.info("request approved by silence", request_id=request.id, rule=request.rule_id)

    @override
    def completed(self, request: Request, result: Result, *, took_s: float | None = None) -> None:
        if took_s is None and self._is_known(request.id):
            return
        self.metrics.completed(request, result, took_s)
        log.info(
            "call completed",
            session_id=request.session_id,
            request_id=request.id,
            tool=request.tool,
            outcome=outcome(result),
        )

    def _is_known(self, request_id: RequestId) -> bool:
        known = request_id in self._refused
        self._refused[request_id] = None
        if len(self._refused) > REMEMBERED:
            self._refused.popitem(last=False)
        return known

    @override
    def refused_beside(self, *, session_known: bool) -> None:
        """Whoever refuses it logs it."""
        self.metrics.refused_beside(session_known)

    @override
    def evidence_missing(self, request: Request, reason: str) -> None:
        self.metrics.evidence_missing()
        log.error(
            "approval is not on the ledger: nothing was run; run `countersign ledger verify`",
            session_id=request.session_id,
            request_id=request.id,
            reason=reason,
        )

    @override
    def delivered(self, channel: str, outcome: DeliveryOutcome) -> None:
        """The courier writes the lines, which say where."""
        self.metrics.delivered(channel, outcome)

    @override
    def job_started(self, kind: str, *, waited_s: float) -> None:
        self.metrics.job_started(kind, waited_s)

    @override
    def job_ended(self, kind: str, *, took_s: float, failed: bool) -> None:
        self.metrics.job_ended(kind, took_s, failed)

    @override
    def span(
        self, name: str, request: Request | None = None, **attributes: str | int | bool
    ) -> AbstractContextManager[object]:
        if self.tracing is None:
            return _NOTHING
        return self.tracing.span(name, request, attributes)

    @override
    def traceparent(self) -> str | None:
        return None if self.tracing is None else self.tracing.traceparent()


def _about(request: Request) -> dict[str, str]:
    return {
        "session_id": request.session_id,
        "request_id": request.id,
        "tool": request.tool,
        "rule": request.rule_id,
        "requester": request.requester,
    }
