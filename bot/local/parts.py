"""What runs beside the server: the programs that the configuration chooses, and their ports."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from countersign.approvals.errors import ConfigurationError
from countersign.bot.local.children import Child
from countersign.bot.settings.sections import DEFAULT_HOST, Settings
from countersign.connectors.addresses import LOOPBACK

TITLES = {
    "crm": "CRM",
    "mailbox": "mailbox",
    "jira": "Jira",
    "servicenow": "ServiceNow",
    "provisioning": "provisioning",
}
PORTS = {"crm": 8802, "mailbox": 8803, "jira": 8804, "servicenow": 8805, "provisioning": 8806}
"""Where each listens, unless `connectors` says otherwise."""
HOOKS = {"jira": "--webhook-url", "servicenow": "--rule-url"}
"""The option that says where their webhooks go."""


@dataclass(frozen=True)
class Part:
    """A program beside the server."""

    name: str
    """What people call it."""
    module: str
    port: int
    arguments: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """Its page."""
        return f"http://{DEFAULT_HOST}:{self.port}/"

    def child(self, state: Path) -> Child:
        """The program, to be started; its log is in `state`."""
        command = [sys.executable, "-m", self.module, *self.arguments, "--port", str(self.port)]
        log = state / f"{self.module}.log"
        return Child(self.name, command, log=log, environment=environment())


def parts_of(settings: Settings, state: Path, server_port: int) -> list[Part]:
    """What these settings want; databases are in `state`."""
    parts = []
    for name in settings.run.stand_ins:
        arguments = ["--db", str(state / f"{name}.db")]
        if name in HOOKS:
            hook = f"http://{DEFAULT_HOST}:{server_port}/webhooks/{name}"
            arguments += [HOOKS[name], hook]
        port = _configured(settings, name) or PORTS[name]
        parts.append(Part(TITLES[name], f"countersign.sandbox.{name}", port, tuple(arguments)))
    model = _port(settings.model.base_url) if settings.model.provider == "scripted" else None
    if model is not None:
        script = settings.run.model
        folder = Path(settings.source).absolute().parent
        module = "countersign.testing" if script else "countersign.sandbox.openai"
        own = (script, "--folder", str(folder)) if script else ()
        parts.append(Part("scripted model", module, model, own))
    return parts


def _configured(settings: Settings, name: str) -> int | None:
    """The port that the section of this system names."""
    found = [each.settings for each in settings.systems if each.name == name]
    return _port(str(getattr(found[0], "url", ""))) if found else None


def _port(url: str | None) -> int | None:
    """Of an address on this machine."""
    parts = urlsplit(url or "")
    return parts.port if parts.hostname in LOOPBACK else None


def require_free(parts: list[Part], server_port: int) -> None:
    """Raise ConfigurationError with every port that is taken."""
    wanted = {**{part.port: part.name for part in parts}, server_port: "the server"}
    taken = [f"{port} ({name})" for port, name in wanted.items() if port and not is_free(port)]
    if taken:
        raise ConfigurationError(
            [
                f"in use on {DEFAULT_HOST}: port {', '.join(taken)}. If `countersign run` works "
                "in another folder, end it there; --port moves the server, and model.base_url and "
                "connectors in the configuration move what they name."
            ]
        )


def is_free(port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((DEFAULT_HOST, port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((DEFAULT_HOST, 0))
        return int(probe.getsockname()[1])


def environment(**more: str) -> Mapping[str, str]:
    """The environment of every child: no proxy stands between this machine and itself."""
    known = os.environ.get("NO_PROXY", os.environ.get("no_proxy", ""))
    local = ",".join(filter(None, [known, DEFAULT_HOST, "localhost"]))
    return {**os.environ, "NO_PROXY": local, "no_proxy": local, **more}
