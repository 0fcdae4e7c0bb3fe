"""The stand-ins around an application, started together, and a configuration that uses them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Protocol, TypeAlias

from countersign.sandbox.crm.server import Crm
from countersign.sandbox.mailbox.server import Mailbox
from countersign.sandbox.openai.server import ScriptedModel
from countersign.sandbox.provisioning.server import Provisioning

Ready: TypeAlias = Mapping[str, Mapping[str, Any]]
"""The lines with which stand-ins said that they are ready, by the names of their modules."""
TICKETS = ("jira", "servicenow")
MORE: Mapping[str, str] = {
    "salesforce": "Salesforce",
    "clm": "Clm",
    "docusign": "DocuSign",
    "erp": "Erp",
    "zendesk": "Zendesk",
    "hubspot": "HubSpot",
    "cpq": "Cpq",
    "sendgrid": "SendGrid",
}
"""Those that single uses need (docs/uses.md): the class of each, in the module `server` of its
folder."""
FOR_WORKFLOWS = ("crm", "provisioning", *MORE)
"""Whose ready lines workflows read: `url` of the CRM is their setting `crm_url`, and so on."""


class StandIn(Protocol):
    """A system that runs in this process, and what it has recorded."""

    def ready(self) -> dict[str, Any]:
        """The ready line."""
        ...

    def effects(self) -> list[dict[str, Any]]:
        """Every write that really happened: `{n, at, action, arguments, idempotency_key}` each."""
        ...


@dataclass(frozen=True)
class BackOffice:
    """The model, and the systems in which the examples change something, in this process."""

    model: ScriptedModel
    crm: Crm
    mailbox: Mailbox
    provisioning: Provisioning
    more: Mapping[str, Any] = field(default_factory=dict)
    """Of `MORE`, by name."""

    def ready(self) -> Ready:
        """The ready line of each."""
        return {
            "openai": self.model.ready(),
            "crm": self.crm.ready(),
            "mailbox": self.mailbox.ready(),
            "provisioning": self.provisioning.ready(),
            **{name: system.ready() for name, system in self.more.items()},
        }

    def logs(self) -> dict[str, StandIn]:
        """What keeps a log of its effects, by name."""
        return {"crm": self.crm, "provisioning": self.provisioning, **self.more}


def stand_in(name: str) -> AbstractAsyncContextManager[Any]:
    """One of `MORE`, which is started when this is entered."""
    server = import_module(f"countersign.sandbox.{name}.server")
    started: AbstractAsyncContextManager[Any] = getattr(server, MORE[name]).start()
    return started


@asynccontextmanager
async def back_office(also: Collection[str] = ()) -> AsyncIterator[BackOffice]:
    """Start it, on free ports and with nothing in it but what each has from the beginning; `also`
    names those of `MORE` that are needed."""
    async with (
        AsyncExitStack() as stack,
        ScriptedModel.start() as model,
        Crm.start() as crm,
        Mailbox.start() as mailbox,
        Provisioning.start() as provisioning,
    ):
        more = {name: await stack.enter_async_context(stand_in(name)) for name in also}
        yield BackOffice(model, crm, mailbox, provisioning, more)


def workflow_settings(ready: Ready) -> dict[str, Any]:
    """What the workflows of the examples want to know of these stand-ins."""
    found: dict[str, Any] = {}
    for name in FOR_WORKFLOWS:
        found |= {f"{name}_{key}": value for key, value in ready.get(name, {}).items()}
    if "mailbox" in ready:
        found |= {key: ready["mailbox"][key] for key in ("smtp_host", "smtp_port")}
    return found


def use(document: dict[str, Any], ready: Ready) -> None:
    """Let a configuration use these stand-ins, and no ticket system that is not among them."""
    if "openai" in ready:
        model = document.get("model") or {}
        scripted = {"provider": "scripted", "base_url": ready["openai"]["base_url"]}
        document["model"] = {**model, **scripted}
    workflows = document.setdefault("workflows", {})
    workflows["settings"] = {**(workflows.get("settings") or {}), **workflow_settings(ready)}
    known = document.get("connectors") or {}
    document["connectors"] = {
        name: {**known.get(name, {}), "url": ready[name]["url"]}
        for name in TICKETS
        if name in ready
    }
    if "email" in ready:
        relay = {"host": ready["email"]["smtp_host"], "port": ready["email"]["smtp_port"]}
        sender = "Approvals <approvals@countersign.example>"
        document["connectors"]["email"] = {
            "sender": sender,
            **known.get("email", {}),
            **relay,
            "tls": "none",
        }

    if "asana" in ready:
        use_asana(document, ready["asana"])
    if "slack" in ready:
        use_slack(document, ready["slack"])


def use_asana(document: dict[str, Any], ready: Mapping[str, Any], **more: Any) -> None:
    """Let a configuration ask in this workspace, in which the people of the examples have an
    account each."""
    known = ("url", "token", "account", "project", "order_field", "changes_field", "webhook_secret")
    document["connectors"]["asana"] = {**{key: ready[key] for key in known}, **more}
    users = {user["login"]: user["gid"] for user in ready["users"]}
    for person in document["people"]:
        if person["id"] in users:
            person.setdefault("identities", {})["asana"] = users[person["id"]]


def use_slack(document: dict[str, Any], ready: Mapping[str, Any], **more: Any) -> None:
    """Let a configuration ask in this workspace, in which the people of the examples have an
    account each; in their own chats, unless `more` says otherwise."""
    known = {key: ready[key] for key in ("team_id", "token", "signing_secret", "api_url")}
    document["connectors"]["slack"] = {**known, **more}
    for person in document["people"]:
        user = f"{ready['team_id']}/U0{person['id'].upper()}"
        person.setdefault("identities", {})["slack"] = user


def ask_in(document: dict[str, Any], *channels: str) -> None:
    """Show every request in these channels and in no other; without any, where requests are shown
    of which a rule does not say it."""
    policy = document["policy"]
    for rule in [*(policy.get("tools") or {}).values(), *(policy.get("rules") or ())]:
        if isinstance(rule, dict) and rule.get("effect") == "require_approval":
            rule.pop("channels", None)
            if channels:
                rule["channels"] = list(channels)
