"""The project that `init` writes, in the hands of a test."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from countersign.approvals.errors import ConfigurationError
from countersign.bot.project.init import write_project
from countersign.testing import App, ModelScript, Ran, RefusedError, call, running
from countersign.testing.script import load_script

TASK = "refund 40 EUR for invoice INV-7"
LOOKED = Ran("find_invoice", {"invoice": "INV-7"}, "INV-7: 129.00 EUR paid")
PAID = Ran("pay_refund", {"invoice": "INV-7", "amount": 40.0}, "40.00 EUR paid back for INV-7.")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("project")
    write_project(folder, "desk_of_tests")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        yield folder


@contextmanager
def app_of(project: Path, folder: Path, script: ModelScript | None = None) -> Iterator[App]:
    chosen = script or load_script("desk_of_tests.model:script", project)
    with running(project / "countersign.yaml", script=chosen, folder=folder) as app:
        yield app


@pytest.fixture
def app(project: Path, tmp_path: Path) -> Iterator[App]:
    with app_of(project, tmp_path) as started:
        yield started


def test_session_waits_is_approved_and_runs_once(app: App) -> None:
    session = app.start("refunds", TASK)
    request = session.waits("pay_refund")

    assert [LOOKED] == session.ran
    assert [request.id] == [waiting.id for waiting in app.waiting()]
    assert "The customer asks for 40.00 EUR of INV-7." == request.why
    with pytest.raises(AssertionError, match=r"waits for a decision on pay_refund \(R-"):
        session.ended()

    request.approve(by="rita")

    assert ("completed", "executed", []) == (session.ended(), request.status, app.waiting())
    assert [LOOKED, PAID] == session.ran
    with pytest.raises(AssertionError, match=r"is completed .*40\.00 EUR.* It waits for nobody"):
        session.waits()


def test_a_tool_without_a_rule_is_named(project: Path, tmp_path: Path) -> None:
    text = (project / "countersign.yaml").read_text()
    (project / "without.yaml").write_text(text.replace("pay_refund:", "pay_refunds:"))
    script = load_script("desk_of_tests.model:script", project)

    with running(project / "without.yaml", script=script, folder=tmp_path) as app:
        session = app.start("refunds", TASK)
        with pytest.raises(AssertionError, match="pay_refund is rejected and did not run: No rule"):
            session.waits("pay_refund")


def test_refusals_are_told_in_the_servers_words(app: App) -> None:
    request = app.start("refunds", TASK, by="tom").waits()

    assert ["rita"] == request.approvers
    with pytest.raises(RefusedError, match="You asked for this yourself"):
        request.approve(by="tom")
    with pytest.raises(ValueError, match="nobody in people has the id 'eve'; there are rita, tom"):
        request.approve(by="eve")


def test_rejection_and_change_reach_the_agents(app: App) -> None:
    changed, rejected = app.start("refunds", TASK), app.start("refunds", TASK)

    changed.waits("pay_refund").change(by="rita", amount=35.0)
    rejected.waits("pay_refund").reject(by="tom", comment="Paid on Monday.")

    assert "35.00 EUR paid back" in changed.answer
    assert "Paid on Monday." in rejected.answer
    assert [35.0] == [ran.arguments["amount"] for ran in changed.ran[1:]]
    assert [LOOKED] == rejected.ran


def test_script_without_an_answer_shows_in_the_session(project: Path, tmp_path: Path) -> None:
    with app_of(project, tmp_path, ModelScript(call("find_invoice", invoice="INV-8"))) as app:
        session = app.start("refunds", TASK)

        with pytest.raises(AssertionError, match="The script raised ScriptError: it has 1 turns"):
            session.waits("pay_refund")


def test_what_is_wrong_with_the_configuration_is_raised(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("people: []\npolicy: {}\n")

    with (
        pytest.raises(ConfigurationError, match=re.escape("workflows.modules: name at least one")),
        running(tmp_path / "c.yaml", script=ModelScript(), folder=tmp_path),
    ):
        raise AssertionError("it has started")
