"""The people in Teams beside a running stack: what they write, see and click."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from tests.stack import Stack

ALEX = "Alex Wilber"


@dataclass(frozen=True)
class Card:
    """A message of the bot about a request, as it is shown now."""

    id: str
    verbs: tuple[str, ...]
    """What can be clicked on it."""
    text: str


class TeamsDesk:
    """The stand-in of Teams, over its switches."""

    def __init__(self, one: Stack):
        self._url, self._http = str(one.people["url"]), one.http
        self._since = 0

    def _post(self, what: str, **body: Any) -> httpx.Response:
        return self._http.post(f"{self._url}/_sandbox/{what}", json=body)

    def _read(self) -> dict[str, Any]:
        answer = self._http.get(f"{self._url}/_sandbox/activities?after={self._since}")
        found: dict[str, Any] = answer.json()
        return found

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
        if self._post("messages", **{"from": person, "text": text}).status_code == 200:
            return True
        mine = [f for f in self.activities() if f["id"] not in before and not f["from_bot"]]
        self._undelivered = mine[0]["activity"]
        return False

    def deliver_again(self) -> bool:
        """The activity that was not answered, once more."""
        answer = self._post("activity", **self._undelivered)
        return answer.status_code == 200 and answer.json()["status"] < 300

    def cards(self, request: str) -> list[Card]:
        """Every card about the request."""
        return [
            Card(found["id"], tuple(found["verbs"]), str(found["activity"]))
            for found in self.activities()
            if found["from_bot"] and request in str(found["activity"].get("attachments"))
        ]

    def live(self, request: str) -> list[Card]:
        """Those on which it can still be decided."""
        return [card for card in self.cards(request) if "approve" in card.verbs]

    def click(self, card: Card, verb: str = "approve", **inputs: Any) -> bool:
        """Alex clicks; whether the click was answered, whatever the answer."""
        body = {"from": ALEX, "activity_id": card.id, "verb": verb, "inputs": inputs}
        answer = self._post("click", **body)
        return answer.status_code == 422 or (
            answer.status_code == 200 and answer.json()["status"] < 300
        )
