"""The auditor's page: one file, opened from the disk, with no network at all."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from countersign.approvals.audit.cosignatures import added, cosign
from countersign.approvals.audit.notes import opened_unchecked
from tests.doubles.receipts import KEY, NEXT, by_product, changed, made_up
from tests.e2e.conftest import ARTIFACTS

FILE = Path(__file__).parents[2] / "tools" / "verify_receipt.html"
CASES = 2000


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_context(offline=True, viewport={"width": 800, "height": 900}) as context:
        page = context.new_page()
        page.goto(FILE.as_uri())
        yield page


def filled(page: Page, text: str, key: str) -> str:
    """What the page says of a receipt."""
    content = {"name": "receipt.json", "mimeType": "application/json", "buffer": text.encode()}
    page.set_input_files("#file", content)  # type: ignore[arg-type]
    page.fill("#key", key)
    page.evaluate("document.getElementById('result').replaceChildren()")
    page.click("button")
    page.wait_for_selector("#result h2")
    return page.inner_text("#result")


def test_the_browser_says_the_same_as_the_product_of_thousands_of_receipts(page: Page) -> None:
    chance = random.Random(6962)
    texts = [changed(chance, made_up(chance)) for _ in range(CASES)]
    found = page.evaluate(
        """async ([texts, key]) => {
            const found = [];
            for (const text of texts) {
              const said = await verifyReceipt(text, key);
              found.push(JSON.stringify(said.told ?? said.status));
            }
            return found;
        }""",
        [texts, str(KEY.verifier)],
    )
    product = [by_product(text) for text in texts]
    verified = [isinstance(said, dict) for said in product]
    wrong = [
        (text, said, json.loads(browser))
        for text, said, browser in zip(texts, product, found, strict=True)
        if isinstance(said, dict) is not isinstance(json.loads(browser), dict)
        or (isinstance(said, dict) and said != json.loads(browser))
    ]

    assert [] == wrong[:1]
    assert 300 < sum(verified) < CASES - 300


@pytest.mark.parametrize(("theme", "width"), [("light", 800), ("dark", 800), ("light", 390)])
def test_an_auditor_reads_what_was_decided(page: Page, theme: str, width: int) -> None:
    """Also on a phone, and of a checkpoint that a witness has cosigned."""
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    seeds = (random.Random(seed) for seed in range(99))
    made = next(m for m in map(made_up, seeds) if m["summary"]["votes"] and not m["handovers"])
    seen = cosign(NEXT, opened_unchecked(made["checkpoint"]), datetime(2026, 11, 30, tzinfo=UTC))
    text = json.dumps(made | {"checkpoint": added(made["checkpoint"], [seen])})
    said = filled(page, text, str(KEY.verifier))
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=ARTIFACTS / f"receipt-{theme}-{width}.png", full_page=True)
    assert width >= page.evaluate("document.documentElement.scrollWidth")

    assert "✓ Verified" in said
    assert "R-1" in said
    assert "undefined" not in said
    said = filled(page, text.replace("ben", "bob"), str(KEY.verifier))
    page.screenshot(path=ARTIFACTS / f"receipt-wrong-{theme}.png", full_page=True)
    assert "✗ Not verified" in said
    assert "not signed with this key" in filled(page, text, str(NEXT.verifier))
    assert "no Ed25519 key" in filled(page, text, "a+b+c")
