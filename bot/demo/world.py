"""The world of the demo: stand-ins for everything outside, and the real application in between."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx

import countersign
from countersign.approvals.errors import ConfigurationError
from countersign.approvals.models import (
    JsonObject,
    Principal,
    Request,
    RequestId,
)
from countersign.approvals.records import Records
from countersign.approvals.store import open_reader
from countersign.bot.clock import SystemClock
from countersign.bot.demo.options import FrontName
from countersign.bot.demo.scenarios import APPROVER, Scenario
from countersign.bot.demo.told import Program
from countersign.bot.local.parts import TITLES
from countersign.bot.local.ports import free_port
from countersign.bot.people import SettingsDirectory
from countersign.bot.serving import serving
from countersign.bot.settings.file import load_settings
from countersign.bot.settings.keys import sealing_key
from countersign.bot.settings.sections import (
    DEFAULT_HOST,
    Mode,
    ProcessSettings,
    Settings,
)
from countersign.sandbox.asana.server import Asana
from countersign.sandbox.botframework.server import BotFramework
from countersign.sandbox.jira.server import Jira
from countersign.sandbox.servicenow.server import ServiceNow
from countersign.sandbox.slack.server import Slack
from countersign.sandbox.standins import BackOffice, ask_in, back_office, use

CONFIGURATIONS = Path(countersign.__file__).parent
ANSWER_TIMEOUT_S, LOOK_EVERY_S = 30.0, 0.05
KEPT_AT = "COUNTERSIGN_DATABASE_URL"
"""The variable with the database, where it shall be kept."""


async def soon(look: Callable[[], Awaitable[Any]], otherwise: str) -> Any:
    """The first true answer of `look`. Raises ValueError if there is none in time."""
    deadline = time.monotonic() + ANSWER_TIMEOUT_S
    while time.monotonic() < deadline:
        if found := await look():
            return found
        await asyncio.sleep(LOOK_EVERY_S)
    raise ValueError(otherwise)


@dataclass
class Fronts:
    """The stand-in in which the approver works: one of them, or none for the API."""

    teams: BotFramework | None = None
    jira: Jira | None = None
    snow: ServiceNow | None = None
    asana: Asana | None = None
    slack: Slack | None = None
    program: Program | None = None
    by_mail: bool = False
    by_page: bool = False


@dataclass(frozen=True)
class Effect:
    """One change as the system that was changed recorded it."""

    system: str
    action: str
    arguments: JsonObject


class World:
    """What the demo looks at; it changes nothing except through the API or a chat client."""

    def __init__(
        self,
        settings: Settings,
        url: str,
        office: BackOffice,
        fronts: Fronts,
        http: httpx.AsyncClient,
        records: Records,
    ):
        self.settings, self.url = settings, url
        self.office = office
        self.crm, self.mailbox, self.provisioning = office.crm, office.mailbox, office.provisioning
        self.teams, self.jira, self.snow = fronts.teams, fronts.jira, fronts.snow
        self.asana = fronts.asana
        self.by_mail, self.by_page, self.slack = fronts.by_mail, fronts.by_page, fronts.slack
        self.program = fronts.program
        self.records = records
        self._http = http

    async def call(
        self, person: str, method: str, path: str, body: JsonObject | None = None
    ) -> dict[str, Any]:
        """Use the REST API as somebody. Raises ValueError with the server's words."""
        token = self.settings.tokens[person].get_secret_value()
        headers = {"Authorization": f"Bearer {token}"}
        response = await self._http.request(method, path, json=body, headers=headers)
        answer: dict[str, Any] = response.json()
        if response.is_error:
            raise ValueError(f"{method} {path}: {answer.get('detail', response.status_code)}")
        return answer

    @property
    def signs(self) -> bool:
        """Whether the server signs its ledger."""
        return sealing_key(self.settings) is not None

    def person(self, person_id: str) -> Principal:
        """Somebody, with the identities by which the systems know them."""
        return next(p.principal() for p in self.settings.people if p.id == person_id)

    def name(self, person_id: str) -> str:
        """What somebody is called."""
        return self.person(person_id).name

    def effects(self, request: Request) -> list[Effect]:
        """What the back ends received for this request, found by its execution token."""
        found = [
            Effect(TITLES[name], effect["action"], effect["arguments"])
            for name, log in self.office.logs().items()
            for effect in log.effects()
            if effect["idempotency_key"] == request.execution_token
        ]
        for summary in self.mailbox.messages():
            if summary["execution"] != request.execution_token:
                continue
            message = self.mailbox.message(summary["id"]) or {}
            letter = {
                "to": ", ".join(summary["rcpt_to"]),
                "subject": summary["subject"],
                "body": str(message.get("text", "")).replace("\r\n", "\n"),
            }
            found.append(Effect("mail server", "send_email", letter))
        return found

    async def stored(self, request_id: str) -> Request:
        """The request with its execution token, which the API never shows."""
        return await self.records.request(RequestId(request_id))


@asynccontextmanager
async def open_world(
    via: FrontName,
    scenario: Scenario,
    *others: Scenario,
    rules: Mapping[str, JsonObject] = MappingProxyType({}),
) -> AsyncIterator[World]:
    """Start everything that the scenario needs on free ports in a temporary directory; all of it is
    gone afterwards, but for a database that the environment names. `others` of the same
    configuration can be played beside it; `rules` has what is set in the rules of single tools."""
    configuration = CONFIGURATIONS / scenario.configuration
    if not configuration.is_file():
        raise ConfigurationError([f"{configuration}: the demo needs the file of the repository."])
    _keep_proxies_out()
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="countersign-demo-"))
        enter = stack.enter_async_context
        played = (scenario, *others)
        office = await enter(back_office({name for each in played for name in each.systems}))
        ready = dict(office.ready())
        fronts = Fronts(by_page=via == "inbox")
        if via == "jira":
            fronts.jira = await enter(Jira.start())
            ready["jira"] = fronts.jira.ready()
        elif via == "servicenow":
            fronts.snow = await enter(ServiceNow.start())
            ready["servicenow"] = fronts.snow.ready()
        elif via == "asana":
            fronts.asana = await enter(Asana.start())
            ready["asana"] = fronts.asana.ready()
        elif via == "slack":
            fronts.slack = await enter(Slack.start())
            ready["slack"] = fronts.slack.ready()
        elif via == "webhook":
            fronts.program = await enter(Program.start())
        elif via == "email":
            fronts.by_mail = True
            ready["email"] = office.mailbox.ready()
        port = free_port() if fronts.by_mail or fronts.slack is not None else 0

        def point_at_stand_ins(document: dict[str, Any]) -> None:
            use(document, ready)
            ask_in(document, via if via in ready or fronts.program is not None else "teams")
            modules = document["workflows"]["modules"]  # each takes its time to be built
            document["workflows"]["modules"] = [
                module
                for module in modules
                if module.rpartition(".")[2] in {each.workflow for each in played}
            ]
            policy = document["policy"]
            named = [(rule.get("tool"), rule) for rule in policy.get("rules") or ()]
            for tool, rule in [*named, *(policy.get("tools") or {}).items()]:
                if tool in rules:
                    rule |= rules[tool]
            # Nothing of the real bot, even if somebody put it into the file.
            document["teams"] = {"local_requester": "sam", "local_approver": "alex"}
            if fronts.program is not None:
                document["connectors"]["webhook"] = fronts.program.settings(APPROVER)
            if port:  # links in mails and messages lead there
                document["public_url"] = f"http://{DEFAULT_HOST}:{port}"

        url = os.environ.get(KEPT_AT, "").strip() or f"sqlite:///{folder}/demo.db"
        settings = load_settings(
            configuration,
            process=ProcessSettings(env=Mode.LOCAL, database_url=url),
            adjust=point_at_stand_ins,
        )
        address = await enter(serving(settings, host=DEFAULT_HOST, port=port))
        if via == "teams":
            fronts.teams = await enter(BotFramework.start(bot_url=f"{address}/api/messages"))
        stand_in = fronts.jira or fronts.snow or fronts.asana
        if stand_in is not None:
            stand_in.notify(f"{address}/webhooks/{via}")
        if fronts.slack is not None:
            fronts.slack.hook_url = f"{address}/webhooks/slack"
        http = await enter(httpx.AsyncClient(base_url=address, timeout=ANSWER_TIMEOUT_S))
        reader = await enter(open_reader(url))
        records = Records(reader, SystemClock(), SettingsDirectory(settings.people))
        yield World(settings, address, office, fronts, http, records)


def _keep_proxies_out() -> None:
    """A proxy of the environment must not stand between this process and itself."""
    known = os.environ.get("NO_PROXY", os.environ.get("no_proxy", ""))
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = ",".join(
        filter(None, [known, DEFAULT_HOST, "localhost"])
    )
