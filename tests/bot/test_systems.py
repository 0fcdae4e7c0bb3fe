"""A system that this product does not know: its descriptor is all that the rest needs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

import countersign.bot.cli.doctor as command
from countersign.approvals.errors import ConfigurationError
from countersign.approvals.forms.systems import system_words
from countersign.approvals.models import Value
from countersign.bot.serving import serving
from countersign.bot.settings.sections import Settings
from countersign.bot.systems import SYSTEMS
from countersign.connectors.system import Deployment, Inbound, Opened, Route, System
from tests.bot.settings.test_settings import Document, good, load, problems
from tests.doubles.channel import FakeChannel


class PagerSettings(Value):
    """The section of the toy."""

    number: str


class Pager:
    """Opens the toy, and keeps what happened to it."""

    def __init__(self) -> None:
        self.happened: list[str] = []
        self.approvers: list[str] = []
        self.is_open_to_anybody = False

    @asynccontextmanager
    async def open(self, settings: PagerSettings, given: Deployment) -> AsyncIterator[Opened]:
        self.happened.append(f"opened {settings.number}")
        self.approvers = [person.id for person in given.approvers]
        try:
            yield Opened(FakeChannel("pager"), listen=self.listen, self_test=self.self_test)
        finally:
            self.happened.append("closed")

    @asynccontextmanager
    async def listen(self, inbound: Inbound) -> AsyncIterator[Sequence[Route]]:
        async def heard(_: web.Request) -> web.StreamResponse:
            async with inbound.limits.admitted("votes", "pager"):
                return web.json_response([info.name for info in inbound.workflows])

        self.happened.append("listens")
        yield (Route("POST", "/webhooks/pager", heard),)
        self.happened.append("listens no more")

    async def self_test(self, url: str) -> None:
        self.happened.append("tried")
        if self.is_open_to_anybody:
            raise ConfigurationError([f"{url}/webhooks/pager lets anybody in"])

    def system(self) -> System[PagerSettings]:
        return System(
            name="pager", words="Pager", identity="badge", settings=PagerSettings, open=self.open
        )


@pytest.fixture
def pager() -> Pager:
    return Pager()


def document(tmp_path: Path) -> Document:
    written = good()
    written["people"][0]["identities"]["badge"] = "B-7"
    written["connectors"] = {"pager": {"number": "555-0100"}}
    written["policy"]["tools"] = {
        "push_quote": {"effect": "require_approval", "roles": ["manager"], "channels": ["pager"]},
        "send_quote": "deny",
        "lookup_customer": "allow",
    }
    written["workflows"] = {"modules": ["countersign.examples.crm_update"], "settings": {
        "crm_url": "http://127.0.0.1:9", "crm_api_key": {"env": "CRM_KEY"},
        "smtp_host": "127.0.0.1", "smtp_port": 9, "mail_from": "x@example.com",
    }}  # fmt: skip
    return written


def settings(tmp_path: Path, pager: Pager) -> Settings:
    url = f"sqlite:///{tmp_path}/x.db"
    return load(tmp_path, document(tmp_path), database_url=url, systems=(*SYSTEMS, pager.system()))


async def test_is_opened_heard_and_closed(tmp_path: Path, pager: Pager) -> None:
    async with (
        serving(settings(tmp_path, pager), host="127.0.0.1", port=0) as url,
        aiohttp.ClientSession() as client,
        client.post(f"{url}/webhooks/pager") as answer,
    ):
        said = await answer.json()

    assert ["crm_update"] == said
    assert ["alex"] == pager.approvers
    assert ["opened 555-0100", "listens", "tried", "listens no more", "closed"] == pager.happened
    assert "Pager" == system_words("pager")


async def test_server_does_not_start_if_its_endpoint_lets_anybody_in(
    tmp_path: Path, pager: Pager
) -> None:
    pager.is_open_to_anybody = True
    with pytest.raises(ConfigurationError, match="webhooks/pager lets anybody in"):
        async with serving(settings(tmp_path, pager), host="127.0.0.1", port=0):
            pass

    assert "closed" == pager.happened[-1]


async def test_doctor_asks_it_as_the_server_would(
    tmp_path: Path, pager: Pager, capsys: pytest.CaptureFixture[str]
) -> None:
    found = settings(tmp_path, pager)
    (each,) = [each for each in found.systems if each.name == "pager"]
    is_well = await command._system(each, found)

    assert is_well
    assert "ok  Pager, channel: shows what it is given" in capsys.readouterr().out
    assert ["opened 555-0100", "closed"] == pager.happened


def test_without_it_its_keys_are_unknown(tmp_path: Path) -> None:
    said = problems(tmp_path, document(tmp_path))

    known = "jira, servicenow, asana, email, slack, webhook"
    assert f"connectors.pager: unknown system; known are {known}." in said
    assert "identities.badge: unknown kind of identity" in said


def test_its_settings_are_checked(tmp_path: Path, pager: Pager) -> None:
    written = document(tmp_path)
    written["connectors"]["pager"] = {"nummer": "x"}
    said = problems(tmp_path, written, systems=(*SYSTEMS, pager.system()))

    assert "connectors.pager.nummer: unknown key; did you mean number?" in said
    assert "connectors.pager.number: is missing" in said
