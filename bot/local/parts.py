"""What runs beside the server: the programs that the configuration chooses, and their ports."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from countersign.bot.local.children import Child
from countersign.bot.local.ports import Moved, port_of
from countersign.bot.settings.sections import DEFAULT_HOST, Settings

TITLES = {
    "crm": "CRM",
    "mailbox": "mailbox",
    "jira": "Jira",
    "servicenow": "ServiceNow",
    "provisioning": "provisioning",
    "salesforce": "Salesforce",
    "clm": "contracts",
    "docusign": "DocuSign",
    "erp": "ERP",
    "zendesk": "help desk",
    "sendgrid": "SendGrid",
    "hubspot": "HubSpot",
    "cpq": "CPQ",
}
PORTS = {
    "crm": 8802,
    "mailbox": 8803,
    "jira": 8804,
    "servicenow": 8805,
    "provisioning": 8806,
    "salesforce": 8807,
    "clm": 8821,
    "docusign": 8822,
    "erp": 8823,
    "zendesk": 8824,
    "sendgrid": 8808,
    "hubspot": 8809,
    "cpq": 8810,
}
"""Where each listens, unless `connectors` says otherwise."""
SMTP_PORT = 8825
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
    more_ports: Mapping[str, int] = field(default_factory=dict)
    """On which it listens as well, by the option that says so."""

    @property
    def ports(self) -> list[int]:
        """All on which it listens."""
        return [self.port, *self.more_ports.values()]

    def at(self, moved: Moved) -> Part:
        """The same on the ports that are taken instead."""
        more = {option: moved.get(port, port) for option, port in self.more_ports.items()}
        return replace(self, port=moved.get(self.port, self.port), more_ports=more)

    @property
    def url(self) -> str:
        """Its page."""
        return f"http://{DEFAULT_HOST}:{self.port}/"

    def child(self, state: Path) -> Child:
        """The program, to be started; its log is in `state`."""
        command = [sys.executable, "-m", self.module, *self.arguments, "--port", str(self.port)]
        command += [
            text for option, port in self.more_ports.items() for text in (option, str(port))
        ]
        log = state / f"{self.module}.log"
        return Child(self.name, command, log=log, environment=environment())


def parts_of(settings: Settings, state: Path, server_port: int) -> list[Part]:
    """What these settings want, at the ports that they name; databases are in `state`."""
    parts = []
    for name in settings.run.stand_ins:
        arguments = ["--db", str(state / f"{name}.db")]
        if name in HOOKS:
            hook = f"http://{DEFAULT_HOST}:{server_port}/webhooks/{name}"
            arguments += [HOOKS[name], hook]
        port = _configured(settings, name) or PORTS[name]
        more = {"--smtp-port": SMTP_PORT} if name == "mailbox" else {}
        module = f"countersign.sandbox.{name}"
        parts.append(Part(TITLES[name], module, port, tuple(arguments), more))
    model = port_of(settings.model.base_url) if settings.model.provider == "scripted" else None
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
    return port_of(str(getattr(found[0], "url", ""))) if found else None


def environment(**more: str) -> Mapping[str, str]:
    """The environment of every child: no proxy stands between this machine and itself."""
    known = os.environ.get("NO_PROXY", os.environ.get("no_proxy", ""))
    local = ",".join(filter(None, [known, DEFAULT_HOST, "localhost"]))
    return {**os.environ, "NO_PROXY": local, "no_proxy": local, **more}
