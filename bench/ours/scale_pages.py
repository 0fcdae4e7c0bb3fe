"""The inbox of somebody for whom so many requests wait: how long the server takes for a page."""

from __future__ import annotations

import re
import time
from typing import Any

import httpx

from bench.measure import percentile, require

LOOKS = 100
"""How often each page is drawn; the figure is the 99th percentile."""
WARM_UP = 5
PERSON = "alex"
LISTS = {
    "inbox_p99_ms": "/inbox",
    "inbox_newest_p99_ms": "/inbox?sort=newest",
    "inbox_search_p99_ms": "/inbox?q=refund",
    "inbox_sessions_p99_ms": "/inbox/sessions",
}
SORTED = {"inbox_due_ms": "/inbox?sort=due", "insights_ms": "/inbox/insights"}
"""These look through a number of the requests that is bounded and large."""
SORTED_LOOKS = 10


def read_pages(url: str, request_id: str) -> dict[str, float]:
    """Times in ms, by column."""
    row = {}
    with httpx.Client(base_url=url, timeout=120, follow_redirects=True) as browser:
        _sign_in(browser)
        pages = {**LISTS, "request_page_p99_ms": f"/inbox/requests/{request_id}"}
        for name, path in pages.items():
            row[name] = _taken(browser, path, LOOKS, 99)
        for name, path in SORTED.items():
            row[name] = _taken(browser, path, SORTED_LOOKS, 50)
    return row


def _sign_in(browser: httpx.Client) -> None:
    """By the people picker of local mode."""
    token = re.search(r'name="csrf" value="([0-9a-f]+)"', browser.get("/inbox/sign-in").text)
    require(token is not None, "the page to sign in has no form")
    form: dict[str, Any] = {"csrf": token[1] if token else "", "person": PERSON}
    headers = {"Sec-Fetch-Site": "same-origin"}
    answer = browser.post("/inbox/sign-in/local", data=form, headers=headers)
    require(answer.status_code == 200, f"signing in was answered {answer.status_code}")


def _taken(browser: httpx.Client, path: str, looks: int, share: int) -> float:
    times = []
    for look in range(WARM_UP + looks):
        began_s = time.perf_counter()
        answer = browser.get(path)
        if look >= WARM_UP:
            times.append((time.perf_counter() - began_s) * 1e3)
        require(answer.status_code == 200, f"{path} was answered {answer.status_code}")
    return round(percentile(times, share), 1)
