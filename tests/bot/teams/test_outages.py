"""What Microsoft's libraries raise when something is down: an outage like any other.

MSAL 1.39 raises `MsalServiceError`, a plain Exception, when Entra's token endpoint answers 5xx; the
real MSAL runs here, above a double of that endpoint.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from botframework.connector.auth import MicrosoftAppCredentials
from msal import ConfidentialClientApplication
from msal.exceptions import MsalServiceError
from structlog.testing import capture_logs

from countersign.approvals.decisions.outbox import DELIVER
from countersign.approvals.errors import UnavailableError
from countersign.approvals.models import DeliveryStatus
from countersign.bot.cli.doctor import _run
from countersign.bot.settings.sections import Settings
from countersign.bot.teams import keys
from countersign.bot.teams.retry import Retry
from tests.bot.teams.stage import Stage, no_tokens_from_microsoft, stage
from tests.bot.teams.test_sending import HELLO, reference

pytestmark = pytest.mark.asyncio
REAL = MicrosoftAppCredentials.get_access_token
HOST = "https://login.microsoftonline.com/t"


class Answer:
    """An answer as MSAL reads it."""

    def __init__(self, status: int, text: str) -> None:
        self.status_code, self.text = status, text
        self.headers: dict[str, str] = {}


class Entra:
    """What MSAL asks for an HTTP client to be."""

    def __init__(self, status: int, text: str) -> None:
        self._answer = Answer(status, text)

    def get(self, url: str, **_: Any) -> Answer:
        found = {"authorization_endpoint": f"{HOST}/a", "token_endpoint": f"{HOST}/token"}
        return Answer(200, json.dumps({**found, "issuer": f"{HOST}/v2.0"}))

    def post(self, url: str, **_: Any) -> Answer:
        return self._answer

    def close(self) -> None:
        """Nothing."""


def entra(monkeypatch: pytest.MonkeyPatch, status: int, text: str) -> None:
    """Let Entra's token endpoint answer so."""

    def token(_self: object, force_refresh: bool = False) -> Any:
        credentials = MicrosoftAppCredentials("app", "secret")
        credentials.app = ConfidentialClientApplication(
            "app", client_credential="secret", authority=HOST, http_client=Entra(status, text)
        )
        return REAL(credentials)

    monkeypatch.setattr(MicrosoftAppCredentials, "get_access_token", token)


DOWN = json.dumps({"error": "temporarily_unavailable"})
ANSWERS = [(500, DOWN), (502, "<html>"), (503, DOWN), (504, ""), (200, "<html>"), (200, "{}")]


@pytest.mark.parametrize(("status", "text"), ANSWERS)
async def test_check_says_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, text: str
) -> None:
    async with stage(tmp_path) as world:
        entra(monkeypatch, status, text)
        with pytest.raises(UnavailableError, match="access token"):
            await world.channel.check()


async def test_delivery_shows_it_and_is_made_soon_after(
    signed: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = await reference(signed)
    entra(monkeypatch, 503, DOWN)
    (await (await signed.adapter.library()).clients._shared_tokens()).forget()

    with pytest.raises(UnavailableError, match="msal: MsalServiceError"):
        await signed.adapter.send(where, HELLO)
    with capture_logs() as logs:
        request = await signed.pending()
    (delivery,) = await signed.records.deliveries(request.id)
    assert delivery.next_at is not None

    assert "MsalServiceError" in str(delivery.error)
    assert 2 == (delivery.next_at - signed.clock.now()).total_seconds()
    assert 1 == [line["event"] for line in logs].count("channel unreachable")

    no_tokens_from_microsoft(monkeypatch)
    signed.clock.advance(seconds=2)
    with capture_logs() as logs:
        await signed.jobs._handlers[DELIVER](delivery.id)
    (delivery,) = await signed.records.deliveries(request.id)

    assert (DeliveryStatus.LIVE, None) == (delivery.status, delivery.error)
    assert 1 == [line["event"] for line in logs].count("channel reachable again")


class StrangeError(Exception):
    """As libraries raise them that nobody has heard of."""


async def test_whatever_the_library_raises_is_unavailable_and_named() -> None:
    async def call() -> None:
        raise StrangeError("Bearer abc")

    with pytest.raises(UnavailableError, match="StrangeError") as caught:
        await Retry().run("post a message", call)

    assert "abc" not in str(caught.value)


async def test_keys_in_a_strange_form_are_fetched_again_a_little_later(
    signed: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is found there is whatever somebody has put there."""

    def odd(_jwk: object) -> Any:
        raise StrangeError

    monkeypatch.setattr(keys, "_signing_key", odd)
    found = (await signed.adapter.library()).auth._extractor.open_id_metadata
    found._keys = {}
    found._next_try_at = float("-inf")
    with pytest.raises(UnavailableError, match="StrangeError"):
        await found.get("unknown")
    with pytest.raises(PermissionError):
        await found.get("unknown")


async def test_doctor_reports_it_and_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    async def fails(_settings: Settings) -> str:
        raise MsalServiceError("HTTP Error: 503", error=None, error_description=None)

    check: Callable[[Settings], Awaitable[str]] = fails
    done = await _run("Microsoft Teams", check, None)  # type: ignore[arg-type]

    assert done is False
    assert "msal: MsalServiceError" in capsys.readouterr().out
