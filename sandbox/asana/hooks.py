"""Webhooks: a handshake when one is made, then every event of its project, signed.

The handshake is a POST with `X-Hook-Secret`, which has to come back; a heartbeat is a delivery
without events. A target that answers 410 ends the webhook. Source: developers.asana.com, "Webhooks"
and "Establish a webhook", read 2026-11-30.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from countersign.sandbox.asana.people import PROJECT
from countersign.sandbox.asana.records import RefusedError
from countersign.sandbox.asana.workspace import Workspace

TIMEOUT_S = 10.0
Signed = tuple[dict[str, str], bytes]


@dataclass
class Hook:
    """A webhook."""

    gid: str
    target: str
    secret: str
    answered: list[int] = field(default_factory=list)
    """The status of each delivery; 0 where nobody answered."""

    def record(self) -> dict[str, Any]:
        """As the API gives it."""
        return {
            "gid": self.gid,
            "resource_type": "webhook",
            "active": True,
            "target": self.target,
            "resource": {"gid": PROJECT, "resource_type": "project", "name": "Approvals"},
        }


def signed(secret: str, events: list[dict[str, Any]]) -> Signed:
    """A delivery of these events."""
    body = json.dumps({"events": events}).encode()
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"Content-Type": "application/json", "X-Hook-Signature": digest}, body


class Hooks:
    """All webhooks of the workspace, and what is on its way to them."""

    def __init__(self, workspace: Workspace):
        self._workspace = workspace
        self.all: list[Hook] = []
        self._running: set[asyncio.Task[None]] = set()

    async def create(self, target: str, secret: str = "") -> Hook:
        """A webhook, if its target answers the handshake. Raises RefusedError."""
        hook = Hook(self._workspace.gid(), target, secret or secrets.token_hex(32))
        status, headers = await _post(target, {"X-Hook-Secret": hook.secret}, b"")
        echoed = headers.get("x-hook-secret", "") == hook.secret
        if status not in (200, 204) or not echoed:
            raise RefusedError(400, "The remote server did not respond with the handshake secret.")
        self.all.append(hook)
        return hook

    def happened(self, event: dict[str, Any]) -> None:
        """Tell every webhook of it, each in its own time."""
        for hook in self.all:
            self.send(hook, [event])

    def send(self, hook: Hook, events: list[dict[str, Any]]) -> None:
        """One delivery; without events it is a heartbeat."""
        running = asyncio.get_running_loop().create_task(self._deliver(hook, events))
        self._running.add(running)
        running.add_done_callback(self._running.discard)

    async def settled(self) -> None:
        """Wait until nothing is on its way."""
        while self._running:
            await asyncio.wait(set(self._running))

    async def stop(self) -> None:
        """Give up what is on its way."""
        for running in self._running:
            running.cancel()
        await self.settled()

    async def _deliver(self, hook: Hook, events: list[dict[str, Any]]) -> None:
        headers, body = signed(hook.secret, events)
        status, _ = await _post(hook.target, headers, body)
        hook.answered.append(status)
        if status == 410 and hook in self.all:
            self.all.remove(hook)


async def _post(url: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str]]:
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(url, data=body, headers=headers) as answer,
        ):
            return answer.status, {k.lower(): v for k, v in answer.headers.items()}
    except (aiohttp.ClientError, TimeoutError):
        return 0, {}
