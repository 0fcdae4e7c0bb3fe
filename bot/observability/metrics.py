"""What this process has done since it started, counted for Prometheus.

One registry of our own, so that two servers in one process (tests) do not share it. Names follow
prometheus.io/docs/practices/naming (read 2026-11-25): base units, `_total` for counters. Labels
take few values, and never an id, a name of a person, or anything that somebody outside chooses.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from countersign.approvals.errors import (
    AlreadyDecidedError,
    CountersignError,
    DeniedByPolicyError,
    ExpiredError,
    InvalidError,
    NotAuthorisedError,
    NotFoundError,
    StaleDigestError,
    UnavailableError,
)
from countersign.approvals.models import (
    Cause,
    Outcome,
    Request,
    Result,
    Verdict,
    Via,
)
from countersign.approvals.observer import DeliveryOutcome
from countersign.approvals.rules.proposals import ARGUMENTS_RULE
from countersign.approvals.rules.rulings import UNKNOWN_RULE

FAST = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SLOW = (0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 900.0)
_REFUSALS: Sequence[tuple[type[CountersignError], str]] = (
    (NotAuthorisedError, "not_authorised"),
    (AlreadyDecidedError, "already_decided"),
    (StaleDigestError, "stale_digest"),
    (ExpiredError, "expired"),
    (DeniedByPolicyError, "denied_by_policy"),
    (InvalidError, "invalid"),
    (NotFoundError, "not_found"),
    (UnavailableError, "unavailable"),
)
OTHER = "other"
"""In place of the names of tools that there may not be."""
_UNKNOWN_RULES = frozenset({ARGUMENTS_RULE, UNKNOWN_RULE})


class Metrics:
    """Counters and histograms; how much waits is read from the database by `state`."""

    def __init__(self, *state: Collector):
        # Of the whole process: they double the series, and nobody asks for them.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry(auto_describe=False)
        self._about_us()
        self._about_requests()
        self._about_work()
        for collector in state:
            self.add(collector)

    def add(self, state: Collector) -> None:
        """Show what this one collects, too."""
        self._registry.register(state)

    def text(self, accept: str = "") -> tuple[bytes, str]:
        """Everything, and its content type: OpenMetrics for who accepts that, else plain text."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type

    def names(self) -> Mapping[str, frozenset[str]]:
        """Every metric of ours with the names of its samples, as queries use them."""
        kinds = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "gauge": ("",)}
        return {
            family.name: frozenset(family.name + end for end in kinds[family.type])
            for family in self._registry.collect()
            if family.name.startswith("countersign_")
        }

    def proposed(self, requests: Sequence[Request]) -> None:
        """What policy said of calls."""
        for request in requests:
            self._requests.labels(request.rule_id, request.status.value).inc()

    def voted(self, via: Via, verdict: Verdict) -> None:
        """A vote was counted."""
        self._votes.labels(via, verdict.value).inc()

    def decided(self, via: Via, verdict: Verdict) -> None:
        """A vote decided its request."""
        self._decisions.labels(via, verdict.value).inc()

    def expired(self) -> None:
        """A deadline decided a request."""
        self._decisions.labels(Via.CLOCK, "expired").inc()

    def vote_refused(self, via: Via, error: CountersignError) -> None:
        """A vote that did not count, by why."""
        self._refused.labels(via, refusal(error)).inc()

    def evidence_missing(self) -> None:
        """An approval without the votes that it needs."""
        self._forged.labels().inc()

    def refused_beside(self, session_known: bool) -> None:
        """A tool that was called beside the gate."""
        self._beside.labels("known" if session_known else "unknown").inc()

    def nobody_left(self, rule: str) -> None:
        """A request that nobody can decide."""
        self._nobody.labels(rule).inc()

    def completed(self, request: Request, result: Result, took_s: float | None) -> None:
        """What became of a call, and how long its tool took."""
        self._calls.labels(tool(request), outcome(result)).inc()
        if took_s is not None:
            self._tool_seconds.labels(request.tool).observe(took_s)

    def delivered(self, channel: str, outcome: DeliveryOutcome) -> None:
        """An attempt to show a request."""
        self._deliveries.labels(channel, outcome).inc()

    def job_started(self, kind: str, waited_s: float) -> None:
        """How long a job has waited."""
        self._job_wait.labels(kind).observe(waited_s)

    def job_ended(self, kind: str, took_s: float, failed: bool) -> None:
        """How long a job has run."""
        self._job_seconds.labels(kind).observe(took_s)
        if failed:
            self._job_failures.labels(kind).inc()

    def http(self, method: str, route: str, status: int, took_s: float) -> None:
        """An HTTP request was answered; `route` is its template, not its path."""
        self._http_seconds.labels(method, route, str(status)).observe(took_s)

    def _about_us(self) -> None:
        ProcessCollector(registry=self._registry)
        labels = ("version", "python")
        build = Gauge("countersign_build_info", "What runs.", labels, registry=self._registry)
        build.labels(version("countersign-approvals"), platform.python_version()).set(1)
        self._http_seconds = self._histogram(
            "http_request_seconds", "HTTP requests answered.", ("method", "route", "status"), FAST
        )

    def _about_requests(self) -> None:
        self._requests = self._counter("requests", "Calls proposed.", "rule", "status")
        self._votes = self._counter("votes", "Votes counted.", "channel", "verdict")
        self._refused = self._counter("votes_refused", "Votes refused.", "channel", "reason")
        self._decisions = self._counter("decisions", "Requests decided.", "channel", "verdict")
        self._forged = self._counter("evidence_missing", "Approvals that are not on the ledger.")
        self._beside = self._counter("beside_gate_refused", "Stopped beside the gate.", "session")
        self._nobody = self._counter("nobody_left", "Requests that nobody can decide.", "rule")
        self._calls = self._counter("tool_calls", "What became of calls.", "tool", "outcome")
        self._tool_seconds = self._histogram("tool_seconds", "Tool run time.", ("tool",), SLOW)

    def _about_work(self) -> None:
        self._deliveries = self._counter("deliveries", "Channels tried.", "channel", "outcome")
        self._job_failures = self._counter("job_failures", "Jobs that raised.", "kind")
        kind = ("kind",)
        self._job_wait = self._histogram("job_wait_seconds", "From bell to start.", kind, SLOW)
        self._job_seconds = self._histogram("job_seconds", "Job run time.", kind, SLOW)

    def _counter(self, name: str, says: str, *labels: str) -> Counter:
        return Counter(f"countersign_{name}", says, labels, registry=self._registry)

    def _histogram(
        self, name: str, says: str, labels: Sequence[str], buckets: Sequence[float]
    ) -> Histogram:
        return Histogram(
            f"countersign_{name}", says, labels, buckets=buckets, registry=self._registry
        )


def tool(request: Request) -> str:
    """The tool as a label: one that the workflow or the policy does not know is whatever a model
    wrote, and what a model writes is chosen by whoever it reads."""
    return OTHER if request.rule_id in _UNKNOWN_RULES else request.tool


def refusal(error: CountersignError) -> str:
    """Why a vote was refused, in one word."""
    return next((word for kind, word in _REFUSALS if isinstance(error, kind)), "other")


def outcome(result: Result) -> str:
    """What became of a call, in one word: the cause says more than that it did not run."""
    if result.outcome is Outcome.NOT_EXECUTED:
        return (result.cause or Cause.CANCELLED).value
    return result.outcome.value
