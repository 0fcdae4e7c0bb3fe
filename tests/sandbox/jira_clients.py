"""Clients of the Jira stand-in: the vendor's package and plain HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import httpx
from jira import JIRA

from countersign.sandbox.jira import ACCOUNTS, Jira

T = TypeVar("T")


def account(login: str) -> Any:
    """The account with this login."""
    return next(found for found in ACCOUNTS if found.login == login)


def http(jira: Jira, login: str = "bot") -> httpx.AsyncClient:
    """Plain HTTP with the credentials that this deployment takes."""
    found = account(login)
    if jira.site.cloud:
        return httpx.AsyncClient(timeout=30, base_url=jira.url, auth=(found.email, found.token))
    headers = {"Authorization": f"Bearer {found.token}"}
    return httpx.AsyncClient(timeout=30, base_url=jira.url, headers=headers)


@contextmanager
def package(jira: Jira, login: str = "bot", **more: Any) -> Iterator[JIRA]:
    """The `jira` package, without its own retries."""
    found = account(login)
    credentials: dict[str, Any] = {"token_auth": found.token}
    if jira.site.cloud:
        credentials = {"basic_auth": (found.email, found.token)}
    client = JIRA(jira.url, max_retries=0, timeout=(3, 10), **credentials, **more)
    try:
        yield client
    finally:
        client.close()  # type: ignore[no-untyped-call]


async def with_package(jira: Jira, work: Callable[[JIRA], T], login: str = "bot") -> T:
    """Run blocking `work` with the package in a thread."""

    def run() -> T:
        with package(jira, login) as client:
            return work(client)

    return await asyncio.to_thread(run)


def new_issue(**fields: Any) -> dict[str, Any]:
    """The body that creates a task in OPS, with these fields beside or instead of the usual."""
    usual: dict[str, Any] = {
        "project": {"key": "OPS"},
        "issuetype": {"name": "Task"},
        "summary": "Approve a quote",
    }
    return {"fields": {**usual, **fields}}


def moves_of(issue: dict[str, Any]) -> list[tuple[str, str]]:
    """Who moved an issue where, the oldest first, from `Jira.issue()`."""
    return [
        (history["author"].get("accountId") or history["author"]["name"], item["to"])
        for history in issue["changelog"]
        for item in history["items"]
        if item["field"] == "status"
    ]
