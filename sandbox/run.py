"""`python -m countersign.sandbox.run`: everything on this machine, for a person to click through.

Starts the stand-ins, the server in local mode and, if there is Node, the Agents Playground; keeps
what happens in ./.local; ends all of it on Ctrl-C.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
from rich.console import Console

from countersign.sandbox._children import Child, ChildError, free_port

ROOT = Path(__file__).resolve().parent.parent
STATE = Path(".local")
HOST, PORT = "127.0.0.1", 3978
MODEL_PORT, CRM_PORT, MAILBOX_PORT, PLAYGROUND_PORT = 8801, 8802, 8803, 56150
JIRA_PORT, SERVICENOW_PORT, PROVISIONING_PORT = 8804, 8805, 8806
PLAYGROUND = (
    ROOT / "tests" / "e2e" / "node" / "node_modules" / "@microsoft" / "m365agentsplayground"
)
PLAYGROUND_CONFIG = ROOT / "tests" / "e2e" / "m365agentsplayground.yml"
IT_TASK = "new staging database for the billing team, 200 GB"
READY_TIMEOUT_S = 90.0
LOOK_EVERY_S = 0.2

console = Console(highlight=False)


def main() -> None:
    """Run until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="countersign.sandbox.run", description=__doc__)
    parser.add_argument("--no-playground", action="store_true", help="do not set up the Playground")
    given = parser.parse_args()
    try:
        status = asyncio.run(run(playground=not given.no_playground))
    except ChildError as exc:
        console.print(f"[bold red]{exc.name}[/] did not start:")
        console.print(exc.reason, markup=False)
        status = 1
    sys.exit(status)


async def run(*, playground: bool) -> int:
    """Start everything, wait, and end everything; 1 if a part ended by itself."""
    _prepare()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        children = [await stack.enter_async_context(child) for child in _stand_ins()]
        for child in children:
            await child.first_line(READY_TIMEOUT_S)
        server = await stack.enter_async_context(_server())
        children.append(server)
        await _until_answers(server, f"http://{HOST}:{PORT}/readyz")
        url = None
        if playground and not stop.is_set():
            shown = await _playground_child()
            if shown is not None:
                children.append(await stack.enter_async_context(shown[0]))
                url = shown[1]
                await _until_answers(shown[0], f"{url}/_debug/ping")
        _explain(url)
        ended = await _wait(stop, children)
        if ended is not None:
            console.print(f"\n[bold red]{ended.name}[/] has ended by itself:")
            console.print(ended.tail(), markup=False)
            return 1
        console.print("\nStopping …")
    return 0


def uses_real_model() -> bool:
    """Whether the environment names a real model; the configuration's `auto` takes it then."""
    azure = os.environ.get("AZURE_OPENAI_API_KEY") and os.environ.get("AZURE_OPENAI_ENDPOINT")
    return bool(os.environ.get("OPENAI_API_KEY") or azure)


def _prepare() -> None:
    (STATE / "playground").mkdir(parents=True, exist_ok=True)
    (STATE / ".gitignore").write_text("*\n")
    shutil.copy(PLAYGROUND_CONFIG, STATE / "playground" / ".m365agentsplayground.yml")


def _stand_ins() -> list[Child]:
    state = STATE.resolve()
    parts = [
        _with_database("CRM", "crm", CRM_PORT),
        ("mailbox", "countersign.sandbox.mailbox", _at(MAILBOX_PORT, "mail.db")),
    ]
    hook = f"http://{HOST}:{PORT}/webhooks"
    parts += [
        _with_database("Jira", "jira", JIRA_PORT, "--webhook-url", f"{hook}/jira"),
        _with_database(
            "ServiceNow", "servicenow", SERVICENOW_PORT, "--rule-url", f"{hook}/servicenow"
        ),
        _with_database("provisioning", "provisioning", PROVISIONING_PORT),
    ]
    if not uses_real_model():
        parts.append(("scripted model", "countersign.sandbox.openai", ["--port", str(MODEL_PORT)]))
    return [
        Child(name, [sys.executable, "-m", module, *arguments], log=state / f"{module}.log")
        for name, module, arguments in parts
    ]


def _with_database(name: str, module: str, port: int, *options: str) -> tuple[str, str, list[str]]:
    return name, f"sandbox.{module}", [*_at(port, f"{module}.db"), *options]


def _at(port: int, database: str) -> list[str]:
    return ["--port", str(port), "--db", str(STATE.resolve() / database)]


def _environment() -> dict[str, str]:
    """The environment of every child: no proxy stands between this machine and itself."""
    known = os.environ.get("NO_PROXY", os.environ.get("no_proxy", ""))
    local = ",".join(filter(None, [known, HOST, "localhost"]))
    return {**os.environ, "NO_PROXY": local, "no_proxy": local}


def _server() -> Child:
    environment = {
        **_environment(),
        "COUNTERSIGN_ENV": "local",
        "COUNTERSIGN_CONFIG": os.environ.get("COUNTERSIGN_CONFIG", str(ROOT / "countersign.yaml")),
        "COUNTERSIGN_DATABASE_URL": os.environ.get(
            "COUNTERSIGN_DATABASE_URL", f"sqlite:///{STATE.resolve() / 'countersign.db'}"
        ),
    }
    command = [
        sys.executable,
        "-m",
        "countersign.bot.cli.main",
        "serve",
        "--host",
        HOST,
        "--port",
        str(PORT),
    ]
    return Child("server", command, log=STATE.resolve() / "server.log", environment=environment)


async def _playground_child() -> tuple[Child, str] | None:
    """The Playground and its address; None, said why, if Node or npm cannot be had."""
    console.print("Setting up the Microsoft 365 Agents Playground …")
    script = await asyncio.create_subprocess_exec(
        str(ROOT / "scripts" / "ensure_playground.sh"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, trouble = await script.communicate()
    if script.returncode != 0:
        console.print("[yellow]No Playground[/]:", end=" ")
        console.print(trouble.decode().strip() or "it could not be set up", markup=False)
        return None
    return _playground_on(said.decode().split("\n")[0].strip())


def _playground_on(node: str) -> tuple[Child, str]:
    state = STATE.resolve()
    port = PLAYGROUND_PORT if free_port(PLAYGROUND_PORT) else free_port(0)
    endpoint = f"http://{HOST}:{PORT}/api/messages"
    command = [node, str(PLAYGROUND / "cli.js"), "start"]
    command += ["-e", endpoint, "-c", "msteams", "-p", str(port), "--disable-telemetry"]
    environment = {
        **_environment(),
        "TEAMSAPPTESTER_BROWSER": "none",
        "SEND_INSTALLATION_ACTIVITY": "true",
    }
    child = Child(
        "Agents Playground",
        command,
        log=state / "playground.log",
        environment=environment,
        folder=state / "playground",
    )
    return child, f"http://{HOST}:{port}"


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


async def _wait(stop: asyncio.Event, children: list[Child]) -> Child | None:
    """The first child that ended; None if it was the person who ended it."""
    stopping = asyncio.create_task(stop.wait())
    endings = {asyncio.create_task(child.wait()): child for child in children}
    done, rest = await asyncio.wait([stopping, *endings], return_when=asyncio.FIRST_COMPLETED)
    for task in rest:
        task.cancel()
    return None if stopping in done else next(c for task, c in endings.items() if task in done)


def _explain(playground: str | None) -> None:
    model = "a real model (from your environment)" if uses_real_model() else "scripted"
    lines = [
        "",
        "[bold]Countersign is running.[/] Ctrl-C ends everything.",
        "",
    ]
    if playground:
        lines += [
            f"  [bold]1.[/] Open the Agents Playground: [bold]{playground}[/]",
            "     You are Alex Wilber, the sales manager.",
        ]
    else:
        lines += ["  [bold]1.[/] Connect the Bot Framework Emulator, see below."]
    lines += [
        "  [bold]2.[/] Write:  [bold]quote for Contoso, 25 seats[/]",
        "     or:     [bold]move Contoso to negotiation, 26,000 EUR, closing 2026-12-30[/]",
        f"     or:     [bold]{IT_TASK}[/]",
        "  [bold]3.[/] A card comes: approve it, edit it, or reject it with a reason. The last one",
        "     is a change in ServiceNow as well: whichever is answered first counts. And",
        "     [bold]open port 443 from the web tier to billing-db[/] is asked in Jira, too.",
        f"     ServiceNow http://{HOST}:{SERVICENOW_PORT}/ , Jira http://{HOST}:{JIRA_PORT}/",
        f"  [bold]4.[/] See what really happened: CRM http://{HOST}:{CRM_PORT}/ ,",
        f"     mailbox http://{HOST}:{MAILBOX_PORT}/ , what was provisioned",
        f"     http://{HOST}:{PROVISIONING_PORT}/",
        "",
        f"  Bot Framework Emulator: Open Bot, URL http://{HOST}:{PORT}/api/messages,",
        "  app id and password empty.",
        f"  REST API: http://{HOST}:{PORT}/api/openapi.json ,",
        "  for example with `Authorization: Bearer local-token-alex`.",
        f"  Model: {model}. State and logs: {STATE.resolve()}",
    ]
    console.print("\n".join(lines), soft_wrap=True)


if __name__ == "__main__":
    main()
