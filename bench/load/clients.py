"""Clients of a server under load: they vote by the API or by clicks, and come again if told."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from bench.measure import percentile, require
from tests.stack import ALEX

ALEX_IN_TEAMS = "00000000-0000-0000-0000-0000000000020"
Asked = dict[str, Any]
COME_AGAIN = (429, 503)


@dataclass
class Tally:
    """What became of the votes of one phase."""

    times_ms: list[float] = field(default_factory=list)
    """Of each accepted vote: its last attempt, without the waits in between."""
    refused: int = 0
    unavailable: int = 0
    """Told to come again by 503: the database did not answer in time."""
    others: list[int] = field(default_factory=list)
    """The status of each vote that was neither accepted nor told to come again."""

    def figures(self, wall_s: float) -> dict[str, Any]:
        """Rates and latencies."""
        n = len(self.times_ms)
        return {
            "votes": n,
            "per_s": round(n / wall_s, 1),
            "p50_ms": round(percentile(self.times_ms, 50), 1),
            "p99_ms": round(percentile(self.times_ms, 99), 1),
            "refused_429": self.refused,
            "unavailable_503": self.unavailable,
            "other_answers": len(self.others),
            "others": sorted(set(self.others)),
        }


class Voters:
    """Ways to cast a vote; each gives the status and `Retry-After`."""

    def __init__(self, http: aiohttp.ClientSession, url: str, teams: dict[str, Any] | None = None):
        self._http, self._url, self._teams = http, url, teams

    async def by_api(self, one: Asked) -> tuple[int, float]:
        """As a program does."""
        body = {"verdict": "approve", "digest": one["digest"]}
        url = f"{self._url}/api/v1/requests/{one['id']}/votes"
        headers = {"Authorization": f"Bearer {ALEX}"}
        async with self._http.post(url, json=body, headers=headers) as answer:
            await answer.read()
            return answer.status, float(answer.headers.get("Retry-After", "0"))

    async def by_click(self, one: Asked) -> tuple[int, float]:
        """As Teams does for a click on a card; its inner status is what counts."""
        teams = self._teams or {}
        activity = {
            **teams["frame"],
            "value": {
                "trigger": "manual",
                "action": {
                    "type": "Action.Execute",
                    "verb": "approve",
                    "data": {"request": one["id"], "digest": one["digest"]},
                },
            },
        }
        headers = {"Authorization": f"Bearer {teams['token']}"}
        url = f"{self._url}/api/messages"
        async with self._http.post(url, json=activity, headers=headers) as answer:
            body = json.loads(await answer.text())
            status = body["statusCode"] if answer.status == 200 else answer.status
            return int(status), float(answer.headers.get("Retry-After", "2"))


def frame(service_url: str, tenant_id: str, app_id: str) -> dict[str, Any]:
    """What every click of Alex's has in common."""
    return {
        "type": "invoke",
        "name": "adaptiveCard/action",
        "channelId": "msteams",
        "serviceUrl": service_url,
        "id": "f:1",
        "from": {"id": "29:alex", "aadObjectId": ALEX_IN_TEAMS, "name": "Alex Wilber"},
        "recipient": {"id": f"28:{app_id}"},
        "conversation": {"id": "a:load", "tenantId": tenant_id, "conversationType": "personal"},
        "channelData": {"tenant": {"id": tenant_id}},
    }


async def cast(
    vote: Callable[[Asked], Awaitable[tuple[int, float]]],
    asked: Sequence[Asked],
    *,
    clients: int,
    expected: int = 200,
) -> dict[str, Any]:
    """Every one once, by so many clients at a time; who is told to come again, does."""
    tally, left = Tally(), iter(asked)
    began_s = time.perf_counter()
    await asyncio.gather(*(_client(vote, left, tally, expected) for _ in range(clients)))
    require(len(tally.times_ms) + len(tally.others) == len(asked), "a vote was lost")
    return {"clients": clients, **tally.figures(time.perf_counter() - began_s)}


async def _client(
    vote: Callable[[Asked], Awaitable[tuple[int, float]]],
    left: Iterator[Asked],
    tally: Tally,
    expected: int,
) -> None:
    for one in left:
        while True:
            began_s = time.perf_counter()
            status, retry_after_s = await vote(one)
            if status not in COME_AGAIN:
                break
            require(retry_after_s > 0, f"a {status} did not say when to come again")
            tally.refused += status == 429
            tally.unavailable += status == 503
            await asyncio.sleep(retry_after_s)
        if status == expected:
            tally.times_ms.append((time.perf_counter() - began_s) * 1e3)
        else:
            tally.others.append(status)
