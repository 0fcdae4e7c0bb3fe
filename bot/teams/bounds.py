"""Refusals under load, said in the way that each kind of activity understands."""

from __future__ import annotations

from countersign.approvals.errors import BusyError
from countersign.bot.http.lanes import Kind
from countersign.bot.teams.adapter import Handler, InvokeAnswer
from countersign.bot.teams.clicks import is_submit
from countersign.bot.teams.wire import IncomingActivity
from countersign.connectors.system import Admission

_ERROR_TYPE = "application/vnd.microsoft.error"


def bounded(handler: Handler, limits: Admission) -> Handler:
    """`handler`, with clicks before messages and nobody too often.

    A click that is too much is answered in words that the client shows, and everything else by a
    BusyError (429), which the channel takes for a message that did not arrive.
    """

    async def admitted(activity: IncomingActivity) -> InvokeAnswer | None:
        decides = activity.type == "invoke" or is_submit(activity.value)
        sender = f"{activity.channel_id}:{activity.sender.aad_object_id or activity.sender.id}"
        try:
            async with limits.admitted(Kind.VOTES if decides else Kind.STARTS, sender):
                return await handler(activity)
        except BusyError as error:
            if activity.type != "invoke":
                raise
            return refusal(429, "TooManyRequests", f"Nothing was decided. {error}")

    return admitted


def refusal(status: int, code: str, message: str) -> InvokeAnswer:
    """The error body of universal actions; it leaves the card as it is.

    Sources: learn.microsoft.com, "Universal Actions for Adaptive Cards", response format, read
    2026-11-22; any HTTP status may stand in it: "AdaptiveCardInvokeResponseFactory.Error Method",
    read 2026-11-25. Where the whole request is answered with an error, or not within 10 to 15
    seconds, the client says only that something went wrong, and nothing is sent again.
    """
    value = {"code": code, "message": message}
    return InvokeAnswer({"statusCode": status, "type": _ERROR_TYPE, "value": value})
