"""Draws cards as clients do (Microsoft's renderer, Chromium): light, dark, and phone width.

    python scripts/render_cards.py OUT [STATE ...]

`STATE` are names of tests/bot/teams/gallery.py; needs the packages of tests/e2e/node and Chromium
(`make test` sets both up).
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.bot.teams.gallery import cards
from tests.e2e import renderer

ROOT = Path(__file__).parents[1]
STATES = ("pending", "pending-again", "pending-huge", "executed-with-changes", "rejected")


def main() -> None:
    """Draw the states that are asked for."""
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    node = Path(os.environ.get("NODE_FOLDER", ROOT / "tests" / "e2e" / "node"))
    drawn = cards("execute")
    with sync_playwright() as playwright:
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=chromium)
        for name, (width, _) in renderer.LOOKS.items():
            colours = renderer.DARK if name == "dark" else renderer.LIGHT
            page = browser.new_page(viewport={"width": width, "height": 600})
            for state in sys.argv[2:] or STATES:
                page.set_content(renderer.page(name))
                page.add_script_tag(path=str(node / "node_modules" / renderer.SCRIPT))
                page.evaluate(renderer.DRAW, [json.loads(json.dumps(drawn[state])), colours])
                target = out / f"{state}-{name}.png"
                page.screenshot(path=str(target), full_page=True)
                height = page.evaluate("document.getElementById('card').offsetHeight")
                print(f"{target}: {height} px high")
        browser.close()


main()
