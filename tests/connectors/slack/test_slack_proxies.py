"""A proxy of the environment: Slack is called through it, unless NO_PROXY names it."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from countersign.connectors.slack.client import SlackClient
from countersign.connectors.slack.settings import SlackSettings

pytestmark = pytest.mark.asyncio
PROXY = "http://proxy.contoso.example:3128"


@pytest.mark.parametrize(
    ("url", "no_proxy", "expected"),
    [
        ("https://slack.com/api/", "", PROXY),
        ("https://slack.com/api/", "contoso.example", PROXY),
        ("https://slack.com/api/", "contoso.example,slack.com", None),
        ("https://slack.com/api/", "*", None),
        ("http://127.0.0.1:8803/api/", "", None),
        ("http://localhost:8803/api/", "", None),
    ],
)
async def test_no_proxy_is_heeded(
    monkeypatch: pytest.MonkeyPatch, url: str, no_proxy: str, expected: str | None
) -> None:
    for name in ("HTTPS_PROXY", "HTTP_PROXY"):
        monkeypatch.setenv(name, PROXY)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, no_proxy)
    settings = SlackSettings(team_id="T024BE7LD", token=SecretStr("xoxb-no"), api_url=url)

    async with SlackClient.open(settings) as client:
        assert expected == client._web.proxy
