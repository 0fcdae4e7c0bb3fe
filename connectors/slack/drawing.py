"""Drawing: the message of one call, or of several that were proposed together. Pure."""

from __future__ import annotations

from collections.abc import Callable

from countersign.approvals.models import Request
from countersign.approvals.ports import RequestView
from countersign.connectors.slack.message import Drawn, drawn
from countersign.connectors.slack.together import NOBODY, Asked, members_of, together


def drawn_for(view: RequestView, page: Callable[[Request], str], asked: Asked = NOBODY) -> Drawn:
    """What stands in the message of this view; see `message.drawn` and `together.together`."""
    if members_of(view):
        return together(view, page, asked).drawn
    return drawn(view, page)


def is_whole(view: RequestView, page: Callable[[Request], str], calls: str = "") -> bool:
    """Whether all of this call was shown in the message that shows these `calls`, "" for it alone;
    what a button says of that can make it less, and never more, than the message itself."""
    beside = view.model_copy(update={"calls": calls})
    if members_of(beside):
        return view.request.id in together(beside, page).whole
    return drawn(view, page).complete
