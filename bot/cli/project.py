"""Commands for a project of one's own: write one, and serve it on this machine."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from countersign.bot.cli.options import ConfigOption
from countersign.bot.console import console
from countersign.bot.project.init import write_project
from countersign.bot.settings.sections import DEFAULT_PORT


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or an empty folder.")],
    name: Annotated[
        str | None, typer.Option(help="Of its Python package; else made from the folder's.")
    ] = None,
) -> None:
    """Write a small project: a workflow, its rules and people, and a test that passes."""
    package = write_project(folder, name)
    tests = "pytest" if find_spec("pytest") else "pip install pytest && pytest"
    console.print(
        f"""\
Wrote {folder}:
  {package}/workflow.py   agents, and a tool that is guarded
  countersign.yaml   who may approve what
  tests/             what must come of it, with a scripted model

  cd {folder}
  {tests}
                       green: a refund is paid only after a manager's approval
  countersign run      serves it here, for you to click

Then make it yours: README.md goes on from there.""",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def run(
    config: ConfigOption = None,
    port: Annotated[
        int | None,
        typer.Option(help=f"Of the server; else {DEFAULT_PORT}, or a free one.", min=1, max=65535),
    ] = None,
    with_playground: Annotated[
        bool, typer.Option("--playground/--no-playground", help="Whether to start the chat.")
    ] = True,
) -> None:
    """Serve it on this machine, for a person to click: the server in local mode, the stand-ins
    that `run` in the configuration names, and the Agents Playground."""
    from countersign.bot.local.run import run_here  # imports AutoGen

    raise typer.Exit(run_here(config, port=port, wants_playground=with_playground))
