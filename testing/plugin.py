"""Fixtures for pytest: `approvals`, and `model_script` and `workflow_settings` to replace.

def test_refund_waits_for_a_manager(approvals):
    session = approvals.start("refunds", "refund 40 EUR for invoice INV-7")
    session.waits("pay_refund").approve(by="rita")
    assert session.ended() == "completed"
    assert [ran.arguments for ran in session.ran] == [{"invoice": "INV-7", "amount": 40.0}]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:  # pytest imports this module in every run, also where nothing of it is used
    from countersign.testing.app import App
    from countersign.testing.script import ModelScript

CONFIG = "countersign_config"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let `countersign_config` name the configuration, relative to pytest's root folder."""
    parser.addini(CONFIG, "Countersign's configuration file", default="countersign.yaml")


def _config(config: pytest.Config) -> Path:
    return config.rootpath / str(config.getini(CONFIG))


@pytest.fixture
def model_script(pytestconfig: pytest.Config) -> ModelScript:
    """The scripted model: that of `run.model`. Replace it for another story."""
    from countersign.bot.settings.yaml import parse
    from countersign.testing.script import ScriptError, load_script

    path = _config(pytestconfig)
    section = parse(path).get("run")
    name = section.get("model") if isinstance(section, dict) else None
    if not name:
        raise ScriptError(
            f"{path}: run.model: name a ModelScript (`module:name`), or write a fixture "
            "`model_script` that returns one."
        )
    return load_script(str(name), path.parent)


@pytest.fixture
def workflow_settings() -> Mapping[str, Any]:
    """What is put over `workflows.settings` of the configuration. Replace it."""
    return {}


@pytest.fixture
def approvals(
    pytestconfig: pytest.Config,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    model_script: ModelScript,
    workflow_settings: Mapping[str, Any],
) -> Iterator[App]:
    """The application of this project, running, on a new database."""
    from countersign.testing.app import running

    for name in ("NO_PROXY", "no_proxy"):  # none stands between this process and itself
        monkeypatch.setenv(name, "127.0.0.1,localhost")
    config = _config(pytestconfig)
    with running(config, script=model_script, folder=tmp_path, settings=workflow_settings) as app:
        yield app
