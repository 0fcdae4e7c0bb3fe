"""What `make run` serves, from the first line it prints to Ctrl-C."""

from __future__ import annotations

import re
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx
from playwright.sync_api import Page

from tests.e2e.conftest import NODE_MODULES, shot, visit
from tests.e2e.playground import Chat, require_playground
from tests.stack import ROOT, Process, until

START_TIMEOUT_S = 120.0
PLAYED = ("Agents Playground", "CRM", "mailbox", "Jira", "ServiceNow", "provisioning")
PLACE = re.compile(rf"({'|'.join(PLAYED)}): +(http://127\.0\.0\.1:\d+)")


def test_everything_starts_does_the_job_and_ends(page: Page, tmp_path: Path) -> None:
    require_playground()
    around = {
        "COUNTERSIGN_CONFIG": str(ROOT / "countersign.yaml"),
        "COUNTERSIGN_PLAYGROUND": str(NODE_MODULES),
    }
    local = Process("local", [sys.executable, "-m", "countersign", "run"], tmp_path, around)
    local.start()
    try:

        def running() -> bool:
            assert local.running, f"it ended at its start:\n{local.text()}"
            return "Countersign is running." in local.text()

        until(running, "make run", START_TIMEOUT_S)
        places = dict(PLACE.findall(local.text()))

        assert set(PLAYED) == places.keys(), local.text()

        chat = Chat(page, places["Agents Playground"])
        chat.say("quote for Contoso, 25 seats")
        chat.decide("Approve")
        chat.see("Finished.")
        answer_in_servicenow(chat, places)
        visit(page, places["CRM"])
        shot(page, "local-crm")

        assert "Q-2026-" in page.inner_text("body")
        assert httpx.get(places["mailbox"], timeout=10).status_code == 200
    finally:
        local.kill(signal.SIGINT)

    assert "Stopping" in local.text()
    assert [] == [name for name, url in places.items() if listens(url)]


def answer_in_servicenow(chat: Chat, places: Mapping[str, str]) -> None:
    """A card and a change at once; the change is answered, and the card says so."""
    chat.say("new staging database for the billing team, 200 GB")
    chat.see("Waits for approval in ServiceNow, CHG")
    desk = chat.page.context.new_page()
    visit(desk, places["ServiceNow"])
    desk.select_option("#as", label="Alex Wilber")
    desk.wait_for_load_state()
    desk.get_by_role("link", name=re.compile("CHG")).first.click()
    shot(desk, "local-servicenow")
    desk.get_by_role("button", name="Approve").click()
    chat.see("through ServiceNow")
    shot(chat.page, "local-card-after-servicenow")
    visit(desk, places["provisioning"])

    def provisioned() -> bool:
        visit(desk, places["provisioning"])
        return "billing" in desk.inner_text("body")

    until(provisioned, "the database")
    shot(desk, "local-provisioning")
    desk.close()


def listens(url: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(url.rpartition(":")[2]))) == 0
