"""The switches of a stand-in in another process, over HTTP: `/_sandbox/...`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from countersign.sandbox._faults import CONTROL_PREFIX
from countersign.sandbox.desk import NotDoneError


class Remote:
    """Implements `sandbox.desk.Switches`; what fails raises NotDoneError with the status."""

    def __init__(self, url: str, http: httpx.Client):
        self.url, self._http = url, http

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One switch; the JSON that it answers, None if it says nothing."""
        answer = self._http.request(method, f"{self.url}{CONTROL_PREFIX}{path}", json=body)
        if answer.is_error:
            raise NotDoneError(answer.status_code, f"{method} {path}: {answer.text}")
        return answer.json() if answer.content else None

    def act(self, what: Mapping[str, Any]) -> Any:
        """See `Switches`."""
        return self.call("POST", "act", dict(what))

    def state(self, key: str | None = None) -> list[dict[str, Any]]:
        """See `Switches`."""
        found: list[dict[str, Any]] = self.call("GET", f"state?key={key}" if key else "state")
        return found

    def fail(self, **fault: Any) -> None:
        """Let the next requests fail, as `sandbox._faults.Fault` says."""
        self.call("POST", "fault", fault)

    def failing(self) -> int:
        """How many requests are still to fail."""
        return sum(fault["times"] for fault in self.call("GET", "fault"))

    def clear(self) -> None:
        """Forget every fault."""
        self.call("DELETE", "fault")

    def slow_down(self, latency_s: float) -> None:
        """Let every request take so long at least."""
        self.call("PUT", "latency", {"latency_s": latency_s})

    def requests(self) -> list[dict[str, Any]]:
        """What was asked, oldest first."""
        found: list[dict[str, Any]] = self.call("GET", "requests")
        return found

    def forget_requests(self) -> None:
        """Count requests from here."""
        self.call("DELETE", "requests")
