"""What `make run` serves, from the first line it prints to Ctrl-C."""

from __future__ import annotations

import re
import signal
import socket
import sys
from pathlib import Path

import httpx
from playwright.sync_api import Page

from tests.e2e.conftest import NODE_MODULES, shot, visit
from tests.e2e.playground import Chat, require_playground
from tests.stack import ROOT, Process, until

PORTS = (3978, 8801, 8802, 8803, 8804, 8805, 8806)
START_TIMEOUT_S = 120.0


def test_everything_starts_does_the_job_and_ends(page: Page, tmp_path: Path) -> None:
    assert [port for port in PORTS if listens(port)] == [], "is `make run` running already?"
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
        found = re.search(r"Agents Playground: (http://\S+)", local.text())

        assert found is not None, local.text()

        chat = Chat(page, found[1])
        chat.say("quote for Contoso, 25 seats")
        chat.press("Approve")
        chat.see("Finished.")
        answer_in_servicenow(chat)
        visit(page, "http://127.0.0.1:8802/")
        shot(page, "local-crm")

        assert "Q-2026-" in page.inner_text("body")
        assert httpx.get("http://127.0.0.1:8803/", timeout=10).status_code == 200
    finally:
        local.kill(signal.SIGINT)

    assert "Stopping" in local.text()
    assert [port for port in PORTS if listens(port)] == []


def answer_in_servicenow(chat: Chat) -> None:
    """A card and a change at once; the change is answered, and the card says so."""
    chat.say("new staging database for the billing team, 200 GB")
    chat.see("Waits for approval in ServiceNow, CHG")
    desk = chat.page.context.new_page()
    visit(desk, "http://127.0.0.1:8805/")
    desk.select_option("#as", label="Alex Wilber")
    desk.wait_for_load_state()
    desk.get_by_role("link", name=re.compile("CHG")).first.click()
    shot(desk, "local-servicenow")
    desk.get_by_role("button", name="Approve").click()
    chat.see("through ServiceNow")
    shot(chat.page, "local-card-after-servicenow")
    visit(desk, "http://127.0.0.1:8806/")

    def provisioned() -> bool:
        desk.reload()
        return "billing" in desk.inner_text("body")

    until(provisioned, "the database")
    shot(desk, "local-provisioning")
    desk.close()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
