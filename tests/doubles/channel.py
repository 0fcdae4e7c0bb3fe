"""A place where people see requests: it keeps what it was shown, and fails when told to."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from countersign.approvals.errors import NotFoundError
from countersign.approvals.models import (
    CALLS,
    Conversation,
    Delivery,
    JsonObject,
    Notice,
    Placing,
)
from countersign.approvals.ports import Prompt, RequestView
from countersign.approvals.tickets import CheckResult
from tests.doubles.transactions import outside


class FakeChannel:
    """Implements `approvals.ports.Channel`, with one card for each post.

    `failures` are raised by the next attempts, first in, first out. A request is shown to each
    approver, or in the conversation of the session if `in_conversation`.
    """

    def __init__(self, name: str = "teams", *, in_conversation: bool = False):
        self.name = name
        kinds = {"personal", "group", "channel"} if in_conversation else set[str]()
        self.placing = Placing(where_it_began=frozenset(kinds))
        self.failures: deque[Exception] = deque()
        self.cards: dict[str, RequestView] = {}
        """What each card shows now, by card id."""
        self.posted: list[tuple[str, str]] = []
        """Request id and target of each card, in order."""
        self.updated: list[str] = []
        """Card ids, in order."""
        self.said: list[tuple[str, str]] = []
        """Conversation key and text, in order."""
        self.reminded: list[tuple[str, str, Prompt]] = []
        """Card id, target and prompt of each reminder, in order."""
        self.lists: list[tuple[str, list[str]]] = []
        """Target and request ids of each list, in order."""
        self.updates = False
        """Whether it can change a message of progress."""
        self.messages: list[str] = []
        """Those of a channel that can: what each says now."""
        self.hold: asyncio.Event | None = None
        """While set and not released, a post hangs after its card has appeared."""
        self.appeared = asyncio.Event()
        self.busy_for_s = 0.0
        self.more: JsonObject = {}
        """What else a reference has."""

    async def post(self, delivery: Delivery, view: RequestView) -> JsonObject:
        """Show a new card."""
        outside("A channel")
        self._fail()
        card = f"card-{len(self.posted) + 1}"
        self.cards[card] = view
        self.posted.append((view.request.id, delivery.target))
        self.appeared.set()
        if self.hold is not None:
            await self.hold.wait()
        calls = {CALLS: view.calls} if view.calls else {}
        return {"card": card, "target": delivery.target, **calls, **self.more}

    async def post_list(self, delivery: Delivery, views: Sequence[RequestView]) -> JsonObject:
        """Keep which requests stand in it."""
        outside("A channel")
        self._fail()
        self.lists.append((delivery.target, [view.request.id for view in views]))
        return {"list": len(self.lists), "target": delivery.target}

    async def update(self, delivery: Delivery, view: RequestView) -> None:
        """Show `view` on the card of the delivery."""
        outside("A channel")
        self._fail()
        reference = delivery.reference or {}
        if "list" in reference:
            return
        card = str(reference.get("card"))
        if card not in self.cards:
            raise NotFoundError(f"There is no card {card}.")
        self.cards[card] = view
        self.updated.append(card)

    def busy_s(self, delivery: Delivery) -> float:
        """As long as was set."""
        outside("A channel")
        return self.busy_for_s

    async def say(self, conversation: Conversation, notice: Notice) -> JsonObject | None:
        """Post a text; or add it to the message of its progress, where `updates`."""
        outside("A channel")
        self._fail()
        self.said.append((conversation.key, notice.text))
        if not self.updates:
            return None
        if notice.reference is None:
            self.messages.append(notice.text)
            return {"message": len(self.messages) - 1}
        self.messages[notice.reference["message"]] = "\n".join([*notice.before, notice.text])
        return notice.reference

    async def remind(self, delivery: Delivery, view: RequestView, prompt: Prompt) -> None:
        """Keep which card it is beneath, and what it is."""
        outside("A channel")
        self._fail()
        card = str((delivery.reference or {}).get("card"))
        self.reminded.append((card, delivery.target, prompt))

    def over(self, delivery: Delivery, view: RequestView) -> bool:
        """As cards are."""
        outside("A channel")
        return view.is_over

    async def check(self) -> Sequence[CheckResult]:
        """Fails as the next attempt would."""
        outside("A channel")
        self._fail()
        return (CheckResult(name="channel", ok=True, said="shows what it is given"),)

    def _fail(self) -> None:
        if self.failures:
            raise self.failures.popleft()
