"""The business rule that tells somebody outside that an approval changed.

It does what our documented script does: build the JSON, sign it with
`new GlideCertificateEncryption().generateMac(GlideStringUtil.base64Encode(secret), "HmacSHA256",
timestamp + "." + body)`, post it asynchronously, and forget it whatever the answer was.
Source of generateMac (key given in base64, MAC returned in base64): ServiceNow community thread
1119034, read 2026-11-25.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from countersign.sandbox.servicenow.options import Options
from countersign.sandbox.servicenow.records import Records
from countersign.sandbox.servicenow.tables import Row

TIMESTAMP_HEADER = "X-Approval-Timestamp"
SIGNATURE_HEADER = "X-Approval-Signature"
TIMEOUT_S = 10.0


@dataclass
class Post:
    """One delivery: what was sent, and the answer (None: none came)."""

    url: str
    headers: dict[str, str]
    body: str
    status: int | None = None
    error: str | None = None

    def payload(self) -> dict[str, Any]:
        """The body, parsed."""
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed


def sign(secret: str, timestamp: str, body: str) -> str:
    """What generateMac gives."""
    mac = hmac.new(secret.encode(), f"{timestamp}.{body}".encode(), hashlib.sha256)
    return base64.b64encode(mac.digest()).decode()


@dataclass
class Outbound:
    """The rule: where it posts (None: it is switched off), and what it posted."""

    options: Options
    url: str | None
    secret: str
    posts: list[Post] = field(default_factory=list)
    _due: list[dict[str, str]] = field(default_factory=list)
    _running: set[asyncio.Task[None]] = field(default_factory=set)

    def notice(self, records: Records, table: str, before: Row | None, row: Row, user: str) -> None:
        """The rule's condition: after update, an approval's state or a change's approval."""
        name = {"sysapproval_approver": "state", "change_request": "approval"}.get(table)
        if name is None or before is None or before[name] == row[name]:
            return
        task = row
        if table == "sysapproval_approver":
            found = records.store.find("task", row["sysapproval"])
            task = {} if found is None else found[1]
        self._due.append(
            {
                "table": table,
                "sys_id": row["sys_id"],
                "task": task.get("sys_id", ""),
                "correlation_id": task.get("correlation_id", ""),
                "state": row[name],
                "sys_updated_on": row["sys_updated_on"],
            }
        )

    def forget(self) -> None:
        """The write was undone: nothing happened."""
        self._due.clear()

    def flush(self) -> None:
        """The write is kept: post what it set off, each in its own time."""
        due, self._due = self._due, []
        if self.url is None:
            return
        for payload in due:
            body = json.dumps(payload)
            timestamp = str(int(self.options.now().timestamp()))
            headers = {
                "Content-Type": "application/json",
                TIMESTAMP_HEADER: timestamp,
                SIGNATURE_HEADER: sign(self.secret, timestamp, body),
            }
            post = Post(self.url, headers, body)
            self.posts.append(post)
            task = asyncio.get_running_loop().create_task(self._deliver(post))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def settled(self) -> None:
        """Wait until nothing is on its way."""
        while self._running:
            await asyncio.wait(set(self._running))

    async def stop(self) -> None:
        """Give up what is on its way."""
        for task in self._running:
            task.cancel()
        await self.settled()

    async def _deliver(self, post: Post) -> None:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.post(post.url, data=post.body.encode(), headers=post.headers) as answer,
            ):
                post.status = answer.status
        except (aiohttp.ClientError, TimeoutError) as error:
            post.error = str(error) or type(error).__name__
