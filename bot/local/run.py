"""Everything on this machine: the server in local mode, what is played around it, the Playground.

Keeps what happens in ./.local; ends all of it on Ctrl-C.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from typer import confirm

from countersign.approvals.errors import ConfigurationError
from countersign.bot.console import console
from countersign.bot.local.banner import Shown, banner, places
from countersign.bot.local.children import Child, ChildError
from countersign.bot.local.only_one import Running, only_one
from countersign.bot.local.parts import Part, environment, parts_of
from countersign.bot.local.playground import (
    PlaygroundMissingError,
    can_be_installed,
    install,
    playground,
)
from countersign.bot.local.ports import Moved, as_options, moved_ports, server_port
from countersign.bot.settings.file import find, load_settings, process_settings
from countersign.bot.settings.run import LOCAL_DATABASE, STATE
from countersign.bot.settings.sections import DEFAULT_HOST, Mode, ProcessSettings, Settings

READY_TIMEOUT_S = 90.0
LOOK_EVERY_S = 0.2


@dataclass(frozen=True)
class Plan:
    """What to start."""

    settings: Settings
    state: Path
    parts: list[Part]
    port: int
    moved: Moved
    wants_playground: bool

    @property
    def server(self) -> str:
        """The address of the server."""
        return f"http://{DEFAULT_HOST}:{self.port}"


def run_here(config: Path | None, *, port: int | None, wants_playground: bool) -> int:
    """Run until Ctrl-C; 1 if a part did not start or ended by itself. Without `port` the server
    takes the usual one, or a free one if that is in use; so does whatever stands beside it.

    Raises ConfigurationError, RunsAlreadyError.
    """
    STATE.mkdir(exist_ok=True)
    (STATE / ".gitignore").write_text("*\n")
    with only_one(STATE) as mark:
        settings = _settings(config)
        state, server = STATE.absolute(), server_port(port)
        parts = parts_of(settings, state, server)
        moved = moved_ports([each for part in parts for each in part.ports], server)
        if wants_playground and sys.stdin.isatty() and can_be_installed(state):
            _offer_playground(state)
        parts = [part.at(moved) for part in parts]
        plan = Plan(settings, state, parts, server, moved, wants_playground)
        try:
            return asyncio.run(_run(plan, mark))
        except ChildError as exc:
            console.print(f"[bold red]{exc.name}[/] did not start:")
            console.print(exc.reason, markup=False, highlight=False)
            return 1


def _offer_playground(state: Path) -> None:
    if confirm("Install the Agents Playground, a chat like Teams (npm, 15 MB, into .local)?", True):
        install(state)


def _settings(config: Path | None) -> Settings:
    """In local mode, with the database here unless the environment names another.

    Raises ConfigurationError, also where this is a production server's environment.
    """
    process = process_settings()
    if process.env is Mode.PRODUCTION and "env" in process.model_fields_set:
        raise ConfigurationError(
            [
                "COUNTERSIGN_ENV: says production, and `countersign run` is local mode, on the "
                "database of this environment; unset it, or take `countersign serve`."
            ]
        )
    url = process.database_url
    if "COUNTERSIGN_DATABASE_URL" not in os.environ:
        url = f"sqlite:///{LOCAL_DATABASE.absolute()}"
    local = ProcessSettings(env=Mode.LOCAL, config=process.config, database_url=url)
    return load_settings(find(config, local), process=local)


def _examples(settings: Settings) -> dict[str, str]:
    """What can be written to the bot, by workflow. Raises ConfigurationError with what is wrong
    with them."""
    from countersign.agents.classic.models import shared_client
    from countersign.bot.workflows.found import load_workflows

    with shared_client() as client:
        infos = load_workflows(settings, client).infos()
    return {info.name: info.example for info in infos if info.example}


async def _run(plan: Plan, mark: Running) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        parts = [part.child(plan.state) for part in plan.parts]
        children = [await stack.enter_async_context(child) for child in parts]
        server = await stack.enter_async_context(_server(plan))
        # All of them import for seconds: at the same time as this process.
        examples = await asyncio.to_thread(_examples, plan.settings)
        for child in children:
            await child.first_line(READY_TIMEOUT_S)
        children.append(server)
        await _until_answers(server, f"{plan.server}/readyz")
        chat = None
        if plan.wants_playground and not stop.is_set():
            chat = await _playground(plan, stack, children)
        shown = Shown(plan.settings, plan.parts, plan.server, chat, examples, plan.moved)
        mark.say(places(shown))
        console.print(banner(shown), soft_wrap=True, highlight=False)
        ended = await _first_end(stop, children)
        if ended is not None:
            console.print(f"\n[bold red]{ended.name}[/] has ended by itself:")
            console.print(ended.tail(), markup=False, highlight=False)
            return 1
        console.print("\nStopping …")
    return 0


def _server(plan: Plan) -> Child:
    around = environment(
        COUNTERSIGN_ENV=Mode.LOCAL.value,
        COUNTERSIGN_CONFIG=str(Path(plan.settings.source).absolute()),
        COUNTERSIGN_DATABASE_URL=plan.settings.database_url,
    )
    command = [sys.executable, "-m", "countersign", "serve", "--host", DEFAULT_HOST]
    command += ["--port", str(plan.port), *as_options(plan.moved)]
    return Child("server", command, log=plan.state / "server.log", environment=around)


async def _playground(plan: Plan, stack: AsyncExitStack, children: list[Child]) -> str | None:
    """Its address; None, said why, if it cannot be had."""
    try:
        child, url = playground(plan.settings, plan.state, plan.server)
    except (PlaygroundMissingError, ConfigurationError) as exc:
        console.print("[yellow]No Agents Playground[/]:", end=" ")
        console.print(str(exc), markup=False, highlight=False, soft_wrap=True)
        return None
    children.append(await stack.enter_async_context(child))
    await _until_answers(child, f"{url}/_debug/ping")
    return url


async def _until_answers(child: Child, url: str) -> None:
    async with aiohttp.ClientSession() as http, asyncio.timeout(READY_TIMEOUT_S):
        while True:
            child.require_running()
            try:
                async with http.get(url) as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientError:
                pass  # not listening yet
            await asyncio.sleep(LOOK_EVERY_S)


async def _first_end(stop: asyncio.Event, children: list[Child]) -> Child | None:
    """The first child that ended; None if it was the person who ended it."""
    stopping = asyncio.create_task(stop.wait())
    endings = {asyncio.create_task(child.wait()): child for child in children}
    done, rest = await asyncio.wait([stopping, *endings], return_when=asyncio.FIRST_COMPLETED)
    for task in rest:
        task.cancel()
    return None if stopping in done else next(c for task, c in endings.items() if task in done)
