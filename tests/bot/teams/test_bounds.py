"""What the bot does with what is too much: clicks are told in words, the rest by 429."""

from __future__ import annotations

import pytest

from countersign.approvals.errors import BusyError
from countersign.approvals.models import JsonObject
from countersign.bot.http.lanes import Kind, Limits
from countersign.bot.http.settings import LaneLimit, LimitsSettings, RateLimit
from countersign.bot.teams.adapter import InvokeAnswer
from countersign.bot.teams.bounds import bounded
from countersign.bot.teams.wire import IncomingActivity

pytestmark = pytest.mark.asyncio
FULL = LaneLimit(at_once=1, queue=0)
ANSWERED = InvokeAnswer({"statusCode": 200})


def activity(kind: str, sender: str = "alex", **more: object) -> IncomingActivity:
    value: JsonObject = {"type": kind, "channelId": "msteams", "from": {"id": sender}, **more}
    return IncomingActivity.model_validate(value)


async def answered(activity: IncomingActivity) -> InvokeAnswer:
    return ANSWERED


async def test_a_click_that_is_too_much_is_told_so_in_words_that_the_client_shows() -> None:
    limits = Limits(LimitsSettings(votes=FULL))
    click = bounded(answered, limits)
    async with limits.admitted(Kind.VOTES, "somebody"):
        refused = await click(activity("invoke"))

    assert refused is not None
    assert (200, 429) == (refused.status, refused.body["statusCode"])
    assert "application/vnd.microsoft.error" == refused.body["type"]
    assert refused.body["value"]["message"].startswith("Nothing was decided.")
    assert await click(activity("invoke")) == ANSWERED


@pytest.mark.parametrize(
    ("lane", "more"),
    [(Kind.STARTS, {"text": "quote for Contoso"}), (Kind.VOTES, {"value": {"request": "R1"}})],
)
async def test_a_message_that_is_too_much_is_a_429(lane: Kind, more: JsonObject) -> None:
    limits = Limits(LimitsSettings.model_validate({str(lane): FULL}))
    async with limits.admitted(lane, "somebody"):
        with pytest.raises(BusyError):
            await bounded(answered, limits)(activity("message", **more))


async def test_one_sender_who_clicks_too_often_does_not_hold_up_the_others() -> None:
    click = bounded(answered, Limits(LimitsSettings(person=RateLimit(per_s=0.001, burst=1))))
    statuses = [await click(activity("invoke", who)) for who in ("alex", "alex", "megan")]

    assert [200, 429, 200] == [answer.body["statusCode"] for answer in statuses if answer]
