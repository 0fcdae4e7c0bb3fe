"""A German reader finds no English on a page, but what people, agents and rules have written."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest

from tests.bot.inbox_world import Browser, inbox

PAGES = (
    *("", "?sort=due", "?q=XXX", "/sessions", "/sessions?status=failed", "/workflows", "/rules"),
    *("/rules/grants", "/rules/rollout", "/ledger", "/health", "/insights"),
    *("/insights/suggestions", "/requests/{request}", "/sessions/{session}"),
    *("/requests/{done}", "/requests/{done}/receipt", "/requests/{doubt}"),
)
ENGLISH = re.compile(
    r"\b(the|is|are|been|nobody|somebody|this|that|from|with|until|needs?|asked|and|of|by|not|"
    r"you|your|today|call|calls|open|answered|live|person|people|approve|reject|modify)\b"
)
THEIRS = (
    *("send it", "Shall I?", "The customer asked for it.", "Somebody looked into the outbox."),
    "It is in the outbox.",
    "The server hung up.",
)
"""What people, agents and tools have said here."""


FORM = {
    "verdict": "reject", "comment": "x", "digest": "0" * 64, "reason": "x", "text": "x",
    "note": "x", "happened": "yes", "did": "nothing", "question": "x", "phase": "x",
    "rule": "tools.send", "tool": "send", "scope": "tool:send",
}  # fmt: skip
"""What fits the forms of pages, or does not."""


async def english_on(browser: Browser, path: str) -> list[str]:
    """The lines of a page on which English words stand."""
    page = await browser.open(path)
    assert browser.status == 200, path
    return english_in(page)


def english_in(page: str) -> list[str]:
    """`english_on`, of its HTML."""
    page = re.sub(r"(?s)<(script|style|pre|code|svg)\b.*?</\1>", " ", page)
    page = re.sub(r'(?s)<[^>]*class="[^"]*\bmono\b[^"]*"[^>]*>.*?</', " </", page)
    page = page.replace('lang="en"', "").replace("English", "")
    shown = re.findall(r'(?:aria-label|title|placeholder|data-said)="([^"]*)"', page)
    shown += re.sub(r"<[^>]*>", "\n", page).splitlines()
    lines = [unescape(line).strip() for line in shown]
    for said in THEIRS:
        lines = [line.replace(said, "") for line in lines]
    return sorted({line for line in lines if ENGLISH.search(line)})


async def test_no_page_has_english_words_for_a_german_reader(tmp_path: Path) -> None:
    async with inbox(tmp_path) as world:
        done = await world.api.done()
        doubt = await world.api.doubted()
        request = await world.api.waiting()
        megan = await world.signed_in("megan")
        await megan.open("/inbox")
        await megan.send("/inbox/language", language="de", next="/inbox")
        names = {
            "request": request["id"],
            "session": request["session_id"],
            "done": done["id"],
            "doubt": doubt["id"],
        }
        found = {}
        for page in PAGES:
            path = f"/inbox{page.format(**names)}"
            if lines := await english_on(megan, path):
                found[page] = lines

    assert {} == found


@pytest.mark.parametrize("person", ["adele", "sam", "alex", "megan"])
async def test_no_refusal_has_english_words_for_a_german_reader(
    person: str, tmp_path: Path
) -> None:
    async with inbox(tmp_path) as world:
        asked = [await world.api.done(), await world.api.doubted(), await world.api.waiting()]
        ids = [*(each["id"] for each in asked), "R-NONE"]
        reader = await world.signed_in(person)
        await reader.open("/inbox")
        await reader.send("/inbox/language", language="de", next="/inbox")
        found, refused = {}, 0
        app = world.api.client.server.app  # type: ignore[attr-defined]
        for route in list(app.router.routes()):
            path = route.resource.canonical
            if route.method != "POST" or "{id}" not in path or not path.startswith("/inbox"):
                continue
            for each in ids:
                for form in ({}, FORM):
                    await reader.open("/inbox/rules")
                    there = path.replace("{id}", each).replace("{token}", "x" * 43)
                    page = await reader.send(there, **form)
                    refused += reader.status >= 400
                    if lines := english_in(page):
                        found[path, each, bool(form)] = lines
        gone = await reader.open("/inbox/requests/R-NONE")

    assert {} == found
    assert refused > 40
    assert "Es gibt keine Anfrage R-NONE." in gone
