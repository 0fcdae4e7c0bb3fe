"""The REST API of a running server, as a test uses it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from tests.processes import until

ALEX, SAM, MEGAN, ADELE = (f"local-token-{name}" for name in ("alex", "sam", "megan", "adele"))
"""Tokens of the local configuration: who approves, who asks, who approves other things, nobody."""
TIMEOUT_S = 30.0
TASK = "quote for Contoso, 25 seats"


class ApiClient:
    """What a client can do and see."""

    def __init__(self, url: str):
        self.url = url
        # One connection for each call: behind a load balancer each one may go elsewhere.
        self.http = httpx.Client(
            timeout=TIMEOUT_S,
            trust_env=False,
            verify=False,  # noqa: S501 - everything is on loopback, without TLS
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    def api(self, method: str, path: str, token: str = ALEX, **kwargs: Any) -> httpx.Response:
        """One call of the REST API."""
        headers = {"Authorization": f"Bearer {token}", **kwargs.pop("headers", {})}
        return self.http.request(method, f"{self.url}/api/v1{path}", headers=headers, **kwargs)

    def get(self, path: str) -> Any:
        """The JSON of a GET that must succeed; None while the server is away."""
        try:
            answer = self.api("GET", path)
        except httpx.TransportError:
            return None
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ask(self, task: str = TASK, workflow: str = "sales_quote", key: str = "the-one") -> str:
        """Start a session as Sam; the same key gives the same session. Returns its id."""
        answer = self.api(
            "POST",
            "/sessions",
            SAM,
            json={"workflow": workflow, "task": task},
            headers={"Idempotency-Key": key},
        )
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def pending(self) -> dict[str, Any]:
        """The first request that waits for a person, once there is one."""

        def first() -> Any:
            page = self.get("/requests?status=pending")
            return page["items"][0] if page and page["items"] else None

        found: dict[str, Any] = until(first, "a pending request")
        return found

    def vote(self, request: Mapping[str, Any], verdict: str = "approve", **more: Any) -> Any:
        """Vote as Alex."""
        body = {"verdict": verdict, "digest": request["digest"], **more}
        return self.api("POST", f"/requests/{request['id']}/votes", json=body)

    def ended(self, session: str) -> dict[str, Any]:
        """The session, once it is over."""

        def over() -> Any:
            found = self.get(f"/sessions/{session}")
            return found if found and found["status"] not in ("running", "waiting") else None

        found: dict[str, Any] = until(over, f"session {session} to end")
        return found

    def ready(self) -> bool:
        """Whether `/readyz` says so."""
        try:
            return self.http.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except httpx.TransportError:
            return False
