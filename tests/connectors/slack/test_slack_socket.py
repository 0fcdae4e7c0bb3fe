"""Socket Mode: what people do arrives through a connection of ours, and is answered there."""

from __future__ import annotations

import asyncio
from pathlib import Path

from countersign.approvals.models import RequestStatus
from countersign.connectors.slack.settings import SlackSettings
from countersign.connectors.slack.socket import listening
from countersign.sandbox.slack.server import APP_TOKEN
from tests.connectors.slack.slack_world import ALEX, in_slack, section


async def test_votes_arrive_through_the_socket(tmp_path: Path) -> None:
    """Also after the connection was lost; what is no interaction is acknowledged and nothing."""
    async with in_slack(tmp_path) as world:
        slack = world.slack
        settings = SlackSettings.model_validate(section(slack, app_token=APP_TOKEN))
        slack.hook_url = "http://127.0.0.1:9/nowhere"
        async with listening(settings, world.answers):
            async with asyncio.timeout(30):
                await slack.connected.wait()
            request, message = await world.shown()
            form = await world.form(message, ALEX, "reject")
            answer = await slack.submit(form, {"text": "Too much."})
            nothing = await slack.send({"type": "block_actions"})

        assert {} == answer == nothing
        assert RequestStatus.REJECTED is (await world.now(request)).status
        assert [] == slack.complaints
