"""Where the modules of workflows are looked for."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from countersign.agents.classic.models import shared_client
from countersign.bot.settings.file import load_settings
from countersign.bot.settings.sections import Mode, ProcessSettings
from countersign.bot.workflows.found import OURS, sound_workflows

WORKFLOW = """
from autogen import AssistantAgent

from countersign import ApprovalProxy, Chat, workflow


@workflow("{name}", version="1", title="Found")
def found(context):
    proxy = ApprovalProxy("gatekeeper", human_input_mode="NEVER")
    return Chat(starter=proxy, recipient=AssistantAgent("clerk", llm_config=context.llm_config))
"""
CONFIGURATION = """
people: [{{id: alex, name: Alex}}]
model: {{provider: scripted, base_url: "http://127.0.0.1:1/v1"}}
workflows: {{modules: [{module}]}}
policy: {{tools: {{}}}}
"""


@pytest.fixture(autouse=True)
def path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p])


def names(folder: Path, configuration: str) -> tuple[list[str], list[str]]:
    """The workflows that are found by this configuration, and what is wrong with the others."""
    (folder / "countersign.yaml").write_text(configuration)
    process = ProcessSettings(env=Mode.LOCAL)
    settings = load_settings(folder / "countersign.yaml", process=process, environ={})
    with shared_client() as client:
        registry, problems = sound_workflows(settings, client)
    return [info.name for info in registry.infos()], list(problems)


def test_modules_beside_the_configuration_are_imported(tmp_path: Path) -> None:
    (tmp_path / "beside_the_file.py").write_text(WORKFLOW.format(name="beside"))

    found = names(tmp_path, CONFIGURATION.format(module="beside_the_file"))

    assert (["beside"], []) == found


def test_modules_of_installed_packages_are_found_by_their_entry_points(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "installed"
    about = installed / "refund_desk-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: refund-desk\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[countersign.workflows]\nrefunds = installed_desk\n")
    (installed / "installed_desk.py").write_text(WORKFLOW.format(name="installed"))
    (tmp_path / "named_desk.py").write_text(WORKFLOW.format(name="named"))
    monkeypatch.syspath_prepend(installed)

    found = names(tmp_path, CONFIGURATION.format(module=""))
    named = names(tmp_path, CONFIGURATION.format(module="named_desk"))

    assert ["installed"] == found[0]
    assert ["named"] == named[0]  # and nothing that the configuration does not name


def test_module_that_is_nowhere_is_told_where_it_belongs(tmp_path: Path) -> None:
    _, (problem,) = names(tmp_path, CONFIGURATION.format(module="not_beside"))

    assert "not_beside cannot be imported" in problem
    assert "put it into the folder of the configuration file, or install it" in problem


def test_parts_of_this_program_have_one_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file that comes with it stands beside `agents`, which is `countersign.agents`."""
    process = ProcessSettings(env=Mode.LOCAL)
    settings = load_settings(OURS / "countersign.yaml", process=process, environ={})

    with shared_client() as client:
        sound_workflows(settings, client)

    assert str(OURS) not in sys.path
