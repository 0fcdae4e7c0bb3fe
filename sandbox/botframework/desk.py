"""The people in Teams, from another process: what they write, see and click."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from countersign.sandbox.desk import NotDoneError
from countersign.sandbox.remote import Remote

ALEX = "Alex Wilber"


@dataclass(frozen=True)
class Card:
    """A message of the bot about a request, as it is shown now."""

    id: str
    conversation: str
    verbs: tuple[str, ...]
    """What can be clicked on it."""
    text: str


class TeamsDesk:
    """Who is in the same process has all of it, and more, as `BotFramework`."""

    def __init__(self, at: Remote):
        self._at, self._since = at, 0
        self._undelivered: dict[str, Any] = {}

    def forget(self) -> None:
        """See only what is written or changed from now on."""
        self._since = self._read()["changes"]

    def activities(self) -> list[dict[str, Any]]:
        """What was written, by people and the bot, as it is shown now."""
        found: list[dict[str, Any]] = self._read()["activities"]
        return found

    def write(self, text: str, person: str = ALEX) -> bool:
        """Somebody writes to the bot, and Teams delivers it again and again until it is answered,
        the same activity each time. False if it has not been answered yet."""
        before = {found["id"] for found in self.activities()}
        try:
            self._at.call("POST", "messages", {"from": person, "text": text})
        except NotDoneError:
            mine = [f for f in self.activities() if f["id"] not in before and not f["from_bot"]]
            self._undelivered = mine[0]["activity"]
            return False
        return True

    def deliver_again(self) -> bool:
        """The activity that was not answered, once more."""
        try:
            return bool(self._at.call("POST", "activity", self._undelivered)["status"] < 300)
        except NotDoneError:
            return False

    def cards(self, request: str) -> list[Card]:
        """Every card about the request."""
        return [
            Card(
                found["id"],
                found["conversation_id"],
                tuple(found["verbs"]),
                str(found["activity"]),
            )
            for found in self.activities()
            if found["from_bot"] and request in str(found["activity"].get("attachments"))
        ]

    def live(self, request: str) -> list[Card]:
        """Those on which it can still be decided."""
        return [card for card in self.cards(request) if "approve" in card.verbs]

    def click(
        self, card_id: str, verb: str = "approve", *, person: str = ALEX, **inputs: Any
    ) -> tuple[int, Any]:
        """Somebody clicks: the status of the bot's answer, and what it says. Raises NotDoneError,
        with 422 if the card has no such button any more."""
        body = {"from": person, "activity_id": card_id, "verb": verb, "inputs": inputs}
        answer = self._at.call("POST", "click", body)
        return int(answer["status"]), answer.get("body") or {}

    def decide(self, card: Card) -> bool:
        """Alex approves on it; whether the click was answered, whatever the answer."""
        try:
            return self.click(card.id)[0] < 300
        except NotDoneError as error:
            return error.status == 422

    def _read(self) -> dict[str, Any]:
        found: dict[str, Any] = self._at.call("GET", f"activities?after={self._since}")
        return found
