"""The inbox of somebody for whom so many requests wait: how long the server takes for a page."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from bench.measure import percentile, require

LOOKS = int(os.environ.get("LOOKS", "100"))
"""How often each page is drawn; the figure is the 99th percentile."""
WARM_UP = 5
PERSON = "alex"
LISTS = {
    "inbox_p99_ms": "/inbox",
    "inbox_newest_p99_ms": "/inbox?sort=newest",
    "inbox_search_p99_ms": "/inbox?q=refund",
    "inbox_due_p99_ms": "/inbox?sort=due",
    "inbox_sessions_p99_ms": "/inbox/sessions",
    "insights_p99_ms": "/inbox/insights",
}


def read_pages(url: str, request: str) -> dict[str, float]:
    """Times in ms, by column: of lists, and of a request."""
    pages = {**LISTS, "request_page_p99_ms": f"/inbox/requests/{request}"}
    with browser_at(url) as browser:
        return {name: drawn_ms(browser, path) for name, path in pages.items()}


@contextmanager
def browser_at(url: str) -> Iterator[httpx.Client]:
    """A browser in which PERSON is signed in."""
    with httpx.Client(base_url=url, timeout=120, follow_redirects=True) as browser:
        _sign_in(browser)
        yield browser


def drawn_ms(browser: httpx.Client, path: str) -> float:
    """The 99th percentile of LOOKS at a page."""
    times = []
    for look in range(WARM_UP + LOOKS):
        began_s = time.perf_counter()
        answer = browser.get(path)
        if look >= WARM_UP:
            times.append((time.perf_counter() - began_s) * 1e3)
        require(answer.status_code == 200, f"{path} was answered {answer.status_code}")
    return round(percentile(times, 99), 1)


def _sign_in(browser: httpx.Client) -> None:
    """By the people picker of local mode."""
    token = re.search(r'name="csrf" value="([0-9a-f]+)"', browser.get("/inbox/sign-in").text)
    require(token is not None, "the page to sign in has no form")
    form: dict[str, Any] = {"csrf": token[1] if token else "", "person": PERSON}
    headers = {"Sec-Fetch-Site": "same-origin"}
    answer = browser.post("/inbox/sign-in/local", data=form, headers=headers)
    require(answer.status_code == 200, f"signing in was answered {answer.status_code}")
