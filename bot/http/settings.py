"""How much one server takes on at once: the `limits` section of `countersign.yaml`."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network

from pydantic import Field

from countersign.approvals.decisions.long_results import KEPT_CHARS, RESULT_CHARS
from countersign.approvals.models import Value
from countersign.approvals.rules.durations import Seconds
from countersign.approvals.runs import TOOL_TIMEOUT_S


class LaneLimit(Value):
    """One kind of work: so many at once, so many more in line; the next one is refused."""

    at_once: int = Field(ge=1)
    queue: int = Field(ge=0)


class RateLimit(Value):
    """So many at once, and then so many a second."""

    per_s: float = Field(gt=0)
    burst: int = Field(ge=1)


class AgentLimits(Value):
    """How much the agents of one session may propose; `agents.limits` says which."""

    requests_per_message: int = Field(default=20, ge=1)
    requests_per_session: int = Field(default=500, ge=1)
    identical_calls: int = Field(default=10, ge=1)
    denied_calls: int = Field(default=10, ge=1)
    silent_answers: int = Field(default=5, ge=1)


class LimitsSettings(Value):
    """Each default is far above what people do and within what a small machine carries."""

    votes: LaneLimit = LaneLimit(at_once=64, queue=1024)
    """Decisions, and all that a person does in Teams. As many as share one commit."""
    webhooks: LaneLimit = LaneLimit(at_once=16, queue=256)
    starts: LaneLimit = LaneLimit(at_once=8, queue=64)
    reads: LaneLimit = LaneLimit(at_once=16, queue=128)
    wait: Seconds = 8.0
    """In line at most: Teams shows an error when an invoke is not answered in 10 to 15 seconds."""
    person: RateLimit = RateLimit(per_s=100, burst=1000)
    """What one principal may ask for, by the API or in Teams."""
    strangers: RateLimit = RateLimit(per_s=20, burst=500)
    """What one address may ask for without valid credentials."""
    connections: int = Field(default=2048, ge=1)
    """Requests that have begun and are not answered yet, read or not."""
    connections_per_source: int = Field(default=1024, ge=1)
    running_sessions: int = Field(default=1000, ge=1)
    """Sessions that run; those that wait for people do not count, however many they are."""
    agents: AgentLimits = AgentLimits()
    tool_timeout: Seconds = TOOL_TIMEOUT_S
    """How long a tool is waited for, unless its rule says otherwise."""
    result_chars: int = Field(default=RESULT_CHARS, ge=100, le=KEPT_CHARS)
    """Of what a tool returns: so much the agents read."""
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    """Whose `X-Forwarded-For` says where a request comes from."""
    drain: Seconds = 0.0
    """How long `/readyz` says no before a stopping server takes no more connections."""
    grace: Seconds = 20.0
    """How long what is under way may take then."""
