"""The Microsoft 365 Agents Playground, a chat like Teams, with the people of the configuration."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

from countersign.approvals.errors import ConfigurationError
from countersign.bot.local.children import Child
from countersign.bot.local.parts import environment
from countersign.bot.local.ports import free_port, is_free
from countersign.bot.settings.sections import DEFAULT_HOST, PersonSettings, Settings
from countersign.bot.teams.settings import TeamsSettings

PACKAGE = "@microsoft/m365agentsplayground"
VERSION = "0.2.28"
"""With which it was tried."""
VARIABLE = "COUNTERSIGN_PLAYGROUND"
"""Names a `node_modules` folder that has it."""
PORT = 56150
MIN_NODE = 18
MIN_USERS = 5
"""Its server refuses a configuration with fewer (version 0.2.28, tried 2026-11-29)."""
NODE_TIMEOUT_S = 20


class PlaygroundMissingError(Exception):
    """It cannot be had; says how to get it."""


def playground(settings: Settings, state: Path, server: str) -> tuple[Child, str]:
    """The Playground for the server at this address, to be started, and where it will be.

    Raises PlaygroundMissingError.
    """
    node, program = _node(), _program(state)
    folder = state / "playground"
    folder.mkdir(exist_ok=True)
    (folder / ".m365agentsplayground.yml").write_text(
        yaml.safe_dump(people_of(settings), sort_keys=False), "utf-8"
    )
    port = PORT if is_free(PORT) else free_port()
    command = [node, str(program), "start", "-e", f"{server}/api/messages", "-c", "msteams"]
    command += ["-p", str(port), "--disable-telemetry"]
    child = Child(
        "Agents Playground",
        command,
        log=state / "playground.log",
        environment=environment(TEAMSAPPTESTER_BROWSER="none", SEND_INSTALLATION_ACTIVITY="true"),
        folder=folder,
    )
    return child, f"http://{DEFAULT_HOST}:{port}"


def _node() -> str:
    node = shutil.which("node")
    try:
        said = subprocess.run(
            [node or "node", "--version"],
            capture_output=True,
            text=True,
            timeout=NODE_TIMEOUT_S,
            check=True,
        )
        if node and int(said.stdout.strip().lstrip("v").partition(".")[0]) >= MIN_NODE:
            return node
    except (OSError, ValueError, subprocess.SubprocessError):
        pass
    raise PlaygroundMissingError(
        f"it needs Node {MIN_NODE} or newer (https://nodejs.org); then:\n{_install()}"
    )


def _program(state: Path) -> Path:
    named = os.environ.get(VARIABLE)
    folders = [Path(named)] if named else [state / "node_modules", Path("node_modules")]
    for folder in folders:
        program = folder / PACKAGE / "cli.js"
        if program.is_file():
            return program.absolute()
    installed = shutil.which("agentsplayground")
    if installed and not named:
        return Path(installed).resolve()
    raise PlaygroundMissingError(f"install it here and start again:\n{_install()}")


def _install() -> str:
    return f"  npm install --prefix .local {PACKAGE}@{VERSION}"


def can_be_installed(state: Path) -> bool:
    """Whether it is missing, and there is what it takes to install it."""
    try:
        _node()
    except PlaygroundMissingError:
        return False
    try:
        _program(state)
    except PlaygroundMissingError:
        return shutil.which("npm") is not None
    return False


def install(state: Path) -> bool:
    """Let npm install it into `state`; whether that worked. npm says itself why not."""
    command = [shutil.which("npm") or "npm", "install", "--loglevel=error", "--prefix", str(state)]
    done = subprocess.run([*command, f"{PACKAGE}@{VERSION}"], stdin=subprocess.DEVNULL, check=False)
    return done.returncode == 0


def people_of(settings: Settings) -> dict[str, Any]:
    """Its configuration: `teams.local_approver` sits in front of it, everybody else with an Entra
    object id is in its groups."""
    people = {person.id: person for person in settings.people}
    user = people.pop(clicker(settings), None)
    if user is None:
        raise ConfigurationError(
            ["teams.local_approver: say whose clicks those in the Playground are."]
        )
    others = [person for person in people.values() if "entra" in person.identities]
    users = [_user(number, person) for number, person in enumerate(others, start=1)]
    users += [_guest(number) for number in range(len(users) + 1, MIN_USERS + 1)]
    return {
        "version": "0.1.1",
        "tenantId": "00000000-0000-0000-0000-0000000000001",
        "bot": {"id": "bot-id-1", "name": "Countersign"},
        "currentUser": _user(0, user),
        "users": users,
        "personalChat": {"id": "personal-chat-id"},
        "groupChat": {"id": "group-chat-id", "name": "Approvers"},
        "team": {
            "id": "team-id",
            "name": "Operations",
            "aadGroupId": "00000000-0000-0000-0000-000000000031",
            "channels": [{"id": "channel-approvals-id", "name": "Approvals"}],
        },
    }


def _guest(number: int) -> dict[str, str]:
    """Somebody whom the application does not know."""
    nobody = PersonSettings(id=f"guest-{number}", name=f"Guest {number}")
    return _user(number, nobody) | {"aadObjectId": f"00000000-0000-0000-0000-00000000010{number}"}


def clicker(settings: Settings) -> str:
    """As whom local clients click: the id of a person, "" for nobody."""
    teams = settings.section(TeamsSettings)
    return "" if teams is None else teams.local_approver


def _user(number: int, person: PersonSettings) -> dict[str, str]:
    # The one that a person without an object id has in local mode: `bot.people`.
    object_id = person.identities.get("entra", f"local:{person.id}")
    mail = person.identities.get("email", f"{person.id}@example.com")
    given, _, surname = person.name.partition(" ")
    return {
        "id": f"user-id-{number}",
        "name": person.name,
        "userPrincipleName": mail,
        "aadObjectId": object_id,
        "givenName": given,
        "surname": surname or given,
        "email": mail,
    }
