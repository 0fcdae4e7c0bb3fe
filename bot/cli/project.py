"""Commands for a project of one's own: write one, and serve it on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from countersign.bot.cli.options import console
from countersign.bot.project.init import write_project


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or an empty folder.")],
    name: Annotated[
        str | None, typer.Option(help="Of its Python package; else made from the folder's.")
    ] = None,
) -> None:
    """Write a small project: a workflow, its rules and people, and a test that passes."""
    package = write_project(folder, name)
    console.print(
        f"""\
Wrote {folder}:
  {package}/workflow.py   agents, and a tool that is guarded
  countersign.yaml   who may approve what
  tests/             what must come of it, with a scripted model

  cd {folder}
  pip install pytest && pytest
                       green: a refund is paid only after a manager's approval
  countersign run      serves it here, for you to click

Then make it yours: README.md goes on from there.""",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
