"""The documents name every key, every route, and only commands that exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer.main
from pydantic import BaseModel
from typer.core import TyperGroup

from countersign.bot.cli.commands import app
from countersign.bot.server.app import OPERATIONS
from countersign.bot.settings.reader import SECTIONS
from countersign.bot.settings.sections import (
    AppPackageSettings,
    ModelSection,
    PersonSettings,
    ProcessSettings,
    WorkflowsSection,
)
from countersign.bot.systems import SYSTEMS
from countersign.bot.teams.settings import TeamsSettings
from countersign.connectors.secrets import key_of
from countersign.connectors.system import System

REPOSITORY = Path(__file__).parents[2]
DOCUMENTS = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
CONFIGURATION = (REPOSITORY / "docs" / "configuration.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "model", [PersonSettings, ModelSection, TeamsSettings, WorkflowsSection, AppPackageSettings]
)
def test_every_key_is_explained(model: type[BaseModel]) -> None:
    keys = {key_of(name, field) for name, field in model.model_fields.items()}

    assert {key for key in keys if f"`{key}`" not in CONFIGURATION} == set()


def test_every_section_and_variable_is_explained() -> None:
    variables = {f"COUNTERSIGN_{name.upper()}" for name in ProcessSettings.model_fields}

    assert {name for name in SECTIONS if f"## `{name}`" not in CONFIGURATION} == set()
    assert {name for name in variables if f"`{name}`" not in CONFIGURATION} == set()


def test_every_route_is_explained() -> None:
    text = (REPOSITORY / "docs" / "api.md").read_text(encoding="utf-8")

    assert [o.path for o in OPERATIONS if f"`{o.method} {o.path}" not in text] == []


@pytest.mark.parametrize("system", [s for s in SYSTEMS if not s.section], ids=lambda s: s.name)
def test_every_key_of_a_ticket_system_is_explained(system: System[Any]) -> None:
    text = (REPOSITORY / "docs" / f"{system.name}.md").read_text(encoding="utf-8")
    keys = {key_of(name, field) for name, field in system.settings.model_fields.items()}

    assert {key for key in keys if f"`{key}`" not in text} == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=[d.name for d in DOCUMENTS])
def test_the_commands_of_the_documents_exist(document: Path) -> None:
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)

    for line in re.findall(
        r"(?:^|`)countersign ([a-z][^`\n#]*)", document.read_text("utf-8"), re.M
    ):
        name, *rest = line.split()
        assert name in root.commands, line
        command = root.commands[name]
        if isinstance(command, TyperGroup) and rest:
            assert rest[0] in command.commands, line
            command, rest = command.commands[rest[0]], rest[1:]
        options = {
            option
            for parameter in command.params
            for option in (*parameter.opts, *parameter.secondary_opts)
        }
        assert {word for word in rest if word.startswith("--")} <= options, line
