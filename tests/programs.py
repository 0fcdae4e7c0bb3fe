"""`countersign` as a program that a nursery forks, with everything imported that a server needs."""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp

from countersign.bot.cli import main as cli
from countersign.bot.serving import serving
from countersign.bot.settings.file import load_settings
from countersign.bot.settings.sections import Mode, ProcessSettings
from tests.processes import ROOT

LATER = (
    *("anyio._backends._asyncio", "httpcore", "jiter", "lark", "mako.template"),
    *("autogen.beta", "openai.resources", "jira", "pysnow", "babel.numbers", "jinja2.ext"),
    *("babel.messages.mofile", "babel.support", "_strptime"),
    *("countersign.approvals.store.migrate", "countersign.bot.cli.commands"),
    *(f"countersign.bot.teams.{each}" for each in ("activities", "auth", "connector", "keys")),
    "countersign.bot.teams.vendor",
)
"""What a server imports when it is first needed, after its start."""


def prepare() -> None:
    """Import it, and serve once, which imports what a start needs."""
    for name in LATER:
        importlib.import_module(name)
    with TemporaryDirectory() as folder:
        asyncio.run(_serve_once(Path(folder)))


async def _serve_once(folder: Path) -> None:
    """Start, answer and stop, on hold: nothing is asked of anybody outside."""
    url = f"sqlite:///{folder}/countersign.db"
    process = ProcessSettings(env=Mode.LOCAL, config=ROOT / "countersign.yaml", database_url=url)
    settings = load_settings(process=process, environ={})
    async with (
        serving(settings, host="127.0.0.1", port=0, hold=True) as served,
        aiohttp.ClientSession() as session,
        session.get(f"{served}/readyz") as answer,
    ):
        await answer.read()


def main(argv: Sequence[str]) -> None:
    """`countersign` with these arguments."""
    sys.argv = ["countersign", *argv]
    cli.main()
