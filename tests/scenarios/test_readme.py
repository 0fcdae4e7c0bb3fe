"""What the README shows is what happens."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
import yaml

from countersign.bot.cli.project import init
from countersign.bot.demo.command import run
from countersign.sandbox.openai.rules import Rule, RuleCall
from countersign.sandbox.standins import ask_in
from tests.scenarios.world import REPOSITORY, world

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
VARIES = (
    (re.compile(r"\b([RS])-[0-9A-Z]{12}\b"), r"\1-ID"),
    (re.compile(r"\b[0-9a-f]{12}\b"), "DIGEST"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC"), "TIME"),
    (re.compile(r"\bQ-\d{4}-\d+"), "QUOTE"),
    (re.compile(r"\d+ entries"), "N entries"),
    (re.compile(r"\d+ KB"), "N KB"),
    (re.compile(r"localhost/ledger\+[0-9a-f]{8}\+[A-Za-z0-9+/= ]+"), "KEY "),
    # The card answers the click with what is true then: the tool may be quicker.
    (re.compile(r"✓ Approved(?:, running| and done)"), "✓ Approved"),
)


def block(language: str, containing: str) -> str:
    """The fenced block of this language with this text in it."""
    found = re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    (one,) = [text for text in found if containing in text]
    return str(one)


def same_words(text: str) -> str:
    """The text without what differs from run to run, and without line breaks of its own."""
    for pattern, instead in VARIES:
        text = pattern.sub(instead, text)
    return " ".join(text.replace("│", " ").split())


@pytest.fixture
def quiet_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the demo changes in this process is put back."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "")
    yield
    structlog.reset_defaults()
    logging.getLogger().handlers.clear()


@pytest.mark.usefixtures("quiet_environment")
def test_the_demo_prints_what_the_readme_shows(capsys: pytest.CaptureFixture[str]) -> None:
    status = run(workflow="sales_quote", decide="approve", via="teams", as_json=False)

    assert status == 0
    assert same_words(capsys.readouterr().out) == same_words(block("text", "release_quote("))


async def test_the_example_of_the_readme_guards_its_tool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both blocks as they stand there: nothing is paid back before the sales manager approves."""
    (tmp_path / "refunds.py").write_text(block("python", "refunds.py"), encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "refunds", raising=False)
    given = yaml.safe_load(block("yaml", "modules: [refunds]"))

    call = RuleCall(name="pay_refund", arguments={"invoice": "INV-7", "amount": 40})
    script = (Rule(tool_results=0, calls=(call,)), Rule(text="Paid."))

    def adjust(document: dict[str, Any]) -> None:
        document |= given
        ask_in(document)

    async with world(tmp_path, adjust, script=script) as app, app.server():
        session_id = await app.start("refunds", "refund 40 EUR for invoice INV-7")
        request = await app.pending(session_id)
        status, _ = await app.vote(request, "approve")
        session = await app.over(session_id)
        after = await app.request(request["id"])

    assert (request["tool"], request["risk"], status) == ("pay_refund", "high", 200)
    assert (session["status"], after["status"]) == ("completed", "executed")
    assert "40.00 EUR paid back for INV-7." in after["result"]["content"]


def test_what_init_prints_is_what_the_readme_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    init(Path("refund-desk"), None)

    assert block("text", "Wrote refund-desk") == capsys.readouterr().out


DOCUMENTS = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]


@pytest.mark.parametrize("document", DOCUMENTS, ids=[d.name for d in DOCUMENTS])
def test_the_links_of_the_documents_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8"))

    missing = [
        link
        for link in links
        if not link.startswith("http") and not (document.parent / link).exists()
    ]
    assert missing == []
